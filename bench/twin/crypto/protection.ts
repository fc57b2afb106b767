// Protection of DATA packets (docs/PROTOCOL.md §2.1).

import {
  type Cipher,
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
} from 'node:crypto'
import { headerBytes, PacketType, tagBytes } from '../wire/packets'
import { expand, extract, type Suite } from './suites'

const sampleBytes = 16
const word = 2 ** 32
const tagOptions = { authTagLength: tagBytes }

/** The keys of one direction in one epoch. */
export class PacketKey {
  readonly #key: KeyObject
  readonly #nonce: Buffer
  readonly #cipher: 'aes-256-gcm'

  constructor(
    { cipher }: Suite,
    readonly key: Buffer,
    readonly iv: Buffer,
  ) {
    // node:crypto's types know options only for names that they know.
    this.#cipher = cipher as 'aes-256-gcm'
    this.#key = createSecretKey(key)
    this.#nonce = Buffer.from(iv)
  }

  /** Those of an epoch with this secret. */
  static of(suite: Suite, secret: Buffer): PacketKey {
    return new PacketKey(suite, expand(secret, 'hawser key', 32), expand(secret, 'hawser iv', 12))
  }

  /** What stands behind the header, without the tag; the tag goes to the end of `datagram`. */
  seal(number: number | bigint, header: Buffer, frames: Buffer, datagram: Buffer): void {
    const cipher: CipherGCM = createCipheriv(
      this.#cipher,
      this.#key,
      this.#nonceOf(number),
      tagOptions,
    )
    cipher.setAAD(header)
    datagram.set(cipher.update(frames), headerBytes)
    cipher.final()
    datagram.set(cipher.getAuthTag(), datagram.length - tagBytes)
  }

  /** The frames, in memory of their own; `undefined` if the tag does not check. */
  open(number: number | bigint, header: Buffer, datagram: Buffer): Buffer | undefined {
    const tagAt = datagram.length - tagBytes
    const decipher = createDecipheriv(this.#cipher, this.#key, this.#nonceOf(number), tagOptions)
    decipher.setAAD(header)
    decipher.setAuthTag(datagram.subarray(tagAt))
    const frames = decipher.update(datagram.subarray(headerBytes, tagAt))
    try {
      decipher.final()
    } catch {
      return undefined
    }
    return frames
  }

  /** The iv with the number XORed into its last eight bytes. */
  #nonceOf(number: number | bigint): Buffer {
    const [high, low] = halves(number)
    const nonce = this.#nonce
    nonce.writeUInt32BE((this.iv.readUInt32BE(4) ^ high) >>> 0, 4)
    nonce.writeUInt32BE((this.iv.readUInt32BE(8) ^ low) >>> 0, 8)
    return nonce
  }
}

function halves(number: number | bigint): [number, number] {
  if (typeof number === 'bigint') return [Number(number >> 32n), Number(number & 0xffffffffn)]
  return [Math.floor(number / word), number % word]
}

/** Masks headers, and takes the mask off again. */
export class HeaderMask {
  readonly #suite: Suite
  readonly #key: Buffer
  /** ECB keeps nothing between blocks, so that one cipher does for all packets. */
  readonly #blocks: Cipher | undefined

  constructor(suite: Suite, secret: Buffer) {
    this.#suite = suite
    this.#key = expand(secret, 'hawser hp', 32)
    if (suite.blockCipher !== undefined) {
      this.#blocks = createCipheriv(suite.blockCipher, this.#key, null).setAutoPadding(false)
    }
  }

  /** Changes the header of a packet in place, from one form into the other. */
  apply(header: Buffer, packet: Buffer): void {
    const sample = packet.subarray(headerBytes, headerBytes + sampleBytes)
    const mask = this.#blocks?.update(sample) ?? this.#suite.mask(this.#key, sample)
    header[0] = (header[0] as number) ^ ((mask[0] as number) & 0x0f)
    header[9] = (header[9] as number) ^ (mask[1] as number)
    header[10] = (header[10] as number) ^ (mask[2] as number)
    header[11] = (header[11] as number) ^ (mask[3] as number)
    header[12] = (header[12] as number) ^ (mask[4] as number)
  }
}

/** The keys of one direction, epoch by epoch. */
export class Ladder {
  readonly mask: HeaderMask
  epoch = 0
  key: PacketKey
  readonly #suite: Suite
  #next: Buffer
  #following: PacketKey | undefined

  constructor(suite: Suite, secret: Buffer) {
    this.#suite = suite
    this.mask = new HeaderMask(suite, secret)
    this.key = PacketKey.of(suite, secret)
    this.#next = expand(secret, 'hawser ku', 32)
  }

  /** Adds what a handshake within the session gave to the next epoch. */
  mix(fresh: Uint8Array): void {
    this.#next = extract(this.#next, fresh)
    this.#following = undefined
  }

  /** The keys of the epoch after this one. */
  get following(): PacketKey {
    this.#following ??= PacketKey.of(this.#suite, this.#next)
    return this.#following
  }

  advance(): void {
    this.key = this.following
    this.#following = undefined
    this.#next = expand(this.#next, 'hawser ku', 32)
    this.epoch++
  }
}

export interface PacketFields {
  readonly destination: Uint8Array
  readonly number: number | bigint
  /** Four bits, of which the lowest is the key phase. */
  readonly flags: number
  readonly frames: Buffer
}

/** A DATA packet as it goes on the wire. */
export function sealPacket(mask: HeaderMask, key: PacketKey, fields: PacketFields): Buffer {
  const { destination, number, flags, frames } = fields
  const datagram = Buffer.allocUnsafe(headerBytes + frames.length + tagBytes)
  datagram[0] = PacketType.data | flags
  datagram.set(destination, 1)
  datagram.writeUInt32BE(halves(number)[1], 9)
  key.seal(number, datagram.subarray(0, headerBytes), frames, datagram)
  mask.apply(datagram, datagram)
  return datagram
}

/** A packet's header without its mask. */
export interface Unmasked {
  /** Four bits, of which the lowest is the key phase. */
  readonly flags: number
  /** The low 32 bits of the packet's number. */
  readonly low: number
  readonly header: Buffer
}

export function unmask(mask: HeaderMask, datagram: Buffer): Unmasked {
  const header = Buffer.allocUnsafe(headerBytes)
  header.set(datagram.subarray(0, headerBytes))
  mask.apply(header, datagram)
  return { flags: (header[0] as number) & 0x0f, low: header.readUInt32BE(9), header }
}
