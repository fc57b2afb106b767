// When the peer is to acknowledge (docs/PROTOCOL.md §5.3): about eight times a congestion window, and within a part of a round trip.

import { type AckPolicy, FrameType } from '../wire/frames'

const acksPerWindow = 8
const fewestPackets = 2
const mostPackets = 64
/** Milliseconds. */
const shortestDelay = 1

const clamp = (value: number, lowest: number, highest: number) =>
  Math.min(Math.max(value, lowest), highest)

/** Less than that is not worth a frame. */
const isFar = (value: number, from: number) => value >= 2 * from || 2 * value <= from

export class PeerPolicy {
  /** Milliseconds. */
  delay: number
  #packets = 2
  #generation = 0
  readonly #longestDelay: number

  /** `delay` is what the peer has said in the handshake. */
  constructor(delay: number) {
    this.delay = delay
    this.#longestDelay = delay
  }

  /** Whether the peer is to be told something else than before. */
  update(windowPackets: number, roundTrip: number): boolean {
    const packets = Math.floor(clamp(windowPackets / acksPerWindow, fewestPackets, mostPackets))
    const delay = Math.min(Math.max(roundTrip / 4, shortestDelay), this.#longestDelay)
    if (!isFar(packets, this.#packets) && !isFar(delay, this.delay)) return false
    this.#packets = packets
    this.delay = delay
    this.#generation++
    return true
  }

  isNewest({ generation }: AckPolicy): boolean {
    return generation === this.#generation
  }

  frame(): AckPolicy {
    return {
      type: FrameType.ackPolicy,
      generation: this.#generation,
      packets: this.#packets,
      maxDelay: Math.round(this.delay * 1000),
      reorderingThreshold: 3,
    }
  }
}
