// A reader that stops holds up its sender, and what waits is bounded.

import { once } from 'node:events'
import { type Channel, OptionError } from '../../lib'
import { makePair, turns, until } from '../support/peers'

/** Sends until `send` answers false; returns how many messages were taken. */
function fill(channel: Channel, bytes: number): number {
  for (let count = 1; ; count++) if (!channel.send(Buffer.alloc(bytes))) return count
}

const mark = 50_000

/** Sends messages of 1,000 bytes until nothing can move: neither the peer's credit nor the buffer has room. */
async function stuff(channel: Channel): Promise<number> {
  let sent = 0
  for (;;) {
    const { bytesUnsent, creditLeft } = channel.stats()
    if (bytesUnsent > mark && creditLeft < 1_100) return sent
    if (bytesUnsent <= mark) sent += fill(channel, 1_000)
    await turns(1)
  }
}

/** Reads `count` messages. */
async function read(channel: Channel, count: number): Promise<void> {
  for (let left = count; left > 0; left--) expect(await channel.receive()).toBeDefined()
}

test("send answers false above highWaterMark; 'drain' comes when half of it has left", async () => {
  const { channel, accepted } = await makePair({ open: { highWaterMark: mark } })
  const drains = jest.fn()
  channel.on('drain', drains)
  const sent = await stuff(channel)
  const before = drains.mock.calls.length
  await turns(20)
  expect(drains).toHaveBeenCalledTimes(before)
  await Promise.all([once(channel, 'drain'), read(accepted, sent)])
  expect(drains).toHaveBeenCalledTimes(before + 1)
  expect(channel.send('more')).toBe(true)
})

test('at maxBuffered, send throws and takes nothing', async () => {
  const { channel, accepted } = await makePair({
    open: { highWaterMark: 10_000, maxBuffered: 20_000 },
  })
  let sent = 0
  let unsent = 0
  const flood = () => {
    try {
      for (;;) {
        channel.send(Buffer.alloc(1_000))
        sent++
      }
    } finally {
      // At once: sending goes on while JavaScript is busy.
      unsent = channel.stats().bytesUnsent
    }
  }
  expect(flood).toThrow(expect.objectContaining({ name: 'HawserError', code: 'BUFFER_FULL' }))
  expect(unsent).toBeGreaterThanOrEqual(20_000)
  expect(unsent).toBeLessThan(25_000)
  await Promise.all([channel.drained(), read(accepted, sent)])
  channel.send('last')
  expect(String(await accepted.receive())).toBe('last')
  expect(channel.stats().messagesSent).toBe(sent + 1)
})

test('a reader that never reads: what both sides keep stays the same', async () => {
  const { channel, accepted } = await makePair({ open: { highWaterMark: mark } })
  const writing = (async () => {
    for (;;) await channel.write(Buffer.alloc(1_000))
  })()
  writing.catch(() => {})
  // write() waits for half of the mark to leave, so more than half may stay.
  await until(() => {
    const { bytesUnsent, creditLeft } = channel.stats()
    return bytesUnsent > mark / 2 && creditLeft < 1_100
  })
  await until(() => accepted.stats().messagesReceived === channel.stats().messagesSent)
  const [sender, receiver] = [channel.stats(), accepted.stats()]
  await turns(300)
  expect(channel.stats().messagesSent).toBe(sender.messagesSent)
  expect(channel.stats().bytesUnsent).toBe(sender.bytesUnsent)
  expect(accepted.stats().messagesReceived).toBe(receiver.messagesReceived)
  expect(receiver.messagesHeld).toBe(receiver.messagesReceived)
  expect(receiver.bytesReceived).toBeLessThanOrEqual(65_536)
  channel.reset()
  await expect(writing).rejects.toMatchObject({ code: 'CHANNEL_CLOSED' })
})

