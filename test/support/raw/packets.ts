// DATA packets and their keys (docs/PROTOCOL.md §2.1).

import { expand, extract, type Suite, seal, unseal } from './suites'

export interface PacketKey {
  readonly key: Buffer
  readonly iv: Buffer
}

function packetKey(secret: Buffer): PacketKey {
  return { key: expand(secret, 'hawser key', 32), iv: expand(secret, 'hawser iv', 12) }
}

/** The keys of one direction, epoch by epoch. */
export class Ladder {
  readonly header: Buffer
  epoch = 0
  key: PacketKey
  #secret: Buffer
  #next: Buffer

  constructor(secret: Buffer) {
    this.header = expand(secret, 'hawser hp', 32)
    this.#secret = secret
    this.key = packetKey(secret)
    this.#next = expand(secret, 'hawser ku', 32)
  }

  /** Adds what a handshake within the session gave to the next epoch. */
  mix(fresh: Uint8Array): void {
    this.#next = extract(this.#next, fresh)
  }

  /** The keys of the epoch after this one. */
  get following(): PacketKey {
    return packetKey(this.#next)
  }

  advance(): void {
    this.#secret = this.#next
    this.key = packetKey(this.#secret)
    this.#next = expand(this.#secret, 'hawser ku', 32)
    this.epoch++
  }
}

const headerBytes = 13
const sampleBytes = 16

function nonce(iv: Buffer, number: bigint): Buffer {
  const out = Buffer.from(iv)
  out.writeBigUInt64BE(out.readBigUInt64BE(4) ^ number, 4)
  return out
}

/** Masks a header, or takes the mask off. */
function masked(suite: Suite, key: Buffer, packet: Buffer): Buffer {
  const mask = suite.mask(key, packet.subarray(headerBytes, headerBytes + sampleBytes))
  const out = Buffer.from(packet)
  out[0] = (out[0] as number) ^ ((mask[0] as number) & 0x0f)
  for (let at = 0; at < 4; at++) out[9 + at] = (out[9 + at] as number) ^ (mask[1 + at] as number)
  return out
}

export interface PacketFields {
  readonly destination: Uint8Array
  readonly number: number | bigint
  readonly flags: number
  readonly frames: Uint8Array
}

export function sealPacket(
  suite: Suite,
  header: Buffer,
  { key, iv }: PacketKey,
  { destination, number, flags, frames }: PacketFields,
): Buffer {
  const wide = BigInt(number)
  const low = Buffer.alloc(4)
  low.writeUInt32BE(Number(BigInt.asUintN(32, wide)))
  const start = Buffer.concat([Buffer.of(0x80 | flags), destination, low])
  const sealed = seal(suite, key, nonce(iv, wide), start, frames)
  return masked(suite, header, Buffer.concat([start, sealed]))
}

/** A packet without its mask. */
export interface Unmasked {
  readonly flags: number
  readonly number: number
  open(key: PacketKey): Buffer | undefined
}

/** `expected` is one above the largest number so far. */
export function unmask(suite: Suite, header: Buffer, packet: Buffer, expected: number): Unmasked {
  const clear = masked(suite, header, packet)
  const low = clear.readUInt32BE(9)
  const number = low + 2 ** 32 * Math.max(0, Math.round((expected - low) / 2 ** 32))
  return {
    flags: (clear[0] as number) & 0x0f,
    number,
    open: ({ key, iv }) =>
      unseal(
        suite,
        key,
        nonce(iv, BigInt(number)),
        clear.subarray(0, headerBytes),
        clear.subarray(headerBytes),
      ),
  }
}
