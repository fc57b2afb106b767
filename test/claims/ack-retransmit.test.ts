// Claims 1, 25, 45: receipt is acknowledged; what was not is sent again.

import { makePair } from './support'

test.each([
  ['the defaults', {}],
  ['counted acknowledgements', { size: 16, acks: 'counted' }],
] as const)('with %s: what was dropped comes again and is delivered once', async (_, window) => {
  const pair = await makePair({ window, link: { loss: 0 } })
  pair.network.drop({
    from: pair.alice,
    frame: 'MESSAGE',
    channel: pair.id,
    sequence: 5,
    attempt: 1,
  })
  for (let number = 1; number <= 40; number++) {
    pair.send(number)
    await pair.network.advance(1)
  }
  await pair.network.advance(2_000)
  pair.expectReceived(40)
  const attempts = pair.sent().filter(({ sequence }) => sequence === 5)
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect(pair.channel.stats().messagesAcknowledged).toBe(40)
})

test.each([
  ['the defaults', {}],
  ['counted acknowledgements', { size: 16, acks: 'counted' }],
] as const)('with %s: what was acknowledged is never sent again', async (_, window) => {
  const pair = await makePair({
    window,
    link: { loss: 0.15, reorder: 0.1, duplicate: 0.1 },
    seed: 5,
  })
  for (let number = 1; number <= 300; number++) {
    pair.send(number)
    if (number % 5 === 0) await pair.network.advance(3)
  }
  await pair.network.advance(20_000)
  pair.expectReceived(300)
  // When each number was acknowledged: when the first COUNT with it arrived at the sender.
  const known: { time: number; count: number }[] = []
  for (const { from, frames, arrivals } of pair.network.packets) {
    if (from !== pair.bob || arrivals.length === 0) continue
    for (const frame of frames) {
      if (frame.type !== 'COUNT') continue
      for (const { channel, count } of frame.counts) {
        if (channel === pair.id) known.push({ time: Math.min(...arrivals), count })
      }
    }
  }
  expect(known.length).toBeGreaterThan(0)
  const resent = pair.sent().filter(({ attempt }) => attempt > 1)
  expect(resent.length).toBeGreaterThan(0)
  for (const { time, sequence } of resent) {
    const acknowledged = Math.max(
      0,
      ...known.filter((one) => one.time < time).map(({ count }) => count),
    )
    expect(sequence).toBeGreaterThan(acknowledged)
  }
})
