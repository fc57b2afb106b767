// Frames of the protocol (docs/PROTOCOL.md §5), put together by hand: right or wrong is up to the test.

import { FrameType } from '../../../bench/twin/wire/frames'

export const maxVarint = 2n ** 62n - 1n

type Number = number | bigint

/** §1, in the shortest form, or in `size` bytes. */
export function varint(value: Number, size?: 1 | 2 | 4 | 8): Buffer {
  const wide = BigInt(value)
  const bytes = size ?? (wide < 64n ? 1 : wide < 16_384n ? 2 : wide < 2n ** 30n ? 4 : 8)
  const out = Buffer.alloc(8)
  out.writeBigUInt64BE(wide | (BigInt(Math.log2(bytes)) << BigInt(8 * bytes - 2)))
  return out.subarray(8 - bytes)
}

export function u32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value >>> 0)
  return out
}

export function block(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content as string)
  return Buffer.concat([varint(bytes.length), bytes])
}

/** A frame of varints and what else is given as bytes. */
export function frame(type: number, ...parts: (Number | Uint8Array)[]): Buffer {
  const bytes = parts.map((part) => (typeof part === 'object' ? part : varint(part)))
  return Buffer.concat([varint(type), ...bytes])
}

export interface OpenFields {
  readonly channel?: Number
  readonly service?: Uint8Array | string
  readonly limit?: Number
  readonly maxMessage?: Number
  readonly delivery?: Number
}

export function open({ channel = 1, service = 'test', ...more }: OpenFields = {}): Buffer {
  const { limit = 1 << 20, maxMessage = 1 << 20, delivery = 0 } = more
  const head = frame(FrameType.open, channel, block(service), block(''))
  return Buffer.concat([head, varint(limit), varint(maxMessage), varint(delivery)])
}

export function message(channel: Number, sequence: number, ...contents: Uint8Array[]): Buffer {
  const run = Buffer.concat(contents.map(block))
  return frame(FrameType.message, channel, u32(sequence), block(run))
}

export function fragment(
  channel: Number,
  sequence: number,
  total: Number,
  offset: Number,
  piece: Uint8Array,
): Buffer {
  return frame(FrameType.fragment, channel, u32(sequence), total, offset, block(piece))
}
