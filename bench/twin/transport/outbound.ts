// The sending side of a channel: messages are packed into pieces when they are given, and a piece is kept until it is
// acknowledged (docs/PROTOCOL.md §5.11, §6).

import { Code, ProtocolError } from '../wire/codes'
import { type Blocked, FrameType } from '../wire/frames'
import { restore } from '../wire/reader'
import { varintBytes, writeVarint } from '../wire/writer'
import { Deque } from './deque'

const overhead = 32
/** Messages in a piece at most, well below N. */
const mostMessages = 1_024

export const enum PieceState {
  waiting,
  inFlight,
  lost,
  acknowledged,
}

/** What one MESSAGE or FRAGMENT frame carries, and the frame itself. */
export class Piece {
  state = PieceState.waiting
  first = 0
  count = 0
  /** Still takes messages. */
  open = false
  /** Cost of the channel with this piece. */
  cost = 0
  start = 0
  end = 0
  /** Bytes of messages. */
  content = 0
  /** Number of the packet that carried it last, and when. */
  packet = 0
  sentAt = 0
  /** Rises when the piece is used again: who remembers it from before can tell. */
  turn = 0
  readonly data: Buffer

  constructor(bytes: number) {
    this.data = Buffer.allocUnsafeSlow(bytes)
  }

  get last(): number {
    return this.first + this.count - 1
  }

  /** Bytes of the frame, at most. */
  get bytes(): number {
    return this.end
  }
}

interface Waiter {
  readonly sequence: number
  resolve(): void
  reject(error: Error): void
}

export class Outbound {
  /** The first message that is not acknowledged. */
  base = 1
  /** The number that the next message gets. */
  next = 1
  /** The last message of which something was sent. */
  sentUpTo = 0
  /** Bytes given and not sent yet. */
  unsentBytes = 0
  /** Cost that the peer allows. */
  limit: number
  messagesResent = 0
  readonly #channel: number
  readonly #window: number
  /** Bytes of the largest frame. */
  readonly #room: number
  /** Where the messages of a MESSAGE frame begin, if their length takes two bytes. */
  readonly #head: number
  #cost = 0
  /** From the base on. */
  readonly #pieces = new Deque<Piece>()
  /** How many of them were sent. */
  #sent = 0
  #lost: { piece: Piece; turn: number }[] = []
  #spare: Piece[] = []
  #waiters: Waiter[] = []

  /** `window` is N. */
  constructor(channel: number, room: number, window: number, limit: number) {
    this.#channel = channel
    this.#room = room
    this.#window = window
    this.limit = limit
    this.#head = 1 + varintBytes(channel) + 4 + 2
  }

  get cost(): number {
    return this.#cost
  }

  get hasUnsent(): boolean {
    return this.#sent < this.#pieces.length
  }

  /** Copies a message. */
  push(message: Uint8Array): void {
    const { length } = message
    const bytes = varintBytes(length) + length
    this.#cost += bytes + overhead
    this.unsentBytes += length
    if (bytes > this.#room - this.#head) this.#cut(message)
    else this.#pack(message, bytes)
    this.next++
  }

  #pack(message: Uint8Array, bytes: number): void {
    let piece = this.#pieces.last
    if (piece === undefined || !piece.open || piece.end + bytes > this.#room) {
      if (piece !== undefined) piece.open = false
      piece = this.#append()
      piece.open = true
      piece.start = this.#head
      piece.end = this.#head
    }
    piece.count++
    piece.cost = this.#cost
    piece.content += message.length
    const { data } = piece
    if (message.length < 0x40) data[piece.end] = message.length
    else writeVarint(data, piece.end, message.length)
    data.set(message, piece.end + bytes - message.length)
    piece.end += bytes
    if (piece.count === mostMessages) piece.open = false
  }

  #cut(message: Uint8Array): void {
    const last = this.#pieces.last
    if (last !== undefined) last.open = false
    for (let offset = 0; offset < message.length; ) {
      const piece = this.#append()
      const { data } = piece
      piece.count = 1
      piece.cost = this.#cost
      let at = writeVarint(data, 0, FrameType.fragment)
      at = writeVarint(data, at, this.#channel)
      at = data.writeUInt32BE(this.next % 2 ** 32, at)
      at = writeVarint(data, at, message.length)
      at = writeVarint(data, at, offset)
      // The length of a piece takes two bytes, or one if that is the rest.
      const length = Math.min(message.length - offset, this.#room - at - 2)
      at = writeVarint(data, at, length)
      data.set(message.subarray(offset, offset + length), at)
      piece.end = at + length
      piece.content = length
      offset += length
    }
  }

  #append(): Piece {
    const piece = this.#spare.pop() ?? new Piece(this.#room)
    piece.state = PieceState.waiting
    piece.first = this.next
    piece.count = 0
    piece.open = false
    piece.start = 0
    piece.content = 0
    this.#pieces.push(piece)
    return piece
  }

