// node:dgram, UDP: one datagram a message, nothing is sent again, nothing is held back. The ceiling of what a socket in JavaScript gives, not a rival:
// what is lost stays lost, and the table says how much.
//
// Settings, from the documentation of Node.js 20, "UDP/datagram sockets" (https://nodejs.org/docs/latest-v20.x/api/dgram.html):
// - `recvBufferSize` ("dgram.createSocket(options[, callback])"): 7 MiB, as far as the system lets it, so that less is lost.
// - `socket.connect(port[, address])`: the address is looked up once.
// - `socket.send(msg[, offset, length][, port][, address][, callback])`: the callback is "the only way to determine that the datagram has been
//   sent"; 32 may be waiting.

import dgram from 'node:dgram'
import { Link } from './link.mjs'

const recvBufferSize = 7 * 2 ** 20
const mostWaiting = 32
const greeting = Buffer.from('hello')

class DatagramLink extends Link {
  #socket
  #waiting = 0

  constructor(socket) {
    super()
    this.#socket = socket
  }

  send(message) {
    this.#waiting++
    this.#socket.send(message, this.#sent)
    return this.#waiting < mostWaiting
  }

  #sent = (error) => {
    if (error) return this.onClose(error)
    if (--this.#waiting === 0) this.onDrain()
  }

  close() {
    this.#socket.close()
  }
}

function open(host) {
  const socket = dgram.createSocket({ type: 'udp4', recvBufferSize })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address: host, port: 0 }, () => resolve(socket))
  })
}

const dgramAdapter = {
  async listen({ host, onLink }) {
    const socket = await open(host)
    let link
    socket.on('message', (message, from) => {
      if (link === undefined) {
        link = 'connecting'
        socket.connect(from.port, from.address, () => {
          link = new DatagramLink(socket)
          onLink(link)
          socket.send(greeting)
        })
      } else if (message.length === greeting.length) {
        socket.send(greeting)
      } else {
        link.onMessage(message)
      }
    })
    return { address: { port: socket.address().port }, close: () => link ?? socket.close() }
  },
  async connect({ host, from, address }) {
    const socket = await open(from)
    await new Promise((resolve, reject) => {
      socket.connect(address.port, host, (error) => (error ? reject(error) : resolve()))
    })
    // A greeting may be lost like anything else.
    const again = setInterval(() => socket.send(greeting), 100)
    socket.send(greeting)
    await new Promise((resolve) => socket.once('message', resolve))
    clearInterval(again)
    const link = new DatagramLink(socket)
    socket.on('message', (message) => {
      if (message.length !== greeting.length) link.onMessage(message)
    })
    return link
  },
}

export const adapters = { dgram: dgramAdapter }
