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
