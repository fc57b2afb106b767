// Claims 7, 31, 51: the shifted window holds old and new messages.

import { makePair, range } from './support'

const window = { size: 8, ackEvery: 4, acks: 'counted', ackTimeout: 60_000 } as const

/** N messages are in flight, of which only the first M have come; more wait. */
async function shift(resend: 'missing' | 'all') {
  const pair = await makePair({ window: { ...window, resend } })
  for (const sequence of range(5, 8)) {
    pair.network.drop({
      from: pair.alice,
      frame: 'MESSAGE',
      channel: pair.id,
      sequence,
      attempt: 1,
    })
  }
  pair.send(1, 20)
  await pair.network.advance(2 * 10 - 1)
  expect(pair.sequences()).toEqual(range(1, 8))
  pair.network.clearPackets()
  await pair.network.advance(2)
  return pair
}

test('the window holds N - M messages already sent and M new ones', async () => {
  const pair = await shift('missing')
  expect(pair.channel.stats()).toMatchObject({
    messagesAcknowledged: 4,
    messagesInFlight: 8,
    window: 8,
  })
})

test("resend: 'missing' sends the new ones only", async () => {
  const pair = await shift('missing')
  expect(pair.sequences()).toEqual(range(9, 12))
  await pair.network.advance(5_000)
  pair.expectReceived(20)
})

test("resend: 'all' sends the old ones again with the new ones", async () => {
  const pair = await shift('all')
  expect(pair.sequences()).toEqual(range(5, 12))
  expect(pair.sent().map(({ attempt }) => attempt)).toEqual([2, 2, 2, 2, 1, 1, 1, 1])
  await pair.network.advance(5_000)
  pair.expectReceived(20)
})
