// `hawser demo`: a real file through a bad path, between two processes.

import { type ChildProcess, fork } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'
import { SingleBar } from 'cli-progress'
import { type Command, InvalidArgumentError } from 'commander'
import type { ImpairOptions } from '../options/peer'
import type { FromChild, Progress, ReceiverOrder, SenderOrder } from './demo_messages'
import { reportTable } from './demo_report'

interface DemoFlags {
  loss: number
  duplicate: number
  reorder: number
  delay: number
  jitter: number
  seed: number
  messageBytes: number
}

const INTERRUPTED = 130
const LINE_MILLISECONDS = 1000

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('send a file between two processes over a path that loses, delays, reorders')
    .argument('[file]', 'what to send', process.execPath)
    .option('--loss <part>', 'part of datagrams lost, each way', part, 0.05)
    .option('--duplicate <part>', 'part of datagrams sent twice', part, 0.01)
    .option('--reorder <part>', 'part of datagrams that overtake others', part, 0.01)
    .option('--delay <ms>', 'delay of the path, each way', milliseconds, 0.3)
    .option('--jitter <ms>', 'variation of the delay', milliseconds, 0.1)
    .option('--seed <n>', 'start of the random numbers', whole, 1)
    .option('--message-bytes <n>', 'size of a message', whole, 1024)
    .action(async (file: string, flags: DemoFlags) => {
      process.exitCode = await demo(file, flags)
    })
}

/** Returns the exit code: 0 only if both checksums are equal. */
async function demo(file: string, flags: DemoFlags): Promise<number> {
  const bytes = sizeOf(file)
  const { messageBytes, ...damage } = flags
  console.log(`sending ${file} (${megabytes(bytes)}) in messages of ${messageBytes} bytes`)
  console.log(`over UDP on this machine, each way: ${describe(damage)}`)
  const children: ChildProcess[] = []
  let interrupted = false
  const stop = () => {
    interrupted = true
    for (const child of children) if (child.connected) child.disconnect()
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  const display = new Display(bytes)
  try {
    const receiver = start(children)
    receiver.send({ role: 'receiver', impair: damage } satisfies ReceiverOrder)
    const { address } = await message(receiver, 'listening')
    const sender = start(children)
    sender.on('message', (from: FromChild) => {
      if (from.type === 'progress') display.show(from)
    })
    sender.send({
      role: 'sender',
      impair: { ...damage, seed: (damage.seed + 1) >>> 0 },
      file: path.resolve(file),
      messageBytes,
      address,
    } satisfies SenderOrder)
    const [sent, received] = await Promise.all([message(sender, 'done'), message(receiver, 'done')])
    display.finish()
    console.log(`sent      SHA-256 ${sent.sha256}  ${sent.bytes} bytes`)
    console.log(`received  SHA-256 ${received.sha256}  ${received.bytes} bytes`)
    console.log(reportTable(sent.service, received.service))
    const equal = sent.sha256 === received.sha256 && sent.bytes === received.bytes
    console.log(equal ? 'equal' : 'DIFFERENT')
    return equal ? 0 : 1
  } catch (error) {
    display.finish()
    if (interrupted) {
      console.log('interrupted')
      return INTERRUPTED
    }
    console.error(`hawser demo: ${error instanceof Error ? error.message : error}`)
    return 1
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    await Promise.all(children.map(ended))
  }
}

function sizeOf(file: string): number {
  try {
    accessSync(file, constants.R_OK)
    const found = statSync(file)
    if (!found.isFile()) throw new Error('not a file')
    return found.size
  } catch (error) {
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : error}`)
  }
}

function start(children: ChildProcess[]): ChildProcess {
  const child = fork(path.join(__dirname, 'demo_child.js'), { execArgv: [] })
  children.push(child)
  return child
}

/** The first message of this type; rejects if the child fails or ends before. */
function message<Type extends FromChild['type']>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<FromChild, { type: Type }>> {
  return new Promise((resolve, reject) => {
    child.on('message', (from: FromChild) => {
      if (from.type === type) resolve(from as Extract<FromChild, { type: Type }>)
      if (from.type === 'failed') reject(new Error([from.message, from.hint].join(' ').trim()))
    })
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(new Error(`a process of the demo ended early (${signal ?? `code ${code}`})`)),
    )
  })
}

/** Resolves when the child has ended; it does so once its IPC channel is closed. */
function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    if (child.connected) child.disconnect()
  })
}

/** A bar on a terminal, a line a second elsewhere. */
class Display {
  readonly #started = Date.now()
  readonly #total: number
  readonly #bar: SingleBar | undefined
  #lastLine = 0

  constructor(total: number) {
    this.#total = total
    if (!process.stdout.isTTY) return
    this.#bar = new SingleBar({
      format:
        '{bar} {percentage}% | {sent} of {all} | {rate}/s | N {N} M {M} | sent again {resent}',
      stream: process.stdout,
      hideCursor: true,
    })
    this.#bar.start(total, 0, this.#fields({ bytes: 0, window: 0, ackEvery: 0, resent: 0 }))
  }

  show(progress: Progress): void {
    const fields = this.#fields(progress)
    if (this.#bar !== undefined) {
      this.#bar.update(progress.bytes, fields)
      return
    }
    const last = progress.bytes === this.#total
    if (!last && Date.now() - this.#lastLine < LINE_MILLISECONDS) return
    this.#lastLine = Date.now()
    const { sent, all, rate, N, M, resent } = fields
    console.log(`${sent} of ${all} | ${rate}/s | N ${N} M ${M} | sent again ${resent}`)
  }

  finish(): void {
    this.#bar?.stop()
  }

  #fields({ bytes, window, ackEvery, resent }: Omit<Progress, 'type'>) {
    const seconds = Math.max(Date.now() - this.#started, 1) / 1000
    return {
      sent: megabytes(bytes),
      all: megabytes(this.#total),
      rate: megabytes(bytes / seconds),
      N: window,
      M: ackEvery,
      resent,
    }
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function describe(damage: ImpairOptions): string {
  const percent = (part = 0) => `${Number((part * 100).toFixed(2))} %`
  return [
    `${percent(damage.loss)} lost`,
    `${percent(damage.duplicate)} duplicated`,
    `${percent(damage.reorder)} reordered`,
    `${damage.delay} ± ${damage.jitter} ms late`,
    `seed ${damage.seed}`,
  ].join(', ')
}

function part(text: string): number {
  const value = Number(text)
  if (text === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('0 to 1')
  return value
}

function milliseconds(text: string): number {
  const value = Number(text)
  if (text === '' || !(value >= 0 && value <= 60_000)) {
    throw new InvalidArgumentError('milliseconds, 0 to 60000')
  }
  return value
}

function whole(text: string): number {
  const value = Number(text)
  if (text === '' || !Number.isInteger(value) || value < 1 || value > 0xffff_ffff) {
    throw new InvalidArgumentError('a whole number, 1 to 4294967295')
  }
  return value
}
