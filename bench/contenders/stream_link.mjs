// Messages with a length in front over a Node stream of bytes, in three styles: 'single', one write a message; 'corked', one write a
// message, which the stream gathers; 'batched', gathered by hand into 64 KiB.

import { Batch, batchBytes, FrameReader, framed, prefixOf, uncopiedFrom } from './framing.mjs'
import { Link } from './link.mjs'

export class StreamLink extends Link {
  #stream
  #batch

  constructor(stream, style = 'single') {
    super()
    this.#stream = stream
    const reader = new FrameReader((message) => this.onMessage(message))
    stream.on('data', (chunk) => reader.push(chunk))
    stream.on('drain', () => {
      this.#batch?.drained()
      this.onDrain()
    })
    stream.on('error', (error) => this.onClose(error))
    stream.on('close', () => this.onClose())
    if (style === 'batched') {
      this.#batch = new Batch((bytes) => stream.write(bytes))
      this.send = (message) => this.#batch.add(message)
    } else if (style === 'corked') {
      this.send = this.#corked()
    } else {
      this.send = this.#single()
    }
  }

  #single() {
    const stream = this.#stream
    const canCork = typeof stream.cork === 'function'
    return (message) => {
      if (message.length < uncopiedFrom || !canCork) return stream.write(framed(message))
      stream.cork()
      stream.write(prefixOf(message))
      const room = stream.write(message)
      stream.uncork()
      return room
    }
  }

  #corked() {
    const stream = this.#stream
    let gathered = 0
    const uncork = () => {
      if (gathered === 0) return
      gathered = 0
      stream.uncork()
    }
    return (message) => {
      if (gathered === 0) {
        stream.cork()
        process.nextTick(uncork)
      }
      gathered += message.length
      const room = stream.write(framed(message))
      if (gathered >= batchBytes) uncork()
      return room
    }
  }

  pause() {
    this.#stream.pause()
  }

  resume() {
    this.#stream.resume()
  }

  close() {
    this.#stream.destroy()
  }
}
