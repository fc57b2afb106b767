// Packets that were sent, what became of them, and when to ask (RFC 9002, RFC 8985; docs/PROTOCOL.md §6).

import { Code, ProtocolError } from '../wire/codes'
import type { Ack } from '../wire/frames'
import type { Control } from './control'
import { Cubic } from './cubic'
import { Deque } from './deque'
import type { Outbound, Piece } from './outbound'
import { RoundTrip } from './round_trip'

export const enum Fate {
  inFlight,
  acknowledged,
  lost,
  /** Never sent: its number was left out. */
  skipped,
  /** Nothing in it had to be acknowledged. */
  quiet,
}

export interface SentPacket {
  readonly number: number
  readonly sentAt: number
  readonly bytes: number
  fate: Fate
  /** The messages that it carried, of which channel, and the turn of the piece then. */
  readonly piece: Piece | undefined
  readonly outbound: Outbound | undefined
  readonly turn: number
  readonly controls: readonly Control[] | undefined
  /** The largest number that its ACK has named, −1: it had none. */
  readonly acknowledges: number
}

/** What becomes of packets is told to this. */
export interface Fates {
  acknowledged(packet: SentPacket): void
  lost(packet: SentPacket): void
}

const threshold = 3
const longestBackOff = 4_000

export class Recovery {
  readonly roundTrip = new RoundTrip()
  readonly congestion: Cubic
  /** Bytes of what is in flight. */
  bytesInFlight = 0
  /** When time alone convicts a packet. */
  lossTime = Number.POSITIVE_INFINITY
  probes = 0
  packetsLost = 0
  /** The number of the next packet. */
  next: number
  readonly #fates: Fates
  readonly #sent = new Deque<SentPacket>()
  #largestAcknowledged = -1
  #lastElicitingAt = 0
  #inFlight = 0
  #backOff = 0

  constructor(packet: number, firstNumber: number, fates: Fates) {
    this.congestion = new Cubic(packet)
    this.next = firstNumber
    this.#fates = fates
  }

  /** Whether this many bytes more may be in flight. */
  allows(bytes: number): boolean {
    return this.bytesInFlight + bytes <= this.congestion.window
  }

  /** The next packet was sent, or its number left out. */
  add(packet: SentPacket): void {
    this.next = packet.number + 1
    if (packet.fate === Fate.inFlight) {
      this.bytesInFlight += packet.bytes
      this.#inFlight++
      this.#lastElicitingAt = packet.sentAt
    }
    this.#sent.push(packet)
    this.#trim()
  }

  /** Throws {@link ProtocolError} if it names what was never sent. */
  onAck({ ranges, delay }: Ack, now: number, maxAckDelay: number): void {
    const largest = (ranges[0] as readonly [number, number])[1]
    if (largest >= this.next) throw invalid()
    // Who does not use the window does not learn whether more would fit.
    const limited = this.bytesInFlight >= this.congestion.window / 2
    let newest: SentPacket | undefined
    for (const [first, last] of ranges) {
      const head = this.#sent.length === 0 ? this.next : this.#sent.at(0).number
      for (let number = last; number >= Math.max(first, head); number--) {
        const packet = this.#sent.at(number - head)
        if (packet.fate === Fate.skipped) throw invalid()
        if (packet.fate !== Fate.inFlight) continue
        newest ??= packet
        this.#acknowledge(packet, now, limited)
      }
    }
    this.#largestAcknowledged = Math.max(this.#largestAcknowledged, largest)
    if (newest !== undefined) {
      this.#backOff = 0
      if (newest.number === largest) {
        this.roundTrip.sample(now - newest.sentAt, Math.min(delay / 1000, maxAckDelay))
      }
    }
    this.detect(now)
    this.#trim()
  }

  #acknowledge(packet: SentPacket, now: number, limited: boolean): void {
    packet.fate = Fate.acknowledged
    this.#leave(packet)
    const { smoothed } = this.roundTrip
    this.congestion.onAcknowledged(packet.bytes, packet.sentAt, now, smoothed, limited)
    this.#fates.acknowledged(packet)
  }

  #leave(packet: SentPacket): void {
    this.bytesInFlight -= packet.bytes
    this.#inFlight--
  }

  /** Convicts what is lost by now. */
  detect(now: number): void {
    this.lossTime = Number.POSITIVE_INFINITY
    const { lossDelay } = this.roundTrip
    for (let index = 0; index < this.#sent.length; index++) {
      const packet = this.#sent.at(index)
      if (packet.number >= this.#largestAcknowledged) return
      if (packet.fate !== Fate.inFlight) continue
      const lostAt = packet.sentAt + lossDelay
      if (packet.number <= this.#largestAcknowledged - threshold || lostAt <= now) {
        packet.fate = Fate.lost
        this.packetsLost++
        this.#leave(packet)
        this.congestion.onLost(packet.sentAt, now)
        this.#fates.lost(packet)
      } else {
        this.lossTime = Math.min(this.lossTime, lostAt)
      }
    }
  }

  /** Forgets what stands at the beginning and is settled. */
  #trim(): void {
    while (this.#sent.length > 0 && this.#sent.at(0).fate !== Fate.inFlight) this.#sent.shift()
  }

  /** When to send something because nothing is heard. `maxAckDelay`: the peer's, milliseconds. */
  probeTime(maxAckDelay: number): number {
    if (this.#inFlight === 0) return Number.POSITIVE_INFINITY
    const plain = this.roundTrip.probeAfter(maxAckDelay)
    return (
      this.#lastElicitingAt + Math.min(plain * 2 ** this.#backOff, Math.max(plain, longestBackOff))
    )
  }

  onProbe(): void {
    this.#backOff++
    this.probes++
  }

  /** What packets in flight say until it is acknowledged. */
  controlsInFlight(): Control[] {
    const found: Control[] = []
    for (let index = 0; index < this.#sent.length; index++) {
      const { fate, controls } = this.#sent.at(index)
      if (fate === Fate.inFlight && controls !== undefined) found.push(...controls)
    }
    return found
  }

  /** The oldest packet in flight that carries messages. */
  get oldest(): SentPacket | undefined {
    for (let index = 0; index < this.#sent.length; index++) {
      const packet = this.#sent.at(index)
      if (packet.fate === Fate.inFlight && packet.piece !== undefined) return packet
    }
    return undefined
  }
}

function invalid(): ProtocolError {
  return new ProtocolError(Code.ackInvalid, 'acknowledged what was never sent')
}
