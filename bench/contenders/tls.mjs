// node:tls, TLS 1.3 over TCP with a certificate of its own for each run.
//
// Settings, from the documentation of Node.js 20:
// - "TLS (SSL)" (https://nodejs.org/docs/latest-v20.x/api/tls.html), "Modifying the default TLS cipher suite": the defaults are kept, which give
//   TLS_AES_256_GCM_SHA384, the cipher that Hawser has by default, too.
// - `ca` and `checkServerIdentity` ("tls.connect(options[, callback])"): the client checks the server's certificate, which is made for no name.
// - `noDelay`, `highWaterMark`: as in net.mjs.

import tls from 'node:tls'
import { certificate } from './certificate.mjs'
import { StreamLink } from './stream_link.mjs'

const highWaterMark = 2 ** 20

function adapter(style) {
  return {
    async listen({ host, purpose, onLink }) {
      const { key, cert } = certificate()
      const options = { key, cert, noDelay: purpose === 'latency', highWaterMark }
      const server = tls.createServer(options, (socket) => onLink(new StreamLink(socket, style)))
      await new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port: 0, backlog: 4096 }, resolve)
      })
      return { address: { port: server.address().port, cert }, close: () => server.close() }
    },
    async connect({ host, address, purpose }) {
      const socket = tls.connect({
        host,
        port: address.port,
        ca: [address.cert],
        checkServerIdentity: () => undefined,
        highWaterMark,
      })
      await new Promise((resolve, reject) => {
        socket.once('error', reject)
        socket.once('secureConnect', resolve)
      })
      // TLSSocket has no such option of its own.
      socket.setNoDelay(purpose === 'latency')
      return new StreamLink(socket, style)
    },
  }
}

export const adapters = { tls: adapter('single'), 'tls-batched': adapter('batched') }
