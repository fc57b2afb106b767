// Hawser itself, as `npm install hawser` gives it: the compiled package, encrypted, with the options below for every workload.

import { createPeer } from '../../dist/index.mjs'
import { Link } from './link.mjs'

/**
 * What is not the default, and why. `listen`: the address to measure on. `handshakeRate`: by default one address may begin 100 sessions a second, and here
 * all clients are on one machine.
 */
const optionsAt = (host) => ({ listen: [{ host }], limits: { handshakeRate: 100_000 } })

/** The configuration of all workloads, as the table prints it: made of the options themselves. */
export const configuration = `createPeer(${JSON.stringify(optionsAt('ADDRESS'))}), channels with default options, read by 'message' events`

class HawserLink extends Link {
  #channel
  #peer
  #read = (message) => this.onMessage(message)

  constructor(channel, peer, address) {
    super()
    this.#channel = channel
    this.#peer = peer
    channel.on('message', this.#read)
    channel.on('drain', () => this.onDrain())
    channel.on('close', (info) => this.onClose(info.error))
    this.acknowledged = () => channel.flush()
    if (address !== undefined) {
      this.openSecond = async () => new HawserLink(await peer.open(address, 'second'), peer)
    }
  }

  send(message) {
    return this.#channel.send(message)
  }

  pause() {
    this.#channel.off('message', this.#read)
  }

  resume() {
    this.#channel.on('message', this.#read)
  }

  repeats() {
    const { messagesResent, path } = this.#channel.stats()
    return { resent: messagesResent, spurious: path.spuriousLosses, lost: path.packetsLost }
  }

  close() {
    this.#peer?.destroy()
  }
}

const withOptions = (options, channelOptions) => ({
  async listen({ host, onLink }) {
    const peer = await createPeer(options(host))
    peer.serve('first', (channel) => onLink(new HawserLink(channel)))
    peer.serve('second', (channel) => onLink(new HawserLink(channel), { second: true }))
    return { address: peer.address, close: () => peer.destroy() }
  },
  async connect({ from, address }) {
    const peer = await createPeer(options(from))
    return new HawserLink(await peer.open(address, 'first', channelOptions), peer, address)
  },
})

const hawser = withOptions(optionsAt)

/** The same with `engine.spin`, for ping-pongs. */
const spinning = withOptions((host) => ({ ...optionsAt(host), engine: { spin: true } }))

/** For many quiet sessions: an acknowledgement for what came in half a second instead of one for each message. */
const counted = withOptions(optionsAt, { window: { acks: 'counted', ackTimeout: 500 } })

export const adapters = { hawser, 'hawser-spin': spinning, 'hawser-counted': counted }
