// udx-native 1.21: reliable, congestion-controlled streams of bytes over UDP. Not encrypted, no handshake.
//
// Settings, from its README (https://www.npmjs.com/package/udx-native):
// - "Usage": two sockets, and a stream on each that is connected to the id, port and address of the other. Without a handshake, the serving side
//   learns the address from the first packet: "const stream = udx.createStream(id, [options])", option `firewall`.
// - write() is that of a Node stream; its high-water mark cannot be set. Messages get a length in front.
// - "const drained = await stream.flush()": "pending stream writes […] explicitly acknowledged by the other side".
// - "socket.setRecvBufferSize()", "socket.setSendBufferSize()": 7 MiB each, as Hawser asks for, as far as the system lets it. They need a bound socket.

import UDX from 'udx-native'
import { StreamLink } from '../contenders/stream_link.mjs'

const socketBuffer = 7 * 2 ** 20

/** Tells the serving side that the stream is there. Not a message: the link is made after it was read. */
const greeting = Buffer.from('hello')

function socketAt(udx, host) {
  const socket = udx.createSocket()
  socket.bind(0, host)
  socket.setRecvBufferSize(socketBuffer)
  socket.setSendBufferSize(socketBuffer)
  return socket
}

export function serveStreams({ host, count, framed }, onStream) {
  const udx = new UDX()
  const socket = socketAt(udx, host)
  for (let id = 1; id <= count; id++) {
    const stream = udx.createStream(id, {
      framed,
      firewall(_socket, port, address) {
        stream.connect(socket, count + id, port, address)
        return false
      },
    })
    onStream(stream, id)
  }
  return { address: { port: socket.address().port, count }, close: () => socket.close() }
}

/** One UDX instance and one socket for all sessions of this process. */
let client

export function dialStream({ host, from, address, index, framed }) {
  if (client === undefined) {
    const udx = new UDX()
    client = { udx, socket: socketAt(udx, from) }
  }
  const id = address.count + index + 1
  const stream = client.udx.createStream(id, { framed })
  stream.connect(client.socket, index + 1, address.port, host)
  return stream
}

class UdxLink extends StreamLink {
  #stream

  constructor(stream, style) {
    super(stream, style)
    this.#stream = stream
    this.acknowledged = () => stream.flush()
  }

  repeats() {
    return { resent: this.#stream.retransmits }
  }
}

function adapter(style) {
  return {
    async listen({ host, count, onLink }) {
      return serveStreams({ host, count, framed: false }, (stream) => {
        stream.once('data', (first) => {
          const link = new UdxLink(stream, style)
          onLink(link)
          if (first.length > greeting.length) stream.emit('data', first.subarray(greeting.length))
        })
      })
    },
    async connect({ host, from, address, index }) {
      const stream = dialStream({ host, from, address, index, framed: false })
      stream.write(greeting)
      await stream.flush()
      return new UdxLink(stream, style)
    },
  }
}

export const adapters = { udx: adapter('single'), 'udx-batched': adapter('batched') }
