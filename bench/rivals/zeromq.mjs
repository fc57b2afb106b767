// zeromq 6 (libzmq 4.3): two PAIR sockets over TCP. Not encrypted: CURVE would cost it more.
//
// Settings, from its API reference (https://zeromq.github.io/zeromq.js/) and its README (https://www.npmjs.com/package/zeromq):
// - "Pair": the one pattern with two ends that both send.
// - "Writable.send()": "Only one asynchronously blocking call to send() may be executed simultaneously", so messages wait here in a list, up to 64 KiB. A
//   longer list only makes the queue longer.
// - `sendHighWaterMark`, `receiveHighWaterMark` ("SocketOptions"): 1,000 messages, the default.
//   That many may wait in it after send() was awaited, more than the suite's ring has, so every message is copied.

import { Pair } from 'zeromq'
import { Link } from '../contenders/link.mjs'

const highWaterMark = 64 * 1024
const options = { linger: 0 }

class PairLink extends Link {
  #socket
  #waiting = []
  #waitingBytes = 0
  #sending = false
  #held = false
  #paused
  #resume

  constructor(socket) {
    super()
    this.#socket = socket
    this.#read().catch((error) => this.onClose(error))
  }

  async #read() {
    for (const socket = this.#socket; ; ) {
      const [message] = await socket.receive()
      if (this.#paused !== undefined) await this.#paused
      this.onMessage(message)
    }
  }

  send(message) {
    this.#waiting.push(Buffer.from(message))
    this.#waitingBytes += message.length
    if (!this.#sending) this.#write().catch((error) => this.onClose(error))
    if (this.#waitingBytes >= highWaterMark) this.#held = true
    return !this.#held
  }

  async #write() {
    this.#sending = true
    while (this.#waiting.length > 0) {
      const list = this.#waiting
      this.#waiting = []
      this.#waitingBytes = 0
      for (const message of list) await this.#socket.send(message)
      if (this.#held) {
        this.#held = false
        this.onDrain()
      }
    }
    this.#sending = false
  }

  pause() {
    this.#paused ??= new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  resume() {
    this.#resume?.()
    this.#paused = undefined
  }

  close() {
    this.#socket.close()
  }
}

const zeromq = {
  async listen({ host, onLink }) {
    const socket = new Pair(options)
    await socket.bind(`tcp://${host}:*`)
    socket.events.on('handshake', () => onLink(new PairLink(socket)))
    return { address: { endpoint: socket.lastEndpoint }, close: () => socket.close() }
  },
  async connect({ address }) {
    const socket = new Pair(options)
    const connected = new Promise((resolve) => socket.events.on('handshake', resolve))
    socket.connect(address.endpoint)
    await connected
    return new PairLink(socket)
  },
}

export const adapters = { zeromq }
