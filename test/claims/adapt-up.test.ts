// Claims 14, 38, 58: good reliability raises both.

import { lastOf, stream } from './adapt'
import { makePair } from './support'

test.each([
  ['early', { min: 8, max: 200 }, 20_000],
  ['counted', { min: 8, max: 200, acks: 'counted' }, 9_000],
] as const)(
  '%s acknowledgements: when the loss ends both rise again, up to the ceiling',
  async (_, window, time) => {
    const pair = await makePair({
      window,
      seed: 6,
      link: { loss: 0.2 },
    })
    const low = lastOf(await stream(pair, 4_000))
    expect([low.window, low.ackEvery]).toEqual([8, 2])
    pair.network.link(pair.alice, pair.bob, { delay: 10 })
    const samples = await stream(pair, time)
    const high = lastOf(samples)
    expect([high.window, high.ackEvery]).toEqual([200, 100])
    for (const sample of samples) {
      expect(sample.window).toBeLessThanOrEqual(200)
      expect(sample.ackEvery).toBeLessThanOrEqual(sample.window)
    }
    // Step by step, not at once.
    const rising = new Set(samples.map((sample) => sample.window))
    expect(rising.size).toBeGreaterThan(4)
    const said = pair.frames('WINDOW', pair.alice)
    expect(said.at(-1)).toMatchObject({ size: 200, ackEvery: 100 })
    for (const { size, ackEvery } of said) {
      expect(size).toBeGreaterThanOrEqual(8)
      expect(size).toBeLessThanOrEqual(200)
      expect(ackEvery).toBeLessThanOrEqual(size)
    }
  },
)
