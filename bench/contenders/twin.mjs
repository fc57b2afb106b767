// The protocol's twin in TypeScript, compiled from bench/twin: the same window and acknowledgements, without the native part.

import { connect, listen } from '../twin/dist/index.js'
import { Link } from './link.mjs'

class TwinLink extends Link {
  #channel

  constructor(channel) {
    super()
    this.#channel = channel
    channel.onMessage = (message) => this.onMessage(message)
    channel.onDrain = () => this.onDrain()
    channel.onEnd = () => {}
    channel.onClose = (error) => this.onClose(error)
    this.acknowledged = () => channel.flush()
  }

  send(message) {
    return this.#channel.send(message)
  }

  close() {
    this.#channel.close()
  }
}

const twin = {
  async listen({ host, onLink }) {
    const server = await listen({ host, port: 0 })
    server.onChannel = (channel) => onLink(new TwinLink(channel))
    return { address: { id: server.id, port: server.port }, close: () => server.close() }
  },
  async connect({ host, address }) {
    const { id, port } = address
    return new TwinLink(await connect({ host, port, id, service: 'bench' }))
  },
}

export const adapters = { twin }
