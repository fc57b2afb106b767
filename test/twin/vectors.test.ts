// The test vectors of the wire format, read and written by the twin's codec, which comes from docs/PROTOCOL.md alone: if the two
// implementations read the document differently, this fails.

import fs from 'node:fs'
import path from 'node:path'
import { readFrames } from '../../bench/twin/wire/frame_reader'
import { writeFrame } from '../../bench/twin/wire/frame_writer'
import { type Frame, FrameType, isEliciting } from '../../bench/twin/wire/frames'
import {
  type Packet,
  PacketType,
  readInitPayload,
  readPacket,
  readResponsePayload,
  writeInitPayload,
  writeResponsePayload,
} from '../../bench/twin/wire/packets'
import type { Parameters } from '../../bench/twin/wire/parameters'
import { largest, Reader, Refused, restore } from '../../bench/twin/wire/reader'
import { varintBytes, Writer, writeVarint } from '../../bench/twin/wire/writer'

const folder = path.join(__dirname, '..', '..', 'native', 'wire', 'vectors')

type Fields = { [name: string]: unknown }

interface Vector {
  name?: string
  note?: string
  hex: string
  zeros?: string
  invalid?: string
  exact?: boolean
  [field: string]: unknown
}

function load(file: string, group: string): [string, Vector][] {
  const groups = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'))
  const vectors = groups[group] as Vector[]
  return vectors.map((vector, index) => [
    vector.name ?? vector.note ?? `${index}: ${vector.hex || 'nothing'}`,
    vector,
  ])
}

function bytesOf(vector: Vector): Buffer {
  return Buffer.concat([Buffer.from(vector.hex, 'hex'), Buffer.alloc(Number(vector.zeros ?? 0))])
}

const isNumber = (value: unknown): value is string =>
  typeof value === 'string' && /^(0|[1-9]\d*)$/.test(value)

/** As the vectors show it: numbers as decimal strings, bytes in hexadecimal. */
function shown(value: unknown): unknown {
  if (typeof value === 'number') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shown(field)]))
}

/** The twin reads every number above 2^53 − 1 as that. `name`: fields of bytes, whose digits are no number. */
function readable(value: unknown, name = ''): unknown {
  if (isNumber(value) && !bytesFields.has(name)) {
    return BigInt(value) > largest ? String(largest) : value
  }
  if (Array.isArray(value)) return value.map((item) => readable(item, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [field, readable(inner, field)]),
  )
}

const bytesFields = new Set([
  ...['messages', 'data', 'message', 'metadata', 'service', 'reason', 'content', 'tag'],
  ...['destination', 'source', 'mac', 'mac1', 'mac2', 'cookie', 'initiator', 'reset'],
])

const hasLargeNumbers = (value: unknown) =>
  JSON.stringify(readable(value)) !== JSON.stringify(value)

// --- Names ---------------------------------------------------------------------------------------

/** A camel-cased name as the vectors have it. */
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const snakeFields = (fields: object): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [snake(name), value]))

const typeNames = new Map(
  Object.entries(FrameType).map(([name, type]) => [type, snake(name).toUpperCase()]),
)

function described(frame: Exclude<Frame, { type: 'unknown' }>): Fields {
  const { type, ...fields } = frame
  const named = snakeFields(fields)
  if (frame.type === FrameType.fragment) {
    named.data = named.piece
    named.piece = undefined
  }
  return { type: typeNames.get(type), eliciting: isEliciting(frame), ...named }
}

const parametersShown = (parameters: Parameters) => snakeFields(parameters)

function packetShown(packet: Packet): Fields {
  const { type, ...fields } = packet
  switch (type) {
    case PacketType.data: {
      const { flags, ...more } = fields as Fields
      return { type: 'DATA', key_phase: flags === 1, ...more }
    }
    case PacketType.init:
      return { type: 'INIT', version: 1, ...fields }
    case PacketType.response:
      return { type: 'RESPONSE', version: 1, ...fields }
    case PacketType.cookie:
      return { type: 'COOKIE', version: 1, ...fields }
  }
}

// --- The vectors -----------------------------------------------------------------------------------

const withoutUndefined = (value: unknown) => JSON.parse(JSON.stringify(value))

/** Reads a vector, and writes it back if it is what Hawser itself would write. */
function check<T>(
  vector: Vector,
  wanted: string,
  read: (data: Buffer) => T,
  show: (content: T) => unknown,
  write?: (content: T) => Uint8Array,
): void {
  const data = bytesOf(vector)
  if (vector.invalid !== undefined) {
    expect(() => read(data)).toThrow(Refused)
    return
  }
  const content = read(data)
  expect(withoutUndefined(shown(show(content)))).toEqual(readable(vector[wanted], wanted))
  if (write === undefined || vector.exact === false || hasLargeNumbers(vector[wanted])) return
  expect(Buffer.from(write(content)).toString('hex')).toBe(data.toString('hex'))
}

describe('numbers', () => {
  test.each(load('numbers.json', 'varints'))('varint %s', (_, vector) => {
    const read = (data: Buffer) => {
      const reader = new Reader(data)
      const value = reader.varint()
      if (reader.left > 0) throw new Refused('more than one number')
      return value
    }
    const write = (value: number) => {
      const data = Buffer.alloc(varintBytes(value))
      expect(writeVarint(data, 0, value)).toBe(data.length)
      return data
    }
    check(vector, 'value', read, (value) => value, write)
  })

  const countable = load('numbers.json', 'restored').filter(
    ([, { expected, number }]) =>
      BigInt(expected as string) < largest && BigInt(number as string) < largest,
  )

  test.each(countable)('restored: %s', (_, { truncated, expected, number }) => {
    expect(restore(Number(truncated), Number(expected))).toBe(Number(number))
  })

  test('most of the restored numbers are ones that the twin can count to', () => {
    expect(countable.length).toBeGreaterThan(load('numbers.json', 'restored').length / 2)
  })
})

describe('packets', () => {
  test.each(load('packets.json', 'packets'))('%s', (_, vector) => {
    check(vector, 'packet', readPacket, packetShown)
  })

  test.each(load('packets.json', 'init_payloads'))('payload of an INIT: %s', (_, vector) => {
    check(
      vector,
      'payload',
      readInitPayload,
      ({ parameters, ...more }) => ({ ...more, parameters: parametersShown(parameters) }),
      writeInitPayload,
    )
  })

  test.each(load('packets.json', 'response_payloads'))('payload of a RESPONSE: %s', (_, vector) => {
    check(
      vector,
      'payload',
      readResponsePayload,
      ({ parameters, ...more }) => ({ ...more, parameters: parametersShown(parameters) }),
      writeResponsePayload,
    )
  })
})

function written(frames: Frame[]): Buffer {
  const writer = new Writer(Buffer.alloc(70_000))
  for (const frame of frames) writeFrame(writer, frame)
  return writer.content
}

describe('frames', () => {
  const known = (frames: Frame[]) =>
    frames.flatMap((frame) => (frame.type === 'unknown' ? [] : [described(frame)]))

  test.each(load('frames.json', 'frames'))('%s', (_, vector) => {
    check(vector, 'frames', readFrames, known, written)
  })

  test('there is a valid vector for every frame', () => {
    const types = new Set<unknown>()
    for (const [, vector] of load('frames.json', 'frames')) {
      for (const frame of (vector.frames as Fields[] | undefined) ?? []) types.add(frame.type)
    }
    typeNames.delete(FrameType.padding)
    expect(types).toEqual(new Set(typeNames.values()))
  })
})
