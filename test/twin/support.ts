// Both implementations behind one face, and a path between them that loses datagrams.

import { createHash } from 'node:crypto'
import { connect, listen, type TwinChannel, type TwinServer } from '../../bench/twin'
import type { Channel, ChannelOptions } from '../../lib'
import { makePeer } from '../support/peers'
import { UdpProxy } from '../support/udp_proxy'

/** The twin's. With longer datagrams there would be so few that by chance none is lost. */
const mtu = 1200

/** One side of a channel. */
export interface Side {
  /** Sends, waits for room where it is needed, and says that this was all. */
  sendAll(messages: Iterable<Buffer>): Promise<void>
  /** Every message up to the peer's end. */
  readonly received: Promise<Received>
  flush(): Promise<void>
  stats(): { messagesSent: number; messagesReceived: number; messagesResent: number }
  close(): Promise<void>
}

export interface Received {
  readonly count: number
  readonly sha256: string
}

/** A server, and how to dial it. */
export interface Listener {
  readonly port: number
  readonly id: string
  /** The first channel that somebody opens. */
  readonly side: Promise<Side>
}

const servers = new Set<TwinServer>()

afterEach(async () => {
  const closing = [...servers].map((server) => server.close())
  servers.clear()
  await Promise.all(closing)
})

/** Order counts, and where one message ends. */
class Sum {
  count = 0
  readonly #hash = createHash('sha256')

  add(message: Uint8Array): void {
    this.count++
    this.#hash.update(`${message.length} `).update(message)
  }

  get received(): Received {
    return { count: this.count, sha256: this.#hash.digest('hex') }
  }
}

export function sumOf(messages: Iterable<Buffer>): Received {
  const sum = new Sum()
  for (const message of messages) sum.add(message)
  return sum.received
}

export function twinSide(channel: TwinChannel): Side {
  const sum = new Sum()
  channel.onMessage = (message) => sum.add(message)
  const received = new Promise<Received>((resolve, reject) => {
    channel.onEnd = () => resolve(sum.received)
    channel.onClose = (error) => error && reject(error)
  })
  // A test that does not look at it is not to fail for it.
  received.catch(() => {})
  return {
    received,
    async sendAll(messages) {
      for (const message of messages) {
        if (!channel.send(message)) {
          await new Promise<void>((resolve) => {
            channel.onDrain = resolve
          })
        }
      }
      await channel.end()
    },
    flush: () => channel.flush(),
    stats: () => channel.stats(),
    close: () => channel.close(),
  }
}

function addonSide(channel: Channel): Side {
  const sum = new Sum()
  const read = async () => {
    for await (const message of channel) sum.add(message)
    return sum.received
  }
  return {
    received: read(),
    async sendAll(messages) {
      for (const message of messages) await channel.write(message)
      await channel.end()
    },
    flush: () => channel.flush(),
    stats: () => channel.stats(),
    close: () => channel.close(),
  }
}

export type Kind = 'twin' | 'addon'

export async function twinServer(): Promise<TwinServer> {
  const server = await listen({})
  servers.add(server)
  return server
}

export async function startListener(kind: Kind): Promise<Listener> {
  if (kind === 'twin') {
    const server = await twinServer()
    const side = new Promise<Side>((resolve) => {
      server.onChannel = (channel) => resolve(twinSide(channel))
    })
    return { port: server.port, id: server.id, side }
  }
  const peer = await makePeer({ mtu })
  const side = new Promise<Side>((resolve) => {
    peer.serve('test', (channel) => resolve(addonSide(channel)))
  })
  const port = Number(new URL(peer.address).port)
  return { port, id: peer.id, side }
}

export interface DialOptions {
  /** Of the twin, where that is not a default. */
  readonly suite?: 1 | 2
  /** Of the addon. */
  readonly channel?: ChannelOptions
}

/** Dials `id` at a port of this machine. */
export async function dial(
  kind: Kind,
  { port, id }: { port: number; id: string },
  { suite = 1, channel = {} }: DialOptions = {},
): Promise<Side> {
  if (kind === 'twin') {
    const options = { host: '127.0.0.1', port, id, service: 'test', suite, timeout: 20_000 }
    return twinSide(await connect(options))
  }
  const peer = await makePeer({ mtu })
  return addonSide(await peer.open(`hawser://${id}@127.0.0.1:${port}`, 'test', channel))
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A way to `listener` that loses this part of the datagrams, in both directions. */
export async function lossyPath(listener: Listener, loss: number, seed: number): Promise<Listener> {
  const next = random(seed)
  const proxy = await UdpProxy.start(
    { address: '127.0.0.1', port: listener.port },
    ({ datagram, pass }) => {
      if (next() >= loss) pass(datagram)
    },
  )
  return { ...listener, port: proxy.port }
}

/** Messages of changing content. */
export function* messages(seed: number, ...runs: [bytes: number, count: number][]) {
  const next = random(seed)
  for (const [bytes, count] of runs) {
    for (let index = 0; index < count; index++) {
      const message = Buffer.alloc(bytes, Math.floor(next() * 256))
      for (let at = 0; at < bytes; at += 61) message[at] = Math.floor(next() * 256)
      yield message
    }
  }
}
