// INIT, RESPONSE and COOKIE, and the handshakes within a session (docs/PROTOCOL.md §3).

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  answer,
  cookieBytes,
  type Init,
  type InitPayload,
  mac1At,
  mac2At,
  messageAt,
  PacketType,
  type ResponsePayload,
  readInitPayload,
  readPacket,
  readResponsePayload,
  writeResponsePayload,
} from '../wire/packets'
import { Refused } from '../wire/reader'
import { type DhKey, dhForm, type Identity } from './keys'
import { type Agreement, NoiseInitiator, NoiseResponder } from './noise'
import { sipHash } from './siphash'
import type { Suite } from './suites'

const sessionPrologue = Buffer.from('hawser sess')
const renewalPrologue = Buffer.from('hawser renw')
const zeros = Buffer.alloc(16)

/** The key of mac1 and of the mac of cookies: whoever knows the responder's id has it. */
function macKeyOf(responder: Uint8Array, networkKey: Uint8Array | undefined): Buffer {
  const hash = createHash('sha256').update('hawser mac1').update(responder)
  return hash
    .update(networkKey ?? '')
    .digest()
    .subarray(0, 16)
}

export interface InitiationFields {
  readonly suite: Suite
  readonly own: DhKey
  /** The id of who is to answer. */
  readonly responder: Uint8Array
  readonly networkKey?: Uint8Array | undefined
  /** What stands before the message: `initStart()`. */
  readonly start: Buffer
  /** `writeInitPayload()` */
  readonly payload: Buffer
}

/** What a RESPONSE says. */
export interface Answer extends ResponsePayload {
  readonly agreement: Agreement
}

/** A handshake as who dials sees it. */
export class Initiation {
  readonly init: Buffer
  readonly #noise: NoiseInitiator
  readonly #source: Buffer
  readonly #macKey: Buffer

