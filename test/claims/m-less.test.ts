// Claims 5, 29, 49: M < N.

import { makePair } from './support'

test("the acknowledgement comes before the window's end", async () => {
  const window = { size: 16, ackEvery: 3, acks: 'counted', ackTimeout: 60_000 } as const
  const pair = await makePair({ window })
  for (let number = 1; number <= 3; number++) {
    pair.send(number)
    await pair.network.advance(1)
  }
  await pair.network.advance(100)
  // Thirteen of the window were never sent.
  expect(pair.sequences()).toEqual([1, 2, 3])
  expect(pair.counts().map(({ count }) => count)).toEqual([3])
})
