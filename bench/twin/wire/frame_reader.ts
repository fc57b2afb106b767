// Takes apart what a DATA packet holds (docs/PROTOCOL.md §5).

import { type Ack, type Count, type Frame, FrameType, type Message, type Request } from './frames'
import { Reader, Refused } from './reader'

const mostDelay = 2 ** 24 - 1
const mostMessageBytes = 2 ** 30 - 1
const mostWindow = 65_536

/**
 * The frames of a packet, without PADDING; contents are views. Throws {@link Refused} if one of them cannot be read, or if there is
 * none at all.
 */
export function readFrames(content: Buffer): Frame[] {
  if (content.length === 0) throw new Refused('packet without frames')
  const reader = new Reader(content)
  const frames: Frame[] = []
  while (reader.at < content.length) {
    const type = reader.varint()
    if (type !== FrameType.padding) frames.push(readFrame(reader, type))
  }
  return frames
}

function readFrame(reader: Reader, type: number): Frame {
  switch (type) {
    case FrameType.message:
      return message(reader)
    case FrameType.ack:
      return ack(reader)
    case FrameType.count:
      return count(reader)
    case FrameType.ping:
    case FrameType.ackNow:
      return { type }
    case FrameType.fragment: {
      const channel = reader.varint(1)
      const sequence = reader.u32()
      const total = reader.varint(1)
      const offset = reader.varint()
      const piece = reader.block(1)
      if (offset + piece.length > total) throw new Refused('beyond its message')
      return { type, channel, sequence, total, offset, piece }
    }
    case FrameType.crypto: {
      const generation = reader.varint(1)
      const step = reader.varint(1, 2)
      return { type, generation, step, message: reader.block(1, 256) }
    }
    case FrameType.ackPolicy: {
      const generation = reader.varint()
      const packets = reader.varint(1, 65_536)
      const maxDelay = reader.varint(0, mostDelay)
      return {
        type,
        generation,
        packets,
        maxDelay,
        reorderingThreshold: reader.varint(1, 1_024),
      }
    }
    case FrameType.request:
      return request(reader)
    case FrameType.skip: {
      const channel = reader.varint(1)
      const next = reader.u32()
      return { type, channel, next, cost: reader.varint() }
    }
    case FrameType.window: {
      const channel = reader.varint(1)
      const generation = reader.varint()
      const messages = reader.varint(2, mostWindow)
      const messagesPerAck = reader.varint(1, messages)
      const ackAfter = reader.varint(0, 2 ** 32 - 1)
      return {
        type,
        channel,
        generation,
        messages,
        messagesPerAck,
        ackAfter,
        mode: reader.varint(0, 1),
      }
    }
    case FrameType.windowHint: {
      const channel = reader.varint(1)
      const generation = reader.varint()
      const loss = reader.varint(0, 65_536)
      const messages = reader.varint(0, mostWindow)
      if (messages === 1) throw new Refused('N = 1')
      return {
        type,
        channel,
        generation,
        loss,
        messages,
        messagesPerAck: reader.varint(0, messages),
      }
    }
    case FrameType.credit: {
      const channel = reader.varint(1)
      return { type, channel, limit: reader.varint() }
    }
    case FrameType.blocked: {
      const channel = reader.varint(1)
      return { type, channel, wanted: reader.varint() }
    }
    case FrameType.maxChannels:
      return { type, total: reader.varint() }
    case FrameType.open: {
      const channel = reader.varint(1)
      const service = reader.text(1, 255)
      const metadata = reader.block(0, 1_024)
      return { type, channel, service, metadata, ...limits(reader) }
    }
    case FrameType.accept: {
      const channel = reader.varint(1)
      return { type, channel, ...limits(reader) }
    }
    case FrameType.end: {
      const channel = reader.varint(1)
      return { type, channel, finalSequence: reader.varint() }
    }
    case FrameType.reset: {
      const channel = reader.varint(1)
      const code = reader.varint()
      const finalSequence = reader.varint()
      const finalCost = reader.varint()
      return { type, channel, code, finalSequence, finalCost, reason: reader.text(0, 255) }
    }
    case FrameType.close: {
      const code = reader.varint()
      return { type, code, reason: reader.text(0, 255) }
    }
    case FrameType.pathChallenge:
    case FrameType.pathResponse:
      return { type, data: reader.bytes(8) }
    case FrameType.countNow:
      return { type, channel: reader.varint(1) }
    default:
      if (type < 0x40) throw new Refused('unknown or reserved type')
      reader.block()
      return { type: 'unknown' }
  }
}

function limits(reader: Reader): { limit: number; maxMessage: number; delivery: number } {
  const limit = reader.varint()
  const maxMessage = reader.varint(1, mostMessageBytes)
  return { limit, maxMessage, delivery: reader.varint(0, 3) }
}

function message(reader: Reader): Message {
  const channel = reader.varint(1)
  const sequence = reader.u32()
  const length = reader.varint(1)
  const end = reader.at + length
  if (end > reader.data.length) throw new Refused('cut off')
  const messages: Buffer[] = []
  while (reader.at < end) messages.push(reader.block())
  if (reader.at > end) throw new Refused('a message beyond its frame')
  return { type: FrameType.message, channel, sequence, messages }
}

function ack(reader: Reader): Ack {
  let last = reader.varint()
  const delay = reader.varint()
  const further = reader.varint(0, 31)
  let first = last - reader.varint()
  const ranges: [number, number][] = [[first, last]]
  for (let left = further; left > 0; left--) {
    // As in RFC 9000 §19.3.1: a gap of g stands for g + 1 numbers, a length of l for l + 1.
    last = first - reader.varint() - 2
    first = last - reader.varint()
    ranges.push([first, last])
  }
  if (first < 0) throw new Refused('a range below zero')
  return { type: FrameType.ack, delay, ranges }
}

function count(reader: Reader): Count {
  const entries: { channel: number; count: number }[] = []
  for (let left = reader.varint(1, 64); left > 0; left--) {
    const channel = reader.varint(1)
    entries.push({ channel, count: reader.u32() })
  }
  return { type: FrameType.count, entries }
}

function request(reader: Reader): Request {
  const channel = reader.varint(1)
  const ranges: { first: number; count: number }[] = []
  for (let left = reader.varint(1, 64); left > 0; left--) {
    const first = reader.u32()
    const count = reader.varint(0, 65_535) + 1
    const before = ranges.at(-1)
    if (before !== undefined) {
      const distance = (first - before.first) >>> 0
      if (distance < before.count || distance >= 2 ** 31) throw new Refused('ranges not in order')
    }
    ranges.push({ first, count })
  }
  return { type: FrameType.request, channel, ranges }
}
