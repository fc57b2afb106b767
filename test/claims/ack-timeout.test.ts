// Claims 9, 33, 53: or a timeout from the first receipt of one of the N; the acknowledgement then carries the contiguous count.

import { delay, makePair } from './support'

const window = {
  size: 16,
  ackEvery: 8,
  acks: 'counted',
  ackTimeout: 200,
  resendTimeout: 60_000,
} as const

test('a gap at 4: after T the count is 3, and later arrivals do not put T off', async () => {
  const pair = await makePair({ window })
  pair.network.drop({ from: pair.alice, frame: 'MESSAGE', channel: pair.id, sequence: 4 })
  const start = pair.network.now
  for (let number = 1; number <= 10; number++) {
    pair.send(number)
    await pair.network.advance(15)
  }
  await pair.network.advance(200)
  const [first] = pair.counts()
  expect(first?.count).toBe(3)
  expect((first?.time ?? 0) - start).toBeCloseTo(delay + 200, 0)
})

test('fewer than M: after T the count is what came', async () => {
  const pair = await makePair({ window })
  pair.send(1, 5)
  const start = pair.network.now
  await pair.network.advance(delay + 199)
  expect(pair.counts()).toEqual([])
  await pair.network.advance(2)
  expect(pair.counts()).toEqual([{ time: expect.closeTo(start + delay + 200, 0), count: 5 }])
})

test('a count of 0 is said too', async () => {
  const pair = await makePair({ window })
  pair.network.drop({ from: pair.alice, frame: 'MESSAGE', channel: pair.id, sequence: 1 })
  pair.send(1, 4)
  await pair.network.advance(delay + 205)
  expect(pair.counts().map(({ count }) => count)).toEqual([0])
})

test('T runs again from the first receipt after it was over', async () => {
  const pair = await makePair({ window })
  pair.network.drop({ from: pair.alice, frame: 'MESSAGE', channel: pair.id, sequence: 2 })
  pair.send(1, 3)
  await pair.network.advance(1_000)
  expect(pair.counts().map(({ count }) => count)).toEqual([1])
  pair.network.clearPackets()
  const start = pair.network.now
  pair.send(4)
  await pair.network.advance(1_000)
  const again = pair.counts().filter(({ time }) => time > start)
  expect(again[0]).toEqual({ time: expect.closeTo(start + delay + 200, 0), count: 1 })
})
