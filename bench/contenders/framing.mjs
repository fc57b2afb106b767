// Messages over a stream of bytes: each has its length in front of it, 4 bytes, little endian.

import { viewOf } from './view.mjs'

const prefixBytes = 4

/** Cuts messages out of chunks. A message that lies in one chunk is a view of it; one that does not is put together. */
export class FrameReader {
  #onMessage
  /** The part of a prefix that came with the last chunk. */
  #prefix = Buffer.alloc(prefixBytes)
  #prefixHeld = 0
  /** The message that began in an earlier chunk. */
  #message
  #filled = 0

  constructor(onMessage) {
    this.#onMessage = onMessage
  }

  push(chunk) {
    let place = this.#resume(chunk)
    const { buffer, byteOffset, length } = chunk
    const view = new DataView(buffer, byteOffset, length)
    while (length - place >= prefixBytes) {
      const size = view.getUint32(place, true)
      place += prefixBytes
      if (length - place < size) {
        this.#begin(size, chunk, place)
        return
      }
      this.#onMessage(viewOf(buffer, byteOffset + place, size))
      place += size
    }
    if (place < length) this.#prefixHeld = chunk.copy(this.#prefix, 0, place)
  }

  /** Goes on with what the chunks before left unfinished. Returns where the next whole prefix begins. */
  #resume(chunk) {
    let place = 0
    if (this.#prefixHeld > 0) {
      place = Math.min(prefixBytes - this.#prefixHeld, chunk.length)
      chunk.copy(this.#prefix, this.#prefixHeld, 0, place)
      this.#prefixHeld += place
      if (this.#prefixHeld < prefixBytes) return place
      this.#prefixHeld = 0
      this.#message = Buffer.allocUnsafe(this.#prefix.readUInt32LE(0))
      this.#filled = 0
    }
    if (this.#message === undefined) return place
    const copied = chunk.copy(this.#message, this.#filled, place)
    this.#filled += copied
    if (this.#filled === this.#message.length) {
      const message = this.#message
      this.#message = undefined
      this.#onMessage(message)
    }
    return place + copied
  }

  #begin(size, chunk, place) {
    this.#message = Buffer.allocUnsafe(size)
    this.#filled = chunk.copy(this.#message, 0, place)
  }
}

/** A message and its prefix in memory of their own. */
export function framed(message) {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length)
  frame.writeUInt32LE(message.length, 0)
  frame.set(message, prefixBytes)
  return frame
}

/** The prefix of a message alone. */
export function prefixOf(message) {
  const prefix = Buffer.allocUnsafe(prefixBytes)
  prefix.writeUInt32LE(message.length, 0)
  return prefix
}

/** Messages from this length on are written without being copied: prefix and message as two parts of one write. */
export const uncopiedFrom = 16 * 1024

/** Gathers messages, as an application does that knows about system calls, and writes them `batchBytes` at a time and at the end of the turn. */
export class Batch {
  #write
  #memory
  #view
  #filled = 0
  #due = false
  #room = true

  /** `write` takes a Buffer and says whether there is room for more. */
  constructor(write) {
    this.#write = write
  }

  add(message) {
    const needed = prefixBytes + message.length
    if (this.#memory !== undefined && this.#filled + needed > this.#memory.length) this.flush()
    if (needed > batchBytes) return this.#write(framed(message))
    if (this.#memory === undefined) {
      // Whoever writes keeps the memory until it is sent, so each batch has its own.
      this.#memory = Buffer.allocUnsafeSlow(batchBytes)
      this.#view = new DataView(this.#memory.buffer)
    }
    this.#view.setUint32(this.#filled, message.length, true)
    this.#memory.set(message, this.#filled + prefixBytes)
    this.#filled += needed
    if (!this.#due) {
      this.#due = true
      process.nextTick(this.#endOfTurn)
    }
    return this.#room
  }

  #endOfTurn = () => {
    this.#due = false
    this.flush()
  }

  flush() {
    if (this.#memory === undefined) return
    const full = this.#memory
    const filled = this.#filled
    this.#memory = undefined
    this.#filled = 0
    this.#room = this.#write(filled === full.length ? full : viewOf(full.buffer, 0, filled))
  }

  /** There is room again. */
  drained() {
    this.#room = true
  }
}

/** Bytes in one write of a hand-batched contender. */
export const batchBytes = 64 * 1024
