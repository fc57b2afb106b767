// Links: rate, queue, MTU, corruption, and addresses that change.

import type { Channel } from '../../lib'
import { makeNetwork, makePair } from './support'

const times = (arrivals: readonly number[]) => arrivals.map((time) => Math.round(time * 1e6) / 1e6)

test('a link with a rate takes as long for a packet as it has bytes', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  // 1,200 bytes take 12 ms.
  network.link(alice, bob, { delay: 5, rate: 100_000 })
  const before = network.packets.length
  channel.send(Buffer.alloc(10_000))
  await accepted.receive()
  const packets = network.packets.slice(before).filter(({ from }) => from === alice)
  const full = packets.filter(({ bytes }) => bytes.length === 1_200).slice(0, 5)
  expect(full).toHaveLength(5)
  const [first] = full.map(({ time }) => time)
  expect(full.map(({ time }) => time)).toEqual(full.map(() => first))
  expect(full.flatMap(({ arrivals }) => times(arrivals))).toEqual(
    full.map((_, index) => (first as number) + 12 * (index + 1) + 5),
  )
})

test('what does not fit the queue is lost, and everything arrives all the same', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  network.link(alice, bob, { delay: 5, rate: 1_000_000, queue: 6_000 })
  const messages = Array.from({ length: 200 }, (_, index) => Buffer.alloc(1_000, index))
  for (const message of messages) channel.send(message)
  const ended = channel.end()
  let received = 0
  for await (const message of accepted) {
    expect(message.equals(messages[received++] as Buffer)).toBe(true)
  }
  expect(received).toBe(200)
  await ended
  const full = network.packets.filter(({ fate }) => fate === 'full')
  expect(full.length).toBeGreaterThan(0)
  expect(full.every(({ from }) => from === alice)).toBe(true)
})

test('a corrupted packet is not taken, and what it carried comes again', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  const before = bob.stats().dropped
  network.link(alice, bob, { corrupt: 0.5, oneWay: true })
  for (let index = 0; index < 100; index++) {
    await channel.write(Buffer.alloc(900, index))
    const message = await accepted.receive()
    expect(message?.equals(Buffer.alloc(900, index))).toBe(true)
  }
  const after = bob.stats().dropped
  // A bit of the connection id makes it a packet of no session, one of the first byte something else.
  const refused = (['unauthenticated', 'unknownSession', 'foreign', 'malformed'] as const).map(
    (reason) => after[reason] - before[reason],
  )
  expect(refused[0]).toBeGreaterThan(20)
  expect(channel.state).toBe('open')
})

const lost = { error: { code: 'PEER_LOST' } }

/** Waits until a channel is over, at most for its idle timeout and a little more. */
async function endOf(
  channel: Channel,
  now: () => number,
): Promise<{ error?: unknown; took: number }> {
  const before = now()
  const info = await channel.closed
  return { ...info, took: now() - before }
}

test('a session ends with an error when its path lets only small packets through', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  channel.send('small')
  await accepted.receive()
  network.link(alice, bob, { mtu: 600 })
  channel.send(Buffer.alloc(50_000))
  const [here, there] = await Promise.all([
    endOf(channel, () => network.now),
    endOf(accepted, () => network.now),
  ])
  expect(network.packets.some(({ fate }) => fate === 'too-long')).toBe(true)
  expect(here).toMatchObject(lost)
  expect(String((here.error as Error).message)).toMatch(
    /nothing that was sent to it was acknowledged/,
  )
  expect(here.took).toBeGreaterThanOrEqual(30_000)
  expect(here.took).toBeLessThan(31_000)
  // The other side heard until then.
  expect(there).toMatchObject(lost)
  expect(there.took).toBeLessThan(61_000)
  // INIT is longer than that: another one cannot be made.
  await expect(alice.open(bob.address, 'test')).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' })
})

test('small messages go on over a path with a small MTU', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  network.link(alice, bob, { mtu: 600 })
  for (let index = 0; index < 5; index++) {
    channel.send(`message ${index}`)
    expect(String(await accepted.receive())).toBe(`message ${index}`)
    await network.advance(20_000)
  }
  expect(channel.state).toBe('open')
})

test.each(['alice', 'bob'] as const)(
  'a session stays when %s gets another address',
  async (who) => {
    const pair = await makePair(makeNetwork())
    const { network, channel, accepted } = pair
    const before = pair[who].address
    network.readdress(pair[who])
    channel.send('one way')
    accepted.send('and the other')
    expect(String(await accepted.receive())).toBe('one way')
    expect(String(await channel.receive())).toBe('and the other')
    expect(pair[who].address).not.toBe(before)
    await network.advance(5_000)
    const other = who === 'alice' ? pair.bob : pair.alice
    expect(other.stats().sessions[0]?.path.pathChanges).toBe(1)
    // New channels are in the same session.
    const again = await pair.alice.open(pair.bob.address, 'test')
    again.send('again')
    await again.flush()
    expect(pair.alice.stats().sessionsOpened).toBe(1)
  },
)
