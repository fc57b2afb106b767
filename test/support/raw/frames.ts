// Frames of the protocol (docs/PROTOCOL.md §5), put together by hand: right or wrong is up to the test.

/** Types of frames (§5). */
export const FrameType = {
  padding: 0x00,
  ping: 0x01,
  ack: 0x02,
  crypto: 0x03,
  ackNow: 0x04,
  ackPolicy: 0x05,
  count: 0x06,
  request: 0x07,
  skip: 0x08,
  window: 0x09,
  windowHint: 0x0a,
  credit: 0x0b,
  blocked: 0x0c,
  maxChannels: 0x0d,
  open: 0x0e,
  accept: 0x0f,
  end: 0x10,
  reset: 0x11,
  close: 0x12,
  message: 0x14,
  fragment: 0x15,
  pathChallenge: 0x16,
  pathResponse: 0x17,
  countNow: 0x28,
} as const

/** Codes of CLOSE and RESET (§7). */
export const Code = {
  noError: 0x00,
  internal: 0x01,
  frameEncoding: 0x02,
  flowControl: 0x03,
  channelLimit: 0x04,
  channelState: 0x05,
  ackInvalid: 0x06,
  messageTooLarge: 0x07,
  cryptoFailed: 0x09,
  keysExhausted: 0x0a,
  serviceUnknown: 0x11,
} as const

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
