// Steps of a life, each in a process of its own that has to end by itself: with the code given here, without a signal,
// and without a word.

import path from 'node:path'
import { type Ending, onLinux, run } from '../support/processes'

jest.setTimeout(120_000)

const script = path.join(__dirname, 'children', 'steps.cjs')
const drivers = ['hybrid', 'thread'] as const

interface Options {
  readonly node?: readonly string[]
  readonly onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void
}

function live(step: string, driver: string, { node, onLine }: Options = {}): Promise<Ending> {
  return run(script, {
    args: [step, driver],
    ...(node && { node }),
    ...(onLine && { onLine: (line, child) => onLine(line, (signal) => child.kill(signal)) }),
  })
}

const clean = { code: 0, signal: null, stderr: '' }

describe.each(drivers)('%s driver', (driver) => {
  test.each([
    'exit-in-callback',
    'exit-in-timer',
    'exit-in-handler-of-exit',
    'exit-while-opening',
    'exit-with-workers',
  ])('%s: ends at once', async (step) => {
    expect(await live(step, driver)).toEqual({ ...clean, stdout: '' })
  })

  test.each([
    'throw-in-listener-caught',
    'handler-fails',
    'destroy-in-callback',
    'close-in-callback',
    'close-in-handler',
    'close-many-times',
    'create-and-close',
    'several-peers',
    'workers-end-by-themselves',
    'worker-terminated-in-transfer',
    'worker-exits-in-transfer',
    'left-open',
    'unref-lets-go',
    'closed-service-lets-go',
    'loop-blocked',
    'messages-transferred',
  ])('%s: comes to its end, and the process ends', async (step) => {
    expect(await live(step, driver)).toEqual({ ...clean, stdout: 'done\n' })
  })

  test('an exception in a listener ends the process as any other', async () => {
    const ending = await live('throw-in-listener', driver)
    expect(ending).toMatchObject({ code: 1, signal: null, stdout: '' })
    expect(ending.stderr).toContain('Error: on purpose')
  })

  test('peers that were dropped are collected, with their sockets', async () => {
    if (!onLinux) return
    const ending = await live('collected', driver, { node: ['--expose-gc'] })
    expect(ending).toEqual({ ...clean, stdout: 'done\n' })
  })

  test('memory of messages that is taken away by force is replaced', async () => {
    const ending = await live('messages-detached', driver, { node: ['--allow-natives-syntax'] })
    expect(ending).toEqual({ ...clean, stdout: 'done\n' })
  })

  test.each([
    ['service-keeps-alive', 'done\nalive\n'],
    ['channel-keeps-alive', 'done\nalive\n'],
    ['opening-keeps-alive', 'done\nCONNECT_TIMEOUT\n'],
  ])('%s', async (step, stdout) => {
    expect(await live(step, driver)).toEqual({ ...clean, stdout })
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends the process as it ends any other',
    async (signal) => {
      const ending = await live('serve-until-signal', driver, {
        onLine: (line, kill) => {
          if (line === 'up') kill(signal)
        },
      })
      expect(ending).toMatchObject({ code: null, signal, stderr: '' })
      expect(ending.stdout).toContain('up\n')
    },
  )

  test('a listener for SIGINT may close the peers', async () => {
    const ending = await live('close-on-signal', driver, {
      onLine: (line, kill) => {
        if (line === 'up') kill('SIGINT')
      },
    })
    expect(ending).toMatchObject(clean)
    expect(ending.stdout).toContain('closed\n')
  })
})

test('a process that loads the package and does not use it ends', async () => {
  expect(await live('never-used', 'hybrid')).toEqual({ ...clean, stdout: 'done\n' })
})

test('import and require share one instance', async () => {
  const ending = await run(path.join(__dirname, 'children', 'shared.mjs'))
  expect(ending).toEqual({ ...clean, stdout: 'done\n' })
})
