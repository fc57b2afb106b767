// Congestion control: CUBIC (RFC 9438) with the recovery periods of RFC 9002 §7.

const growth = 0.4
const decrease = 0.7
const renoGrowth = (3 * (1 - decrease)) / (1 + decrease)

export class Cubic {
  /** Bytes that may be in flight. */
  window: number
  readonly #packet: number
  #threshold = Number.POSITIVE_INFINITY
  /** Losses of what was sent before this have been answered for. */
  #recoveryStart = Number.NEGATIVE_INFINITY
  #most = 0
  /** When congestion avoidance began, 0: not yet since the last loss. */
  #epoch = 0
  #epochWindow = 0
  #delay = 0
  #reno = 0

  /** `packet`: bytes of the largest datagram. */
  constructor(packet: number) {
    this.#packet = packet
    this.window = 10 * packet
  }

  get inSlowStart(): boolean {
    return this.window < this.#threshold
  }

  /** `limited`: the window, and nothing else, has kept the sender from sending more. */
  onAcknowledged(bytes: number, sentAt: number, now: number, roundTrip: number, limited: boolean) {
    if (sentAt <= this.#recoveryStart || !limited) return
    if (this.inSlowStart) {
      this.window += bytes
      return
    }
    if (this.#epoch === 0) this.#begin(now)
    const seconds = (now - this.#epoch + roundTrip) / 1000
    const cubic = this.#epochMost() + growth * (seconds - this.#delay) ** 3 * this.#packet
    this.#reno += (renoGrowth * bytes * this.#packet) / this.window
    const target = Math.min(Math.max(cubic, this.#reno, this.window), 1.5 * this.window)
    this.window += ((target - this.window) / this.window) * bytes
  }

  #epochMost(): number {
    return Math.max(this.#most, this.#epochWindow)
  }

  #begin(now: number): void {
    this.#epoch = now
    this.#epochWindow = this.window
    this.#reno = this.window
    const above = Math.max(0, this.#most - this.window) / this.#packet
    this.#delay = Math.cbrt(above / growth)
  }

  onLost(sentAt: number, now: number): void {
    if (sentAt <= this.#recoveryStart) return
    this.#recoveryStart = now
    // Fast convergence: who has less than before leaves room for others.
    this.#most = this.window < this.#most ? (this.window * (1 + decrease)) / 2 : this.window
    this.window = Math.max(2 * this.#packet, this.window * decrease)
    this.#threshold = this.window
    this.#epoch = 0
  }
}
