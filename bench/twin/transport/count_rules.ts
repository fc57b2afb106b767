// When to count messages for the peer (docs/PROTOCOL.md §5.4, §5.5, §6).

import type { Window } from '../wire/frames'
import type { Inbound } from './inbound'

const never = Number.POSITIVE_INFINITY

export class CountRules {
  /** When a COUNT of a channel in counted mode is due by time. */
  deadline = never
  /** A COUNT must go, whatever M and T say. */
  wanted = false
  #generation = -1
  #counted = false
  /** M */
  #messages = 32_768
  /** T, 0: the delay of the ACK policy. Milliseconds. */
  #after = 0
  /** What the last COUNT has named. */
  #named = 0
  readonly #inbound: Inbound

  constructor(inbound: Inbound) {
    this.#inbound = inbound
  }

  get isCounted(): boolean {
    return this.#counted
  }

  /** False if the peer must not say this. */
  set({ generation, messagesPerAck, ackAfter, mode }: Window): boolean {
    const counted = mode === 1
    if (this.#generation >= 0 && counted !== this.#counted) return false
    if (generation <= this.#generation) return true
    this.#generation = generation
    this.#counted = counted
    this.#messages = messagesPerAck
    this.#after = ackAfter / 1000
    return true
  }

  /** Early mode: how long after a message an ACK is due, if not by the ACK policy. */
  get ackAfter(): number {
    return this.#counted || this.#after === 0 ? never : this.#after
  }

  /** M messages have come in sequence since the last COUNT. */
  get isFull(): boolean {
    return this.#inbound.count - this.#named >= this.#messages
  }

  /** Something of this channel has come. */
  onReceived(now: number, policyDelay: number): void {
    if (!this.#counted) return
    this.deadline = Math.min(this.deadline, now + (this.#after || policyDelay))
    if (this.#inbound.ended) this.wanted = true
  }

  /** Counted mode: a COUNT is due now. */
  isDue(now: number): boolean {
    return this.wanted || (this.#counted && (this.isFull || this.deadline <= now))
  }

  /** What a COUNT names now; `undefined` if there is nothing new to say. `isAck`: the packet has an ACK anyway. */
  take(now: number, isAck: boolean, policyDelay: number): number | undefined {
    const { count } = this.#inbound
    let named = count
    if (this.#counted && !this.wanted && this.deadline > now) {
      if (!this.isFull) return undefined
      named = count - ((count - this.#named) % this.#messages)
    } else if (!this.#counted && !this.wanted && (!isAck || count === this.#named)) {
      return undefined
    }
    this.wanted = false
    this.#named = named
    this.deadline = this.#counted && named < count ? now + (this.#after || policyDelay) : never
    return named
  }
}
