// When the receiver asks for missing messages (docs/PROTOCOL.md §5.13, §6).

import type { Inbound, MissingRange } from './inbound'

const never = Number.POSITIVE_INFINITY

export class Requests {
  /** When to ask. */
  at = never
  sent = 0
  #pause = 0
  /** What was expected when the gap was seen. */
  #expected = 0
  readonly #inbound: Inbound

  constructor(inbound: Inbound) {
    this.#inbound = inbound
  }

  /** Something has come. `threshold`: so many messages above a gap make it one (counted mode), 0: an ACK must tell of it first. */
  onReceived(now: number, threshold: number): void {
    const { expected, ahead, hasGap } = this.#inbound
    if (expected !== this.#expected || !hasGap) this.at = never
    if (threshold === 0 || ahead < threshold || !hasGap) return
    this.#begin(now, 0)
  }

  /** An ACK was sent, which says what is missing. */
  onAckSent(now: number, roundTrip: number): void {
    if (this.#inbound.hasGap) this.#begin(now, 1.5 * roundTrip)
  }

  #begin(now: number, pause: number): void {
    if (this.at !== never) return
    this.#expected = this.#inbound.expected
    this.#pause = pause
    this.at = now + pause
  }

  /** What to ask for now. */
  due(now: number, roundTrip: number): MissingRange[] {
    if (this.at > now) return []
    const missing = this.#inbound.missing()
    if (missing.length === 0) {
      this.at = never
      return []
    }
    this.sent++
    this.#pause = 2 * (this.#pause || 0.75 * roundTrip)
    this.at = now + this.#pause
    return missing
  }
}
