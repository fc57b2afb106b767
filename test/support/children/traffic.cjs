// Messages that follow from a seed alone, so that the receiving process knows each of them.

const { createHash } = require('node:crypto')

/** Deterministic random numbers, uniform in 0 to 2^32 − 1 (mulberry32's mixing of a counter). */
function randomFrom(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

const poolBytes = 1 << 20

/** `at(n)`: the n-th message, of `minBytes` (8 at least) to `maxBytes` bytes; its number and seed are in it. */
class Messages {
  #pool = Buffer.alloc(poolBytes)
  #seed
  #minBytes
  #maxBytes

  constructor({ seed, minBytes = 8, maxBytes = 1500 }) {
    this.#seed = seed
    this.#minBytes = minBytes
    this.#maxBytes = maxBytes
    const random = randomFrom(seed)
    for (let at = 0; at < poolBytes; at += 4) this.#pool.writeUInt32LE(random(), at)
  }

  at(number) {
    const random = randomFrom(this.#seed ^ Math.imul(number, 0x9e3779b1))
    const length = this.#minBytes + (random() % (this.#maxBytes - this.#minBytes + 1))
    const message = Buffer.allocUnsafe(length)
    for (let filled = 0; filled < length; ) {
      filled += this.#pool.copy(message, filled, random() % (poolBytes / 2))
    }
    message.writeUInt32LE(number, 0)
    message.writeUInt32LE(this.#seed >>> 0, 4)
    return message
  }
}

/** What was sent or received so far. */
class Tally {
  count = 0
  bytes = 0
  #hash = createHash('sha256')

  add(message) {
    this.count++
    this.bytes += message.length
    this.#hash.update(message)
  }

  sum() {
    return { count: this.count, bytes: this.bytes, digest: this.#hash.copy().digest('hex') }
  }
}

module.exports = { Messages, Tally, randomFrom }
