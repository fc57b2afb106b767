// Claims 8, 32, 52: the acknowledgement waits for the first M in sequence.

import { makePair } from './support'

test('M messages without the first are not acknowledged; with it they are', async () => {
  const window = { size: 16, ackEvery: 4, acks: 'counted', ackTimeout: 60_000 } as const
  const pair = await makePair({ window: { ...window, resendTimeout: 60_000 } })
  // The receiver asks for the first again, in vain.
  const first = pair.network.hold({
    from: pair.alice,
    frame: 'MESSAGE',
    channel: pair.id,
    sequence: 1,
  })
  pair.send(1, 8)
  await pair.network.advance(5_000)
  expect(pair.received).toEqual([])
  expect(pair.counts()).toEqual([])
  first.release(first.held.slice(0, 1))
  await pair.network.advance(100)
  expect(pair.counts().map(({ count }) => count)).toEqual([8])
  pair.expectReceived(8)
})
