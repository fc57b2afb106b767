// Decodes the test vectors with a decoder of its own, written from docs/PROTOCOL.md alone: if the two
// implementations read the document differently, this fails.

import fs from 'node:fs'
import path from 'node:path'
import { initPayload, packet, responsePayload } from './vector_packets'
import { Reader, Refused, refuseIf } from './vector_reader'

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

// --- §5: frames --------------------------------------------------------------------------------

type FrameReader = (reader: Reader) => Fields

const channel = (reader: Reader) => reader.varint(1n)
const largestMessage = (reader: Reader) => reader.varint(1n, 2n ** 30n - 1n)

const frameTable = new Map<bigint, [string, boolean, FrameReader]>([
  [0x01n, ['PING', true, () => ({})]],
  [0x02n, ['ACK', false, ack]],
  [0x03n, ['CRYPTO', true, crypto]],
  [0x04n, ['ACK_NOW', true, () => ({})]],
  [
    0x05n,
    [
      'ACK_POLICY',
      true,
      (reader) => ({
        generation: reader.varint(),
        packets: reader.varint(1n, 65_536n),
        max_delay: reader.varint(0n, 2n ** 24n - 1n),
        reordering_threshold: reader.varint(1n, 1_024n),
      }),
    ],
  ],
  [0x06n, ['COUNT', false, count]],
  [0x07n, ['REQUEST', true, request]],
  [
    0x08n,
    [
      'SKIP',
      true,
      (reader) => ({ channel: channel(reader), next: reader.u32(), cost: reader.varint() }),
    ],
  ],
  [0x09n, ['WINDOW', true, window]],
  [0x0an, ['WINDOW_HINT', true, windowHint]],
  [0x0bn, ['CREDIT', true, (reader) => ({ channel: channel(reader), limit: reader.varint() })]],
  [0x0cn, ['BLOCKED', true, (reader) => ({ channel: channel(reader), wanted: reader.varint() })]],
  [0x0dn, ['MAX_CHANNELS', true, (reader) => ({ total: reader.varint() })]],
  [
    0x0en,
    [
      'OPEN',
      true,
      (reader) => ({
        channel: channel(reader),
        service: reader.text(1n, 255n),
        metadata: reader.block(0n, 1_024n).toString('hex'),
        limit: reader.varint(),
        max_message: largestMessage(reader),
        delivery: reader.varint(0n, 3n),
      }),
    ],
  ],
  [
    0x0fn,
    [
      'ACCEPT',
      true,
      (reader) => ({
        channel: channel(reader),
        limit: reader.varint(),
        max_message: largestMessage(reader),
        delivery: reader.varint(0n, 3n),
      }),
    ],
  ],
  [
    0x10n,
    ['END', true, (reader) => ({ channel: channel(reader), final_sequence: reader.varint() })],
  ],
  [
    0x11n,
    [
      'RESET',
      true,
      (reader) => ({
        channel: channel(reader),
        code: reader.varint(),
        final_sequence: reader.varint(),
        final_cost: reader.varint(),
        reason: reader.text(0n, 255n),
      }),
    ],
  ],
  [0x12n, ['CLOSE', false, (reader) => ({ code: reader.varint(), reason: reader.text(0n, 255n) })]],
  [0x14n, ['MESSAGE', true, message]],
  [0x15n, ['FRAGMENT', true, fragment]],
  [0x16n, ['PATH_CHALLENGE', true, pathData]],
  [0x17n, ['PATH_RESPONSE', true, pathData]],
  [0x28n, ['COUNT_NOW', true, (reader) => ({ channel: channel(reader) })]],
])

function ack(reader: Reader): Fields {
  let last = reader.varint()
  const delay = reader.varint()
  const further = reader.varint(0n, 31n)
  let first = last - reader.varint()
  const ranges = [[first, last]]
  for (let left = further; left > 0n; left--) {
    // As in RFC 9000 §19.3.1: a gap of g stands for g + 1 numbers, a length of l for l + 1.
    last = first - reader.varint() - 2n
    first = last - reader.varint()
    ranges.push([first, last])
  }
  refuseIf(first < 0n, 'range below zero')
  return { delay, ranges }
}

function count(reader: Reader): Fields {
  const entries: Fields[] = []
  for (let left = reader.varint(1n, 64n); left > 0n; left--) {
    entries.push({ channel: channel(reader), count: reader.u32() })
  }
  return { entries }
}

function window(reader: Reader): Fields {
  const id = channel(reader)
  const generation = reader.varint()
  const messages = reader.varint(2n, 65_536n)
  return {
    channel: id,
    generation,
    messages,
    messages_per_ack: reader.varint(1n, messages),
    ack_after: reader.varint(0n, 2n ** 32n - 1n),
    mode: reader.varint(0n, 1n),
  }
}

