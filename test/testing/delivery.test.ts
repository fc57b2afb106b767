// Delivery modes, expiry and priority, as the application sees them and as they go over the link.

import type { Channel, ChannelOptions } from '../../lib'
import { framesOf, makeNetwork, makePair } from './support'

async function pausedPair(options: ChannelOptions, seed = 1) {
  const pair = await makePair(makeNetwork({ seed }), options)
  await pair.network.settle()
  pair.network.pause()
  pair.network.clearPackets()
  const received: string[] = []
  pair.accepted.on('message', (message) => received.push(String(message)))
  return { ...pair, received }
}

/** One message to a packet. */
async function sendApart(
  pair: { network: { advance(ms: number): Promise<void> }; channel: Channel },
  first: number,
  last: number,
) {
  for (let number = first; number <= last; number++) {
    pair.channel.send(`${number}`)
    await pair.network.advance(1)
  }
}

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => `${first + index}`)

test('OPEN and ACCEPT say how each side wants its messages handed over', async () => {
  const network = makeNetwork()
  const alice = await network.createPeer()
  const bob = await network.createPeer()
  bob.serve('test', { delivery: 'unreliable' }, () => undefined)
  await alice.open(bob.address, 'test', { delivery: 'latest' })
  expect(framesOf(network.packets, 'OPEN')).toMatchObject([{ delivery: 'latest' }])
  expect(framesOf(network.packets, 'ACCEPT')).toMatchObject([{ delivery: 'unreliable' }])
})

test('ordered: what is missing holds up what comes after it', async () => {
  const pair = await pausedPair({})
  const held = pair.network.hold({ from: pair.alice, frame: 'MESSAGE', sequence: 2, attempt: 1 })
  await sendApart(pair, 1, 3)
  await pair.network.advance(11)
  expect(pair.received).toEqual(['1'])
  held.release()
  await pair.network.advance(11)
  expect(pair.received).toEqual(numbers(1, 3))
})

test('unordered: each once, as soon as it is there', async () => {
  const pair = await pausedPair({ delivery: 'unordered' })
  pair.network.drop({ from: pair.alice, frame: 'MESSAGE', sequence: 2, attempt: 1 })
  await sendApart(pair, 1, 6)
  await pair.network.advance(12)
  expect(pair.received).toEqual(['1', '3', '4', '5', '6'])
  await pair.network.advance(1_000)
  expect(pair.received).toEqual(['1', '3', '4', '5', '6', '2'])
  await pair.channel.flush({ timeout: 1 })
  expect(pair.channel.stats()).toMatchObject({ messagesAcknowledged: 6, messagesExpired: 0 })
})

test('unreliable: what is lost stays lost', async () => {
  const pair = await pausedPair({ delivery: 'unreliable' })
  const rule = pair.network.drop({ from: pair.alice, frame: 'MESSAGE', sequence: 2 })
  await sendApart(pair, 1, 8)
  await pair.network.advance(2_000)
  expect(pair.received).toEqual(['1', ...numbers(3, 8)])
  expect(rule.dropped).toBe(1)
  expect(framesOf(pair.network.packets, 'SKIP', pair.alice)).toMatchObject([{ next: 3 }])
  expect(pair.channel.stats()).toMatchObject({
    messagesExpired: 1,
    messagesResent: 0,
    messagesInFlight: 0,
  })
  expect(pair.accepted.stats()).toMatchObject({ messagesSkipped: 1, messagesReceived: 7 })
})

test('latest: never an older one after a newer one, and the newest always comes', async () => {
  const pair = await pausedPair({ delivery: 'latest' }, 9)
  pair.network.link(pair.alice, pair.bob, { delay: 10, loss: 0.3, reorder: 0.2 })
  await sendApart(pair, 1, 300)
  await pair.network.advance(5_000)
  const seen = pair.received.map(Number)
  expect(seen.at(-1)).toBe(300)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen.length).toBeLessThan(300)
  expect(seen.length).toBeGreaterThan(50)
})

test('latest: a reader that was away gets the newest only', async () => {
  const { network, channel, accepted } = await makePair(makeNetwork(), { delivery: 'latest' })
  for (let number = 1; number <= 50; number++) {
    channel.send(`${number}`)
    await network.advance(1)
  }
  await network.advance(100)
  expect(String(await accepted.receive())).toBe('50')
  channel.send('51')
  expect(String(await accepted.receive())).toBe('51')
})

