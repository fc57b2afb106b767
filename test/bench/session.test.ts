// Carrying a plan out: the place is made ready for each run, a TCP flow beside it has its share, and the side that has to listen does.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { openSessions, runPair } = bench('suite/pair')
const { contenders } = bench('suite/registry')
const { shareOf } = bench('suite/results')
const { carryOut } = bench('suite/session')
const { workloads } = bench('suite/workloads')

interface Named {
  readonly name: string
}

const named = (list: Named[], name: string) => list.find((item) => item.name === name)
const quiet = { run: () => {}, place: () => {} }
const net = named(contenders, 'net')
const w1 = named(workloads, 'w1')
// biome-ignore lint/suspicious/noExplicitAny: a plain object, without a type
const w5: any = named(workloads, 'w5')

test('the place is told the loss of each run before it begins', async () => {
  const events: unknown[] = []
  const open = async (name: string) => ({
    name,
    prepare: async ({ loss }: { loss?: number }) => events.push(['prepare', name, loss]),
    close: async () => events.push(['close', name]),
  })
  const group = (place: string, settings: object, runs: number) => ({
    workload: { name: 'w5' },
    place,
    settings: { seconds: 1, ...settings },
    order: Array.from({ length: runs }, (_, run) => ({ contender: { name: 'net' }, run })),
  })
  const groups = [group('wire', { loss: 0.01 }, 2), group('cable', { loss: 0.05 }, 1)]
  const run = async ({ place, settings }: { place: Named; settings: { loss: number } }) => {
    events.push(['run', place.name, settings.loss])
    return { megabytes: 1 }
  }
  const runs = await carryOut({ groups, report: quiet, open, run })
  expect(runs).toHaveLength(3)
  expect(events).toEqual([
    ['prepare', 'wire', 0.01],
    ['run', 'wire', 0.01],
    ['prepare', 'wire', 0.01],
    ['run', 'wire', 0.01],
    ['prepare', 'cable', 0.05],
    ['run', 'cable', 0.05],
    ['close', 'wire'],
    ['close', 'cable'],
  ])
})

test('the share is the part of both', () => {
  expect(shareOf({ megabytes: 1, tcpMegabytes: 3 })).toBe(0.25)
  expect(shareOf({ megabytes: 3, tcpMegabytes: 1 })).toBe(0.75)
  expect(shareOf({ megabytes: 0, tcpMegabytes: 5 })).toBe(0)
})

describe('beside a TCP flow', () => {
  /** In place of iperf3: whatever it is asked, it goes on until it is told to stop, and then reports `intervals`. */
  const flow = `#!/bin/sh
trap 'cat "$0.json"; exit' INT
while :; do sleep 0.05; done
`
  /** A minute of 5 MB/s. */
  const intervals = Array.from({ length: 240 }, (_, index) => ({
    sum: { start: index / 4, end: (index + 1) / 4, bytes: 1.25e6 },
  }))
  /** As the plan says it. */
  const { beside } = w5.cases.cable.find((variant: { beside?: unknown }) => variant.beside)
  let folder: string

  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-bench-'))
    fs.writeFileSync(path.join(folder, 'iperf3'), flow, { mode: 0o755 })
    fs.writeFileSync(path.join(folder, 'iperf3.json'), JSON.stringify({ intervals }))
  })

  afterAll(() => fs.rmSync(folder, { recursive: true }))

  test('a run has the rate of both, and its share', async () => {
    const prefix = ['env', `PATH=${folder}:${process.env.PATH}`]
    const spot = { host: '127.0.0.1', prefix }
    const place = {
      spot: { sender: spot, receiver: spot },
      prepare: async () => {},
      useController: () => {},
      close: async () => {},
    }
    const settings = { seconds: 0.1, warmUp: 0.02, count: 2000, beside }
    const order = [{ contender: net, run: 0 }]
    const groups = [{ workload: w1, place: 'cable', settings, order }]
    const [{ failure, metrics }] = await carryOut({
      groups,
      report: quiet,
      open: async () => place,
    })
    expect(failure).toBeUndefined()
    expect(metrics.tcpMegabytes).toBeCloseTo(5)
    expect(metrics.megabytes).toBeGreaterThan(0)
    expect(metrics.share).toBeCloseTo(metrics.megabytes / (metrics.megabytes + 5))
  })
})

describe('the side that listens', () => {
  const spot = { host: '127.0.0.1', prefix: [] }

  /** Which side listens and dials, after a session was opened. */
  async function sides(contender: object, workload: object) {
    interface Pair {
      sender: unknown
      listener: unknown
      dialler: unknown
    }
    return runPair({
      contender: { ...net, ...contender },
      workload: {
        ...w1,
        ...workload,
        async drive(pair: Pair) {
          const { sender, listener, dialler } = pair
          const role = (end: unknown) => (end === sender ? 'sender' : 'receiver')
          await openSessions(pair)
          return { listener: role(listener), dialler: role(dialler) }
        },
      },
      spot: { sender: spot, receiver: spot },
      settings: {},
    })
  }

  const usual = { listener: 'receiver', dialler: 'sender' }
  const swapped = { listener: 'sender', dialler: 'receiver' }

  test.each([
    ['the receiver', {}, {}, usual],
    ['the sender, where the contender wants it', { senderListens: true }, {}, swapped],
    [
      'the receiver all the same, where the workload needs it',
      { senderListens: true },
      { receiverListens: true },
      usual,
    ],
  ])('is %s', async (_, contender, workload, expected) => {
    expect(await sides(contender, workload)).toEqual(expected)
  })
})
