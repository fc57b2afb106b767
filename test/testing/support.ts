// Test networks that end with their test.

import type { Bytes, Channel, ChannelOptions, Handler, Peer } from '../../lib'
import {
  createTestNetwork,
  type Frame,
  type Packet,
  type TestNetwork,
  type TestNetworkOptions,
} from '../../lib/testing'

const networks: TestNetwork[] = []

export function makeNetwork(options: TestNetworkOptions = {}): TestNetwork {
  const network = createTestNetwork({ seed: 1, ...options })
  networks.push(network)
  return network
}

afterEach(async () => {
  for (const network of networks.splice(0)) {
    for (const peer of network.peers) peer.destroy()
    await network.close()
  }
})

export interface SimulatedPair {
  network: TestNetwork
  alice: Peer
  bob: Peer
  /** Alice's side. */
  channel: Channel
  /** Bob's side. */
  accepted: Channel
}

/** Alice has opened channel 1 to Bob; whoever made the network may have paused it. */
export async function makePair(
  network: TestNetwork,
  options: ChannelOptions = {},
): Promise<SimulatedPair> {
  const alice = await network.createPeer({ mtu: 1_200 })
  const bob = await network.createPeer({ mtu: 1_200 })
  const accepted = new Promise<Channel>((resolve) => {
    bob.serve('test', resolve)
  })
  const channel = await alice.open(bob.address, 'test', options)
  return { network, alice, bob, channel, accepted: await accepted }
}

export const echo: Handler<Bytes, Buffer> = async (channel) => {
  for await (const message of channel) await channel.write(message)
}

export type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>

/** All frames of a type that a peer sent, in order. */
export function framesOf<T extends Frame['type']>(
  packets: readonly Packet[],
  type: T,
  from?: Peer,
): FrameOf<T>[] {
  return packets
    .filter((packet) => from === undefined || packet.from === from)
    .flatMap(({ frames }) => frames)
    .filter((frame): frame is FrameOf<T> => frame.type === type)
}

/** `sequence` of every message that a peer sent, as often as it was sent. */
export function sentSequences(packets: readonly Packet[], from: Peer): number[] {
  return framesOf(packets, 'MESSAGE', from).flatMap(({ messages }) =>
    messages.map(({ sequence }) => sequence),
  )
}
