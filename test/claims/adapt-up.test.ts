// Claims 14, 38, 58: good reliability raises both.

import { lastOf, stream } from './adapt'
import { makePair } from './support'

test.each([
  ['early', { min: 8, max: 200 }],
  ['counted', { min: 8, max: 200, acks: 'counted' }],
] as const)(
  '%s acknowledgements: when the loss ends both rise again, up to the ceiling',
  async (_, window) => {
    const pair = await makePair({ window, seed: 6, link: { loss: 0.2 } })
    const low = lastOf(await stream(pair, 6_000))
    expect([low.window, low.ackEvery]).toEqual([8, 2])
    pair.network.link(pair.alice, pair.bob, { delay: 10 })
    const samples = await stream(pair, 20_000)
    const high = lastOf(samples)
    expect([high.window, high.ackEvery]).toEqual([200, 100])
    for (const sample of samples) {
      expect(sample.window).toBeLessThanOrEqual(200)
      expect(sample.ackEvery).toBeLessThanOrEqual(sample.window)
    }
    // Step by step, not at once.
    const rising = new Set(samples.map((sample) => sample.window))
    expect(rising.size).toBeGreaterThan(4)
  },
)
