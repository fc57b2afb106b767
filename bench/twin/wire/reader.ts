// Reads numbers and blocks (docs/PROTOCOL.md §1).

import { isUtf8 } from 'node:buffer'

/** The bytes are not what the protocol allows. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

/**
 * The largest number that is told from its neighbours. Varints reach 2^62 − 1; those above this are read as this, which is above
 * everything that a session can count to.
 */
export const largest = Number.MAX_SAFE_INTEGER

const word = 2 ** 32

export class Reader {
  at = 0

  constructor(readonly data: Buffer) {}

  get left(): number {
    return this.data.length - this.at
  }

  /** A view. */
  bytes(length: number): Buffer {
    if (length > this.left) throw new Refused('cut off')
    const start = this.at
    this.at += length
    return this.data.subarray(start, this.at)
  }

  u8(): number {
    if (this.at >= this.data.length) throw new Refused('cut off')
    return this.data[this.at++] as number
  }

  u32(): number {
    if (this.left < 4) throw new Refused('cut off')
    this.at += 4
    return this.data.readUInt32BE(this.at - 4)
  }

  varint(lowest = 0, highest = largest): number {
    const value = this.#varint()
    if (value < lowest || value > highest) throw new Refused('value outside its range')
    return value
  }

  #varint(): number {
    const { data, at } = this
    if (at >= data.length) throw new Refused('cut off')
    const first = data[at] as number
    if (first < 0x40) {
      this.at = at + 1
      return first
    }
    const size = 1 << (first >> 6)
    if (at + size > data.length) throw new Refused('cut off')
    this.at = at + size
    if (size === 2) {
      return shortest(((first & 0x3f) << 8) | (data[at + 1] as number), 0x40)
    }
    if (size === 4) return shortest(data.readUInt32BE(at) & 0x3fffffff, 0x4000)
    const high = data.readUInt32BE(at) & 0x3fffffff
    if (high >= 2 ** 21) return largest
    return shortest(high * word + data.readUInt32BE(at + 4), 0x40000000)
  }

  /** A length and so many bytes, as a view. */
  block(shortest = 0, longest = largest): Buffer {
    return this.bytes(this.varint(shortest, longest))
  }

  text(shortest: number, longest: number): string {
    const content = this.block(shortest, longest)
    if (!isUtf8(content)) throw new Refused('not UTF-8')
    return content.toString()
  }
}

function shortest(value: number, lowest: number): number {
  if (value < lowest) throw new Refused('number not in its shortest form')
  return value
}

/** The number closest to `expected` that has these low 32 bits; of two, the larger one (RFC 9000 A.3). */
export function restore(low: number, expected: number): number {
  const candidate = expected - (expected % word) + low
  if (candidate - expected > word / 2 && candidate >= word) return candidate - word
  if (expected - candidate >= word / 2) return candidate + word
  return candidate
}
