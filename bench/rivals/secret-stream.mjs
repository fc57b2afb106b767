// @hyperswarm/secret-stream 6.9 over udx-native: Noise XX and libsodium's secretstream. What Hyperswarm applications use.
//
// Settings:
// - its README (https://www.npmjs.com/package/@hyperswarm/secret-stream), "const s = new SecretStream(isInitiator, [rawStream], [options])": defaults. Each
//   write is one encrypted message and arrives as one 'data' event, so messages get no length of ours.
// - udx-native's README, "const stream = udx.createStream(id, [options])", option `framed`: on, as secret-stream puts a length of 3 bytes in front of what
//   it encrypts. The sockets are those of udx.mjs, with buffers of the same size.

import SecretStream from '@hyperswarm/secret-stream'
import { Link } from '../contenders/link.mjs'
import { dialStream, serveStreams } from './udx.mjs'

class SecretLink extends Link {
  #stream
  #raw

  constructor(stream, raw) {
    super()
    this.#stream = stream
    this.#raw = raw
    stream.on('data', (message) => this.onMessage(message))
    stream.on('drain', () => this.onDrain())
    stream.on('error', (error) => this.onClose(error))
    stream.on('close', () => this.onClose())
    this.acknowledged = () => raw.flush()
  }

  send(message) {
    // It encrypts later than it takes.
    return this.#stream.write(Buffer.from(message))
  }

  pause() {
    this.#stream.pause()
  }

  resume() {
    this.#stream.resume()
  }

  repeats() {
    return { resent: this.#raw.retransmits }
  }

  close() {
    this.#stream.destroy()
  }
}

const secretStream = {
  async listen({ host, count, onLink }) {
    return serveStreams({ host, count, framed: true }, (raw) => {
      raw.once('connect', () => {
        const stream = new SecretStream(false, raw)
        stream.once('connect', () => onLink(new SecretLink(stream, raw)))
      })
    })
  },
  async connect({ host, from, address, index }) {
    const raw = dialStream({ host, from, address, index, framed: true })
    const stream = new SecretStream(true, raw)
    await new Promise((resolve, reject) => {
      stream.once('error', reject)
      stream.once('connect', resolve)
    })
    return new SecretLink(stream, raw)
  },
}

export const adapters = { 'secret-stream': secretStream }