test('a reader that stops amid a loop holds up the sender until it goes on', async () => {
  const { channel, accepted } = await makePair({ open: { highWaterMark: 10_000 } })
  const total = 1_000
  const writing = (async () => {
    for (let count = 0; count < total; count++) await channel.write(Buffer.alloc(1_000, count))
    await channel.end()
  })()
  let got = 0
  for await (const message of accepted) {
    expect(message[0]).toBe(got & 255)
    if (++got === 10) {
      await turns(300)
      expect(channel.stats().messagesSent).toBeLessThan(total / 2)
    }
  }
  expect(got).toBe(total)
  await writing
})

describe('write', () => {
  test('waits for room', async () => {
    const { channel, accepted } = await makePair({ open: { highWaterMark: mark } })
    const sent = await stuff(channel)
    let written = false
    const writing = channel.write('after').then(() => {
      written = true
    })
    await turns(20)
    expect(written).toBe(false)
    await read(accepted, sent)
    await writing
    expect(String(await accepted.receive())).toBe('after')
  })

  test('keeps the order of the calls', async () => {
    const { channel, accepted } = await makePair({ open: { highWaterMark: 1_000 } })
    const writes = Array.from({ length: 500 }, (_, index) =>
      channel.write(`${index}`.padStart(100)),
    )
    for (let index = 0; index < 500; index++) {
      expect(Number(await accepted.receive())).toBe(index)
    }
    await Promise.all(writes)
  })

  test('a hundred thousand at once', async () => {
    const { channel, accepted } = await makePair({ open: { highWaterMark: 10_000 } })
    const total = 100_000
    let done = 0
    for (let count = 0; count < total; count++) {
      channel.write('x').then(() => done++)
    }
    let got = 0
    accepted.on('message', () => got++)
    await until(() => got === total)
    await until(() => done === total)
  })

  test('giving up: the message is not sent', async () => {
    const { channel, accepted } = await makePair({ open: { highWaterMark: mark } })
    const sent = await stuff(channel)
    await expect(channel.write('no', { timeout: 1 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    const abort = new AbortController()
    const aborted = channel.write('no', { signal: abort.signal })
    const last = channel.write('yes')
    abort.abort()
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
    await expect(channel.write('no', { signal: abort.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    await read(accepted, sent)
    await last
    expect(String(await accepted.receive())).toBe('yes')
  })

  test('what it refuses does not hold up others', async () => {
    const { channel, accepted } = await makePair({
      open: { highWaterMark: mark, maxMessageBytes: 1_000 },
    })
    const sent = await stuff(channel)
    const writes = [
      channel.write(Buffer.alloc(1_001)),
      channel.write(5 as never),
      channel.write('good'),
    ]
    const settled = Promise.allSettled(writes)
    await read(accepted, sent)
    expect(await settled).toMatchObject([
      { reason: { code: 'MESSAGE_TOO_LARGE' } },
      { reason: { option: 'message' } },
      { status: 'fulfilled' },
    ])
    expect(String(await accepted.receive())).toBe('good')
    await expect(channel.write('x', { timeout: -1 })).rejects.toBeInstanceOf(OptionError)
  })

  test('messages that wait are sent before the end', async () => {
    const { channel, accepted } = await makePair({ open: { highWaterMark: mark } })
    const sent = await stuff(channel)
    const writes = [channel.write('a'), channel.write('b')]
    const flushed = channel.flush()
    const ended = channel.end()
    await read(accepted, sent)
    await Promise.all(writes)
    expect(String(await accepted.receive())).toBe('a')
    expect(String(await accepted.receive())).toBe('b')
    expect(await accepted.receive()).toBeUndefined()
    await Promise.all([flushed, ended])
  })

  test('messages that wait when the channel dies are rejected', async () => {
    const { channel, accepted } = await makePair({ open: { highWaterMark: mark } })
    await stuff(channel)
    const writes = [channel.write('a'), channel.drained(), channel.flush()]
    accepted.reset()
    for (const writing of writes) {
      await expect(writing).rejects.toMatchObject({ code: 'CHANNEL_RESET' })
    }
  })
})

test('drained resolves at once while there is room', async () => {
  const { channel } = await makePair()
  await channel.drained()
  channel.send('x')
  await channel.drained()
})
