// Claims 3, 27, 47: the receiver acknowledges after M messages, M <= N.

import { makePair, type Pair } from './support'

/** Messages one after the other, each arriving alone. */
async function sendApart(pair: Pair, first: number, last: number): Promise<void> {
  for (let number = first; number <= last; number++) {
    pair.send(number)
    await pair.network.advance(1)
  }
}

const window = { size: 10, ackEvery: 4, acks: 'counted', ackTimeout: 60_000 } as const

test('no acknowledgement after M - 1 messages, one after M', async () => {
  const pair = await makePair({ window })
  await sendApart(pair, 1, 3)
  await pair.network.advance(5_000)
  expect(pair.received).toHaveLength(3)
  expect(pair.counts()).toEqual([])
  await sendApart(pair, 4, 4)
  await pair.network.advance(100)
  expect(pair.counts().map(({ count }) => count)).toEqual([4])
})

test('without loss there are messages / M acknowledgements', async () => {
  const pair = await makePair({ window })
  await sendApart(pair, 1, 40)
  await pair.network.advance(100)
  pair.expectReceived(40)
  expect(pair.counts().map(({ count }) => count)).toEqual([4, 8, 12, 16, 20, 24, 28, 32, 36, 40])
})

test('M may be N', async () => {
  const pair = await makePair({ window: { ...window, size: 6, ackEvery: 6 } })
  pair.send(1, 12)
  await pair.network.advance(100)
  pair.expectReceived(12)
  expect(pair.counts().map(({ count }) => count)).toEqual([6, 12])
})
