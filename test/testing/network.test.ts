// Peers on a simulated network: that they work there, alike in each run, and in their own time.

import { createHash } from 'node:crypto'
import { createTestNetwork, type TestNetwork, type TestNetworkOptions } from '../../lib/testing'
import { echo, makeNetwork, makePair } from './support'

test('hello over a link that loses 5 %', async () => {
  const network = makeNetwork({ seed: 7 })
  const alice = await network.createPeer()
  const bob = await network.createPeer()
  network.link(alice, bob, { delay: 20, jitter: 2, loss: 0.05 })
  bob.serve('echo', echo)
  const channel = await alice.open(bob.address, 'echo')
  channel.send('hello')
  expect(String(await channel.receive())).toBe('hello')
  // Three round trips: a handshake, a channel, a message.
  expect(network.now).toBeGreaterThan(6 * 18)
  expect(network.now).toBeLessThan(1_000)
})

/** A hash over every packet of a run with losses, in order and with its time. */
async function runHash(options: TestNetworkOptions): Promise<string> {
  const network = createTestNetwork(options)
  const alice = await network.createPeer()
  const bob = await network.createPeer()
  network.link(alice, bob, {
    delay: 15,
    jitter: 5,
    loss: 0.05,
    burst: { enter: 0.01, leave: 0.3 },
    reorder: 0.02,
    duplicate: 0.02,
    rate: 500_000,
    queue: 50_000,
  })
  bob.serve('echo', async (channel) => {
    await echo(channel)
    await channel.end()
  })
  const channel = await alice.open(bob.address, 'echo')
  const sending = (async () => {
    for (let index = 0; index < 300; index++) await channel.write(Buffer.alloc(700, index))
    await channel.end()
  })()
  let received = 0
  for await (const message of channel) {
    expect(message.equals(Buffer.alloc(700, received++))).toBe(true)
  }
  await sending
  expect(received).toBe(300)
  await network.close()
  const hash = createHash('sha256')
  for (const { time, fate, bytes, packetNumber, frames } of network.packets) {
    const content = JSON.stringify(frames, (key, value) => (key === 'message' ? undefined : value))
    hash.update(`${time} ${fate} ${bytes.length} ${packetNumber} ${content}`)
  }
  expect(network.packets.some(({ fate }) => fate === 'lost')).toBe(true)
  return hash.digest('hex')
}

test('the same seed gives the same packets: times, lengths, fates and frames', async () => {
  const first = await runHash({ seed: 42 })
  expect(await runHash({ seed: 42 })).toBe(first)
  expect(await runHash({ seed: 43 })).not.toBe(first)
})

test('several networks at once do not disturb each other', async () => {
  const alone = await runHash({ seed: 5 })
  const together = await Promise.all([5, 6, 5].map((seed) => runHash({ seed })))
  expect(together[0]).toBe(alone)
  expect(together[2]).toBe(alone)
  expect(together[1]).not.toBe(alone)
})

test('a seed of its own is chosen when none is given, and can be used again', async () => {
  const network = makeNetwork()
  const random = createTestNetwork()
  const other = createTestNetwork()
  expect(network.seed).toBe(1)
  expect(Number.isInteger(random.seed)).toBe(true)
  expect(random.seed).not.toBe(other.seed)
  const again = createTestNetwork({ seed: random.seed })
  expect((await again.createPeer()).id).toBe((await random.createPeer()).id)
  await Promise.all([random.close(), other.close(), again.close()])
})

