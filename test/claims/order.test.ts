// Claims 11, 35, 55: sequence numbers order the messages.

import { makePair } from './support'

test.each([
  ['the defaults', {}],
  ['counted acknowledgements', { size: 64, acks: 'counted' }],
] as const)(
  'with %s: reordered and duplicated, delivered in order and exactly once',
  async (_, window) => {
    const link = { reorder: 0.3, duplicate: 0.3, jitter: 5 }
    const pair = await makePair({ window, link, seed: 3 })
    for (let number = 1; number <= 500; number++) {
      pair.send(number)
      if (number % 3 === 0) await pair.network.advance(1)
    }
    await pair.network.advance(10_000)
    pair.expectReceived(500)
    const { packets } = pair.network
    expect(packets.some(({ arrivals }) => arrivals.length > 1)).toBe(true)
    const arrived = packets
      .filter(({ from }) => from === pair.alice)
      .flatMap(({ arrivals }) => arrivals.slice(0, 1))
    expect(arrived).not.toEqual([...arrived].sort((a, b) => a - b))
  },
)

test('turned round by hand', async () => {
  const pair = await makePair({ window: { size: 8, acks: 'counted' } })
  const held = pair.network.hold({ from: pair.alice, frame: 'MESSAGE' })
  pair.send(1, 8)
  await pair.network.advance(1)
  expect(held.held).toHaveLength(8)
  held.release([...held.held].reverse())
  await pair.network.advance(100)
  pair.expectReceived(8)
})

test.each([
  ['the defaults', {}],
  ['counted acknowledgements', { size: 16, acks: 'counted' }],
] as const)('with %s: in order across the wrap of the number on the wire', async (_, window) => {
  const firstSequence = 2 ** 32 - 150
  const link = { loss: 0.1, reorder: 0.2, duplicate: 0.2 }
  const pair = await makePair({ window, link, seed: 8, firstSequence })
  for (let number = 1; number <= 300; number++) {
    pair.send(number)
    if (number % 3 === 0) await pair.network.advance(1)
  }
  await pair.network.advance(20_000)
  pair.expectReceived(300)
  // The full numbers went up to 2^32 and on; on the wire the low 32 bits began anew.
  const sequences = pair.sequences()
  expect(Math.min(...sequences)).toBe(firstSequence)
  expect(Math.max(...sequences)).toBe(firstSequence + 299)
  expect(pair.counts().at(-1)?.count).toBe(firstSequence + 299)
  expect(pair.channel.stats().messagesAcknowledged).toBe(300)
})
