// ws 8: WebSocket over TCP. Not encrypted.
//
// Settings, from its README (https://www.npmjs.com/package/ws):
// - "Opt-in for performance": bufferutil is installed.
// - "WebSocket compression": `perMessageDeflate: false`, the default of the server.
// - doc/ws.md, "new WebSocketServer(options[, callback])": `maxPayload` and `skipUTF8Validation` do not concern binary messages of this size.
// - doc/ws.md, "websocket.send(data[, options][, callback])": the callback is called when the data is written out; `websocket.bufferedAmount` is what is
//   not. send() tells nothing, so this adapter waits above 1 MiB.
// - TCP_NODELAY is always on: ws sets it itself, and has no option for it. net and tls have it only where latency is measured.
// The server sends where one side does, but in W6 and W9: what a client sends is masked byte by byte (RFC 6455, section 5.3), which costs it more. There the
// clients send, or both sides, and the clients mask.

import { WebSocket, WebSocketServer } from 'ws'
import { uncopiedFrom } from '../contenders/framing.mjs'
import { Link } from '../contenders/link.mjs'

const highWaterMark = 2 ** 20
const binary = { binary: true }

class WebSocketLink extends Link {
  #socket

  constructor(socket) {
    super()
    this.#socket = socket
    socket.on('message', (message) => this.onMessage(message))
    socket.on('error', (error) => this.onClose(error))
    socket.on('close', () => this.onClose())
  }

  send(message) {
    // What it has not written yet, it keeps without a copy.
    const kept = message.length < uncopiedFrom ? Buffer.from(message) : message
    if (this.#socket.bufferedAmount + kept.length < highWaterMark) {
      this.#socket.send(kept, binary)
      return true
    }
    this.#socket.send(kept, binary, this.#written)
    return false
  }

  #written = (error) => {
    if (!error) this.onDrain()
  }

  pause() {
    this.#socket.pause()
  }

  resume() {
    this.#socket.resume()
  }

  close() {
    this.#socket.terminate()
  }
}

const ws = {
  async listen({ host, onLink }) {
    const server = new WebSocketServer({ host, port: 0, backlog: 4096, perMessageDeflate: false })
    server.on('connection', (socket) => onLink(new WebSocketLink(socket)))
    await new Promise((resolve, reject) => {
      server.once('error', reject)
      server.once('listening', resolve)
    })
    return { address: { port: server.address().port }, close: () => server.close() }
  },
  async connect({ host, address }) {
    const socket = new WebSocket(`ws://${host}:${address.port}`, { perMessageDeflate: false })
    await new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once('open', resolve)
    })
    return new WebSocketLink(socket)
  },
}

export const adapters = { ws }
