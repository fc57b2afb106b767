// node:net, TCP. Not encrypted.
//
// Settings, from the documentation of Node.js 20, "Net" (https://nodejs.org/docs/latest-v20.x/api/net.html):
// - `noDelay` ("new net.Socket(options)", "net.createServer([options])"): off by default, for throughput; on where latency is measured.
// - `highWaterMark` ("net.createServer([options])", and the options of stream.Duplex for sockets): what write() buffers before it answers
//   false. 1 MiB, as Hawser's default, instead of 16 KiB; with 16 KiB the hand-batched variant would wait after every write.
// - corked: "Stream", writable.cork(): "primary intent is to accommodate a situation in which several small chunks are written".

import net from 'node:net'
import { StreamLink } from './stream_link.mjs'

const highWaterMark = 2 ** 20

function adapter(style) {
  return {
    async listen({ host, purpose, onLink }) {
      const options = { noDelay: purpose === 'latency', highWaterMark, backlog: 4096 }
      const server = net.createServer(options, (socket) => onLink(new StreamLink(socket, style)))
      await new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port: 0, backlog: 4096 }, resolve)
      })
      return { address: { port: server.address().port }, close: () => server.close() }
    },
    async connect({ host, address, purpose }) {
      const noDelay = purpose === 'latency'
      const socket = net.connect({ host, port: address.port, noDelay, highWaterMark })
      await new Promise((resolve, reject) => {
        socket.once('error', reject)
        socket.once('connect', resolve)
      })
      return new StreamLink(socket, style)
    },
  }
}

export const adapters = {
  net: adapter('single'),
  'net-corked': adapter('corked'),
  'net-batched': adapter('batched'),
}
