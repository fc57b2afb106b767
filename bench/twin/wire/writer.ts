// Writes numbers and blocks (docs/PROTOCOL.md §1).

const word = 2 ** 32

export class Writer {
  at = 0

  constructor(readonly data: Buffer) {}

  get left(): number {
    return this.data.length - this.at
  }

  /** What was written, as a view. */
  get content(): Buffer {
    return this.data.subarray(0, this.at)
  }

  u8(value: number): void {
    this.data[this.at++] = value
  }

  u32(value: number): void {
    this.data.writeUInt32BE(value % word, this.at)
    this.at += 4
  }

  varint(value: number): void {
    this.at = writeVarint(this.data, this.at, value)
  }

  bytes(content: Uint8Array): void {
    this.data.set(content, this.at)
    this.at += content.length
  }

  block(content: Uint8Array): void {
    this.varint(content.length)
    this.bytes(content)
  }

  text(content: string): void {
    this.block(Buffer.from(content))
  }
}

/** Returns where it ends. */
export function writeVarint(data: Buffer, at: number, value: number): number {
  if (value < 0x40) {
    data[at] = value
    return at + 1
  }
  if (value < 0x4000) {
    data[at] = 0x40 | (value >> 8)
    data[at + 1] = value & 0xff
    return at + 2
  }
  if (value < 0x40000000) return data.writeUInt32BE((value | 0x80000000) >>> 0, at)
  data.writeUInt32BE((Math.floor(value / word) | 0xc0000000) >>> 0, at)
  return data.writeUInt32BE(value % word, at + 4)
}

export function varintBytes(value: number): number {
  if (value < 0x40) return 1
  if (value < 0x4000) return 2
  return value < 0x40000000 ? 4 : 8
}
