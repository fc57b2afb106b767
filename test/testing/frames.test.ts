// The decoder of traces against the vectors of the wire format, and the encoder against the decoder.

import fs from 'node:fs'
import path from 'node:path'
import {
  decodeFrames,
  encodeFrames,
  type Frame,
  FrameError,
  isAckEliciting,
} from '../../lib/testing'
import { frameCodes } from '../../lib/testing/frames'

interface VectorFrame {
  readonly type: string
  readonly eliciting: boolean
  readonly [field: string]: unknown
}

interface Vector {
  readonly name?: string
  readonly hex: string
  readonly zeros?: string
  readonly invalid?: string
  /** False: not the form that an encoder writes. */
  readonly exact?: boolean
  readonly frames?: readonly VectorFrame[]
}

const file = path.join(__dirname, '../../native/wire/vectors/frames.json')
const vectors = (JSON.parse(fs.readFileSync(file, 'utf8')) as { frames: Vector[] }).frames
const bytesOf = ({ hex, zeros }: Vector) =>
  Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(Number(zeros ?? 0))])

/** A frame as the vectors write it. */
function described(frame: Frame): Record<string, unknown> {
  const eliciting = isAckEliciting(frame)
  const common = { type: frame.type, eliciting }
  const text = (value: number) => String(value)
  switch (frame.type) {
    case 'ACK':
      return {
        ...common,
        delay: text(frame.delay),
        ranges: frame.ranges.map(({ first, last }) => [text(first), text(last)]),
      }
    case 'ACK_POLICY':
      return {
        ...common,
        generation: text(frame.generation),
        packets: text(frame.packets),
        max_delay: text(frame.maxDelay),
        reordering_threshold: text(frame.reorderingThreshold),
      }
    case 'COUNT':
      return {
        ...common,
        entries: frame.counts.map(({ channel, count }) => ({
          channel: text(channel),
          count: text(count),
        })),
      }
    case 'REQUEST':
      return {
        ...common,
        channel: text(frame.channel),
        ranges: frame.ranges.map(({ first, last }) => ({
          first: text(first),
          count: text(last - first + 1),
        })),
      }
    case 'SKIP':
      return {
        ...common,
        channel: text(frame.channel),
        next: text(frame.next),
        cost: text(frame.cost),
      }
    case 'WINDOW':
      return {
        ...common,
        channel: text(frame.channel),
        generation: text(frame.generation),
        messages: text(frame.size),
        messages_per_ack: text(frame.ackEvery),
        ack_after: text(frame.ackTimeout),
        mode: frame.mode === 'early' ? '0' : '1',
      }
    case 'WINDOW_HINT':
      return {
        ...common,
        channel: text(frame.channel),
        generation: text(frame.generation),
        loss: text(frame.loss),
        messages: text(frame.size),
        messages_per_ack: text(frame.ackEvery),
      }
    case 'CREDIT':
      return { ...common, channel: text(frame.channel), limit: text(frame.limit) }
    case 'BLOCKED':
      return { ...common, channel: text(frame.channel), wanted: text(frame.wanted) }
    case 'MAX_CHANNELS':
      return { ...common, total: text(frame.total) }
    case 'OPEN':
      return {
        ...common,
        channel: text(frame.channel),
        service: frame.service,
        metadata: frame.metadata.toString('hex'),
        limit: text(frame.limit),
        max_message: text(frame.maxMessageBytes),
        delivery: text(delivery.indexOf(frame.delivery)),
      }
    case 'ACCEPT':
      return {
        ...common,
        channel: text(frame.channel),
        limit: text(frame.limit),
        max_message: text(frame.maxMessageBytes),
        delivery: text(delivery.indexOf(frame.delivery)),
      }
    case 'END':
      return { ...common, channel: text(frame.channel), final_sequence: text(frame.sequence) }
    case 'RESET':
      return {
        ...common,
        channel: text(frame.channel),
        code: text(frame.code),
        final_sequence: text(frame.sequence),
        final_cost: text(frame.cost),
        reason: frame.reason,
      }
    case 'CLOSE':
      return { ...common, code: text(frame.code), reason: frame.reason }
    case 'MESSAGE':
      return {
        ...common,
        channel: text(frame.channel),
        sequence: text(frame.messages[0]?.sequence ?? -1),
        messages: frame.messages.map(({ bytes }) => bytes.toString('hex')),
      }
    case 'FRAGMENT':
      return {
        ...common,
        channel: text(frame.channel),
        sequence: text(frame.sequence),
        total: text(frame.total),
        offset: text(frame.offset),
        data: frame.bytes.toString('hex'),
      }
    case 'COUNT_NOW':
      return { ...common, channel: text(frame.channel) }
    case 'CRYPTO':
      return {
        ...common,
        generation: text(frame.generation),
        step: text(frame.step),
        message: frame.message.toString('hex'),
      }
    case 'PATH_CHALLENGE':
    case 'PATH_RESPONSE':
      return { ...common, data: frame.data.toString('hex') }
    default:
      return common
  }
}

const delivery = ['ordered', 'unordered', 'latest', 'unreliable']

/** The vectors have exact numbers; a trace rounds those above 2^53 - 1. */
function rounded(value: unknown): unknown {
  if (typeof value === 'string' && /^\d{16,}$/.test(value)) return String(Number(value))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one)]))
}

/** What the vectors do not list: padding, and frames that are skipped. */
const isListed = ({ type }: Frame) => type !== 'PADDING' && type !== 'UNKNOWN'

const named = (wanted: (vector: Vector) => boolean): [string, Vector][] =>
  vectors
    .filter(wanted)
    .map((vector, index) => [vector.name ?? `${index}: ${vector.hex.slice(0, 40)}`, vector])

test.each(named(({ invalid }) => invalid === undefined))('reads %s', (_, vector) => {
  const frames = decodeFrames(bytesOf(vector))
  expect(frames.filter(isListed).map(described)).toEqual(rounded(vector.frames))
})

test.each(named(({ invalid }) => invalid !== undefined))('refuses %s', (_, vector) => {
  expect(() => decodeFrames(bytesOf(vector))).toThrow(FrameError)
})

const isExact = (vector: Vector) =>
  vector.invalid === undefined &&
  vector.exact !== false &&
  // Numbers that a plain number cannot hold cannot be written either.
  !/"\d{16,}"/.test(JSON.stringify(vector.frames))

test.each(named(isExact))('writes %s', (_, vector) => {
  const bytes = bytesOf(vector)
  expect(encodeFrames(decodeFrames(bytes)).equals(bytes)).toBe(true)
})

test('the vectors hold every type of frame that has a name', () => {
  const seen = new Set(
    vectors
      .filter(({ invalid }) => invalid === undefined)
      .flatMap((vector) => decodeFrames(bytesOf(vector)).map(({ type }) => type)),
  )
  expect([...seen].sort()).toEqual([...Object.keys(frameCodes), 'UNKNOWN'].sort())
})
