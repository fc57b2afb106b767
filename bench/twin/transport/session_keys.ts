// Keys of a session, and which of them a packet needs (docs/PROTOCOL.md §2.1).

import type { Agreement } from '../crypto/noise'
import { Ladder, type PacketKey, sealPacket, unmask } from '../crypto/protection'
import { extract, type Suite } from '../crypto/suites'
import { restore } from '../wire/reader'

const usualPackets = 2 ** 20
const mostPerEpoch = 2 ** 23

export interface Opened {
  readonly number: number
  readonly frames: Buffer
}

export class SessionKeys {
  readonly #outgoing: Ladder
  readonly #incoming: Ladder
  readonly #isInitiator: boolean
  readonly #packetsPerEpoch: number
  #sealed = 0
  #opened = 0
  /** Keys of the epoch before, and how long they are kept. */
  #before: PacketKey | undefined
  #beforeUntil = 0
  /** The lowest and the highest number that were opened in the present epoch. Before the first epoch there is none. */
  #lowest = 0
  #highest = -1
  #mixed = false

  /** `packetsPerEpoch`: sealed or opened before the initiator begins another epoch. */
  constructor(
    suite: Suite,
    { sending, receiving }: Pick<Agreement, 'sending' | 'receiving'>,
    isInitiator: boolean,
    packetsPerEpoch = usualPackets,
  ) {
    this.#packetsPerEpoch = packetsPerEpoch
    this.#outgoing = new Ladder(suite, sending)
    this.#incoming = new Ladder(suite, receiving)
    this.#isInitiator = isInitiator
  }

  get epoch(): number {
    return this.#outgoing.epoch
  }

  /** No packet can be sealed any more. */
  get exhausted(): boolean {
    return this.#sealed >= mostPerEpoch
  }

  /** A handshake within the session was mixed into the epoch that comes next. */
  get mixed(): boolean {
    return this.#mixed
  }

  seal(destination: Uint8Array, number: number, frames: Buffer): Buffer {
    const outgoing = this.#outgoing
    if (this.#isInitiator && this.#isTime) this.#advanceOutgoing()
    this.#sealed++
    const flags = outgoing.epoch & 1
    return sealPacket(outgoing.mask, outgoing.key, { destination, number, flags, frames })
  }

  get #isTime(): boolean {
    if (this.#sealed < this.#packetsPerEpoch && this.#opened < this.#packetsPerEpoch) return false
    return this.#outgoing.epoch === this.#incoming.epoch
  }

  #advanceOutgoing(): void {
    this.#outgoing.advance()
    this.#sealed = 0
    this.#mixed = false
  }

  /** `taken`: whether a number is to be dropped. `keep`: how long keys of an epoch are kept behind it, milliseconds. */
  open(
    datagram: Buffer,
    largest: number,
    isDuplicate: (number: number) => boolean,
    now: number,
    keep: number,
  ): Opened | undefined {
    const incoming = this.#incoming
    const { flags, low, header } = unmask(incoming.mask, datagram)
    if (flags > 1) return undefined
    const number = restore(low, largest + 1)
    if (isDuplicate(number)) return undefined
    const isPresent = flags === (incoming.epoch & 1)
    if (isPresent || number < this.#lowest) {
      if (!isPresent && now > this.#beforeUntil) this.#before = undefined
      const key = isPresent ? incoming.key : this.#before
      const frames = key?.open(number, header, datagram)
      if (frames === undefined) return undefined
      if (isPresent) this.#note(number)
      return { number, frames }
    }
    if (number < this.#highest) return undefined
    if (this.#isInitiator && this.#outgoing.epoch === incoming.epoch) return undefined
    const frames = incoming.following.open(number, header, datagram)
    if (frames === undefined) return undefined
    this.#before = incoming.key
    this.#beforeUntil = now + keep
    incoming.advance()
    if (!this.#isInitiator) this.#advanceOutgoing()
    this.#opened = 0
    this.#lowest = number
    this.#highest = number
    this.#note(number)
    return { number, frames }
  }

  #note(number: number): void {
    this.#opened++
    if (number < this.#lowest) this.#lowest = number
    if (number > this.#highest) this.#highest = number
  }

  /** What a handshake within the session has given goes into the next epoch. */
  mix(initiatorSecret: Uint8Array, responderSecret: Uint8Array): void {
    const fresh = extract(initiatorSecret, responderSecret)
    this.#outgoing.mix(fresh)
    this.#incoming.mix(fresh)
    this.#mixed = true
  }
}
