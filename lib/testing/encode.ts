// Writes frames, for packets that a test makes up.

import { OptionError } from '../errors'
import { deliveries, type Frame, frameCodes, type NumberRange, windowModes } from './frames'

/** The bytes of a packet's content. Writes what it is given, allowed or not. */
export function encodeFrames(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.map((frame) => encodeFrame(frame)))
}

function encodeFrame(frame: Frame): Buffer {
  if (frame.type === 'UNKNOWN') return join(varint(frame.code), block(frame.bytes))
  const code = frameCodes[frame.type]
  if (code === undefined) {
    throw new OptionError('frames', frame.type, Object.keys(frameCodes).join(', '))
  }
  if (frame.type === 'PADDING') return Buffer.alloc(frame.length)
  return join(varint(code), ...parts(frame))
}

type Written = Exclude<Frame, { type: 'UNKNOWN' | 'PADDING' }>

function parts(frame: Written): Uint8Array[] {
  switch (frame.type) {
    case 'PING':
    case 'ACK_NOW':
      return []
    case 'COUNT_NOW':
      return numbers(frame.channel)
    case 'ACK':
      return ackParts(frame.delay, frame.ranges)
    case 'ACK_POLICY':
      return numbers(frame.generation, frame.packets, frame.maxDelay, frame.reorderingThreshold)
    case 'COUNT': {
      const entries = frame.counts.flatMap(({ channel, count }) => [varint(channel), u32(count)])
      return [varint(frame.counts.length), ...entries]
    }
    case 'REQUEST': {
      const ranges = frame.ranges.flatMap(({ first, last }) => [u32(first), varint(last - first)])
      return [...numbers(frame.channel, frame.ranges.length), ...ranges]
    }
    case 'SKIP':
      return [varint(frame.channel), u32(frame.next), varint(frame.cost)]
    case 'WINDOW':
      return numbers(
        frame.channel,
        frame.generation,
        frame.size,
        frame.ackEvery,
        frame.ackTimeout,
        windowModes.indexOf(frame.mode),
      )
    case 'WINDOW_HINT':
      return numbers(frame.channel, frame.generation, frame.loss, frame.size, frame.ackEvery)
    case 'CREDIT':
      return numbers(frame.channel, frame.limit)
    case 'BLOCKED':
      return numbers(frame.channel, frame.wanted)
    case 'MAX_CHANNELS':
      return numbers(frame.total)
    case 'OPEN':
      return [varint(frame.channel), text(frame.service), block(frame.metadata), ...terms(frame)]
    case 'ACCEPT':
      return [varint(frame.channel), ...terms(frame)]
    case 'END':
      return numbers(frame.channel, frame.sequence)
    case 'RESET':
      return [...numbers(frame.channel, frame.code, frame.sequence, frame.cost), text(frame.reason)]
    case 'CLOSE':
      return [varint(frame.code), text(frame.reason)]
    case 'MESSAGE': {
      const messages = join(...frame.messages.map(({ bytes }) => block(bytes)))
      return [varint(frame.channel), u32(frame.messages[0]?.sequence ?? 0), block(messages)]
    }
    case 'FRAGMENT':
      return [
        varint(frame.channel),
        u32(frame.sequence),
        ...numbers(frame.total, frame.offset),
        block(frame.bytes),
      ]
    case 'CRYPTO':
      return [...numbers(frame.generation, frame.step), block(frame.message)]
    case 'PATH_CHALLENGE':
    case 'PATH_RESPONSE':
      return [frame.data]
  }
}

function terms(frame: Extract<Frame, { type: 'OPEN' | 'ACCEPT' }>): Uint8Array[] {
  return numbers(frame.limit, frame.maxMessageBytes, deliveries.indexOf(frame.delivery))
}

function ackParts(delay: number, ranges: readonly NumberRange[]): Uint8Array[] {
  const out: number[] = [ranges[0]?.last ?? 0, delay, ranges.length - 1]
  ranges.forEach(({ first, last }, index) => {
    const newer = ranges[index - 1]
    if (newer !== undefined) out.push(newer.first - last - 2)
    out.push(last - first)
  })
  return numbers(...out)
}

function join(...pieces: readonly Uint8Array[]): Buffer {
  return Buffer.concat(pieces)
}

function numbers(...values: readonly number[]): Uint8Array[] {
  return values.map((value) => varint(value))
}

function varint(value: number): Buffer {
  if (!(Number.isSafeInteger(value) && value >= 0)) {
    throw new OptionError('frames', value, 'whole numbers from 0 to 2^53 - 1')
  }
  if (value < 0x40) return Buffer.of(value)
  if (value < 0x4000) return Buffer.of(0x40 | (value >> 8), value & 0xff)
  const out = Buffer.alloc(value < 0x4000_0000 ? 4 : 8)
  if (out.length === 4) out.writeUInt32BE((value | 0x8000_0000) >>> 0)
  else out.writeBigUInt64BE(BigInt(value) | 0xc000_0000_0000_0000n)
  return out
}

/** The low 32 bits. */
function u32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(Number(BigInt(value) & 0xffff_ffffn))
  return out
}

function block(bytes: Uint8Array): Buffer {
  return join(varint(bytes.length), bytes)
}

function text(value: string): Buffer {
  return block(Buffer.from(value))
}
