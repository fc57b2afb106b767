// The ways of reading a channel, and that there is one at a time.

import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { type Channel, HawserError, OptionError } from '../../lib'
import { makePair, texts, turns, until } from '../support/peers'

const busy = { name: 'HawserError', code: 'READER_BUSY' }

async function sendAll(channel: Channel, messages: string[]): Promise<void> {
  for (const message of messages) channel.send(message)
  await channel.flush()
}

describe('receive', () => {
  test('waits for a message', async () => {
    const { channel, accepted } = await makePair()
    const received = accepted.receive()
    await turns(3)
    channel.send('late')
    expect(String(await received)).toBe('late')
  })

  test('undefined once the peer has ended, each time', async () => {
    const { channel, accepted } = await makePair()
    channel.end()
    expect(await accepted.receive()).toBeUndefined()
    expect(await accepted.receive()).toBeUndefined()
  })

  test('a second one at the same time is refused, the first goes on', async () => {
    const { channel, accepted } = await makePair()
    const first = accepted.receive()
    await expect(accepted.receive()).rejects.toMatchObject(busy)
    channel.send('for the first')
    expect(String(await first)).toBe('for the first')
    channel.send('for the next')
    expect(String(await accepted.receive())).toBe('for the next')
  })

  test('giving up loses nothing', async () => {
    const { channel, accepted } = await makePair()
    await expect(accepted.receive({ timeout: 1 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: 'no message arrived within 1 ms',
    })
    const abort = new AbortController()
    const aborted = accepted.receive({ signal: abort.signal })
    abort.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    await expect(accepted.receive({ signal: abort.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    channel.send('a')
    channel.send('b')
    expect(await texts(accepted, 2)).toEqual(['a', 'b'])
  })

  test('its options are checked', async () => {
    const { accepted } = await makePair()
    await expect(accepted.receive({ timeout: -1 })).rejects.toBeInstanceOf(OptionError)
    await expect(accepted.receive({ timeout: 1 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  test('the signal is let go of', async () => {
    const { channel, accepted } = await makePair()
    const { signal } = new AbortController()
    const removed = jest.spyOn(signal, 'removeEventListener')
    const received = accepted.receive({ signal })
    channel.send('x')
    await received
    expect(removed).toHaveBeenCalledTimes(1)
  })
})

describe('for await', () => {
  test("ends with the peer's end", async () => {
    const { channel, accepted } = await makePair()
    const sent = Array.from({ length: 300 }, (_, index) => `${index}`)
    for (const message of sent) channel.send(message)
    channel.end()
    const got: string[] = []
    for await (const message of accepted) got.push(String(message))
    expect(got).toEqual(sent)
    for await (const message of accepted) got.push(String(message))
    expect(got).toEqual(sent)
  })

  test('break leaves the channel open, and the rest to the next reader', async () => {
    const { channel, accepted } = await makePair()
    await sendAll(channel, ['a', 'b', 'c', 'd', 'e'])
    for await (const message of accepted) if (String(message) === 'b') break
    expect(accepted.state).toBe('open')
    expect(String(await accepted.receive())).toBe('c')
    const rest: string[] = []
    for await (const message of accepted) {
      rest.push(String(message))
      if (rest.length === 2) break
    }
    expect(rest).toEqual(['d', 'e'])
    accepted.send('still open')
    expect(String(await channel.receive())).toBe('still open')
  })

  test('an error in the body leaves the rest, too', async () => {
    const { channel, accepted } = await makePair()
    await sendAll(channel, ['a', 'b'])
    const loop = async () => {
      for await (const message of accepted) throw new Error(`at ${message}`)
    }
    await expect(loop()).rejects.toThrow('at a')
    expect(String(await accepted.receive())).toBe('b')
  })

  test('throws when the channel is reset, after the last message', async () => {
    const { channel, accepted } = await makePair()
    await sendAll(channel, ['a'])
    const got: string[] = []
    const loop = async () => {
      for await (const message of accepted) {
        got.push(String(message))
        channel.reset('enough')
      }
    }
    await expect(loop()).rejects.toMatchObject({ code: 'CHANNEL_RESET' })
    expect(got).toEqual(['a'])
  })

  test('ends quietly when the channel is closed, on either side', async () => {
    const { channel, accepted } = await makePair()
    const loops = [channel, accepted].map(async (end) => {
      for await (const _ of end) throw new Error('nothing was sent')
    })
    await turns(3)
    await channel.close()
    await Promise.all(loops)
  })

  test('a second loop is refused, the first goes on', async () => {
    const { channel, accepted } = await makePair()
    const first = accepted[Symbol.asyncIterator]()
    const second = accepted[Symbol.asyncIterator]()
    const waiting = first.next()
    await expect(second.next()).rejects.toMatchObject(busy)
    await expect(first.next()).rejects.toMatchObject(busy)
    await expect(accepted.receive()).rejects.toMatchObject(busy)
    expect(() => accepted.stream()).toThrow(expect.objectContaining(busy))
    expect(() => accepted.on('message', () => {})).toThrow(expect.objectContaining(busy))
    expect(accepted.listenerCount('message')).toBe(0)
    channel.send('x')
    expect(String((await waiting).value)).toBe('x')
    await first.return?.()
    expect(await first.next()).toEqual({ done: true, value: undefined })
    channel.send('y')
    expect(String((await second.next()).value)).toBe('y')
  })

  test('return ends a next that still waits', async () => {
    const { accepted } = await makePair()
    const iterator = accepted[Symbol.asyncIterator]()
    const waiting = iterator.next()
    await iterator.return?.()
    expect(await waiting).toEqual({ done: true, value: undefined })
    await expect(accepted.receive({ timeout: 1 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  test('an iterator that is not used does not read', async () => {
    const { channel, accepted } = await makePair()
    accepted[Symbol.asyncIterator]()
    channel.send('x')
    expect(String(await accepted.receive())).toBe('x')
  })
})

describe('batches', () => {
  test('give everything that is there, at least one message each', async () => {
    const { channel, accepted } = await makePair()
    const sent = Array.from({ length: 1_000 }, (_, index) => `${index}`)
    for (const message of sent) channel.send(message)
    channel.end()
    const got: string[] = []
    let batches = 0
    for await (const batch of accepted.batches()) {
      expect(batch.length).toBeGreaterThan(0)
      got.push(...batch.map(String))
      batches++
    }
    expect(got).toEqual(sent)
    expect(batches).toBeLessThan(sent.length)
  })

  test('break leaves what was not given', async () => {
    const { channel, accepted } = await makePair()
    await sendAll(channel, ['a'])
    for await (const batch of accepted.batches()) {
      expect(batch.map(String)).toEqual(['a'])
      break
    }
    await sendAll(channel, ['b'])
    expect(String(await accepted.receive())).toBe('b')
  })
})

describe("'message' listeners", () => {
  test('get what came before them and what comes after', async () => {
    const { channel, accepted } = await makePair()
    await sendAll(channel, ['a', 'b'])
    const got: string[] = []
    accepted.on('message', (message) => got.push(String(message)))
    expect(got).toEqual([])
    await sendAll(channel, ['c'])
    await until(() => got.length === 3)
    expect(got).toEqual(['a', 'b', 'c'])
  })

  test('all of them get every message', async () => {
    const { channel, accepted } = await makePair()
    const got: string[] = []
    accepted.on('message', (message) => got.push(`1${message}`))
    accepted.addListener('message', (message) => got.push(`2${message}`))
    accepted.prependListener('message', (message) => got.push(`0${message}`))
    channel.send('a')
    await until(() => got.length === 3)
    expect(got).toEqual(['0a', '1a', '2a'])
  })

  test('come and go, alone or with others, without one message missed or given twice', async () => {
    const { channel, accepted } = await makePair()
    const log: string[] = []
    const first = (message: Buffer) => log.push(`first ${message}`)
    const second = (message: Buffer) => log.push(`second ${message}`)
    const say = async (text: string, heard: number) => {
      const before = log.length
      channel.send(text)
      await until(() => log.length === before + heard)
    }
    accepted.on('message', first)
    await say('alone', 1)
    accepted.prependListener('message', second)
    await say('both', 2)
    accepted.off('message', first)
    await say('the other', 1)
    accepted.once('message', first)
    await say('once', 2)
    await say('no more', 1)
    accepted.removeListener('message', second)
    accepted.on('message', function (this: unknown, message) {
      log.push(`${this === accepted} ${message}`)
    })
    await say('this', 1)
    expect(log).toEqual([
      'first alone',
      'second both',
      'first both',
      'second the other',
      'second once',
      'first once',
      'second no more',
      'true this',
    ])
  })

  test('are found by an emit that somebody has put in place of the one there was', async () => {
    const { channel, accepted } = await makePair()
    const log: string[] = []
    accepted.on('message', (message) => log.push(String(message)))
    const emit = accepted.emit.bind(accepted)
    accepted.emit = ((name: 'end', ...rest: []) => {
      log.push(name)
      return emit(name, ...rest)
    }) as typeof accepted.emit
    channel.send('traced')
    await until(() => log.length === 2)
    expect(log).toEqual(['message', 'traced'])
  })

  test('once takes one and leaves the rest', async () => {
    const { channel, accepted } = await makePair()
    await sendAll(channel, ['a', 'b', 'c'])
    const [first] = await once(accepted, 'message')
    expect(String(first)).toBe('a')
    const second = await new Promise((resolve) => accepted.prependOnceListener('message', resolve))
    expect(String(second)).toBe('b')
    expect(String(await accepted.receive())).toBe('c')
  })

  test.each<[string, (channel: Channel, listener: () => void) => void]>([
    ['off', (channel, listener) => channel.off('message', listener)],
    ['removeListener', (channel, listener) => channel.removeListener('message', listener)],
    ['removeAllListeners(name)', (channel) => channel.removeAllListeners('message')],
    ['removeAllListeners()', (channel) => channel.removeAllListeners()],
  ])('%s stops reading', async (_, remove) => {
    const { channel, accepted } = await makePair()
    const listener = jest.fn()
    accepted.on('message', listener)
    await sendAll(channel, ['a'])
    await until(() => listener.mock.calls.length === 1)
    remove(accepted, listener)
    await sendAll(channel, ['b'])
    await turns(5)
    expect(listener).toHaveBeenCalledTimes(1)
    expect(String(await accepted.receive())).toBe('b')
  })

  test('other events do not read', async () => {
    const { channel, accepted } = await makePair()
    accepted.on('drain', () => {})
    accepted.off('drain', () => {})
    channel.send('x')
    expect(String(await accepted.receive())).toBe('x')
  })

  test('are a reader: others are refused meanwhile', async () => {
    const { accepted } = await makePair()
    const listener = () => {}
    accepted.on('message', listener)
    await expect(accepted.receive()).rejects.toMatchObject(busy)
    accepted.off('message', listener)
    await expect(accepted.receive({ timeout: 1 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  test('one that removes itself amid a batch leaves the rest', async () => {
    const { channel, accepted } = await makePair()
    await sendAll(channel, ['a', 'b', 'c', 'd'])
    const got: string[] = []
    const listener = (message: Buffer) => {
      got.push(String(message))
      if (got.length === 2) accepted.off('message', listener)
    }
    accepted.on('message', listener)
    await until(() => got.length === 2)
    expect(await texts(accepted, 2)).toEqual(['c', 'd'])
    expect(got).toEqual(['a', 'b'])
  })

  test("'end' comes after the last message, 'close' when both have ended", async () => {
    const { channel, accepted } = await makePair()
    const got: string[] = []
    accepted.on('message', (message) => got.push(String(message)))
    accepted.on('end', () => {
      got.push('end')
      accepted.end()
    })
    accepted.on('close', () => got.push('close'))
    channel.send('a')
    channel.send('b')
    channel.end()
    await until(() => got.includes('close'))
    expect(got).toEqual(['a', 'b', 'end', 'close'])
  })

  test('more than the credit of a channel flows', async () => {
    const { channel, accepted } = await makePair()
    let bytes = 0
    accepted.on('message', (message) => {
      bytes += message.length
    })
    for (let count = 0; count < 3_000; count++) await channel.write(Buffer.alloc(5_000))
    await until(() => bytes === 15_000_000)
  })
})

describe('stream', () => {
  test('carries bytes both ways and ends', async () => {
    const { channel, accepted } = await makePair()
    const data = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index & 255))
    const server = (async () => {
      const stream = accepted.stream({ chunkBytes: 1_000 })
      await pipeline(stream, stream)
    })()
    const stream = channel.stream()
    stream.end(data)
    const got: Buffer[] = []
    for await (const chunk of stream) got.push(chunk)
    await server
    expect(Buffer.concat(got).equals(data)).toBe(true)
    expect((await channel.closed).unacknowledged).toBeNull()
    expect((await accepted.closed).unacknowledged).toBeNull()
    expect(accepted.stats().messagesSent).toBeGreaterThanOrEqual(300)
  })

  test('small writes that wait share messages', async () => {
    const { channel, accepted } = await makePair()
    const stream = channel.stream()
    for (let count = 0; count < 1_000; count++) stream.write('x')
    stream.end()
    let bytes = 0
    for await (const chunk of accepted) bytes += chunk.length
    expect(bytes).toBe(1_000)
    expect(channel.stats().messagesSent).toBeLessThan(100)
  })

  test('pauses its sender when nobody reads', async () => {
    const { channel, accepted } = await makePair({ open: { highWaterMark: 10_000 } })
    accepted.stream()
    const stream = channel.stream({ chunkBytes: 5_000 })
    let written = 0
    const write = (error?: Error | null) => {
      if (error) return
      written++
      stream.write(Buffer.alloc(50_000), write)
    }
    write()
    // Until nothing more is taken for a while; a sender that is not paused never comes to that.
    let stopped = 0
    for (let still = 0; still < 5 && written < 1_000; ) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      still = written === stopped ? still + 1 : 0
      stopped = written
    }
    expect(written).toBeLessThan(1_000)
    expect(written).toBeGreaterThan(0)
    stream.destroy()
  })

  test('destroying it resets the channel, with the error as reason', async () => {
    const { channel, accepted } = await makePair()
    const stream = channel.stream()
    stream.on('error', () => {})
    stream.destroy(new Error('broken'))
    expect(await accepted.closed).toMatchObject({
      by: 'remote',
      error: { message: 'the peer reset the channel: broken' },
    })
  })

  test('a reset of the channel destroys it', async () => {
    const { channel, accepted } = await makePair()
    const stream = accepted.stream()
    stream.resume()
    channel.reset('gone')
    const [error] = await once(stream, 'error')
    expect(error).toBeInstanceOf(HawserError)
    expect(error).toMatchObject({ code: 'CHANNEL_RESET' })
  })

  test('closing the channel or its peer here destroys it without an error', async () => {
    const { client, channel, accepted } = await makePair()
    for (const [stream, end] of [
      [channel.stream(), () => client.destroy()],
      [accepted.stream(), () => accepted.reset()],
    ] as const) {
      const errors = jest.fn()
      stream.on('error', errors)
      stream.resume()
      stream.write('x')
      end()
      await once(stream, 'close')
      expect(errors).not.toHaveBeenCalled()
      expect(stream.readableAborted).toBe(true)
    }
  })

  test('its options are checked, and it is not for channels with a codec', async () => {
    const { accepted } = await makePair({ open: { maxMessageBytes: 100 } })
    for (const chunkBytes of [0, -1, 16_777_217, Number.NaN]) {
      expect(() => accepted.stream({ chunkBytes })).toThrow(OptionError)
    }
    const codec = { encode: String, decode: String }
    const other = await makePair({ serve: { codec } })
    expect(() => other.accepted.stream()).toThrow(expect.objectContaining({ option: 'codec' }))
    await expect(other.accepted.receive({ timeout: 1 })).rejects.toMatchObject({ code: 'TIMEOUT' })
  })
})