  constructor({ suite, own, responder, networkKey, start, payload }: InitiationFields) {
    this.#noise = new NoiseInitiator({
      suite,
      prologue: Buffer.concat([sessionPrologue, start]),
      own,
      remote: dhForm(responder),
      psk: networkKey,
    })
    this.#source = start.subarray(messageAt - 8)
    this.#macKey = macKeyOf(responder, networkKey)
    this.init = this.withMac1(Buffer.concat([start, this.#noise.write(payload), zeros]))
  }

  /** A copy of an INIT with the mac1 that it should have. */
  withMac1(init: Uint8Array): Buffer {
    const copy = Buffer.from(init)
    sipHash(this.#macKey, copy.subarray(0, mac1At)).copy(copy, mac1At)
    return copy
  }

  /** The INIT again, with mac2; `undefined` if this is not a COOKIE for it. */
  withCookie(datagram: Buffer): Buffer | undefined {
    const packet = understood(datagram)
    if (packet?.type !== PacketType.cookie) return undefined
    if (!packet.destination.equals(this.#source)) return undefined
    const covered = datagram.subarray(0, cookieBytes - 8)
    const mac = sipHash(this.#macKey, covered, this.init.subarray(mac1At, mac2At))
    if (!mac.equals(packet.mac)) return undefined
    const copy = Buffer.from(this.init)
    sipHash(packet.cookie, copy.subarray(0, mac2At)).copy(copy, mac2At)
    return copy
  }

  /** `undefined` if this is not a RESPONSE to this INIT. */
  answer(datagram: Buffer): Answer | undefined {
    const packet = understood(datagram)
    if (packet?.type !== PacketType.response) return undefined
    if (!packet.destination.equals(this.#source)) return undefined
    const agreement = this.#noise.read(packet.message)
    if (agreement === undefined) return undefined
    try {
      return { agreement, ...readResponsePayload(agreement.payload) }
    } catch (error) {
      if (error instanceof Refused) return undefined
      throw error
    }
  }
}

/** `undefined` if the datagram is none of this protocol. */
function understood(datagram: Buffer) {
  try {
    return readPacket(datagram)
  } catch (error) {
    if (error instanceof Refused) return undefined
    throw error
  }
}

/** What an INIT led to. */
export interface Accepted extends InitPayload {
  readonly agreement: Agreement
  readonly response: Buffer
}

/** Answers INITs. */
export class Responder {
  readonly #own: Identity
  readonly #macKey: Buffer
  /** What cookies are made of. */
  readonly #secret = randomBytes(32)

  constructor(own: Identity) {
    this.#own = own
    this.#macKey = macKeyOf(own.id, undefined)
  }

  /** Whether who sent it knows whom it is for. */
  isForUs(datagram: Buffer, { mac1 }: Init): boolean {
    return timingSafeEqual(sipHash(this.#macKey, datagram.subarray(0, mac1At)), mac1)
  }

  /** Whether the INIT brings the cookie that was sent to this address, in this period or the one before. */
  hasCookie(datagram: Buffer, { mac2 }: Init, address: string, period: number): boolean {
    const covered = datagram.subarray(0, mac2At)
    return [period, period - 1].some((which) => {
      return timingSafeEqual(sipHash(this.#cookie(address, which), covered), mac2)
    })
  }

  /** The COOKIE for an INIT. */
  cookieFor({ source, mac1 }: Init, address: string, period: number): Buffer {
    const start = answer(PacketType.cookie, source, this.#cookie(address, period))
    return Buffer.concat([start, sipHash(this.#macKey, start, mac1)])
  }

  #cookie(address: string, period: number): Buffer {
    const hmac = createHmac('sha256', this.#secret).update(`${period} ${address}`)
    return hmac.digest().subarray(0, 16)
  }

  /** `undefined` if the INIT is not what it should be. */
  respond(
    suite: Suite,
    datagram: Buffer,
    init: Init,
    payload: ResponsePayload,
  ): Accepted | undefined {
    const noise = new NoiseResponder({
      suite,
      prologue: Buffer.concat([sessionPrologue, datagram.subarray(0, messageAt)]),
      own: this.#own.dh,
      psk: undefined,
    })
    const introduction = noise.read(init.message)
    if (introduction === undefined) return undefined
    let said: InitPayload
    try {
      said = readInitPayload(introduction.payload)
    } catch (error) {
      if (error instanceof Refused) return undefined
      throw error
    }
    if (!dhForm(said.initiator).equals(introduction.remote)) return undefined
    const written = noise.write(writeResponsePayload(payload))
    if (written === undefined) return undefined
    const response = answer(PacketType.response, init.source, written.message)
    return { ...said, agreement: written.agreement, response }
  }
}

/** A handshake within the session (the last paragraphs of §3). */
export interface RenewalFields {
  readonly suite: Suite
  readonly own: DhKey
  readonly networkKey?: Uint8Array | undefined
  /** The hash of the session's first handshake. */
  readonly hash: Uint8Array
  readonly generation: number
}

function renewalOptions({ suite, own, networkKey, hash, generation }: RenewalFields) {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt(generation))
  const prologue = Buffer.concat([renewalPrologue, hash, number])
  return { suite, prologue, own, psk: networkKey }
}

/** `responder` is an id. */
export function beginRenewal(fields: RenewalFields & { responder: Uint8Array }): NoiseInitiator {
  return new NoiseInitiator({ ...renewalOptions(fields), remote: dhForm(fields.responder) })
}

/** `undefined` if the message does not check, or comes from another peer than this one. */
export function answerRenewal(
  fields: RenewalFields & { initiator: Uint8Array },
  message: Uint8Array,
): { message: Buffer; agreement: Agreement } | undefined {
  const noise = new NoiseResponder(renewalOptions(fields))
  const introduction = noise.read(message)
  if (introduction === undefined) return undefined
  if (!dhForm(fields.initiator).equals(introduction.remote)) return undefined
  return noise.write(Buffer.alloc(0))
}
