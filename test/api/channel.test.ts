// A channel's life: messages, flushing, ending, closing, resetting, and what each side learns of it.

import { inspect } from 'node:util'
import { ChannelError, type CloseInfo, HawserError, OptionError } from '../../lib'
import { makePair, makePeer, texts, turns, until } from '../support/peers'

describe('messages', () => {
  test('arrive in order and whole, both ways', async () => {
    const { channel, accepted } = await makePair()
    const sent = Array.from({ length: 2_000 }, (_, index) => `message ${index}`)
    for (const text of sent) {
      channel.send(text)
      accepted.send(text.toUpperCase())
    }
    expect(await texts(accepted, sent.length)).toEqual(sent)
    expect(await texts(channel, sent.length)).toEqual(sent.map((text) => text.toUpperCase()))
  })

  test('of every length', async () => {
    const { channel, accepted } = await makePair()
    const lengths = [0, 1, 63, 64, 1_150, 1_200, 16_383, 16_384, 70_000, 200_000, 1_000_000]
    for (const length of lengths) await channel.write(Buffer.alloc(length, length % 251))
    for (const length of lengths) {
      const message = await accepted.receive()
      expect(message?.equals(Buffer.alloc(length, length % 251))).toBe(true)
    }
  })

  test('of every kind of bytes, copied at once', async () => {
    const { channel, accepted } = await makePair()
    const memory = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7])
    channel.send(memory)
    channel.send(memory.subarray(2, 4))
    channel.send(memory.buffer)
    channel.send(new DataView(memory.buffer, 5))
    channel.send(new Uint16Array(memory.buffer, 2, 1))
    channel.send(Buffer.from(memory))
    memory.fill(255)
    const got: number[][] = []
    for (let count = 0; count < 6; count++) got.push([...((await accepted.receive()) ?? [])])
    expect(got).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [2, 3],
      [0, 1, 2, 3, 4, 5, 6, 7],
      [5, 6, 7],
      [2, 3],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ])
  })

  // Not every version of Node.js has all of them, and Node-API does not know all that there are.
  const arrays = Object.getOwnPropertyNames(globalThis).filter((name) =>
    /^(Uint|Int|Float|BigInt|BigUint)\d+(Clamped)?Array$/.test(name),
  )
  test.each(arrays)('all bytes of a %s', async (name) => {
    const { channel, accepted } = await makePair()
    const memory = Uint8Array.from({ length: 64 }, (_, index) => index)
    const View = (globalThis as unknown as Record<string, Uint16ArrayConstructor>)[name]
    if (View === undefined) throw new Error(`no ${name}`)
    channel.send(new View(memory.buffer, 8, 3))
    const bytes = 3 * View.BYTES_PER_ELEMENT
    expect(await accepted.receive()).toEqual(Buffer.from(memory.subarray(8, 8 + bytes)))
  })

  test('text is UTF-8, short and long', async () => {
    const { channel, accepted } = await makePair()
    const sent = ['', 'plain', 'žluťoučký 🐎', '\ud800', '€'.repeat(16_384), '€'.repeat(16_385)]
    for (const text of sent) channel.send(text)
    for (const text of sent) {
      const message = await accepted.receive()
      expect(message?.equals(Buffer.from(text))).toBe(true)
    }
  })

  test('are Buffers in every respect', async () => {
    const { channel, accepted } = await makePair()
    channel.send('žába')
    const message = (await accepted.receive()) as Buffer
    expect(Buffer.isBuffer(message)).toBe(true)
    expect(message).toBeInstanceOf(Uint8Array)
    expect(message.toString()).toBe('žába')
    expect(message.subarray(0, 2)).toEqual(Buffer.from('ž'))
    expect(message.equals(Buffer.from('žába'))).toBe(true)
    expect(Buffer.concat([message, message])).toHaveLength(12)
  })

  test('stay as they are while others arrive', async () => {
    const { channel, accepted } = await makePair()
    const kept: Buffer[] = []
    accepted.on('message', (message) => kept.push(message))
    const size = 10_000
    for (let count = 0; count < 200; count++) await channel.write(Buffer.alloc(size, count))
    await until(() => kept.length === 200)
    kept.forEach((message, index) => {
      expect(message.equals(Buffer.alloc(size, index))).toBe(true)
    })
  })

  test('copy: each has memory of its own', async () => {
    const { channel, accepted } = await makePair({ serve: { copy: true } })
    channel.send('one')
    channel.send('two')
    const [one, two] = [await accepted.receive(), await accepted.receive()] as [Buffer, Buffer]
    expect(String(one) + String(two)).toBe('onetwo')
    expect(one.buffer.byteLength).toBe(3)
    expect(two.buffer).not.toBe(one.buffer)
  })

  test('without copy: views of one memory, which cannot be taken away', async () => {
    const { channel, accepted } = await makePair()
    channel.send('one')
    channel.send('two')
    const [one, two] = [await accepted.receive(), await accepted.receive()] as [Buffer, Buffer]
    expect(two.buffer).toBe(one.buffer)
    const { port1 } = new MessageChannel()
    try {
      port1.postMessage(one, [one.buffer as ArrayBuffer])
    } catch {
      // Some versions of Node throw, others ignore the transfer.
    }
    port1.close()
    expect(String(one)).toBe('one')
    channel.send('three')
    expect(String(await accepted.receive())).toBe('three')
  })

  test('that are none are refused, and nothing is sent', async () => {
    const { channel, accepted } = await makePair()
    for (const value of [undefined, null, 5, {}, [1, 2], new SharedArrayBuffer(4)]) {
      expect(() => channel.send(value as never)).toThrow(OptionError)
      await expect(channel.write(value as never)).rejects.toMatchObject({ option: 'message' })
    }
    channel.send('good')
    expect(String(await accepted.receive())).toBe('good')
    expect(channel.stats().messagesSent).toBe(1)
  })

  test('longer than either side allows are refused, and nothing is sent', async () => {
    const { channel, accepted } = await makePair({
      open: { maxMessageBytes: 3_000 },
      serve: { maxMessageBytes: 2_000 },
    })
    for (const end of [channel, accepted]) {
      expect(() => end.send(Buffer.alloc(2_001))).toThrow(
        expect.objectContaining({ name: 'HawserError', code: 'MESSAGE_TOO_LARGE' }),
      )
      expect(end.send(Buffer.alloc(2_000))).toBe(true)
    }
    expect(await accepted.receive()).toHaveLength(2_000)
    expect(await channel.receive()).toHaveLength(2_000)
  })
})

