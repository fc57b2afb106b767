// What the handshake says of each side (docs/PROTOCOL.md §3.1).

import { Reader, Refused } from './reader'
import { Writer } from './writer'

export interface Parameters {
  /** Milliseconds, 0: none. */
  readonly idleTimeout: number
  /** Bytes of a UDP payload. */
  readonly maxDatagram: number
  /** Microseconds. */
  readonly maxAckDelay: number
  readonly maxChannels: number
  /** Cost. */
  readonly initialCredit: number
}

const mostWord = 2 ** 32 - 1

/** In the order of their ids, which begin at 1: name, lowest and highest value, default. */
const table = [
  ['idleTimeout', 0, mostWord, 30_000],
  ['maxDatagram', 1_200, 65_527, 65_527],
  ['maxAckDelay', 0, 2 ** 24 - 1, 25_000],
  ['maxChannels', 0, mostWord, 0],
  ['initialCredit', 4_096, mostWord, 65_536],
] as const

const mostEntries = 64

export const defaultParameters = Object.fromEntries(
  table.map(([name, , , value]) => [name, value]),
) as unknown as Parameters

/** Throws {@link Refused} if they are not valid. */
export function readParameters(content: Buffer): Parameters {
  const values: { -readonly [name in keyof Parameters]: number } = { ...defaultParameters }
  const seen = new Set<number>()
  const reader = new Reader(content)
  while (reader.left > 0) {
    const id = reader.varint()
    if (seen.has(id)) throw new Refused('repeated id')
    seen.add(id)
    if (seen.size > mostEntries) throw new Refused('too many entries')
    const value = new Reader(reader.block())
    const row = table[id - 1]
    if (row === undefined) continue
    const [name, lowest, highest] = row
    values[name] = value.varint(lowest, highest)
    if (value.left > 0) throw new Refused('value that does not fill its block')
  }
  return values
}

export function writeParameters(parameters: Parameters): Buffer {
  const writer = new Writer(Buffer.alloc(10 * table.length))
  for (const [index, [name]] of table.entries()) {
    const value = new Writer(Buffer.alloc(8))
    value.varint(parameters[name])
    writer.varint(index + 1)
    writer.block(value.content)
  }
  return writer.content
}
