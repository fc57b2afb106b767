// Reads numbers and blocks as docs/PROTOCOL.md §1 has them, for the decoders of the test vectors.

export class Refused extends Error {}

export function refuseIf(condition: boolean, why: string): void {
  if (condition) throw new Refused(why)
}

/** §1 */
export class Reader {
  #at = 0
  constructor(readonly data: Uint8Array) {}

  get left(): number {
    return this.data.length - this.#at
  }

  bytes(length: bigint | number): Buffer {
    refuseIf(BigInt(length) > BigInt(this.left), 'cut off')
    const start = this.#at
    this.#at += Number(length)
    return Buffer.from(this.data.subarray(start, this.#at))
  }

  fixed(length: number): bigint {
    return this.bytes(length).reduce((value, byte) => value * 256n + BigInt(byte), 0n)
  }

  u8(): number {
    return Number(this.fixed(1))
  }

  u32(): bigint {
    return this.fixed(4)
  }

  varint(lowest = 0n, highest = 2n ** 62n - 1n): bigint {
    const first = this.u8()
    const size = 2 ** (first >> 6)
    let value = BigInt(first % 64)
    for (const byte of this.bytes(size - 1)) value = value * 256n + BigInt(byte)
    // The shortest form: the value must not fit into half the bytes.
    refuseIf(size > 1 && value < 2n ** BigInt(4 * size - 2), 'not the shortest form')
    refuseIf(value < lowest || value > highest, 'outside its range')
    return value
  }

  block(shortest = 0n, longest = 2n ** 62n): Buffer {
    const content = this.bytes(this.varint())
    refuseIf(content.length < shortest || content.length > longest, 'length outside its range')
    return content
  }

  text(shortest: bigint, longest: bigint): string {
    const content = this.block(shortest, longest)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
    } catch {
      throw new Refused('not UTF-8')
    }
  }
}