describe('what a channel says of itself', () => {
  test('service, remote and metadata', async () => {
    const metadata = Buffer.from('for the service')
    const { server, client, channel, accepted } = await makePair({ open: { metadata } })
    for (const end of [channel, accepted]) {
      expect(end.service).toBe('test')
      expect(end.metadata).toEqual(metadata)
      expect(end.state).toBe('open')
    }
    expect(channel.remote).toStrictEqual({ id: server.id, address: server.address })
    expect(Object.isFrozen(channel.remote)).toBe(true)
    expect(inspect(channel.remote)).toMatch(/^\{\s+id: '\w+',\s+address: \[Getter\]\s+\}$/)
    expect(accepted.remote).toEqual({ id: client.id, address: client.address })
  })

  test('stats count what happened, also afterwards', async () => {
    const { channel, accepted } = await makePair({ open: { window: { size: 64, ackEvery: 16 } } })
    for (let count = 0; count < 100; count++) await channel.write('0123456789')
    await texts(accepted, 100)
    await channel.flush()
    expect(channel.stats()).toMatchObject({
      messagesSent: 100,
      messagesAcknowledged: 100,
      messagesInFlight: 0,
      bytesSent: 1_000,
      bytesUnsent: 0,
      window: 64,
      ackEvery: 16,
    })
    expect(accepted.stats()).toMatchObject({
      messagesReceived: 100,
      bytesReceived: 1_000,
      messagesHeld: 0,
      messagesSent: 0,
    })
    expect(channel.stats().path.rtt).toBeGreaterThan(0)
    const before = channel.stats()
    await channel.close()
    expect(channel.stats()).toMatchObject({ messagesSent: 100, bytesSent: 1_000 })
    expect(channel.stats().path.packetsSent).toBeGreaterThanOrEqual(before.path.packetsSent)
  })
})

