// INIT, RESPONSE and COOKIE as who dials sees them (docs/PROTOCOL.md §3).

import { createHash, randomBytes } from 'node:crypto'
import { block, u32 } from './frames'
import { dhForm, type RawIdentity } from './keys'
import { type Agreement, NoiseInitiator } from './noise'
import { Reader } from './reader'
import { sipHash } from './siphash'
import type { Suite } from './suites'

/** Lengths on the wire, bytes. */
export const initBytes = 1_200
const payloadBytes = 1_074
const mac1At = initBytes - 16
const mac2At = initBytes - 8
const cookieBytes = 37

export interface InitFields {
  readonly suite: Suite
  readonly own: RawIdentity
  /** The id of who is to answer. */
  readonly responder: Uint8Array
  readonly sourceId: Uint8Array
  /** For its connection id. */
  readonly token: Uint8Array
  readonly networkKey: Uint8Array | undefined
  readonly version?: number | undefined
  /** What INIT calls the suite. */
  readonly suiteNumber?: number | undefined
  /** The id in the payload. */
  readonly namedId?: Uint8Array | undefined
  readonly parameters?: Uint8Array | undefined
  /** What stands behind the parameters. */
  readonly padding?: Uint8Array | undefined
}

/** What a RESPONSE says. */
export interface Answer {
  readonly agreement: Agreement
  readonly destinationId: Buffer
  readonly token: Buffer
  readonly parameters: Buffer
}

export class Handshake {
  readonly init: Buffer
  readonly #noise: NoiseInitiator
  readonly #sourceId: Uint8Array
  readonly #macKey: Buffer

  constructor(fields: InitFields) {
    const { suite, own, responder, sourceId, networkKey, version = 1 } = fields
    const { namedId = own.id, suiteNumber = suite.number } = fields
    const { parameters = Buffer.alloc(0), padding = Buffer.alloc(0) } = fields
    const start = Buffer.concat([Buffer.of(0x90), u32(version), Buffer.of(suiteNumber), sourceId])
    this.#noise = new NoiseInitiator({
      suite,
      prologue: Buffer.concat([Buffer.from('hawser sess'), start]),
      own: own.dh,
      remote: dhForm(responder),
      psk: networkKey,
    })
    const content = Buffer.concat([namedId, fields.token, block(parameters), padding])
    const zeros = Buffer.alloc(payloadBytes - content.length)
    const message = this.#noise.write(Buffer.concat([content, zeros]))
    this.#sourceId = sourceId
    const hash = createHash('sha256').update('hawser mac1').update(responder)
    this.#macKey = hash
      .update(networkKey ?? '')
      .digest()
      .subarray(0, 16)
    this.init = this.withMac1(Buffer.concat([start, message, Buffer.alloc(16)]))
  }

  /** A copy of an INIT with the mac1 that it should have. */
  withMac1(init: Uint8Array): Buffer {
    const copy = Buffer.from(init)
    sipHash(this.#macKey, copy.subarray(0, mac1At)).copy(copy, mac1At)
    return copy
  }

  /** The INIT again, with mac2; `undefined` if this is not a COOKIE for it. */
  withCookie(datagram: Buffer): Buffer | undefined {
    if (datagram.length !== cookieBytes || datagram[0] !== 0xb0) return undefined
    if (datagram.readUInt32BE(1) !== 1 || !datagram.subarray(5, 13).equals(this.#sourceId)) {
      return undefined
    }
    const mac1 = this.init.subarray(mac1At, mac2At)
    const mac = sipHash(this.#macKey, datagram.subarray(0, 29), mac1)
    if (!mac.equals(datagram.subarray(29))) return undefined
    const copy = Buffer.from(this.init)
    sipHash(datagram.subarray(13, 29), copy.subarray(0, mac2At)).copy(copy, mac2At)
    return copy
  }

  /** `undefined` if this is not a RESPONSE to this INIT. */
  answer(datagram: Buffer): Answer | undefined {
    if (datagram[0] !== 0xa0 || datagram.length < 86 || datagram.length > 256) return undefined
    if (datagram.readUInt32BE(1) !== 1 || !datagram.subarray(5, 13).equals(this.#sourceId)) {
      return undefined
    }
    const agreement = this.#noise.read(datagram.subarray(13))
    if (agreement === undefined) return undefined
    const reader = new Reader(agreement.payload)
    const destinationId = reader.take(8)
    const token = reader.take(16)
    const parameters = reader.block()
    if (reader.left > 0) throw new Error('the peer sent more than parameters')
    return { agreement, destinationId, token, parameters }
  }
}

/** A handshake within the session (the last paragraphs of §3). */
export interface RenewalFields {
  readonly suite: Suite
  readonly own: RawIdentity
  readonly responder: Uint8Array
  readonly networkKey: Uint8Array | undefined
  /** The hash of the session's first handshake. */
  readonly hash: Uint8Array
  readonly generation: number
}

export function renewal(fields: RenewalFields): NoiseInitiator {
  const generation = Buffer.alloc(8)
  generation.writeBigUInt64BE(BigInt(fields.generation))
  return new NoiseInitiator({
    suite: fields.suite,
    prologue: Buffer.concat([Buffer.from('hawser renw'), fields.hash, generation]),
    own: fields.own.dh,
    remote: dhForm(fields.responder),
    psk: fields.networkKey,
  })
}

export const newId = () => randomBytes(8)
export const newToken = () => randomBytes(16)
