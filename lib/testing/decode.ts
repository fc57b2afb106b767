// Reads the frames of a packet, as docs/PROTOCOL.md 5 describes them.

import {
  deliveries,
  type Frame,
  firstSkippable,
  frameCodes,
  type NumberRange,
  type TracedMessage,
  windowModes,
} from './frames'

/** What cannot be read. */
export class FrameError extends Error {
  /** Where in the frames of the packet, bytes. */
  readonly offset: number

  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`)
    this.offset = offset
  }

  static {
    FrameError.prototype.name = 'FrameError'
  }
}

/** Restores sequence numbers from their low 32 bits; see {@link SequenceTracker}. */
export interface Sequences {
  /** Of a message that this packet's sender sends. */
  sent(channel: number, low: number): number
  /** Of a message that this packet's sender speaks of, having received it or not. */
  received(channel: number, low: number): number
  /** A message, or a piece of it that begins at `offset`, is sent: for which time. `undefined`: not known. */
  attempt(channel: number, sequence: number, offset: number): number | undefined
}

/** As on the wire: for packets by themselves. */
export const truncated: Sequences = {
  sent: (_, low) => low,
  received: (_, low) => low,
  attempt: () => undefined,
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

class Cursor {
  at = 0
  constructor(readonly data: Buffer) {}

  fail(message: string): never {
    throw new FrameError(message, this.at)
  }

  get left(): number {
    return this.data.length - this.at
  }

  bytes(length: number): Buffer {
    if (length > this.left) this.fail('cut off')
    const start = this.at
    this.at += length
    return this.data.subarray(start, this.at)
  }

  u32(): number {
    return this.bytes(4).readUInt32BE()
  }

  /** RFC 9000, section 16, in the shortest form only. Exact: a bigint where a number is not. */
  exact(): number | bigint {
    const first = this.data[this.at]
    if (first === undefined) this.fail('cut off')
    const length = 1 << (first >> 6)
    const bytes = this.bytes(length)
    switch (length) {
      case 1:
        return first
      case 2:
        return this.#shortest(bytes.readUInt16BE() & 0x3fff, 0x40)
      case 4:
        return this.#shortest(bytes.readUInt32BE() & 0x3fff_ffff, 0x4000)
      default: {
        const value = bytes.readBigUInt64BE() & 0x3fff_ffff_ffff_ffffn
        if (value < 0x4000_0000n) this.fail('number not in its shortest form')
        return value > BigInt(Number.MAX_SAFE_INTEGER) ? value : Number(value)
      }
    }
  }

  #shortest(value: number, least: number): number {
    if (value < least) this.fail('number not in its shortest form')
    return value
  }

  varint(minimum = 0, maximum = Number.POSITIVE_INFINITY): number {
    const value = Number(this.exact())
    if (value < minimum || value > maximum) this.fail('value outside its range')
    return value
  }

  block(minimum = 0, maximum = Number.POSITIVE_INFINITY): Buffer {
    return this.bytes(this.varint(minimum, maximum))
  }

  text(minimum: number, maximum: number): string {
    const bytes = this.block(minimum, maximum)
    try {
      return utf8.decode(bytes)
    } catch {
      return this.fail('not UTF-8')
    }
  }
}

const maxMessage = 2 ** 30 - 1
const maxWindow = 65_536
const maxCryptoMessage = 256
const pathDataBytes = 8

/**
 * The frames of a packet. Throws a {@link FrameError} for what docs/PROTOCOL.md does not allow.
 *
 * @param content - Between the packet's header and its tag, not protected.
 */
export function decodeFrames(content: Uint8Array, sequences: Sequences = truncated): Frame[] {
  const cursor = new Cursor(Buffer.from(content.buffer, content.byteOffset, content.byteLength))
  if (cursor.left === 0) cursor.fail('packet without frames')
  const frames: Frame[] = []
  while (cursor.left > 0) frames.push(readFrame(cursor, sequences))
  return frames
}

function readFrame(cursor: Cursor, sequences: Sequences): Frame {
  const code = cursor.varint()
  const read = readers.get(code)
  if (read !== undefined) return read(cursor, sequences)
  if (code < firstSkippable) cursor.fail('unknown or reserved type')
  return { type: 'UNKNOWN', code, bytes: cursor.block() }
}

type ReadFrame = (cursor: Cursor, sequences: Sequences) => Frame

const readers = new Map<number, ReadFrame>([
  [frameCodes.PADDING, readPadding],
  [frameCodes.PING, () => ({ type: 'PING' })],
  [frameCodes.ACK_NOW, () => ({ type: 'ACK_NOW' })],
  [frameCodes.COUNT_NOW, (cursor) => ({ type: 'COUNT_NOW', channel: readChannel(cursor) })],
  [frameCodes.ACK, readAck],
  [
    frameCodes.ACK_POLICY,
    (cursor) => ({
      type: 'ACK_POLICY',
      generation: cursor.varint(),
      packets: cursor.varint(1, 65_536),
      maxDelay: cursor.varint(0, 2 ** 24 - 1),
      reorderingThreshold: cursor.varint(1, 1_024),
    }),
  ],
  [frameCodes.COUNT, readCount],
  [frameCodes.REQUEST, readRequest],
  [frameCodes.SKIP, readSkip],
  [frameCodes.WINDOW, readWindow],
  [frameCodes.WINDOW_HINT, readWindowHint],
  [
    frameCodes.CREDIT,
    (cursor) => ({ type: 'CREDIT', channel: readChannel(cursor), limit: cursor.varint() }),
  ],
  [
    frameCodes.BLOCKED,
    (cursor) => ({ type: 'BLOCKED', channel: readChannel(cursor), wanted: cursor.varint() }),
  ],
  [frameCodes.MAX_CHANNELS, (cursor) => ({ type: 'MAX_CHANNELS', total: cursor.varint() })],
  [frameCodes.OPEN, readOpen],
  [
    frameCodes.ACCEPT,
    (cursor) => ({ type: 'ACCEPT', channel: readChannel(cursor), ...readTerms(cursor) }),
  ],
  [
    frameCodes.END,
    (cursor) => ({ type: 'END', channel: readChannel(cursor), sequence: cursor.varint() }),
  ],
  [
    frameCodes.RESET,
    (cursor) => ({
      type: 'RESET',
      channel: readChannel(cursor),
      code: cursor.varint(),
      sequence: cursor.varint(),
      cost: cursor.varint(),
      reason: cursor.text(0, 255),
    }),
  ],
  [
    frameCodes.CLOSE,
    (cursor) => ({ type: 'CLOSE', code: cursor.varint(), reason: cursor.text(0, 255) }),
  ],
  [frameCodes.MESSAGE, readMessages],
  [frameCodes.FRAGMENT, readFragment],
  [
    frameCodes.CRYPTO,
    (cursor) => ({
      type: 'CRYPTO',
      generation: cursor.varint(1),
      step: cursor.varint(1, 2),
      message: cursor.block(1, maxCryptoMessage),
    }),
  ],
  [
    frameCodes.PATH_CHALLENGE,
    (cursor) => ({ type: 'PATH_CHALLENGE', data: cursor.bytes(pathDataBytes) }),
  ],
  [
    frameCodes.PATH_RESPONSE,
    (cursor) => ({ type: 'PATH_RESPONSE', data: cursor.bytes(pathDataBytes) }),
  ],
])

/** Channel ids begin with 1. */
function readChannel(cursor: Cursor): number {
  return cursor.varint(1)
}

function readPadding(cursor: Cursor): Frame {
  const start = cursor.at - 1
  while (cursor.left > 0 && cursor.data[cursor.at] === 0) cursor.at++
  return { type: 'PADDING', length: cursor.at - start }
}

function readAck(cursor: Cursor): Frame {
  const largest = cursor.varint()
  const delay = cursor.varint()
  const further = cursor.varint(0, 31)
  const ranges: NumberRange[] = []
  let last = largest
  for (let index = 0; index <= further; index++) {
    // Two ranges are at least one missing number apart (RFC 9000, section 19.3.1).
    if (index > 0) last = (ranges[index - 1] as NumberRange).first - cursor.varint() - 2
    const first = last - cursor.varint()
    if (first < 0 || last < 0) cursor.fail('range below zero')
    ranges.push({ first, last })
  }
  return { type: 'ACK', delay, ranges }
}

function readCount(cursor: Cursor, sequences: Sequences): Frame {
  const counts = Array.from({ length: cursor.varint(1, 64) }, () => {
    const channel = readChannel(cursor)
    return { channel, count: sequences.received(channel, cursor.u32()) }
  })
  return { type: 'COUNT', counts }
}

function readRequest(cursor: Cursor, sequences: Sequences): Frame {
  const channel = readChannel(cursor)
  const count = cursor.varint(1, 64)
  const ranges: NumberRange[] = []
  let before: { low: number; length: number } | undefined
  for (let index = 0; index < count; index++) {
    const low = cursor.u32()
    // No more than can be in flight.
    const length = cursor.varint(0, maxWindow - 1) + 1
    // Rising in the arithmetic of 32 bits.
    if (before !== undefined) {
      const distance = (low - before.low) >>> 0
      if (distance < before.length || distance >= 2 ** 31) cursor.fail('not in order')
    }
    before = { low, length }
    const first = sequences.received(channel, low)
    ranges.push({ first, last: first + length - 1 })
  }
  return { type: 'REQUEST', channel, ranges }
}

function readSkip(cursor: Cursor, sequences: Sequences): Frame {
  const channel = readChannel(cursor)
  const next = sequences.sent(channel, cursor.u32())
  return { type: 'SKIP', channel, next, cost: cursor.varint() }
}

function readWindow(cursor: Cursor): Frame {
  const channel = readChannel(cursor)
  const generation = cursor.varint()
  const size = cursor.varint(2, maxWindow)
  const ackEvery = cursor.varint(1, size)
  const ackTimeout = cursor.varint(0, 2 ** 32 - 1)
  const mode = windowModes[cursor.varint(0, 1)] as (typeof windowModes)[number]
  return { type: 'WINDOW', channel, generation, size, ackEvery, ackTimeout, mode }
}

function readWindowHint(cursor: Cursor): Frame {
  const channel = readChannel(cursor)
  const generation = cursor.varint()
  const loss = cursor.varint(0, 65_536)
  const size = cursor.varint(0, maxWindow)
  if (size === 1) cursor.fail('value outside its range')
  const ackEvery = cursor.varint(0, size)
  return { type: 'WINDOW_HINT', channel, generation, loss, size, ackEvery }
}

function readTerms(cursor: Cursor) {
  return {
    limit: cursor.varint(),
    maxMessageBytes: cursor.varint(1, maxMessage),
    delivery: deliveries[cursor.varint(0, 3)] as (typeof deliveries)[number],
  }
}

function readOpen(cursor: Cursor): Frame {
  const channel = readChannel(cursor)
  const service = cursor.text(1, 255)
  const metadata = cursor.block(0, 1_024)
  return { type: 'OPEN', channel, service, metadata, ...readTerms(cursor) }
}

function readMessages(cursor: Cursor, sequences: Sequences): Frame {
  const channel = readChannel(cursor)
  let sequence = sequences.sent(channel, cursor.u32())
  const inner = new Cursor(cursor.block(1))
  const messages: TracedMessage[] = []
  while (inner.left > 0) {
    const length = inner.varint()
    if (length > inner.left) cursor.fail('messages do not fill the frame')
    const bytes = inner.bytes(length)
    const attempt = sequences.attempt(channel, sequence, 0)
    messages.push(attempt === undefined ? { sequence, bytes } : { sequence, bytes, attempt })
    sequence++
  }
  return { type: 'MESSAGE', channel, messages }
}

function readFragment(cursor: Cursor, sequences: Sequences): Frame {
  const channel = readChannel(cursor)
  const sequence = sequences.sent(channel, cursor.u32())
  const total = cursor.varint(1, maxMessage)
  const offset = cursor.varint()
  const bytes = cursor.block(1)
  if (offset + bytes.length > total) cursor.fail('value outside its range')
  const attempt = sequences.attempt(channel, sequence, offset)
  const frame = { type: 'FRAGMENT', channel, sequence, total, offset, bytes } as const
  return attempt === undefined ? frame : { ...frame, attempt }
}
