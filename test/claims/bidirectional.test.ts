// Claims 15, 39, 59: the other peer sends too, with its own acknowledgements and retransmissions.

import { makePair, numbered } from './support'

test.each([
  ['the defaults', {}],
  ['counted acknowledgements', { size: 16, acks: 'counted' }],
] as const)('with %s: loss both ways at once on one channel', async (_, window) => {
  const pair = await makePair({ window, answer: { window }, link: { loss: 0.1 }, seed: 11 })
  const returned: string[] = []
  pair.channel.on('message', (message) => returned.push(String(message)))
  for (let number = 1; number <= 200; number++) {
    pair.send(number)
    pair.accepted.send(`message ${number}`)
    if (number % 4 === 0) await pair.network.advance(2)
  }
  await pair.network.advance(20_000)
  pair.expectReceived(200)
  expect(returned).toEqual(numbered(1, 200))
  for (const [sender, receiver] of [
    [pair.alice, pair.bob],
    [pair.bob, pair.alice],
  ] as const) {
    expect(pair.sent(sender).some(({ attempt }) => attempt > 1)).toBe(true)
    expect(pair.counts(receiver).at(-1)?.count).toBe(200)
  }
})
