// `hawser demo` as a user runs it: its exit status, what it prints, and that it leaves nothing behind.

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const main = path.resolve(__dirname, '../../dist/cli/main.js')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-demo-'))
const file = path.join(folder, 'some bytes')
const content = randomBytes(300_001)

beforeAll(() => fs.writeFileSync(file, content))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
}

function start(...args: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output += chunk
  })
  return { child, output: () => output }
}

/** Waits for the end of the process and of everything that holds its output, so of its children too. */
function ended({ child, output }: ReturnType<typeof start>): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, output: output() }))
  })
}

test('a file arrives whole over a path that loses, duplicates and reorders', async () => {
  const { code, output } = await ended(
    start('demo', file, '--loss', '0.1', '--duplicate', '0.05', '--reorder', '0.05'),
  )
  const sum = createHash('sha256').update(content).digest('hex')
  expect(output).toContain(`sent      SHA-256 ${sum}  ${content.length} bytes`)
  expect(output).toContain(`received  SHA-256 ${sum}  ${content.length} bytes`)
  expect(output).toMatch(/messages sent again +[1-9]/)
  expect(output).toMatch(/\nequal\n$/)
  expect(code).toBe(0)
})

test('an empty file arrives too', async () => {
  const empty = path.join(folder, 'empty')
  fs.writeFileSync(empty, '')
  const { code, output } = await ended(start('demo', empty))
  expect(output).toMatch(/\nequal\n$/)
  expect(code).toBe(0)
})

test.each([
  [['demo', path.join(folder, 'absent')], /cannot read .*absent/],
  [['demo', folder], /not a file/],
  [['demo', file, '--loss', '2'], /0 to 1/],
  [['demo', file, '--delay', 'soon'], /milliseconds/],
  [['demo', file, '--message-bytes', '0'], /whole number/],
  [['nonsense'], /unknown command/],
])('%j says what is wrong', async (args, expected) => {
  const { code, output } = await ended(start(...args))
  expect(output).toMatch(expected)
  expect(code).toBe(1)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends all processes', async (signal) => {
  // So slow a path that it is not done before.
  const running = start('demo', file, '--delay', '200', '--loss', '0.3')
  await new Promise<void>((resolve) => {
    running.child.stdout?.on('data', () => {
      if (running.output().includes(' MB of ')) resolve()
    })
  })
  running.child.kill(signal)
  const { code, output } = await ended(running)
  expect(output).toMatch(/interrupted\n$/)
  expect(code).toBe(130)
})