  /** What goes next, lost pieces first; `undefined` if nothing may. */
  peek(): Piece | undefined {
    return this.#peekLost() ?? this.#peekNew()
  }

  #peekLost(): Piece | undefined {
    for (;;) {
      const entry = this.#lost[0]
      if (entry === undefined) return undefined
      const { piece, turn } = entry
      if (piece.turn === turn && piece.state === PieceState.lost) return piece
      this.#lost.shift()
    }
  }

  #peekNew(): Piece | undefined {
    if (!this.hasUnsent) return undefined
    const piece = this.#pieces.at(this.#sent)
    if (piece.last >= this.base + this.#window || piece.cost > this.limit) return undefined
    return piece
  }

  /** The frame of a piece. It takes no more messages. */
  frame(piece: Piece): Buffer {
    if (piece.start === this.#head) this.#finish(piece)
    return piece.data.subarray(piece.start, piece.end)
  }

  /** Writes what stands before the messages of a MESSAGE frame. */
  #finish(piece: Piece): void {
    const { data } = piece
    const length = piece.end - this.#head
    piece.open = false
    piece.start = length < 0x40 ? 1 : 0
    let at = writeVarint(data, piece.start, FrameType.message)
    at = writeVarint(data, at, this.#channel)
    at = data.writeUInt32BE(piece.first % 2 ** 32, at)
    writeVarint(data, at, length)
  }

  /** What the peer must know if only its credit holds the next piece back. */
  get blocked(): Blocked | undefined {
    if (!this.hasUnsent) return undefined
    const { cost } = this.#pieces.at(this.#sent)
    if (cost <= this.limit) return undefined
    return { type: FrameType.blocked, channel: this.#channel, wanted: cost }
  }

  /** {@link peek} was sent, in the packet with this number. */
  sent(piece: Piece, packet: number, now: number): void {
    if (piece.state === PieceState.waiting) {
      this.#sent++
      this.sentUpTo = piece.last
      this.unsentBytes -= piece.content
    } else {
      this.messagesResent += piece.count
    }
    piece.state = PieceState.inFlight
    piece.packet = packet
    piece.sentAt = now
  }

  /** A packet with this piece was acknowledged. */
  acknowledged(piece: Piece, turn: number): void {
    if (piece.turn !== turn) return
    piece.state = PieceState.acknowledged
    while (this.#sent > 0 && this.#pieces.at(0).state === PieceState.acknowledged) this.#release()
    const head = this.#pieces.length > 0 ? this.#pieces.at(0).first : this.next
    this.#moveBase(head)
  }

  /** The packet with this number, which carried the piece, was lost. */
  lost(piece: Piece, turn: number, packet: number): void {
    if (piece.turn !== turn || piece.packet !== packet) return
    this.#repeat(piece)
  }

  #repeat(piece: Piece): void {
    if (piece.state !== PieceState.inFlight) return
    piece.state = PieceState.lost
    this.#lost.push({ piece, turn: piece.turn })
  }

  /** A piece that is in flight is to go again, in a probe; false if there is none. */
  probe(piece: Piece, turn: number): boolean {
    if (piece.turn !== turn || piece.state !== PieceState.inFlight) return false
    this.#repeat(piece)
    return true
  }

  /** COUNT has come. Throws {@link ProtocolError} if it counts what was never sent. */
  onCount(low: number): void {
    const count = restore(low, this.base)
    if (count > this.sentUpTo) {
      throw new ProtocolError(Code.ackInvalid, 'counted messages that were never sent')
    }
    while (this.#sent > 0 && this.#pieces.at(0).last <= count) this.#release()
    this.#moveBase(count + 1)
  }

  #release(): void {
    const piece = this.#pieces.shift() as Piece
    this.#sent--
    piece.turn++
    piece.state = PieceState.acknowledged
    if (this.#spare.length < 1_024) this.#spare.push(piece)
  }

  #moveBase(base: number): void {
    if (base <= this.base) return
    this.base = base
    if (this.#waiters.length === 0) return
    const done = this.#waiters.filter(({ sequence }) => sequence < base)
    this.#waiters = this.#waiters.filter(({ sequence }) => sequence >= base)
    for (const { resolve } of done) resolve()
  }

  /** The peer misses these messages: repeats what is in flight for longer than a round trip. */
  onRequest(low: number, count: number, before: number): void {
    const first = restore(low, this.base)
    const last = first + count - 1
    for (let index = this.#find(first); index < this.#sent; index++) {
      const piece = this.#pieces.at(index)
      if (piece.first > last) return
      if (piece.sentAt <= before) this.#repeat(piece)
    }
  }

  /** Index of the first piece that ends with this message or later. */
  #find(sequence: number): number {
    let low = 0
    let high = this.#sent
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#pieces.at(middle).last < sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Resolves when everything given so far is acknowledged. */
  flushed(): Promise<void> {
    const sequence = this.next - 1
    if (sequence < this.base) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ sequence, resolve, reject })
    })
  }

  /** Nothing is sent any more. */
  fail(error: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error)
  }
}
