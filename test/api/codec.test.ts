// Codecs: values instead of bytes, and what happens to messages that cannot be read.

import { type Channel, type ChannelOptions, type Codec, OptionError } from '../../lib'
import { makePair, until } from '../support/peers'

interface Point {
  x: number
  y: number
}

const json: Codec<Point> = {
  encode: (value) => JSON.stringify(value),
  decode: (bytes) => JSON.parse(String(bytes)),
}

/** Numbers that must be even. */
const even: Codec<number> = {
  encode: (value) => Uint8Array.of(value),
  decode: (bytes) => {
    const value = bytes[0] ?? 0
    if (value % 2 === 1) throw new Error(`${value} is odd`)
    return value
  },
}

async function send(channel: Channel<number, number>, values: number[]): Promise<void> {
  for (const value of values) channel.send(value)
  await channel.flush()
}

const undecodable = { name: 'HawserError', code: 'DECODE_FAILED' }

test('values go in and come out', async () => {
  const { channel, accepted } = await makePair({ open: { codec: json }, serve: { codec: json } })
  channel.send({ x: 1, y: 2 })
  await channel.write({ x: 3, y: 4 })
  expect(await accepted.receive()).toEqual({ x: 1, y: 2 })
  accepted.send({ x: 5, y: 6 })
  for await (const point of channel) {
    expect(point.x + point.y).toBe(11)
    break
  }
  for await (const batch of accepted.batches()) {
    expect(batch).toEqual([{ x: 3, y: 4 }])
    break
  }
})

test('an encoder may use the same memory again', async () => {
  const memory = new Uint8Array(1)
  const codec: Codec<number> = {
    encode: (value) => {
      memory[0] = value
      return memory
    },
    decode: (bytes) => bytes[0] ?? 0,
  }
  const { channel, accepted } = await makePair({ open: { codec }, serve: { codec } })
  for (let value = 0; value < 200; value++) channel.send(value)
  for (let value = 0; value < 200; value++) expect(await accepted.receive()).toBe(value)
})

test('what an encoder throws comes out of send; what it must not return is refused', async () => {
  const codec = {
    encode: (value: number) => {
      if (value < 0) throw new Error('negative')
      return value as never
    },
    decode: Number,
  } satisfies ChannelOptions<number, number>['codec']
  const { channel } = await makePair<number, number>({ open: { codec } })
  expect(() => channel.send(-1)).toThrow('negative')
  await expect(channel.write(-1)).rejects.toThrow('negative')
  expect(() => channel.send(1)).toThrow(OptionError)
  expect(channel.stats().messagesSent).toBe(0)
})

describe('a message that cannot be decoded', () => {
  const codecs = { open: { codec: even }, serve: { codec: even } }

  test('fails one receive', async () => {
    const { channel, accepted } = await makePair(codecs)
    await send(channel, [2, 3, 4])
    expect(await accepted.receive()).toBe(2)
    await expect(accepted.receive()).rejects.toMatchObject({
      ...undecodable,
      cause: expect.objectContaining({ message: '3 is odd' }),
    })
    expect(await accepted.receive()).toBe(4)
  })

  test('fails a receive that waits', async () => {
    const { channel, accepted } = await makePair(codecs)
    const received = accepted.receive()
    channel.send(3)
    channel.send(4)
    await expect(received).rejects.toMatchObject(undecodable)
    expect(await accepted.receive()).toBe(4)
  })

  test('throws out of a loop; another one goes on behind it', async () => {
    const { channel, accepted } = await makePair(codecs)
    await send(channel, [2, 3, 4, 5, 6])
    channel.end()
    const got: number[] = []
    let failures = 0
    for (let done = false; !done; ) {
      try {
        for await (const value of accepted) got.push(value)
        done = true
      } catch (error) {
        expect(error).toMatchObject(undecodable)
        failures++
      }
    }
    expect(got).toEqual([2, 4, 6])
    expect(failures).toBe(2)
  })

  test('is behind the batch of those before it', async () => {
    const { channel, accepted } = await makePair(codecs)
    await send(channel, [2, 4, 3, 6])
    const first = accepted.batches()[Symbol.asyncIterator]()
    expect((await first.next()).value).toEqual([2, 4])
    await expect(first.next()).rejects.toMatchObject(undecodable)
    const second = accepted.batches()[Symbol.asyncIterator]()
    expect((await second.next()).value).toEqual([6])
  })

  test("resets the channel when 'message' listeners read", async () => {
    const { channel, accepted } = await makePair(codecs)
    const got: number[] = []
    accepted.on('message', (value) => got.push(value))
    await send(channel, [2])
    await until(() => got.length === 1)
    channel.send(3)
    const info = await accepted.closed
    expect(info).toMatchObject({ by: 'local', error: { code: 'DECODE_FAILED' } })
    expect(await channel.closed).toMatchObject({
      by: 'remote',
      error: { message: 'the peer reset the channel: a message could not be decoded' },
    })
    expect(got).toEqual([2])
  })
})
