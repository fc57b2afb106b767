// js-libp2p 3.3: TCP, Noise, Yamux.
//
// Settings, from its documentation:
// - doc/GETTING_STARTED.md of libp2p (https://github.com/libp2p/js-libp2p): "Configuring libp2p" with @libp2p/tcp, @chainsafe/libp2p-noise, @chainsafe/libp2p-yamux.
// - README of @chainsafe/libp2p-yamux: defaults; the window of a stream grows by itself to 16 MiB.
// - doc/MIGRATION-v2-v3 and the interface of streams: `send()` answers false when the buffer is full, 'drain' follows. `maxReadBufferLength`: 64 MiB here,
//   or a burst of small messages would reset the stream.
// - @libp2p/tcp turns TCP_NODELAY on unless `noDelay` says otherwise (`TCPSocketOptions`). Its README advises nothing else, so that is kept.
// Streams carry bytes, so messages get a length in front.
// It asks for Node.js 22. In Node.js 20 the one thing it misses is `Promise.withResolvers`, which is put in below.

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { Batch, FrameReader, framed } from '../contenders/framing.mjs'
import { Link } from '../contenders/link.mjs'

Promise.withResolvers ??= () => {
  const made = {}
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}

const readBuffer = 64 * 2 ** 20
const protocols = { first: '/bench/first/1', second: '/bench/second/1' }

class StreamLink extends Link {
  #stream
  #connection
  #batch

  constructor(stream, connection, { style, canOpen }) {
    super()
    this.#stream = stream
    this.#connection = connection
    if (style === 'batched') {
      this.#batch = new Batch((bytes) => stream.send(bytes))
      this.send = (message) => this.#batch.add(message)
    }
    stream.maxReadBufferLength = readBuffer
    const reader = new FrameReader((message) => this.onMessage(message))
    stream.addEventListener('message', ({ data }) => {
      // A Uint8Array, or a list of them.
      if (data instanceof Uint8Array) reader.push(asBuffer(data))
      else for (const part of data) reader.push(asBuffer(part))
    })
    stream.addEventListener('drain', () => {
      this.#batch?.drained()
      this.onDrain()
    })
    stream.addEventListener('close', ({ error }) => this.onClose(error))
    if (canOpen) {
      this.openSecond = async () => {
        const second = await connection.newStream(protocols.second)
        return new StreamLink(second, connection, { style, canOpen: false })
      }
    }
  }

  send(message) {
    return this.#stream.send(framed(message))
  }

  pause() {
    this.#stream.pause()
  }

  resume() {
    this.#stream.resume()
  }

  close() {
    this.#connection.close()
  }
}

function asBuffer(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function node(listen) {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
}

function adapter(style) {
  return {
    async listen({ host, onLink }) {
      const server = await node([`/ip4/${host}/tcp/0`])
      for (const [name, protocol] of Object.entries(protocols)) {
        await server.handle(protocol, (stream, connection) => {
          const link = new StreamLink(stream, connection, { style, canOpen: false })
          onLink(link, { second: name === 'second' })
        })
      }
      const address = server.getMultiaddrs()[0].toString()
      return { address: { address }, close: () => server.stop() }
    },
    async connect({ address }) {
      const client = await node([])
      const connection = await client.dial(multiaddr(address.address))
      const stream = await connection.newStream(protocols.first)
      return new StreamLink(stream, connection, { style, canOpen: true })
    },
  }
}

export const adapters = { libp2p: adapter('single'), 'libp2p-batched': adapter('batched') }
