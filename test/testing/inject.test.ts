// Packets that a test makes up, in a session that two peers have.

import { type Frame, FrameError } from '../../lib/testing'
import { framesOf, makeNetwork, makePair, sentSequences } from './support'

test('an injected packet is taken as one of the session, and does not disturb it', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  channel.send('before')
  await channel.flush()
  const numbers = () =>
    network.packets.filter(({ from }) => from === alice).map(({ packetNumber }) => packetNumber)
  const packet = network.inject(alice, bob, [{ type: 'PING' }])
  expect(packet).toMatchObject({
    injected: true,
    fate: 'way',
    kind: 'DATA',
    frames: [{ type: 'PING' }],
  })
  await network.settle()
  expect(packet.fate).toBe('delivered')
  const answer = framesOf(network.packets.slice(packet.index), 'ACK', bob)
  expect(answer[0]?.ranges[0]?.last).toBe(packet.packetNumber)
  for (let index = 0; index < 20; index++) network.inject(bob, alice, [{ type: 'ACK_NOW' }])
  channel.send('after')
  await channel.flush()
  expect(String(await accepted.receive())).toBe('before')
  expect(String(await accepted.receive())).toBe('after')
  expect(new Set(numbers()).size).toBe(numbers().length)
  expect(channel.state).toBe('open')
})

test('an injected packet goes the way of all others, and is not sent again', async () => {
  const { network, alice, bob } = await makePair(makeNetwork())
  const rule = network.drop({ where: ({ injected }) => injected })
  const packet = network.inject(alice, bob, [{ type: 'PING' }])
  await network.advance(5_000)
  expect(rule.packets).toEqual([packet])
  expect(framesOf(network.packets, 'PING', alice)).toHaveLength(1)
})

test('a message that nobody sent', async () => {
  const { network, alice, bob, accepted } = await makePair(makeNetwork())
  const messages = ['made', 'up'].map((text, index) => ({
    sequence: index + 1,
    bytes: Buffer.from(text),
  }))
  network.inject(alice, bob, [{ type: 'MESSAGE', channel: 1, messages }])
  expect(String(await accepted.receive())).toBe('made')
  expect(String(await accepted.receive())).toBe('up')
})

test.each<[string, readonly Frame[] | Buffer]>([
  ['an unknown frame', Buffer.of(0x03)],
  ['a count of what was never sent', [{ type: 'COUNT', counts: [{ channel: 1, count: 5 }] }]],
  [
    'an END and another one',
    [
      { type: 'END', channel: 1, sequence: 0 },
      { type: 'END', channel: 1, sequence: 7 },
    ],
  ],
])('what the protocol forbids ends the session: %s', async (_, content) => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  const packet = network.inject(bob, alice, content)
  expect(packet.malformed instanceof FrameError).toBe(Buffer.isBuffer(content))
  await expect(channel.closed).resolves.toMatchObject({ error: { code: 'PROTOCOL_ERROR' } })
  await expect(accepted.closed).resolves.toMatchObject({ error: { code: 'PROTOCOL_ERROR' } })
})

test('a REQUEST that nobody made is answered with what it names', async () => {
  const { network, alice, bob, channel } = await makePair(makeNetwork())
  network.pause()
  network.drop({ from: bob, where: ({ injected }) => !injected })
  for (const text of ['one', 'two', 'three']) channel.send(text)
  await network.advance(1)
  expect(sentSequences(network.packets, alice)).toEqual([1, 2, 3])
  network.inject(bob, alice, [{ type: 'REQUEST', channel: 1, ranges: [{ first: 2, last: 2 }] }])
  await network.advance(15)
  expect(sentSequences(network.packets, alice)).toEqual([1, 2, 3, 2])
})

test('there must be a session', async () => {
  const network = makeNetwork()
  const alice = await network.createPeer()
  const bob = await network.createPeer()
  expect(() => network.inject(alice, bob, [{ type: 'PING' }])).toThrow(
    expect.objectContaining({ code: 'PEER_NOT_FOUND' }),
  )
  expect(network.packets).toHaveLength(0)
})
