// Claims 13, 37, 57: poor reliability lowers both.

import { lastOf, stream } from './adapt'
import { makePair } from './support'

test.each([
  ['early', { min: 8 }],
  ['counted', { min: 8, acks: 'counted' }],
] as const)(
  '%s acknowledgements: at 20 %% loss N and M fall, never below the floor',
  async (_, window) => {
    const pair = await makePair({ window, seed: 4 })
    const { window: n, ackEvery: m } = lastOf(await stream(pair, 1_000))
    pair.network.link(pair.alice, pair.bob, { delay: 10, loss: 0.2 })
    const samples = await stream(pair, 4_000)
    const last = lastOf(samples)
    expect(last.window).toBeLessThan(n / 4)
    expect(last.ackEvery).toBeLessThan(m / 4)
    expect(last.window).toBe(8)
    expect(last.ackEvery).toBe(2)
    // And it was said on the wire, step by step, within the bounds.
    const said = pair.frames('WINDOW', pair.alice)
    expect(said.at(-1)).toMatchObject({ size: 8, ackEvery: 2 })
    expect(new Set(said.map(({ size }) => size)).size).toBeGreaterThan(4)
    for (const { size, ackEvery } of said) {
      expect(size).toBeGreaterThanOrEqual(8)
      expect(ackEvery).toBeGreaterThanOrEqual(1)
      expect(ackEvery).toBeLessThanOrEqual(size)
    }
    for (const sample of samples) {
      expect(sample.window).toBeGreaterThanOrEqual(8)
      expect(sample.ackEvery).toBeGreaterThanOrEqual(1)
      expect(sample.ackEvery).toBeLessThanOrEqual(sample.window)
      expect(sample.stats.messagesInFlight).toBeLessThanOrEqual(Math.max(sample.window, n))
    }
  },
)
