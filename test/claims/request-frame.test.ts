// Claim 24: the request names sequence numbers.

import { makePair } from './support'

test('the decoded frame shows them', async () => {
  const window = { size: 32, acks: 'counted', ackTimeout: 60_000, resendTimeout: 60_000 } as const
  const pair = await makePair({ window })
  for (const sequence of [3, 7, 8]) {
    pair.network.drop({
      from: pair.alice,
      frame: 'MESSAGE',
      channel: pair.id,
      sequence,
      attempt: 1,
    })
  }
  pair.send(1, 14)
  await pair.network.advance(15)
  const asked = pair
    .frames('REQUEST', pair.bob)
    .flatMap(({ channel, ranges }) => ranges.map(({ first, last }) => [channel, first, last]))
  expect(asked).toEqual([
    [pair.id, 3, 3],
    [pair.id, 7, 8],
  ])
  await pair.network.advance(100)
  pair.expectReceived(14)
})
