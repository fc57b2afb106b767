// Other OS processes for tests: started, spoken to, and never left behind.

import { type ChildProcess, fork, type Serializable, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** How a process ended, and what it wrote. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** An error that crossed a process boundary. */
export interface TellTale {
  readonly name: string
  readonly code?: string
  readonly message: string
  readonly info?: {
    readonly by: string
    readonly unacknowledged: { first: number; count: number } | null
  }
}

/** A call in a child failed. */
export class CallError extends Error {
  readonly tale: TellTale

  constructor(call: string, tale: TellTale) {
    super(`${call}: ${tale.name} ${tale.code ?? ''} ${tale.message}`)
    this.tale = tale
  }
}

/** Far longer than anything here takes on the slowest machine; only for a message that says what hung. */
const patience = 100_000

const running = new Set<ChildProcess>()
/** Those that live for a whole file of tests. */
const kept = new Set<ChildProcess>()

async function killAll(children: Set<ChildProcess>): Promise<void> {
  const ending = [...children].map((child) => endOf(child))
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(ending)
}

afterEach(() => killAll(running))
afterAll(() => killAll(kept))

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('close', () => resolve()))
}

/** Resolves when `child` has ended and everything that it wrote was read. */
function watch(
  child: ChildProcess,
  keep = false,
): { ended: Promise<Ending>; written: () => string } {
  const set = keep ? kept : running
  set.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      set.delete(child)
      resolve({ code, signal, stdout, stderr })
    })
  })
  return { ended, written: () => `${stdout}${stderr}` }
}

export interface RunOptions {
  readonly node?: readonly string[]
  readonly args?: readonly string[]
  /** A command that runs the command that follows it, as `ip netns exec NAME`. For `Child` alone. */
  readonly prefix?: readonly string[]
  /** Beside the variables of this process. For `run` alone. */
  readonly env?: Readonly<Record<string, string>>
  /** Lives until the last test of the file, not just this one. */
  readonly keep?: boolean
  /** Called with each line of its standard output. */
  readonly onLine?: (line: string, child: ChildProcess) => void
}

/** Runs a script in a process of its own, to its end. What hangs is killed, and the test fails. */
export async function run(script: string, options: RunOptions = {}): Promise<Ending> {
  const child = spawn(
    process.execPath,
    [...(options.node ?? []), script, ...(options.args ?? [])],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } },
  )
  const { ended, written } = watch(child)
  if (options.onLine !== undefined) {
    let rest = ''
    child.stdout.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) options.onLine?.(line, child)
    })
  }
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    child.kill('SIGKILL')
  }, patience)
  const ending = await ended
  clearTimeout(timer)
  if (hung) throw new Error(`${path.basename(script)} did not end:\n${written()}`)
  return ending
}

type Answer = { id: number; value?: unknown; error?: TellTale }

/** A process whose functions can be called; see children/remote.cjs for the other side. */
export class Child {
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(e: Error): void }>()
  #calls = 0

  constructor(script: string, options: RunOptions = {}) {
    const [execPath = process.execPath, ...execArgv] = [
      ...(options.prefix ?? []),
      process.execPath,
      ...(options.node ?? []),
    ]
    this.#child = fork(script, options.args ?? [], {
      execPath,
      execArgv,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    })
    const { ended } = watch(this.#child, options.keep)
    this.ended = ended
    this.#child.on('message', (message) => this.#onAnswer(message as Answer))
    void ended.then(({ code, signal, stderr }) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`the process ended (${code ?? signal}):\n${stderr}`))
      }
      this.#waiting.clear()
    })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Calls one of its functions. */
  call<T = void>(name: string, argument?: unknown): Promise<T> {
    const id = ++this.#calls
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new Error(`no answer to ${name} for ${patience / 1000} s`))
      }, patience)
      const settle =
        <V>(done: (value: V) => void) =>
        (value: V) => {
          clearTimeout(timer)
          done(value)
        }
      this.#waiting.set(id, {
        resolve: settle(resolve as (value: unknown) => void),
        reject: settle(reject),
      })
      this.#child.send({ id, name, argument } as Serializable, (error) => {
        if (error === null || !this.#waiting.delete(id)) return
        clearTimeout(timer)
        reject(error)
      })
    })
  }

  #onAnswer({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    if (error === undefined) waiting.resolve(value)
    else waiting.reject(new CallError(`call ${id}`, error))
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** One of the numbers of /proc/PID/status, in bytes; `VmRSS` for instance. */
  status(field: string): number {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)
    if (match === null) throw new Error(`no ${field} in /proc/${this.pid}/status`)
    return Number(match[1]) * 1024
  }

  /** The state letter of /proc/PID/stat: R, S, D, T … */
  state(): string {
    const text = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3)
  }
}

/** What a promise is expected to fail with, from a child. */
export async function failure(call: Promise<unknown>): Promise<TellTale> {
  try {
    await call
  } catch (error) {
    if (error instanceof CallError) return error.tale
    throw error
  }
  throw new Error('this was expected to fail')
}

/** Looks again and again until `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string) {
  const deadline = Date.now() + patience
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`did not happen: ${what}`)
    await pause(20)
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Under a sanitizer a process keeps what was freed for a while, and its size says nothing. */
export const sizesMatter = (process.env.HAWSER_SANITIZER ?? '') === ''

/** Tests that read /proc. */
export const onLinux = process.platform === 'linux'
