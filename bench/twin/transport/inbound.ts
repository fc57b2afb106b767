// The receiving side of a channel: every message once and in order, within the credit (docs/PROTOCOL.md §5.6, §5.11, §5.14).

import { Code, ProtocolError } from '../wire/codes'
import type { Fragment, Message, Skip } from '../wire/frames'
import { restore } from '../wire/reader'
import { varintBytes } from '../wire/writer'
import { Partial } from './partial'

const overhead = 32
const leastCost = 33
/** Ranges that one REQUEST names. */
const mostRanges = 64
/** A SKIP reaches so far. */
const furthestSkip = 65_536

const costOf = (length: number) => varintBytes(length) + length + overhead

export interface MissingRange {
  first: number
  count: number
}

export class Inbound {
  /** The next message in sequence. */
  expected = 1
  /** The largest number of which something has come. */
  highest = 0
  /** Cost that the peer may have sent. */
  limit: number
  /** Cost of what was handed over. */
  consumed = 0
  messages = 0
  readonly maxMessage: number
  readonly #deliver: (message: Uint8Array) => void
  /** What came out of order or in part. */
  readonly #waiting = new Map<number, Uint8Array | Partial>()
  /** Cost of everything of which something has come. */
  #arrived = 0
  #final = Number.POSITIVE_INFINITY
  /** Nothing is handed over yet. */
  #held = true

  constructor(maxMessage: number, limit: number, deliver: (message: Uint8Array) => void) {
    this.maxMessage = maxMessage
    this.limit = limit
    this.#deliver = deliver
  }

  /** Everything before END was handed over. */
  get ended(): boolean {
    return this.expected > this.#final
  }

  /** The messages up to which everything has come. */
  get count(): number {
    return this.expected - 1
  }

  /** From now on messages are handed over. */
  release(): void {
    this.#held = false
    this.#drain()
  }

  onMessages({ sequence, messages }: Message): void {
    const first = restore(sequence, this.expected)
    for (let index = 0; index < messages.length; index++) {
      this.#onMessage(first + index, messages[index] as Uint8Array)
    }
  }

  #onMessage(sequence: number, message: Uint8Array): void {
    if (!this.#mayCome(sequence, message.length)) return
    const before = this.#waiting.get(sequence)
    if (before instanceof Partial && before.total !== message.length) throw otherLength()
    if (before === undefined) this.#arrived += costOf(message.length)
    else if (!(before instanceof Partial)) return
    if (sequence === this.expected && !this.#held) {
      if (before !== undefined) this.#waiting.delete(sequence)
      this.#handOver(message)
      if (this.#waiting.size > 0) this.#drain()
    } else {
      this.#waiting.set(sequence, message)
    }
    this.#check(sequence)
  }

  onFragment({ sequence, total, offset, piece }: Fragment): void {
    const number = restore(sequence, this.expected)
    if (!this.#mayCome(number, total)) return
    let partial = this.#waiting.get(number)
    if (partial !== undefined && !(partial instanceof Partial)) return
    if (partial === undefined) {
      this.#arrived += costOf(total)
      // Before there is memory for it.
      this.#check(number, 1)
      partial = new Partial(total)
      this.#waiting.set(number, partial)
    }
    if (partial.total !== total) throw otherLength()
    partial.add(offset, piece)
    if (!partial.isWhole) return
    this.#waiting.set(number, partial.data)
    this.#drain()
  }

  /** False if the message is known. Throws {@link ProtocolError} if the peer must not send it. */
  #mayCome(sequence: number, length: number): boolean {
    if (length > this.maxMessage) {
      throw new ProtocolError(Code.messageTooLarge, 'a message longer than announced as allowed')
    }
    if (sequence > this.#final) {
      throw new ProtocolError(Code.channelState, 'a message beyond the last one')
    }
    return sequence >= this.expected
  }

  /** Something of this message has come. `more`: so many are known and not among those that wait. */
  #check(sequence: number, more = 0): void {
    if (sequence > this.highest) this.highest = sequence
    const unknown = Math.max(0, this.highest - this.expected + 1 - this.#waiting.size - more)
    if (this.#arrived + leastCost * unknown > this.limit) {
      throw new ProtocolError(Code.flowControl, 'more than the credit allowed')
    }
  }

  #handOver(message: Uint8Array): void {
    this.expected++
    this.messages++
    this.consumed += costOf(message.length)
    this.#deliver(message)
  }

  #drain(): void {
    if (this.#held) return
    for (;;) {
      const message = this.#waiting.get(this.expected)
      if (message === undefined || message instanceof Partial) return
      this.#waiting.delete(this.expected)
      this.#handOver(message)
    }
  }

  /** Messages below `next` that have not arrived will not come. */
  onSkip({ next, cost }: Skip): void {
    const to = restore(next, this.expected)
    if (to <= this.expected) return
    if (to > this.expected + furthestSkip || to > this.#final + 1) {
      throw new ProtocolError(Code.channelState, 'a SKIP beyond what may come')
    }
    if (cost > this.limit) throw new ProtocolError(Code.flowControl, 'a SKIP beyond the credit')
    this.highest = Math.max(this.highest, to - 1)
    for (let sequence = this.expected; sequence < to; sequence++) {
      const message = this.#waiting.get(sequence)
      this.#waiting.delete(sequence)
      if (message === undefined || message instanceof Partial) this.expected++
      else this.#handOver(message)
    }
    // What the peer has counted takes the place of what was counted here.
    let behind = 0
    for (const message of this.#waiting.values()) {
      behind += costOf(message instanceof Partial ? message.total : message.length)
    }
    this.consumed = Math.max(this.consumed, cost)
    this.#arrived = this.consumed + behind
    this.#drain()
  }

  /** END has come. */
  onEnd(finalSequence: number): void {
    if (this.#final !== Number.POSITIVE_INFINITY && this.#final !== finalSequence) {
      throw new ProtocolError(Code.channelState, 'a second END with another number')
    }
    if (finalSequence < this.highest) {
      throw new ProtocolError(Code.channelState, 'an END before messages that came')
    }
    this.#final = finalSequence
  }

  /** Whether messages are missing before others that have come. */
  get hasGap(): boolean {
    return !this.#held && this.highest > this.expected
  }

  /** How many numbers above the first missing one are known. */
  get ahead(): number {
    return this.highest - this.expected
  }

  /** The first missing messages, as many as one REQUEST names. */
  missing(): MissingRange[] {
    const ranges: MissingRange[] = []
    for (let sequence = this.expected; sequence < this.highest; sequence++) {
      const message = this.#waiting.get(sequence)
      if (message !== undefined && !(message instanceof Partial)) continue
      const range = ranges.at(-1)
      if (range !== undefined && range.first + range.count === sequence && range.count < 65_536) {
        range.count++
      } else if (ranges.length === mostRanges) {
        return ranges
      } else {
        ranges.push({ first: sequence, count: 1 })
      }
    }
    return ranges
  }
}

function otherLength(): ProtocolError {
  return new ProtocolError(Code.frameEncoding, 'the length of a message has changed')
}