function windowHint(reader: Reader): Fields {
  const id = channel(reader)
  const generation = reader.varint()
  const loss = reader.varint(0n, 65_536n)
  const messages = reader.varint(0n, 65_536n)
  refuseIf(messages === 1n, 'N = 1')
  return { channel: id, generation, loss, messages, messages_per_ack: reader.varint(0n, messages) }
}

function request(reader: Reader): Fields {
  const id = channel(reader)
  const ranges: { first: bigint; count: bigint }[] = []
  for (let left = reader.varint(1n, 64n); left > 0n; left--) {
    const range = { first: reader.u32(), count: reader.varint(0n, 65_535n) + 1n }
    const before = ranges.at(-1)
    if (before !== undefined) {
      const distance = (range.first - before.first + 2n ** 32n) % 2n ** 32n
      refuseIf(distance < before.count || distance >= 2n ** 31n, 'ranges not in order')
    }
    ranges.push(range)
  }
  return { channel: id, ranges }
}

function message(reader: Reader): Fields {
  const id = channel(reader)
  const sequence = reader.u32()
  const content = new Reader(reader.block(1n))
  const messages: string[] = []
  while (content.left > 0) messages.push(content.block().toString('hex'))
  return { channel: id, sequence, messages }
}

function fragment(reader: Reader): Fields {
  const id = channel(reader)
  const sequence = reader.u32()
  const total = reader.varint(1n)
  const offset = reader.varint()
  const data = reader.block(1n)
  refuseIf(offset + BigInt(data.length) > total, 'beyond its message')
  return { channel: id, sequence, total, offset, data: data.toString('hex') }
}

function crypto(reader: Reader): Fields {
  return {
    generation: reader.varint(1n),
    step: reader.varint(1n, 2n),
    message: reader.block(1n, 256n).toString('hex'),
  }
}

function pathData(reader: Reader): Fields {
  return { data: reader.bytes(8).toString('hex') }
}

function frames(data: Buffer): Fields[] {
  refuseIf(data.length === 0, 'packet without frames')
  const reader = new Reader(data)
  const list: Fields[] = []
  while (reader.left > 0) {
    const type = reader.varint()
    if (type === 0n) continue
    if (type >= 0x40n) {
      reader.block()
      continue
    }
    const row = frameTable.get(type)
    if (row === undefined) throw new Refused('unknown or reserved type')
    const [name, eliciting, read] = row
    list.push({ type: name, eliciting, ...read(reader) })
  }
  return list
}

// --- The vectors -------------------------------------------------------------------------------

/** As the files show numbers: decimal strings. */
function shown(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? v.toString() : v)))
}

function check(vector: Vector, wanted: string, decode: (data: Buffer) => unknown): void {
  if (vector.invalid !== undefined) {
    expect(() => decode(bytesOf(vector))).toThrow(Refused)
  } else {
    expect(shown(decode(bytesOf(vector)))).toEqual(vector[wanted])
  }
}

describe('numbers', () => {
  test.each(load('numbers.json', 'varints'))('varint %s', (_, vector) => {
    check(vector, 'value', (data) => {
      const reader = new Reader(data)
      const value = reader.varint()
      refuseIf(reader.left > 0, 'more than one number')
      return value
    })
  })

  test.each(load('numbers.json', 'restored'))('restored: %s', (_, vector) => {
    const expected = BigInt(vector.expected as string)
    const truncated = BigInt(vector.truncated as string)
    // The closest of all candidates around it; of two, the larger one, as in RFC 9000 A.3.
    const base = (expected / 2n ** 32n) * 2n ** 32n + truncated
    const distance = (n: bigint) => (n > expected ? n - expected : expected - n)
    const [closest] = [base + 2n ** 32n, base, base - 2n ** 32n]
      .filter((n) => n >= 0n && n < 2n ** 62n)
      .sort((a, b) => Number(distance(a) - distance(b)) || Number(b - a))
    expect(shown(closest)).toBe(vector.number)
  })
})

describe('packets', () => {
  test.each(load('packets.json', 'packets'))('%s', (_, vector) => {
    check(vector, 'packet', packet)
  })

  test.each(load('packets.json', 'init_payloads'))('payload of an INIT: %s', (_, vector) => {
    check(vector, 'payload', initPayload)
  })

  test.each(load('packets.json', 'response_payloads'))('payload of a RESPONSE: %s', (_, vector) => {
    check(vector, 'payload', responsePayload)
  })
})

describe('frames', () => {
  test.each(load('frames.json', 'frames'))('%s', (_, vector) => {
    check(vector, 'frames', frames)
  })

  test('there is a valid vector for every frame', () => {
    const shownTypes = new Set<unknown>()
    for (const [, vector] of load('frames.json', 'frames')) {
      for (const frame of (vector.frames as Fields[] | undefined) ?? []) shownTypes.add(frame.type)
    }
    expect(shownTypes).toEqual(new Set([...frameTable.values()].map(([name]) => name)))
  })
})
