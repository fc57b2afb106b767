// Writes frames (docs/PROTOCOL.md §5).

import { type Frame, FrameType } from './frames'
import { varintBytes, type Writer } from './writer'

/** The writer must have room for the frame. */
export function writeFrame(writer: Writer, frame: Frame): void {
  if (frame.type === 'unknown') throw new TypeError('there is nothing to write of an unknown frame')
  writer.varint(frame.type)
  switch (frame.type) {
    case FrameType.ping:
    case FrameType.ackNow:
      break
    case FrameType.ack: {
      const [[first, last], ...others] = frame.ranges as [[number, number], ...[number, number][]]
      for (const value of [last, frame.delay, others.length, last - first]) writer.varint(value)
      let lowest = first
      for (const [from, to] of others) {
        writer.varint(lowest - to - 2)
        writer.varint(to - from)
        lowest = from
      }
      break
    }
    case FrameType.crypto:
      writer.varint(frame.generation)
      writer.varint(frame.step)
      writer.block(frame.message)
      break
    case FrameType.ackPolicy:
      writer.varint(frame.generation)
      writer.varint(frame.packets)
      writer.varint(frame.maxDelay)
      writer.varint(frame.reorderingThreshold)
      break
    case FrameType.count:
      writer.varint(frame.entries.length)
      for (const { channel, count } of frame.entries) {
        writer.varint(channel)
        writer.u32(count)
      }
      break
    case FrameType.request:
      writer.varint(frame.channel)
      writer.varint(frame.ranges.length)
      for (const { first, count } of frame.ranges) {
        writer.u32(first)
        writer.varint(count - 1)
      }
      break
    case FrameType.skip:
      writer.varint(frame.channel)
      writer.u32(frame.next)
      writer.varint(frame.cost)
      break
    case FrameType.window:
      writer.varint(frame.channel)
      writer.varint(frame.generation)
      writer.varint(frame.messages)
      writer.varint(frame.messagesPerAck)
      writer.varint(frame.ackAfter)
      writer.varint(frame.mode)
      break
    case FrameType.windowHint:
      writer.varint(frame.channel)
      writer.varint(frame.generation)
      writer.varint(frame.loss)
      writer.varint(frame.messages)
      writer.varint(frame.messagesPerAck)
      break
    case FrameType.credit:
      writer.varint(frame.channel)
      writer.varint(frame.limit)
      break
    case FrameType.blocked:
      writer.varint(frame.channel)
      writer.varint(frame.wanted)
      break
    case FrameType.maxChannels:
      writer.varint(frame.total)
      break
    case FrameType.open:
      writer.varint(frame.channel)
      writer.text(frame.service)
      writer.block(frame.metadata)
      writeLimits(writer, frame)
      break
    case FrameType.accept:
      writer.varint(frame.channel)
      writeLimits(writer, frame)
      break
    case FrameType.end:
      writer.varint(frame.channel)
      writer.varint(frame.finalSequence)
      break
    case FrameType.reset:
      writer.varint(frame.channel)
      writer.varint(frame.code)
      writer.varint(frame.finalSequence)
      writer.varint(frame.finalCost)
      writer.text(frame.reason)
      break
    case FrameType.close:
      writer.varint(frame.code)
      writer.text(frame.reason)
      break
    case FrameType.message: {
      writer.varint(frame.channel)
      writer.u32(frame.sequence)
      const bytes = frame.messages.map(({ length }) => varintBytes(length) + length)
      writer.varint(bytes.reduce((sum, length) => sum + length, 0))
      for (const message of frame.messages) writer.block(message)
      break
    }
    case FrameType.fragment:
      writer.varint(frame.channel)
      writer.u32(frame.sequence)
      writer.varint(frame.total)
      writer.varint(frame.offset)
      writer.block(frame.piece)
      break
    case FrameType.pathChallenge:
    case FrameType.pathResponse:
      writer.bytes(frame.data)
      break
    case FrameType.countNow:
      writer.varint(frame.channel)
      break
  }
}

function writeLimits(
  writer: Writer,
  frame: { limit: number; maxMessage: number; delivery: number },
): void {
  writer.varint(frame.limit)
  writer.varint(frame.maxMessage)
  writer.varint(frame.delivery)
}
