// Peers for tests: created on the loopback interface and destroyed after each test.

import {
  type Bytes,
  type Channel,
  type ChannelOptions,
  createPeer,
  type Handler,
  type Peer,
  type PeerOptions,
  type ServeOptions,
} from '../../lib'

const peers: Peer[] = []

/** A peer on 127.0.0.1, unless `options` say otherwise. */
export async function makePeer(options: PeerOptions = {}): Promise<Peer> {
  const peer = await createPeer({ listen: '127.0.0.1:0', ...options })
  peers.push(peer)
  return peer
}

afterEach(() => {
  for (const peer of peers.splice(0)) peer.destroy()
})

export interface Pair<Out, In> {
  server: Peer
  client: Peer
  /** The client's side. */
  channel: Channel<Out, In>
  /** The server's side. */
  accepted: Channel<Out, In>
}

/** Two peers and a channel between them. */
export async function makePair<Out = Bytes, In = Buffer>(
  options: {
    open?: ChannelOptions<Out, In>
    serve?: ServeOptions<Out, In>
    server?: PeerOptions
    client?: PeerOptions
  } = {},
): Promise<Pair<Out, In>> {
  const server = await makePeer(options.server)
  const client = await makePeer(options.client)
  const accepted = new Promise<Channel<Out, In>>((resolve) => {
    server.serve<Out, In>('test', options.serve ?? {}, resolve)
  })
  const channel = await client.open<Out, In>(server.address, 'test', options.open)
  return { server, client, channel, accepted: await accepted }
}

/** Answers every message with itself. */
export const echo: Handler<Bytes, Buffer> = async (channel) => {
  for await (const message of channel) await channel.write(message)
}

/** Resolves in a later turn of the event loop, after everything that is under way on loopback. */
export function turns(count = 1): Promise<void> {
  return new Promise((resolve) => {
    const step = (left: number) => (left === 0 ? resolve() : setImmediate(step, left - 1))
    step(count)
  })
}

/** Waits until `condition` holds. The test's own time limit is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** The next `count` messages as text. */
export async function texts(channel: Channel, count: number): Promise<string[]> {
  const found: string[] = []
  while (found.length < count) {
    const message = await channel.receive()
    if (message === undefined) break
    found.push(String(message))
  }
  return found
}
