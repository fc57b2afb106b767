// Claims 10, 34, 54: the window shifts by that count, and the shifted window is sent.

import { makePair, range } from './support'

const window = {
  size: 8,
  ackEvery: 8,
  acks: 'counted',
  ackTimeout: 100,
  resendTimeout: 60_000,
} as const

test('the base moves by k - 1, the gap is filled, new messages leave', async () => {
  const pair = await makePair({ window })
  pair.network.drop({
    from: pair.alice,
    frame: 'MESSAGE',
    channel: pair.id,
    sequence: 7,
    attempt: 1,
  })
  pair.send(1, 20)
  await pair.network.advance(15)
  expect(pair.sequences()).toEqual(range(1, 8))
  // T of 100 ms after the first receipt, and one way back.
  await pair.network.advance(104)
  expect(pair.counts().map(({ count }) => count)).toEqual([6])
  expect(pair.channel.stats().messagesAcknowledged).toBe(0)
  pair.network.clearPackets()
  await pair.network.advance(3)
  expect(pair.channel.stats().messagesAcknowledged).toBe(6)
  const sent = pair.sent()
  expect(sent.map(({ sequence }) => sequence)).toEqual([7, ...range(9, 14)])
  expect(sent.map(({ attempt }) => attempt)).toEqual([2, 1, 1, 1, 1, 1, 1])
  await pair.network.advance(5_000)
  pair.expectReceived(20)
})

test('a count of 0 shifts nothing', async () => {
  const pair = await makePair({ window })
  const rule = pair.network.drop({
    from: pair.alice,
    frame: 'MESSAGE',
    channel: pair.id,
    sequence: 1,
  })
  pair.send(1, 20)
  await pair.network.advance(1_000)
  expect(pair.counts().map(({ count }) => count)).toContain(0)
  expect(pair.channel.stats()).toMatchObject({ messagesAcknowledged: 0, messagesInFlight: 8 })
  expect(Math.max(...pair.sequences())).toBe(8)
  rule.remove()
  await pair.network.advance(70_000)
  pair.expectReceived(20)
})
