// Claims 23, 44, 64: the receiver may ask for named messages again.

import { makePair, range } from './support'

const window = { size: 32, acks: 'counted', ackTimeout: 60_000, resendTimeout: 60_000 } as const

test('asked for 3 and 7: exactly 3 and 7 come, before any timeout', async () => {
  const pair = await makePair({ window })
  pair.send(1, 10)
  await pair.network.advance(15)
  expect(pair.sequences()).toEqual(range(1, 10))
  pair.network.clearPackets()
  pair.network.inject(pair.bob, pair.alice, [
    {
      type: 'REQUEST',
      channel: pair.id,
      ranges: [
        { first: 3, last: 3 },
        { first: 7, last: 7 },
      ],
    },
  ])
  await pair.network.advance(50)
  expect(pair.sequences()).toEqual([3, 7])
  pair.expectReceived(10)
})

test('a receiver asks by itself, and what it lacks comes before any timeout', async () => {
  const pair = await makePair({ window })
  for (const sequence of [3, 7]) {
    pair.network.drop({
      from: pair.alice,
      frame: 'MESSAGE',
      channel: pair.id,
      sequence,
      attempt: 1,
    })
  }
  pair.send(1, 12)
  await pair.network.advance(100)
  const again = pair.sent().filter(({ attempt }) => attempt > 1)
  expect(again.map(({ sequence }) => sequence)).toEqual([3, 7])
  pair.expectReceived(12)
})

test('unknown numbers, and those acknowledged already, do no harm', async () => {
  const pair = await makePair({ window: { ...window, ackEvery: 4 } })
  pair.send(1, 8)
  await pair.network.advance(100)
  expect(pair.channel.stats().messagesAcknowledged).toBe(8)
  pair.network.clearPackets()
  pair.network.inject(pair.bob, pair.alice, [
    {
      type: 'REQUEST',
      channel: pair.id,
      ranges: [
        { first: 1, last: 8 },
        { first: 100, last: 200 },
      ],
    },
  ])
  await pair.network.advance(100)
  expect(pair.sequences()).toEqual([])
  pair.send(9, 12)
  await pair.network.advance(100)
  pair.expectReceived(12)
})