describe('time', () => {
  test('timeouts are virtual', async () => {
    const { channel, network } = await makePair(makeNetwork())
    const started = network.now
    const real = performance.now()
    await expect(channel.receive({ timeout: 25_000 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(network.now - started).toBe(25_000)
    expect(performance.now() - real).toBeLessThan(5_000)
  })

  test('a peer that is not there costs no real time', async () => {
    const network = makeNetwork()
    const alice = await network.createPeer()
    const bob = await network.createPeer()
    const { address } = bob
    bob.destroy()
    await expect(alice.open(address, 'echo')).rejects.toMatchObject({
      code: 'CONNECT_TIMEOUT',
      attempts: [{ outcome: 'no answer', elapsed: 10_000 }],
    })
    expect(network.now).toBe(10_000)
    // INIT is repeated after 250 ms, then with doubled pauses up to 4 s (docs/PROTOCOL.md, section 3).
    expect(network.packets.map(({ kind, fate, time }) => [kind, fate, time])).toEqual(
      [0, 250, 750, 1_750, 3_750, 7_750].map((time) => ['INIT', 'unreachable', time]),
    )
  })

  test('paused, only advance() moves time, and exactly', async () => {
    const network = makeNetwork({ paused: true, link: { delay: 30 } })
    const alice = await network.createPeer()
    const bob = await network.createPeer()
    bob.serve('echo', echo)
    const opening = alice.open(bob.address, 'echo')
    const opened = jest.fn()
    void opening.then(opened)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(network.now).toBe(0)
    expect(network.packets).toHaveLength(1)
    await network.advance(29.5)
    expect(network.now).toBe(29.5)
    expect(network.packets).toMatchObject([{ kind: 'INIT', fate: 'way' }])
    await network.advance(0.5)
    expect(network.packets).toMatchObject([
      { kind: 'INIT', fate: 'delivered', arrivals: [30] },
      { kind: 'RESPONSE', time: 30 },
    ])
    await network.advance(89)
    expect(opened).not.toHaveBeenCalled()
    await network.advance(1)
    expect(network.now).toBe(120)
    expect(opened).toHaveBeenCalledTimes(1)
    const channel = await opening
    channel.send('x')
    const answer = channel.receive()
    network.resume()
    expect(String(await answer)).toBe('x')
    expect(network.paused).toBe(false)
    // On the timer's own time: an answer takes a round trip, not more.
    expect(network.now).toBe(180)
  })

  test('settle() ends when all is said, and not before', async () => {
    const network = makeNetwork({ paused: true })
    const { channel, accepted } = await unpaused(network, () => makePair(network))
    channel.send('one')
    const before = network.now
    await network.settle()
    expect(network.now - before).toBeLessThan(200)
    expect(channel.stats().messagesInFlight).toBe(0)
    expect(String(await accepted.receive())).toBe('one')
  })

  test('settle() gives up', async () => {
    const { network, channel, alice, bob } = await makePair(makeNetwork())
    network.pause()
    network.partition(alice, bob)
    channel.send('x')
    await expect(network.settle({ within: 500 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(network.now).toBeLessThan(1_000)
  })
})

async function unpaused<T>(network: TestNetwork, work: () => Promise<T>): Promise<T> {
  network.resume()
  try {
    return await work()
  } finally {
    network.pause()
  }
}

describe('the end', () => {
  test('close() closes the peers, and nothing can be done afterwards', async () => {
    const { network, channel } = await makePair(makeNetwork())
    channel.send('last')
    await channel.flush()
    await network.close()
    await expect(channel.closed).resolves.toMatchObject({ unacknowledged: null })
    await expect(network.createPeer()).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    await expect(network.advance(1)).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    await expect(network.settle()).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    await network.close()
  })

  test('a paused network closes, too', async () => {
    const { network } = await makePair(makeNetwork())
    network.pause()
    await network.close()
  })
})

test('a peer that is gone gets nothing, also when another one came after it', async () => {
  const { network, alice, bob } = await makePair(makeNetwork())
  const { address } = bob
  bob.destroy()
  const carol = await network.createPeer()
  carol.serve('test', () => {})
  await expect(alice.open(address, 'test', { timeout: 1_000 })).rejects.toMatchObject({
    code: 'CONNECT_TIMEOUT',
  })
  expect(network.packets.at(-1)).toMatchObject({ fate: 'unreachable' })
  expect(carol.stats().datagramsReceived).toBe(0)
  network.readdress(bob)
  expect(() => network.inject(bob, alice, [{ type: 'PING' }])).toThrow(
    expect.objectContaining({ code: 'PEER_NOT_FOUND' }),
  )
  const channel = await alice.open(carol.address, 'test')
  expect(channel.state).toBe('open')
})

test('counters of peers count', async () => {
  const { network, alice, bob, channel, accepted } = await makePair(makeNetwork())
  channel.send('counted')
  await channel.flush()
  await accepted.receive()
  const sent = network.packets.filter(({ from }) => from === alice)
  expect(alice.stats().datagramsSent).toBe(sent.length)
  expect(bob.stats().datagramsReceived).toBe(sent.length)
})

test('answers to many peers that asked at once take the acknowledgements along', async () => {
  const network = makeNetwork()
  const server = await network.createPeer()
  server.serve('echo', (channel) => {
    channel.on('message', (message) => channel.send(message))
  })
  const channels = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const client = await network.createPeer()
      network.link(client, server, { delay: 20 })
      return client.open(server.address, 'echo')
    }),
  )
  const ask = (text: string) =>
    Promise.all(
      channels.map((channel) => {
        channel.send(text)
        return channel.receive()
      }),
    )
  // The first ones may search for the path's MTU besides.
  for (let round = 0; round < 5; round++) await ask('before')
  await network.advance(2_000)
  const before = server.stats().datagramsSent
  await ask('asked at once')
  expect(server.stats().datagramsSent - before).toBe(channels.length)
})