describe('flush', () => {
  test('resolves when everything sent so far is acknowledged', async () => {
    const { channel } = await makePair()
    await channel.flush()
    const flushes: Promise<void>[] = []
    for (let count = 0; count < 500; count++) {
      channel.send(Buffer.alloc(10))
      flushes.push(channel.flush())
    }
    await Promise.all(flushes)
    expect(channel.stats().messagesAcknowledged).toBe(500)
  })

  test('resolves in the order of the calls, no matter that nobody reads', async () => {
    const { channel } = await makePair()
    const order: number[] = []
    const flushes = [1, 2, 3].map(async (number) => {
      channel.send(`message ${number}`)
      await channel.flush()
      order.push(number)
    })
    await Promise.all(flushes)
    expect(order).toEqual([1, 2, 3])
  })

  test('gives up after its timeout; the channel goes on', async () => {
    const { channel, accepted } = await makePair({ client: { impair: { delay: 50 } } })
    channel.send('slow')
    await expect(channel.flush({ timeout: 1 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    await channel.flush()
    expect(String(await accepted.receive())).toBe('slow')
  })

  test('gives up when its signal aborts, with the reason', async () => {
    const { channel } = await makePair({ client: { impair: { delay: 50 } } })
    const abort = new AbortController()
    channel.send('slow')
    const flushed = channel.flush({ signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(flushed).rejects.toThrow('enough')
    await expect(channel.flush({ signal: abort.signal })).rejects.toThrow('enough')
    await channel.flush()
  })

  test('rejects when the channel dies, and says what to send again', async () => {
    const { channel, accepted } = await makePair({ client: { impair: { delay: 20 } } })
    channel.send('first')
    await channel.flush()
    channel.send('second')
    channel.send('third')
    const flushed = channel.flush()
    accepted.reset('no more')
    await expect(flushed).rejects.toBeInstanceOf(ChannelError)
    await expect(flushed).rejects.toMatchObject({
      code: 'CHANNEL_RESET',
      info: { by: 'remote', unacknowledged: { first: 2, count: 2 } },
    })
    await expect(channel.flush()).rejects.toMatchObject({ code: 'CHANNEL_RESET' })
  })
})

describe('end', () => {
  test('one side ends, the other goes on', async () => {
    const { channel, accepted } = await makePair()
    channel.send('last')
    const ended = channel.end()
    expect(channel.state).toBe('ended')
    expect(() => channel.send('more')).toThrow(expect.objectContaining({ code: 'CHANNEL_CLOSED' }))
    await expect(channel.write('more')).rejects.toMatchObject({ code: 'CHANNEL_CLOSED' })
    await ended
    expect(await texts(accepted, 2)).toEqual(['last'])
    expect(await accepted.receive()).toBeUndefined()
    accepted.send('answer')
    expect(String(await channel.receive())).toBe('answer')
    expect(accepted.state).toBe('open')
  })

  test('both ends close the channel', async () => {
    const { channel, accepted } = await makePair()
    const ends: string[] = []
    channel.on('end', () => ends.push('channel'))
    accepted.on('end', () => ends.push('accepted'))
    await channel.end()
    expect(await accepted.receive()).toBeUndefined()
    await accepted.end()
    expect(await channel.receive()).toBeUndefined()
    expect(await channel.closed).toEqual({ by: 'local', unacknowledged: null })
    expect(await accepted.closed).toEqual({ by: 'remote', unacknowledged: null })
    expect(ends.sort()).toEqual(['accepted', 'channel'])
    expect([channel.state, accepted.state]).toEqual(['closed', 'closed'])
    await expect(channel.end()).resolves.toBeUndefined()
  })

  test("'end' comes after the last message was read, and without reading if there is none", async () => {
    const { channel, accepted } = await makePair()
    const seen: string[] = []
    accepted.on('end', () => seen.push('end'))
    channel.send('a')
    channel.send('b')
    await channel.end()
    await turns(5)
    expect(seen).toEqual([])
    seen.push(String(await accepted.receive()), String(await accepted.receive()))
    await until(() => seen.includes('end'))
    expect(seen).toEqual(['a', 'b', 'end'])
    const empty = await makePair()
    const ended = new Promise<void>((resolve) => empty.accepted.once('end', resolve))
    empty.channel.end()
    await ended
  })

  test('rejects when the channel dies before everything is acknowledged, quietly if nobody waits', async () => {
    const { channel, accepted } = await makePair({ client: { impair: { delay: 20 } } })
    channel.send('lost')
    const ended = channel.end()
    accepted.reset()
    await channel.closed
    await expect(ended).rejects.toMatchObject({ code: 'CHANNEL_RESET' })
  })
})

describe('close', () => {
  test('everything sent before arrives, then both sides are closed', async () => {
    const { channel, accepted } = await makePair()
    for (let count = 0; count < 500; count++) channel.send(`${count}`)
    await channel.close()
    expect(channel.state).toBe('closed')
    expect(await channel.closed).toEqual({ by: 'local', unacknowledged: null })
    expect(await texts(accepted, 1_000)).toHaveLength(500)
    expect(await accepted.closed).toEqual({ by: 'remote', unacknowledged: null })
    await expect(channel.close()).resolves.toBeUndefined()
    expect(() => channel.send('x')).toThrow(
      expect.objectContaining({ name: 'ChannelError', code: 'CHANNEL_CLOSED' }),
    )
  })

  test('what is on its way to the closing side is reported where it was sent', async () => {
    const { channel, accepted } = await makePair({ server: { impair: { delay: 50 } } })
    accepted.send('lost')
    const closing = channel.close()
    const info = await accepted.closed
    await closing
    expect(info).toEqual({ by: 'remote', unacknowledged: { first: 1, count: 1 } })
    await expect(accepted.flush()).rejects.toMatchObject({ code: 'CHANNEL_CLOSED', info })
  })

  test('gives up after its timeout, resets, and says what was left', async () => {
    const { client, channel, accepted } = await makePair({ client: { impair: { loss: 0 } } })
    expect(client.stats().channels).toBe(1)
    // Nobody reads on the other side, so that more than its credit cannot be acknowledged.
    for (let count = 0; count < 400; count++) channel.send(Buffer.alloc(1_000))
    const closed = channel.close({ timeout: 100 })
    expect(channel.close()).toBe(closed)
    await expect(closed).rejects.toBeInstanceOf(ChannelError)
    const info = await channel.closed
    await expect(closed).rejects.toMatchObject({ code: 'CLOSE_TIMEOUT', info })
    expect(info.by).toBe('local')
    const { first, count } = info.unacknowledged ?? { first: 0, count: 0 }
    expect(first + count).toBe(401)
    expect(count).toBeGreaterThan(0)
    await until(() => accepted.state === 'closed')
    expect(await accepted.closed).toMatchObject({ by: 'remote', error: { code: 'CHANNEL_RESET' } })
  })

  test('a signal shortens it', async () => {
    const { channel } = await makePair()
    for (let count = 0; count < 400; count++) channel.send(Buffer.alloc(1_000))
    await expect(channel.close({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CLOSE_TIMEOUT',
    })
    expect(channel.state).toBe('closed')
  })

  test('closes both sides at the same time', async () => {
    const { channel, accepted } = await makePair()
    channel.send('a')
    accepted.send('b')
    await Promise.all([channel.close(), accepted.close()])
    expect((await channel.closed).unacknowledged).toBeNull()
    expect((await accepted.closed).unacknowledged).toBeNull()
  })

  test('options are checked, and nothing is closed', async () => {
    const { channel } = await makePair()
    await expect(channel.close({ timeout: -1 })).rejects.toBeInstanceOf(OptionError)
    expect(channel.state).toBe('open')
  })

  test('await using, where there is Symbol.asyncDispose', async () => {
    const { channel } = await makePair()
    await channel[Symbol.asyncDispose]()
    expect(channel.state).toBe('closed')
  })
})

describe('reset', () => {
  test('both sides know at once, the other one with the reason', async () => {
    const { channel, accepted } = await makePair()
    const events: [string, CloseInfo][] = []
    channel.on('close', (info) => events.push(['channel', info]))
    accepted.on('close', (info) => events.push(['accepted', info]))
    channel.reset('changed my mind')
    expect(channel.state).toBe('closed')
    expect(await channel.closed).toEqual({ by: 'local', unacknowledged: null })
    const info = await accepted.closed
    expect(info.by).toBe('remote')
    expect(info.error).toBeInstanceOf(ChannelError)
    expect(info.error).toMatchObject({
      code: 'CHANNEL_RESET',
      message: 'the peer reset the channel: changed my mind',
    })
    await until(() => events.length === 2)
    expect(events.map(([who]) => who)).toEqual(['channel', 'accepted'])
    channel.reset()
  })

  test('readers get what came before, then the error, again and again', async () => {
    const { channel, accepted } = await makePair()
    channel.send('before')
    await channel.flush()
    channel.reset()
    await accepted.closed
    expect(String(await accepted.receive())).toBe('before')
    for (let count = 0; count < 2; count++) {
      await expect(accepted.receive()).rejects.toMatchObject({ code: 'CHANNEL_RESET' })
    }
    await expect(channel.receive()).rejects.toMatchObject({ code: 'CHANNEL_CLOSED' })
  })

  test('a long reason is cut between characters', async () => {
    const { channel, accepted } = await makePair()
    channel.reset('é'.repeat(500))
    const { error } = await accepted.closed
    expect(error?.message).toBe(`the peer reset the channel: ${'é'.repeat(127)}`)
  })

  test('the reason must be text', async () => {
    const { channel } = await makePair()
    expect(() => channel.reset(5 as never)).toThrow(OptionError)
    expect(channel.state).toBe('open')
  })

  test('what was not acknowledged is reported', async () => {
    const { channel } = await makePair({ client: { impair: { delay: 50 } } })
    channel.send('a')
    channel.send('b')
    channel.reset()
    expect(await channel.closed).toEqual({
      by: 'local',
      unacknowledged: { first: 1, count: 2 },
    })
  })
})

describe('other ends', () => {
  test('a channel without traffic dies of its idle timeout on both sides', async () => {
    const { channel, accepted } = await makePair({ open: { idleTimeout: 100 } })
    expect(await channel.closed).toMatchObject({ by: 'failure', error: { code: 'CHANNEL_IDLE' } })
    expect(await accepted.closed).toMatchObject({ by: 'remote', error: { code: 'CHANNEL_IDLE' } })
  })

  test('a peer that falls silent is lost after the idle timeout', async () => {
    const { server, channel } = await makePair({ client: { limits: { idleTimeout: 1_000 } } })
    const reading = channel.receive()
    channel.send('never acknowledged')
    server.destroy()
    await expect(reading).rejects.toBeInstanceOf(HawserError)
    await expect(reading).rejects.toMatchObject({
      code: 'PEER_LOST',
      message: 'nothing heard from the peer for 1 s',
    })
    const info = await channel.closed
    expect(info.by).toBe('failure')
    expect(info.unacknowledged?.count).toBeLessThanOrEqual(1)
  })

  test('channels do not hold up each other', async () => {
    const server = await makePeer()
    server.serve('stuck', () => {})
    server.serve('free', async (channel) => {
      for await (const message of channel) channel.send(message)
    })
    const client = await makePeer()
    const stuck = await client.open(server.address, 'stuck')
    const free = await client.open(server.address, 'free')
    while (stuck.send(Buffer.alloc(10_000))) {
      // until it is full
    }
    for (let count = 0; count < 50; count++) {
      free.send(`${count}`)
      expect(String(await free.receive())).toBe(`${count}`)
    }
    expect(stuck.stats().bytesUnsent).toBeGreaterThan(0)
    expect(client.stats().sessions).toHaveLength(1)
  })
})
