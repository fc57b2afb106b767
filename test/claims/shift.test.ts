// Claims 6, 30, 50: an acknowledgement of M shifts the window by M and sends what the shifted window holds.

import { makePair, range } from './support'

test('the base moves by M, and M new messages leave without waiting for N new ones', async () => {
  const window = { size: 8, fill: 'wait', acks: 'counted', ackTimeout: 60_000 } as const
  const pair = await makePair({ window })
  pair.send(1, 8)
  // The first half arrives, the second is held.
  const late = pair.network.hold({ from: pair.alice, frame: 'MESSAGE', where: isAbove(4) })
  pair.send(9, 20)
  await pair.network.advance(5)
  expect(pair.sequences()).toEqual(range(1, 8))
  expect(pair.channel.stats().messagesInFlight).toBe(8)
  const later = pair.network.now
  await pair.network.advance(20)
  expect(pair.counts().map(({ count }) => count)).toEqual([4])
  // Four were acknowledged: four new ones have left, not eight.
  const shifted = pair.sent().filter(({ time }) => time > later)
  expect(shifted.map(({ sequence }) => sequence)).toEqual([9, 10, 11, 12])
  expect(pair.channel.stats()).toMatchObject({ messagesAcknowledged: 4, messagesInFlight: 8 })
  late.release()
  await pair.network.advance(500)
  pair.send(21, 28)
  await pair.network.advance(500)
  pair.expectReceived(28)
})

function isAbove(sequence: number) {
  return ({ frames }: { frames: readonly { type: string }[] }) =>
    frames.some((frame) => {
      const { messages = [] } = frame as { messages?: readonly { sequence: number }[] }
      return messages.some((message) => message.sequence > sequence)
    })
}
