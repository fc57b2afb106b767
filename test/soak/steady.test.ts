// A million messages at 1 % loss, and the addon asks for no memory, on no thread.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { onLinux, run, sizesMatter } from '../support/processes'

jest.setTimeout(180_000)

interface Report {
  readonly messages: number
  /** Datagrams. */
  readonly lost: number
  /** Calls of malloc and its kin, and of operator new, from the addon's own code. */
  readonly ours: number
  /** From what the addon's code calls: Node.js, V8, and the OpenSSL in them. */
  readonly beneath: number
  /** From the rest of the process. */
  readonly elsewhere: number
  readonly sites: readonly { where: string; beneath: boolean; calls: number }[]
}

const messages = 1_000_000
const script = path.join(__dirname, 'children', 'steady.cjs')
const native = path.resolve(__dirname, '../../native')
const nodeHeaders = path.join(path.dirname(require.resolve('node-api-headers')), 'include')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-steady-'))
const hooks = path.join(folder, 'hooks.node')
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

// What replaces malloc is made for glibc, and sanitizers replace it themselves.
const report = process.report.getReport() as unknown as {
  readonly header: Readonly<Record<string, unknown>>
}
const possible = onLinux && 'glibcVersionRuntime' in report.header && sizesMatter

beforeAll(() => {
  if (!possible) return
  const sources = ['hooks.cc', 'node_addon.cc'].map((name) =>
    path.join(native, 'test', 'allocations', name),
  )
  const flags = ['-std=c++20', '-O1', '-shared', '-fPIC', '-fvisibility=hidden']
  const includes = [`-I${native}`, `-I${nodeHeaders}`]
  execFileSync(process.env.CXX ?? 'c++', [...flags, ...includes, ...sources, '-o', hooks, '-ldl'])
})

test.each(['hybrid', 'thread'])(
  '%s driver: once warm, the addon asks for no memory',
  async (driver) => {
    if (!possible) return
    const ending = await run(script, {
      args: [driver, String(messages), hooks, 'hawser.node'],
      // The functions come before the C library's.
      env: { LD_PRELOAD: hooks },
    })
    expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
    const windows: Report[] = JSON.parse(ending.stdout)
    for (const { messages, lost, ours, beneath, elsewhere } of windows) {
      process.stdout.write(
        `steady, ${driver}: ${messages} messages, ${lost} datagrams lost; calls: ${ours} of the addon, ` +
          `${beneath} beneath it, ${elsewhere} elsewhere\n`,
      )
    }
    const found = windows.at(-1) as Report
    expect(found.messages).toBe(messages)
    expect(found.lost).toBeGreaterThan(100)
    expect(found.ours).toBe(0)
    // The functions are in place: batches do make Node.js ask for some.
    expect(found.beneath).toBeGreaterThan(0)
  },
)
