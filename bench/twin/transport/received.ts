// The receiver's side of packet numbers: duplicates, ranges for ACK, and when an ACK is due (docs/PROTOCOL.md §2.1, §5.2, §5.3, §6).

import { type Ack, type AckPolicy, FrameType } from '../wire/frames'

const windowNumbers = 8_192
const mostRanges = 32
/** Ranges so far below what the peer is known to know are still named, for packets that came late. */
const lateNumbers = 256

export class Received {
  /** The largest number so far, 0 before the first. */
  largest = 0
  /** An ACK should go at the end of the batch. */
  due = false
  /** Something has come that no ACK has named. */
  pending = false
  /** When an ACK is due at the latest. */
  deadline = Number.POSITIVE_INFINITY
  readonly #seen = new Uint32Array(windowNumbers / 32)
  /** The highest first. */
  #ranges: [number, number][] = []
  #largestAt = 0
  #eliciting = 0
  /** The end of the highest gap that has made an ACK due. */
  #reported = 0
  #policy = { generation: -1, packets: 2, maxDelay: 0, reorderingThreshold: 3 }

  /** `maxDelay` holds until the peer says otherwise, milliseconds. */
  constructor(maxDelay: number) {
    this.#policy.maxDelay = maxDelay
  }

  get policy(): { readonly maxDelay: number; readonly reorderingThreshold: number } {
    return this.#policy
  }

  setPolicy({ generation, packets, maxDelay, reorderingThreshold }: AckPolicy): void {
    if (generation <= this.#policy.generation) return
    this.#policy = { generation, packets, maxDelay: maxDelay / 1000, reorderingThreshold }
  }

  /** Received before, or too long ago to know. */
  isDuplicate(number: number): boolean {
    if (this.#ranges.length === 0 || number > this.largest) return false
    if (number <= this.largest - windowNumbers) return true
    const place = number % windowNumbers
    return ((this.#seen[place >>> 5] as number) & (1 << (place & 31))) !== 0
  }

  /** A packet was taken. `deferred`: it makes no ACK due, because counted channels have rules of their own. */
  add(number: number, now: number, eliciting: boolean, deferred: boolean): void {
    this.#note(number)
    const isNewest = number > this.largest || this.#ranges.length === 0
    if (isNewest) {
      this.largest = number
      this.#largestAt = now
    }
    this.#insert(number)
    if (!eliciting) return
    this.pending = true
    if (deferred) return
    this.deadline = Math.min(this.deadline, now + this.#policy.maxDelay)
    if (++this.#eliciting >= this.#policy.packets || this.#reachesThreshold(number)) this.due = true
  }

  #note(number: number): void {
    if (number > this.largest) {
      if (number - this.largest >= windowNumbers || this.#ranges.length === 0) this.#seen.fill(0)
      else for (let at = this.largest + 1; at < number; at++) this.#set(at, false)
    }
    this.#set(number, true)
  }

  #set(number: number, seen: boolean): void {
    const place = number % windowNumbers
    const bit = 1 << (place & 31)
    const word = this.#seen[place >>> 5] as number
    this.#seen[place >>> 5] = seen ? word | bit : word & ~bit
  }

  #insert(number: number): void {
    const ranges = this.#ranges
    let index = 0
    while (index < ranges.length && (ranges[index] as [number, number])[0] > number + 1) index++
    const range = ranges[index]
    if (range === undefined || range[1] < number - 1) {
      ranges.splice(index, 0, [number, number])
      if (ranges.length > mostRanges) ranges.pop()
      return
    }
    if (number > range[1]) range[1] = number
    else if (number < range[0]) range[0] = number
    const below = ranges[index + 1]
    if (below !== undefined && below[1] === range[0] - 1) {
      range[0] = below[0]
      ranges.splice(index + 1, 1)
    }
  }

  /** Whether a missing number has come to lie so far below the newest that an ACK must say so. */
  #reachesThreshold(number: number): boolean {
    const { reorderingThreshold } = this.#policy
    // Late packets too, if order counts at all.
    if (reorderingThreshold === 1 && number < this.largest) return true
    const ranges = this.#ranges
    for (let index = 0; index + 1 < ranges.length; index++) {
      const highest = (ranges[index] as [number, number])[0] - 1
      const lowest = (ranges[index + 1] as [number, number])[1] + 1
      if (highest <= this.#reported) return false
      if (this.largest - lowest < reorderingThreshold) continue
      this.#reported = highest
      return true
    }
    return false
  }

  /** The ACK that says it all, `undefined` if nothing has come. */
  frame(now: number): Ack | undefined {
    if (this.#ranges.length === 0) return undefined
    const delay = Math.max(0, Math.round((now - this.#largestAt) * 1000))
    return { type: FrameType.ack, delay, ranges: this.#ranges }
  }

  /** The ACK was sent. */
  sent(): void {
    this.due = false
    this.pending = false
    this.deadline = Number.POSITIVE_INFINITY
    this.#eliciting = 0
  }

  /** The peer knows of what an ACK with this largest number has named. */
  forget(largest: number): void {
    const kept = this.#ranges.filter(([, last]) => last >= largest - lateNumbers)
    if (kept.length > 0) this.#ranges = kept
  }
}
