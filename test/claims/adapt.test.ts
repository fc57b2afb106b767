// Claims 12, 36, 56: both peers monitor reception and retransmission and adjust M and N.

import { lastOf, stream } from './adapt'
import { makePair } from './support'

test('both ends show what they measured, and a new M is agreed on the wire', async () => {
  const pair = await makePair({ window: { min: 8 }, seed: 2 })
  await stream(pair, 1_000)
  const before = pair.channel.stats()
  expect(before.loss).toBe(0)
  expect(before.lossReported).toBe(0)
  pair.network.clearPackets()
  pair.network.link(pair.alice, pair.bob, { delay: 10, loss: 0.2 })
  const { stats } = lastOf(await stream(pair, 4_000))

  // The sender measures what it has to send again; the receiver what does not arrive.
  expect(stats.loss).toBeGreaterThan(0.08)
  expect(stats.loss).toBeLessThan(0.4)
  const { receiveLoss } = pair.accepted.stats().path
  expect(receiveLoss).toBeGreaterThan(0.08)
  expect(receiveLoss).toBeLessThan(0.4)
  // The receiver has told the sender.
  const hints = pair.frames('WINDOW_HINT', pair.bob)
  expect(hints.length).toBeGreaterThan(0)
  expect(hints[0]).toMatchObject({ channel: pair.id, size: expect.any(Number) })
  expect((hints.at(-1)?.loss ?? 0) / 65_536).toBeGreaterThan(0.02)
  expect(stats.lossReported).toBeGreaterThan(0.02)
  expect(stats.windowCause).toBe('loss')

  // The sender has announced N and M, and the receiver goes by them.
  const windows = pair.frames('WINDOW', pair.alice)
  expect(windows.length).toBeGreaterThan(1)
  expect(windows.at(-1)).toMatchObject({ size: stats.window, ackEvery: stats.ackEvery })
  pair.network.link(pair.alice, pair.bob, { delay: 10 })
  await pair.network.advance(2_000)
  const agreed = pair.accepted.stats()
  const now = pair.channel.stats()
  expect([agreed.peerWindow, agreed.peerAckEvery]).toEqual([now.window, now.ackEvery])
})
