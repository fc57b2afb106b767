/** Estimates the round trip (RFC 9002 §5). Milliseconds. */
export class RoundTrip {
  smoothed = 333
  variation = 333 / 2
  latest = 0
  #least = Number.POSITIVE_INFINITY
  sampled = false

  /** `delay`: how long the peer says it has waited before it acknowledged. */
  sample(latest: number, delay: number): void {
    this.latest = latest
    this.#least = Math.min(this.#least, latest)
    if (!this.sampled) {
      this.sampled = true
      this.smoothed = latest
      this.variation = latest / 2
      return
    }
    const adjusted = latest >= this.#least + delay ? latest - delay : latest
    this.variation = 0.75 * this.variation + 0.25 * Math.abs(this.smoothed - adjusted)
    this.smoothed = 0.875 * this.smoothed + 0.125 * adjusted
  }

  /** How long to wait for an acknowledgement (RFC 9002 §6.2.1), without back-off. */
  probeAfter(maxAckDelay: number): number {
    return this.smoothed + Math.max(4 * this.variation, 1) + maxAckDelay
  }

  /** How long after a later packet one may still come (RFC 9002 §6.1.2). */
  get lossDelay(): number {
    return Math.max((9 / 8) * Math.max(this.smoothed, this.latest), 1)
  }
}