test('latest: what was replaced before it could leave is never sent', async () => {
  const pair = await pausedPair({ delivery: 'latest' })
  // In one turn: only the newest is worth a packet.
  for (let number = 1; number <= 100; number++) pair.channel.send(`${number}`)
  await pair.network.advance(100)
  expect(pair.received).toEqual(['100'])
  const sent = framesOf(pair.network.packets, 'MESSAGE', pair.alice).flatMap(
    ({ messages }) => messages,
  )
  expect(sent.map(({ bytes }) => String(bytes))).toEqual(['100'])
  expect(pair.channel.stats()).toMatchObject({ messagesExpired: 99, messagesSent: 1 })
})

test('expiresAfter: what is too old is given up, and the rest goes on in order', async () => {
  const pair = await pausedPair({ expiresAfter: 200 })
  const rule = pair.network.drop({ from: pair.alice, frame: 'MESSAGE', sequence: 2 })
  await sendApart(pair, 1, 4)
  await pair.network.advance(150)
  expect(pair.received).toEqual(['1'])
  await pair.network.advance(200)
  expect(pair.received).toEqual(['1', '3', '4'])
  const before = rule.dropped
  await pair.network.advance(5_000)
  expect(rule.dropped).toBe(before)
  expect(pair.channel.stats()).toMatchObject({ messagesExpired: 1, messagesInFlight: 0 })
})

test('expiresAfter: nothing old leaves once a partition is over', async () => {
  const pair = await pausedPair({ expiresAfter: 500, window: { size: 4 } })
  pair.network.partition(pair.alice, pair.bob)
  await sendApart(pair, 1, 40)
  await pair.network.advance(2_000)
  pair.network.heal(pair.alice, pair.bob)
  // A probe finds the path again.
  await pair.network.advance(4_000)
  expect(pair.received).toEqual([])
  await sendApart(pair, 41, 44)
  await pair.network.advance(5_000)
  expect(pair.received).toEqual(numbers(41, 44))
})

test('expiresAfter: a message that arrived in time is not lost by it', async () => {
  const pair = await pausedPair({ expiresAfter: 100 })
  await sendApart(pair, 1, 50)
  await pair.network.advance(1_000)
  expect(pair.received).toEqual(numbers(1, 50))
  expect(pair.channel.stats().messagesExpired).toBe(0)
})

describe('several channels', () => {
  async function twoChannels(first: ChannelOptions, second: ChannelOptions) {
    const network = makeNetwork()
    const alice = await network.createPeer({ mtu: 1_200 })
    const bob = await network.createPeer({ mtu: 1_200 })
    network.link(alice, bob, { delay: 5, rate: 200_000, queue: 30_000 })
    const bytes = { first: 0, second: 0 }
    const times = { first: 0, second: 0 }
    for (const name of ['first', 'second'] as const) {
      bob.serve(name, (channel) => {
        channel.on('message', (message: Buffer) => {
          bytes[name] += message.length
          times[name] = network.now
        })
      })
    }
    const channels = {
      first: await alice.open(bob.address, 'first', first),
      second: await alice.open(bob.address, 'second', second),
    }
    await network.settle()
    network.pause()
    return { network, channels, bytes, times }
  }

  test('share a path as their weights are', async () => {
    const { network, channels, bytes } = await twoChannels({ weight: 48 }, { weight: 16 })
    for (let index = 0; index < 2_000; index++) {
      channels.first.send(Buffer.alloc(1_000))
      channels.second.send(Buffer.alloc(1_000))
    }
    await network.advance(4_000)
    expect(bytes.second).toBeGreaterThan(50_000)
    expect(bytes.first / bytes.second).toBeGreaterThan(2.5)
    expect(bytes.first / bytes.second).toBeLessThan(3.5)
  })

  test('of a lower priority number go first', async () => {
    const { network, channels, bytes } = await twoChannels({ priority: 5 }, { priority: 1 })
    for (let index = 0; index < 500; index++) {
      channels.first.send(Buffer.alloc(1_000))
      channels.second.send(Buffer.alloc(1_000))
    }
    await network.advance(2_000)
    expect(bytes.second).toBeGreaterThan(100_000)
    expect(bytes.first).toBeLessThan(bytes.second / 10)
    await network.advance(20_000)
    expect(bytes).toEqual({ first: 500_000, second: 500_000 })
  })

  test('one with much to send does not hold up a small one', async () => {
    const { network, channels, times } = await twoChannels({}, {})
    for (let index = 0; index < 5_000; index++) channels.first.send(Buffer.alloc(1_000))
    await network.advance(3_000)
    const sent = network.now
    channels.second.send('small')
    await network.advance(3_000)
    // What is in the queue of the link is before it, and no more: 30,000 bytes at 200,000 a second.
    expect(times.second - sent).toBeLessThan(5 + 150 + 50)
    expect(times.second).toBeGreaterThan(sent)
  })
})
