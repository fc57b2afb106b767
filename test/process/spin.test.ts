// `engine.spin`: the same in everything but how long a ping-pong takes.

import path from 'node:path'
import type { PeerStats } from '../../lib'
import { run } from '../support/processes'
import { type Driver, exchange, openChannel, type Pair, startPair } from './pair'

jest.setTimeout(120_000)

const drivers = ['hybrid', 'thread'] as const
const load = { up: { seed: 1, count: 3_000 }, down: { seed: 2, count: 3_000 } }

function startSpinning(driver: Driver): Promise<Pair> {
  const engine = { driver, spin: true }
  return startPair({ server: { engine }, client: { engine } })
}

async function spinsOf({ server, client }: Pair): Promise<number[]> {
  const stats = await Promise.all([
    server.call<PeerStats>('stats'),
    client.call<PeerStats>('stats'),
  ])
  for (const { spins, spinHits } of stats) expect(spinHits).toBeLessThanOrEqual(spins)
  return stats.map(({ spins }) => spins)
}

/** Messages to and fro, one at a time. */
async function pingPong(pair: Pair, rounds: number): Promise<void> {
  const ends = await openChannel(pair)
  for (let round = 0; round < rounds; round++) {
    const message = Buffer.from(`round ${round}`)
    await pair.client.call('writeOne', { channel: ends.client, message })
    const received = await pair.server.call<Uint8Array>('receiveOne', { channel: ends.server })
    expect(Buffer.from(received)).toEqual(message)
    await pair.server.call('writeOne', { channel: ends.server, message })
    const echo = await pair.client.call<Uint8Array>('receiveOne', { channel: ends.client })
    expect(Buffer.from(echo)).toEqual(message)
  }
}

describe.each(drivers)('%s driver', (driver) => {
  test('everything arrives once, in order and whole', async () => {
    const pair = await startSpinning(driver)
    await exchange(pair, load)
    await pingPong(pair, 20)
    for (const spins of await spinsOf(pair)) expect(spins).toBeGreaterThan(0)
  })

  test('an event loop that turns, but hears nothing, does not spin', async () => {
    const pair = await startSpinning(driver)
    await pingPong(pair, 5)
    const turn = () =>
      Promise.all([pair.server, pair.client].map((child) => child.call('turn', { turns: 200 })))
    // What was on its way when the last message arrived, delayed acknowledgements above all.
    await turn()
    const before = await spinsOf(pair)
    await turn()
    const after = await spinsOf(pair)
    // Something may come by itself, such as what keeps a session alive.
    for (const [index, spins] of after.entries()) {
      expect(spins - (before[index] as number)).toBeLessThan(10)
    }
  })

  test.each(['close', 'unref'])(
    'the event loop does its other work, and the process ends: %s',
    async (ending) => {
      const script = path.join(__dirname, 'children', 'spin.cjs')
      const { code, stdout, stderr } = await run(script, { args: [driver, ending] })
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'done\n', stderr: '' })
    },
  )
})

test('unasked, nothing spins', async () => {
  const pair = await startPair()
  await pingPong(pair, 5)
  expect(await spinsOf(pair)).toEqual([0, 0])
})
