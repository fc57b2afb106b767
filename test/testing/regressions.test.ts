// What a last look at the complete window found, each as small as it can be shown.

import { type ChannelOptions, HawserError, OptionError } from '../../lib'
import { makeNetwork, makePair } from './support'

const counted = { acks: 'counted', ackTimeout: 60_000 } as const

async function pausedPair(options: ChannelOptions, link = {}, idleTimeout = 30_000) {
  const network = makeNetwork()
  const limits = { idleTimeout }
  const alice = await network.createPeer({ limits })
  const bob = await network.createPeer({ limits })
  network.link(alice, bob, { delay: 10, ...link })
  let bytes = 0
  let messages = 0
  bob.serve('test', (channel) => {
    channel.on('message', (message: Buffer) => {
      bytes += message.length
      messages++
    })
  })
  const channel = await alice.open(bob.address, 'test', options)
  await network.settle()
  network.pause()
  return { network, alice, bob, channel, got: () => ({ bytes, messages }) }
}

test('counted: a message that takes longer than the idle timeout is no stall', async () => {
  const options = { window: { acks: 'counted' } } as const
  const { network, channel, got } = await pausedPair(options, { rate: 200_000 }, 2_000)
  channel.send(Buffer.alloc(1_500_000))
  await network.advance(12_000)
  expect(channel.state).toBe('open')
  expect(got()).toEqual({ bytes: 1_500_000, messages: 1 })
})

test('counted: a congestion window below M messages does not make the channel wait for T', async () => {
  const { network, channel, got } = await pausedPair({ window: { ...counted, size: 64 } })
  for (let index = 0; index < 64; index++) channel.send(Buffer.alloc(1_000))
  await network.advance(1_000)
  expect(got().messages).toBe(64)
})

test('a resend timeout below the round trip slows down its own channel only', async () => {
  const options = { window: { resendTimeout: 1 } }
  const { network, alice, bob, channel } = await pausedPair(options, { delay: 25 })
  let bulk = 0
  bob.serve('bulk', (other) => {
    other.on('message', (message: Buffer) => {
      bulk += message.length
    })
  })
  network.resume()
  const other = await alice.open(bob.address, 'bulk')
  network.pause()
  for (let index = 0; index < 5_000; index++) other.send(Buffer.alloc(1_000))
  for (let time = 0; time < 2_000; time += 50) {
    channel.send('x')
    await network.advance(50)
  }
  expect(bulk).toBe(5_000_000)
})

test('one large message does not make N small for all that follow', async () => {
  const { network, channel } = await pausedPair({}, { loss: 0.03 })
  channel.send(Buffer.alloc(3_000_000))
  await network.advance(30_000)
  for (let time = 0; time < 10_000; time += 10) {
    while (channel.stats().bytesUnsent < 20_000) channel.send(Buffer.alloc(200))
    await network.advance(10)
  }
  expect(channel.stats().window).toBeGreaterThanOrEqual(32)
})

test('latest over a path that is cut: memory stays bounded', async () => {
  const options = { delivery: 'latest', highWaterMark: 65_536, maxBuffered: 1_048_576 } as const
  const { network, alice, bob, channel } = await pausedPair(options)
  network.partition(alice, bob)
  let refused = 0
  for (let time = 0; time < 5_000; time++) {
    try {
      channel.send(Buffer.alloc(1_000))
    } catch (error) {
      expect(error).toBeInstanceOf(HawserError)
      expect((error as HawserError).code).toBe('BUFFER_FULL')
      refused++
    }
    await network.advance(1)
  }
  expect(refused).toBeGreaterThan(0)
  expect(channel.stats().memoryBytes).toBeLessThan(4 * 1_048_576)
  network.heal(alice, bob)
  await network.advance(10_000)
  expect(channel.send('again')).toBe(true)
})

test.each([
  [{ delivery: 'unordered' }, 'delivery'],
  [{ delivery: 'latest' }, 'delivery'],
  [{ delivery: 'unreliable' }, 'delivery'],
  [{ expiresAfter: 100 }, 'expiresAfter'],
] as const)('a stream of bytes is refused with %j', async (options, option) => {
  const { channel } = await makePair(makeNetwork(), options)
  expect(() => channel.stream()).toThrow(OptionError)
  expect(() => channel.stream()).toThrow(expect.objectContaining({ option }))
})

test('N is even: bounds that hold no even number are refused', async () => {
  const network = makeNetwork()
  const peer = await network.createPeer()
  await expect(
    peer.open(peer.address, 'test', { window: { min: 5, max: 5 } }),
  ).rejects.toMatchObject({ option: 'window.max', allowed: 'a whole number from 6 to 65,536' })
})

test('flushAfter counts from the first message that waits, not from one that has left', async () => {
  const options = { window: { size: 4, fill: 'wait', flushAfter: 100 } } as const
  const { network, channel, got } = await pausedPair(options)
  channel.send('1')
  await network.advance(60)
  for (const word of ['2', '3', '4']) channel.send(word)
  await network.advance(30)
  expect(got().messages).toBe(4)
  channel.send('5')
  await network.advance(60)
  expect(got().messages).toBe(4)
  await network.advance(60)
  expect(got().messages).toBe(5)
})

test("fill 'wait': a high-water mark below N messages holds up nobody who heeds it", async () => {
  const options = { window: { size: 64, fill: 'wait' }, highWaterMark: 1_024 } as const
  const { network, channel, got } = await pausedPair(options)
  let room = true
  channel.on('drain', () => {
    room = true
  })
  let sent = 0
  for (let time = 0; time < 10_000 && sent < 320; time += 10) {
    while (room && sent < 320) {
      room = channel.send(Buffer.alloc(100))
      sent++
    }
    await network.advance(10)
  }
  expect(sent).toBe(320)
  await network.advance(1_000)
  expect(got().messages).toBeGreaterThan(320 - 64)
})

test('expiresAfter: who waits for room is told when what took it has expired', async () => {
  const { network, alice, bob, channel } = await pausedPair({
    expiresAfter: 100,
    highWaterMark: 2_048,
    window: { size: 2 },
  })
  network.partition(alice, bob)
  let drained = 0
  channel.on('drain', () => drained++)
  while (channel.send(Buffer.alloc(200)));
  await network.advance(50)
  expect(drained).toBe(0)
  await network.advance(500)
  expect(drained).toBe(1)
})
