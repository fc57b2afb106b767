// What the acceptance tests of the claims share: two peers on a simulated link, and what went over it, decoded. They judge by
// frames, not by our own counters. Imported by the package's name, so that they also run against an installed package.

import type { Channel, ChannelOptions, Peer } from 'hawser'
import {
  createTestNetwork,
  type Frame,
  type LinkOptions,
  type Packet,
  type TestNetwork,
} from 'hawser/testing'

// Virtual time takes what the machine needs, which may be busy or run under sanitizers.
jest.setTimeout(120_000)

const networks: TestNetwork[] = []

afterEach(async () => {
  for (const network of networks.splice(0)) {
    for (const peer of network.peers) peer.destroy()
    await network.close()
  }
})

export function makeNetwork(seed = 1, firstSequence = 1): TestNetwork {
  const network = createTestNetwork({ seed, firstSequence })
  networks.push(network)
  return network
}

/** One way of a packet, milliseconds. */
export const delay = 10

/** A message that went over the link, or a part of it. */
export interface Sent {
  readonly time: number
  readonly sequence: number
  /** 1: for the first time. */
  readonly attempt: number
}

/** A COUNT: up to which sequence everything has come. */
export interface Counted {
  readonly time: number
  readonly count: number
}

/** Alice sends to Bob over channel 1. */
export class Pair {
  /** What Bob was handed, as text. */
  readonly received: string[] = []
  /** The channel's number on the wire. */
  readonly id: number

  constructor(
    readonly network: TestNetwork,
    readonly alice: Peer,
    readonly bob: Peer,
    readonly channel: Channel,
    readonly accepted: Channel,
  ) {
    const opened = framesOf(network.packets, 'OPEN', alice).at(-1)
    this.id = opened?.channel ?? 0
    accepted.on('message', (message) => this.received.push(String(message)))
    network.clearPackets()
  }

  /** Sends messages that say their number. */
  send(first: number, last: number = first): void {
    for (let number = first; number <= last; number++) this.channel.send(`message ${number}`)
  }

  /** Messages that Alice sent since the last `clearPackets`. */
  sent(from: Peer = this.alice): Sent[] {
    return this.network.packets
      .filter((packet) => packet.from === from)
      .flatMap(({ time, frames }) => frames.flatMap((frame) => messagesIn(frame, this.id, time)))
  }

  sequences(from?: Peer): number[] {
    return this.sent(from).map(({ sequence }) => sequence)
  }

  /** COUNTs that Bob sent. */
  counts(from: Peer = this.bob): Counted[] {
    return this.network.packets
      .filter((packet) => packet.from === from)
      .flatMap(({ time, frames }) =>
        frames.flatMap((frame) =>
          frame.type === 'COUNT'
            ? frame.counts
                .filter(({ channel }) => channel === this.id)
                .map(({ count }) => ({ time, count }))
            : [],
        ),
      )
  }

  frames<T extends Frame['type']>(type: T, from?: Peer): FrameOf<T>[] {
    return framesOf(this.network.packets, type, from)
  }

  /** Everything arrived, once and in order. */
  expectReceived(count: number): void {
    expect(this.received).toEqual(numbered(1, count))
  }
}

function messagesIn(frame: Frame, channel: number, time: number): Sent[] {
  if (frame.type === 'MESSAGE' && frame.channel === channel) {
    return frame.messages.map(({ sequence, attempt = 0 }) => ({ time, sequence, attempt }))
  }
  return []
}

export const numbered = (first: number, last: number): string[] =>
  range(first, last).map((number) => `message ${number}`)

export const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

export type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>

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

export interface PairOptions extends ChannelOptions {
  readonly link?: LinkOptions
  readonly seed?: number
  /** Number of the first message. */
  readonly firstSequence?: number
  /** Of Bob's side. */
  readonly answer?: ChannelOptions
}

/** A network that stands still but for `advance`, and an open channel on it over which nothing was sent yet. */
export async function makePair({
  link = {},
  seed = 1,
  firstSequence = 1,
  answer = {},
  ...options
}: PairOptions = {}): Promise<Pair> {
  const network = makeNetwork(seed, firstSequence)
  const alice = await network.createPeer({ mtu: 1_200 })
  const bob = await network.createPeer({ mtu: 1_200 })
  network.link(alice, bob, { delay })
  const accepted = new Promise<Channel>((resolve) => {
    bob.serve('claim', answer, resolve)
  })
  const channel = await alice.open(bob.address, 'claim', options)
  const other = await accepted
  await network.settle()
  network.link(alice, bob, { delay, ...link })
  network.pause()
  return new Pair(network, alice, bob, channel, other)
}
