// Claims 4, 28, 48: N even, M = N / 2 (the default).

import { OptionError } from 'hawser'
import { makePair } from './support'

test('N = 8: acknowledgements at 4, 8, 12 ...', async () => {
  const pair = await makePair({ window: { size: 8, acks: 'counted', ackTimeout: 60_000 } })
  pair.send(1, 24)
  await pair.network.advance(1_000)
  pair.expectReceived(24)
  // What comes at once is acknowledged at once: a COUNT may stand for two.
  for (const { count } of pair.counts()) expect(count % 4).toBe(0)
  expect(pair.counts().at(-1)?.count).toBe(24)
  pair.network.clearPackets()
  for (let number = 25; number <= 40; number++) {
    pair.send(number)
    await pair.network.advance(1)
  }
  await pair.network.advance(100)
  expect(pair.counts().map(({ count }) => count)).toEqual([28, 32, 36, 40])
})

test('an odd N without M is refused, and says why', async () => {
  const { alice, bob } = await makePair()
  const opening = alice.open(bob.address, 'claim', { window: { size: 7 } })
  await expect(opening).rejects.toThrow(OptionError)
  await expect(opening).rejects.toThrow(/window\.size: got 7, allowed: an even number/)
})
