// Takes apart what the peer sent, as docs/PROTOCOL.md §5 has it.

import { FrameType } from './frames'

/** A frame that came. Only what tests look at is taken apart. */
export interface Seen {
  readonly type: number
  /** The varints at its beginning; of MESSAGE and FRAGMENT just the channel. */
  readonly values: readonly number[]
  readonly reason?: string
  /** The message of CRYPTO. */
  readonly data?: Buffer
}

export class Reader {
  #at = 0
  readonly #data: Buffer

  constructor(data: Buffer) {
    this.#data = data
  }

  get left(): number {
    return this.#data.length - this.#at
  }

  take(length: number): Buffer {
    if (length > this.left) throw new Error('the peer sent a packet that is cut off')
    this.#at += length
    return this.#data.subarray(this.#at - length, this.#at)
  }

  varint(): number {
    const first = this.take(1)[0] as number
    let value = BigInt(first & 63)
    for (const byte of this.take((1 << (first >> 6)) - 1)) value = value * 256n + BigInt(byte)
    return Number(value)
  }

  varints(count: number): number[] {
    return Array.from({ length: count }, () => this.varint())
  }

  block(): Buffer {
    return this.take(this.varint())
  }
}

/** How many varints follow the type, where that is all. */
const plain = new Map<number, number>([
  [FrameType.padding, 0],
  [FrameType.ping, 0],
  [FrameType.ackNow, 0],
  [FrameType.ackPolicy, 4],
  [FrameType.window, 6],
  [FrameType.credit, 2],
  [FrameType.blocked, 2],
  [FrameType.maxChannels, 1],
  [FrameType.accept, 4],
  [FrameType.windowHint, 5],
  [FrameType.countNow, 1],
  [FrameType.end, 2],
])

function readFrame(reader: Reader): Seen {
  const type = reader.varint()
  const count = plain.get(type)
  if (count !== undefined) return { type, values: reader.varints(count) }
  switch (type) {
    case FrameType.ack: {
      const values = reader.varints(3)
      values.push(...reader.varints(1 + 2 * (values[2] as number)))
      return { type, values }
    }
    case FrameType.count: {
      const entries = reader.varint()
      for (let entry = 0; entry < entries; entry++) {
        reader.varint()
        reader.take(4)
      }
      return { type, values: [entries] }
    }
    case FrameType.request: {
      const values = reader.varints(2)
      for (let range = 0; range < (values[1] as number); range++) {
        reader.take(4)
        reader.varint()
      }
      return { type, values }
    }
    case FrameType.skip: {
      const values = reader.varints(1)
      reader.take(4)
      return { type, values: [...values, reader.varint()] }
    }
    case FrameType.reset:
      return { type, values: reader.varints(4), reason: reader.block().toString() }
    case FrameType.close:
      return { type, values: reader.varints(1), reason: reader.block().toString() }
    case FrameType.message: {
      const values = reader.varints(1)
      reader.take(4)
      reader.block()
      return { type, values }
    }
    case FrameType.fragment: {
      const values = reader.varints(1)
      reader.take(4)
      reader.varints(2)
      reader.block()
      return { type, values }
    }
    case FrameType.crypto: {
      const values = reader.varints(2)
      return { type, values, data: reader.block() }
    }
    case FrameType.pathChallenge:
    case FrameType.pathResponse:
      reader.take(8)
      return { type, values: [] }
    default:
      throw new Error(`the peer sent a frame of type ${type}`)
  }
}

/** The frames of a packet. */
export function readFrames(content: Buffer): Seen[] {
  const reader = new Reader(content)
  const frames: Seen[] = []
  while (reader.left > 0) frames.push(readFrame(reader))
  return frames
}
