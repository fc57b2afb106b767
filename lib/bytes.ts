// Bytes on their way into and out of the native part.

import { types } from 'node:util'

/** What a message may be made of. A string is sent as UTF-8. */
export type Bytes = string | ArrayBufferView | ArrayBuffer

/**
 * Turns an application's values into bytes and back.
 *
 * `encode` may return memory that it uses again for the next value: the bytes are copied before `send` returns.
 * `decode` gets a `Buffer` that is a view of shared memory, see `copy` in `ChannelOptions`.
 */
export interface Codec<Out, In = Out> {
  encode(value: Out): Bytes
  decode(bytes: Buffer): In
}

/**
 * A `Buffer` over given memory, about ten times cheaper to make than `Buffer.from(memory, offset, length)`.
 * Its instances are Buffers for every purpose: `Buffer.isBuffer` says so and all methods are there.
 */
class FastBuffer extends Uint8Array {}
Object.setPrototypeOf(FastBuffer.prototype, Buffer.prototype)
Object.defineProperty(FastBuffer.prototype, 'constructor', {
  value: Buffer,
  writable: true,
  configurable: true,
})

/** A Buffer that is a view of `length` bytes of `memory` from `offset`. */
export function viewOf(memory: ArrayBuffer, offset: number, length: number): Buffer {
  return new FastBuffer(memory, offset, length) as Buffer
}

/** A Buffer with the same bytes and memory of its own. */
export function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

/** True for what the native part takes as it is. */
export function isMemory(value: unknown): value is ArrayBufferView | ArrayBuffer {
  return ArrayBuffer.isView(value) || types.isArrayBuffer(value)
}

/** Text up to this many UTF-16 units is encoded without allocating. */
const scratchUnits = 16 * 1024

/** Reused for every short string: its bytes are taken before the next one is encoded. */
export const scratch = Buffer.allocUnsafeSlow(scratchUnits * 3)

/** Encodes `text` into {@link scratch} and returns its length in bytes, or −1 if it is too long for that. */
export function encodeIntoScratch(text: string): number {
  return text.length > scratchUnits ? -1 : scratch.write(text)
}

/** `text` cut to at most `limit` bytes of UTF-8, never within a character. */
export function cutText(text: string, limit: number): string {
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return text
  const bytes = Buffer.from(text)
  let end = limit
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
