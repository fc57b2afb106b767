// Two OS processes with a peer each.

import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import type { ChannelStats } from 'hawser'

const script = path.join(__dirname, 'children', 'service.cjs')
const installed = process.env.HAWSER_PACKAGE
const entry =
  installed === undefined
    ? path.join(__dirname, '..', '..', 'dist', 'index.js')
    : require.resolve('hawser', { paths: [installed] })

const running = new Set<ChildProcess>()
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
})

function start(...args: string[]): { lines: () => Promise<string>; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [script, entry, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  const waiting: ((line: string) => void)[] = []
  const lines: string[] = []
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) {
      const next = waiting.shift()
      if (next === undefined) lines.push(line)
      else next(line)
    }
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      running.delete(child)
      resolve(code)
    })
  })
  const line = () =>
    new Promise<string>((resolve) => {
      const ready = lines.shift()
      if (ready === undefined) waiting.push(resolve)
      else resolve(ready)
    })
  return { lines: line, ended }
}

export interface Report {
  readonly answers: readonly string[]
  readonly client: ChannelStats
  readonly server: ChannelStats
  readonly received: number
  /** Exit codes. */
  readonly codes: readonly (number | null)[]
}

/** One process sends `count` messages to another, which sends them back. */
export async function exchange(count: number): Promise<Report> {
  const server = start('serve')
  const address = await server.lines()
  const client = start('call', address, String(count))
  const [called, served] = [JSON.parse(await client.lines()), JSON.parse(await server.lines())]
  return {
    answers: called.answers,
    client: called.stats,
    server: served.stats,
    received: served.received,
    codes: await Promise.all([server.ended, client.ended]),
  }
}
