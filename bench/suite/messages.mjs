// What the workloads send, and how the receiver checks it.
//
// A message is a sequence number (4 bytes, little endian) and contents that both sides know: one of 16 templates of random bytes.
// The receiver compares the number with the one it expects, and a checksum of all other bytes with that of the template. So a message that is lost, repeated,
// out of order, cut or changed is found when it (or the next one) arrives. What a check costs is taken from every contender's rate: from 256 bytes on,
// `Buffer.equals` with the expected message is cheaper, and says as much.

const templateCount = 16
/** Shorter messages are summed: a call of `Buffer.equals` costs more than that. */
const comparedFrom = 256
/** The checksum of the words from `start` to `end`. Each word counts with an odd factor of its place, so that no change of one word, and no exchange of neighbours, goes unseen. */
export function checksum(view, start, end) {
  let factor = 1
  let sum = 0
  for (let place = start; place < end; place += 4) {
    sum = (sum + Math.imul(view.getInt32(place, true), factor)) | 0
    factor = (factor + 2) | 0
  }
  return sum
}

/** Random bytes from a seed (xorshift32), the same on both sides. */
function fill(bytes, seed) {
  let state = seed
  for (let index = 0; index < bytes.length; index++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[index] = state
  }
}

const templates = new Map()

/** The templates of a length, with the checksum of each. They are kept: a server has thousands of checkers. The number in one is that of whoever wrote it last. */
function templatesOf(length) {
  if (!Number.isInteger(length) || length < 8 || length % 4 !== 0) {
    throw new RangeError(`a message has a multiple of 4 bytes, at least 8, not ${length}`)
  }
  let known = templates.get(length)
  if (known === undefined) {
    known = Array.from({ length: templateCount }, (_, index) => {
      const bytes = Buffer.from(new ArrayBuffer(length))
      fill(bytes, 0x9e3779b9 ^ (index + 1))
      const view = new DataView(bytes.buffer)
      return { bytes, view, sum: checksum(view, 4, length) }
    })
    templates.set(length, known)
  }
  return known
}

/** A running digest of the checksums and numbers of all messages in their order. */
function fold(digest, sequence, sum) {
  return (Math.imul(digest, 31) + Math.imul(sequence, 0x9e3779b1) + sum) | 0
}

/** What a checker's `digest` must be after `count` messages. */
export function digestOf(length, count) {
  const known = templatesOf(length)
  let digest = 0
  for (let sequence = 0; sequence < count; sequence++) {
    digest = fold(digest, sequence, known[sequence % templateCount].sum)
  }
  return digest
}

/**
 * Messages ready to be sent. The bytes of one stay as they are until `ringMessages` further ones were taken: whoever keeps them for longer has
 * to copy them.
 */
export const ringMessages = 64

export class MessageRing {
  #messages
  #view
  #length
  #sequence = 0

  constructor(length) {
    const known = templatesOf(length)
    const memory = new ArrayBuffer(length * ringMessages)
    this.#length = length
    this.#view = new DataView(memory)
    this.#messages = Array.from({ length: ringMessages }, (_, index) => {
      const message = Buffer.from(memory, index * length, length)
      known[index % templateCount].bytes.copy(message)
      return message
    })
  }

  /** The next message. */
  next() {
    const sequence = this.#sequence++
    const slot = sequence & (ringMessages - 1)
    this.#view.setUint32(slot * this.#length, sequence, true)
    return this.#messages[slot]
  }

  /** Starts again with number 0. */
  restart() {
    this.#sequence = 0
  }
}

/** Checks messages as they arrive. */
export class Checker {
  /** Messages that arrived. */
  count = 0
  digest = 0
  /** Messages that were not the expected one: after a lost one, repeated, or out of order. */
  misplaced = 0
  /** Messages whose bytes or length are wrong. */
  damaged = 0
  /** The number that is expected next. */
  expected = 0
  #known
  #length
  #memory
  #view

  constructor(length) {
    this.#known = templatesOf(length)
    this.#length = length
  }

  /** Checks one message. Returns its number, or -1 if it has the wrong length. */
  take(message) {
    if (this.#length < comparedFrom) return this.#sum(message)
    const sequence = this.expected
    const template = this.#known[sequence & (templateCount - 1)]
    template.view.setUint32(0, sequence, true)
    if (!template.bytes.equals(message)) return this.#sum(message)
    this.count++
    this.expected = sequence + 1
    this.digest = fold(this.digest, sequence, template.sum)
    return sequence
  }

  #sum(message) {
    this.count++
    if (message.length !== this.#length) {
      this.damaged++
      return -1
    }
    if (message.buffer !== this.#memory) {
      this.#memory = message.buffer
      this.#view = new DataView(message.buffer)
    }
    const start = message.byteOffset
    const sequence = this.#view.getUint32(start, true)
    if (sequence !== this.expected) this.misplaced++
    this.expected = sequence + 1
    const sum = checksum(this.#view, start + 4, start + this.#length)
    if (sum !== this.#known[sequence & (templateCount - 1)].sum) this.damaged++
    this.digest = fold(this.digest, sequence, sum)
    return sequence
  }

  /** What is wrong, in words; empty if nothing is. */
  faults(reliable = true) {
    const found = []
    if (this.damaged > 0) found.push(`${this.damaged} damaged`)
    if (reliable && this.misplaced > 0) {
      found.push(`${this.misplaced} lost, repeated or out of order`)
    }
    return found.join(', ')
  }
}
