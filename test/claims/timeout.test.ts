// Claims 22, 43, 63: elapsed time beyond a limit means retransmission.

import { makePair } from './support'

test('without acknowledgements: nothing before the limit, then again and again with back-off', async () => {
  const window = { size: 8, acks: 'counted', resendTimeout: 300 } as const
  const pair = await makePair({ window })
  pair.network.drop({ from: pair.bob, frame: ['COUNT', 'ACK'] })
  const start = pair.network.now
  pair.send(1, 3)
  await pair.network.advance(299)
  expect(pair.sequences()).toEqual([1, 2, 3])
  await pair.network.advance(5_000)
  const again = pair.sent().filter(({ sequence, attempt }) => sequence === 1 && attempt > 1)
  const times = again.map(({ time }) => Math.round(time - start))
  // 300, then 600 later, then 1,200 ...
  expect(times.slice(0, 4)).toEqual([300, 900, 2_100, 4_500])
  // Received once all the same.
  pair.expectReceived(3)
})

test('the limit follows the measured round trip by default', async () => {
  const pair = await makePair({ window: { size: 8, acks: 'counted' }, link: { delay: 100 } })
  // Measured once.
  pair.send(1, 4)
  await pair.network.advance(2_000)
  pair.network.clearPackets()
  pair.network.drop({ from: pair.bob, frame: ['COUNT', 'ACK'] })
  const start = pair.network.now
  pair.send(5)
  await pair.network.advance(5_000)
  const [first] = pair.sent().filter(({ attempt }) => attempt > 1)
  expect((first?.time ?? 0) - start).toBeGreaterThan(200)
  expect((first?.time ?? 0) - start).toBeLessThan(1_000)
})
