// Dropping, holding, delaying and duplicating single packets, and cutting whole links.

import type { Channel } from '../../lib'
import { framesOf, makeNetwork, makePair, sentSequences } from './support'

/** Messages one by one, each in a packet of its own. */
async function sendApart(channel: Channel, first: number, last: number): Promise<void> {
  for (let index = first; index <= last; index++) {
    // What is sent in one turn leaves together.
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    channel.send(`message ${index}`)
  }
  await new Promise((resolve) => setImmediate(resolve))
}

async function receiveAll(channel: Channel, count: number): Promise<string[]> {
  const received: string[] = []
  while (received.length < count) received.push(String(await channel.receive()))
  return received
}

const numbered = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => `message ${first + index}`)

test('drop by channel, sequence and attempt', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  const first = network.drop({
    from: alice,
    to: bob,
    frame: 'MESSAGE',
    channel: 1,
    sequence: 3n,
    attempt: 1,
  })
  const second = network.drop({ from: alice, channel: 1, sequence: 3, attempt: 2 })
  const never = network.drop({ from: alice, channel: 3, sequence: 3 })
  await sendApart(channel, 1, 5)
  expect(await receiveAll(accepted, 5)).toEqual(numbered(1, 5))
  expect([first.dropped, second.dropped, never.dropped]).toEqual([1, 1, 0])
  // Sent three times; the others once.
  expect(sentSequences(network.packets, alice).sort()).toEqual([1, 2, 3, 3, 3, 4, 5])
  const attempts = framesOf(network.packets, 'MESSAGE', alice)
    .flatMap(({ messages }) => messages)
    .filter(({ sequence }) => sequence === 3)
    .map(({ attempt }) => attempt)
  expect(attempts).toEqual([1, 2, 3])
  expect(first.packets).toMatchObject([{ fate: 'dropped', arrivals: [] }])
})

test('drop frames of a type, a kind of packet, and by a function', async () => {
  const network = makeNetwork()
  const responses = network.drop({ kind: 'RESPONSE', count: 2 })
  const accepts = network.drop({ frame: ['ACCEPT', 'RESET'], count: 1 })
  const third = network.drop({ where: ({ kind }) => kind === 'INIT', skip: 1, count: 1 })
  const { channel, accepted } = await makePair(network)
  channel.send('through')
  expect(String(await accepted.receive())).toBe('through')
  expect([responses.dropped, accepts.dropped, third.dropped]).toEqual([2, 1, 1])
  expect(network.now).toBeGreaterThan(750)
})

test('a removed rule drops no more', async () => {
  const { network, alice, channel, accepted } = await makePair(makeNetwork())
  const rule = network.drop({ from: alice, frame: 'MESSAGE' })
  channel.send('x')
  await network.advance(5_000)
  expect(rule.dropped).toBeGreaterThan(2)
  const before = rule.dropped
  rule.remove()
  expect(String(await accepted.receive())).toBe('x')
  expect(rule.dropped).toBe(before)
})

test('hold and release in another order', async () => {
  const { network, alice, channel, accepted } = await makePair(makeNetwork())
  network.pause()
  const rule = network.hold({ from: alice, frame: 'MESSAGE' })
  await sendApart(channel, 1, 4)
  await network.advance(0)
  expect(rule.held).toHaveLength(4)
  await network.advance(15)
  expect(rule.held.every(({ fate, arrivals }) => fate === 'held' && arrivals.length === 0)).toBe(
    true,
  )
  const [a, b, c, d] = rule.held
  rule.release([d!, b!, c!])
  expect(rule.held).toEqual([a])
  await network.advance(12)
  expect([a, b, c, d].map((packet) => packet?.fate)).toEqual([
    'held',
    'delivered',
    'delivered',
    'delivered',
  ])
  expect(accepted.stats().messagesHeld).toBe(3)
  rule.release()
  await network.advance(10)
  expect(await receiveAll(accepted, 4)).toEqual(numbered(1, 4))
  // The rule is over.
  channel.send('after')
  await network.advance(10)
  expect(String(await accepted.receive())).toBe('after')
  expect(rule.held).toHaveLength(0)
})

test('what a removed rule holds is dropped', async () => {
  const { network, alice, channel, accepted } = await makePair(makeNetwork())
  network.pause()
  const rule = network.hold({ from: alice, frame: 'MESSAGE', count: 1 })
  channel.send('x')
  await network.advance(1)
  const [packet] = rule.held
  rule.remove()
  expect(packet).toMatchObject({ fate: 'dropped', arrivals: [] })
  network.resume()
  expect(String(await accepted.receive())).toBe('x')
})

test('delay one packet, duplicate another', async () => {
  const { network, alice, channel, accepted } = await makePair(makeNetwork())
  network.pause()
  const late = network.delay({ from: alice, sequence: 1, attempt: 1 }, 7.5)
  const twice = network.duplicate({ from: alice, sequence: 2, attempt: 1 }, { copies: 2, apart: 3 })
  await sendApart(channel, 1, 2)
  const sent = network.now
  await network.advance(50)
  expect(late.packets[0]?.arrivals).toEqual([sent + 17.5])
  expect(twice.packets[0]?.arrivals).toEqual([sent + 10, sent + 13, sent + 16])
  network.resume()
  expect(await receiveAll(accepted, 2)).toEqual(numbered(1, 2))
})

test('partition and heal', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  network.partition(alice, bob)
  channel.send('later')
  await network.advance(5_000)
  expect(network.packets.at(-1)).toMatchObject({ fate: 'partitioned', arrivals: [] })
  expect(channel.state).toBe('open')
  network.heal(bob, alice)
  expect(String(await accepted.receive())).toBe('later')
})

test('a partition that lasts is found out, also when nothing is being sent', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  const before = network.now
  network.partition(alice, bob)
  await expect(channel.closed).resolves.toMatchObject({ error: { code: 'PEER_LOST' } })
  await expect(accepted.closed).resolves.toMatchObject({ error: { code: 'PEER_LOST' } })
  expect(network.now - before).toBeLessThan(31_000)
})

test('one direction by itself', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  network.link(bob, alice, { loss: 1, oneWay: true })
  channel.send('one way')
  expect(String(await accepted.receive())).toBe('one way')
  await expect(channel.flush({ timeout: 1_000 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  const fates = (from: unknown) =>
    new Set(network.packets.filter((packet) => packet.from === from).map(({ fate }) => fate))
  expect(fates(bob)).toContain('lost')
  expect(fates(alice)).not.toContain('lost')
})
