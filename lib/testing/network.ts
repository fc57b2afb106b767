// A network of peers in one process, as tests see it.

import type { EventEmitter } from 'node:events'
import type { Peer, PeerOptions } from '..'
import type { Frame } from './frames'
import { TestNetworkCore } from './network_core'
import type { LinkOptions, PacketMatch, TestNetworkOptions } from './options'
import type { Packet } from './packets'
import type { DropRule, HoldRule, PacketRule } from './rules'

/** Options of {@link TestNetwork.createPeer}: those of a peer but for what a simulated network has its own of. */
export type TestPeerOptions = Omit<
  PeerOptions,
  'listen' | 'impair' | 'engine' | 'network' | 'discovery'
>

/** The events of a {@link TestNetwork}. */
export interface TestNetworkEvents {
  /** A packet is sent, and what the rules and the link decide about it is known: see its `fate`. */
  packet: [Packet]
}

/**
 * Several peers in one process, over simulated links, with a clock of their own. They are real peers: only sockets, time and
 * random numbers are not the system's. All packets can be seen, and single ones kept from arriving.
 *
 * **Time** is virtual: `timeout`s and other times of these peers are measured by it, and it goes on by itself, from one event to
 * the next, whenever JavaScript has nothing to do. So waiting costs no time, and `await channel.receive()` simply works. It stops
 * when nothing happens any more; a network does not keep the process alive then. Whoever waits for something else than the network
 * (a file, a timer of Node's) and wants time to stand still meanwhile, pauses it: {@link pause}.
 */
export interface TestNetwork extends EventEmitter<TestNetworkEvents>, AsyncDisposable {
  /** What all random numbers were started from. Say it when a test fails: with it, the run can be had again. */
  readonly seed: number
  /** Virtual milliseconds since the network was made. */
  readonly now: number
  /** Time stands still but for {@link advance} and {@link settle}. */
  readonly paused: boolean
  /** The peers that were created here, closed ones included. */
  readonly peers: readonly Peer[]
  /** Everything that was sent so far, oldest first. */
  readonly packets: readonly Packet[]

  /**
   * Creates a peer on this network. Its identity follows from the seed, unless one is given.
   *
   * @throws {@link OptionError}; `PEER_CLOSED` when the network was closed
   */
  createPeer(options?: TestPeerOptions): Promise<Peer>
  /** Makes the link between two peers what `options` say, in both directions; each has luck of its own. */
  link(a: Peer, b: Peer, options?: LinkOptions): void
  /** Nothing gets from one to the other any more, in either direction. What is on its way still arrives. */
  partition(a: Peer, b: Peer): void
  /** Undoes {@link partition}. */
  heal(a: Peer, b: Peer): void
  /** Gives a peer another address, as when a machine changes networks. Its sessions do not survive that in this version. */
  readdress(peer: Peer): void

  /** Keeps packets from arriving. */
  drop(match?: PacketMatch): DropRule
  /** Keeps packets until they are released, to make them arrive in another order. */
  hold(match?: PacketMatch): HoldRule
  /** Makes packets arrive later, by this many milliseconds, 0 to 3,600,000; later ones overtake them. */
  delay(match: PacketMatch, milliseconds: number): PacketRule
  /** Makes packets arrive several times: `copies` (1 to 1,000, default 1) more, `apart` milliseconds (default 0) from each other. */
  duplicate(
    match?: PacketMatch,
    how?: { readonly copies?: number; readonly apart?: number },
  ): PacketRule

  /**
   * Sends a packet with these frames (or these bytes for them, which may be nonsense) in the session that two peers have, as if
   * `from` had done so. It goes the way of every packet. What it carries is not sent again when it is lost.
   *
   * @throws {@link HawserError} `PEER_NOT_FOUND`: there is no open session; an {@link OptionError}
   */
  inject(from: Peer, to: Peer, content: readonly Frame[] | Uint8Array): Packet

  /** Time stands still from now on. */
  pause(): void
  /** Time goes on by itself again. */
  resume(): void
  /** Lets exactly this much time go by, 0 to 2^40 milliseconds, and resolves with everything of that last moment done. */
  advance(milliseconds: number): Promise<void>
  /**
   * Lets time go by until nothing is left to happen but keep-alive: no packet on its way, nothing to be sent or acknowledged, no
   * `timeout` running. Rejects with `TIMEOUT` when that takes longer than `within` (default 3,600,000 virtual milliseconds).
   */
  settle(options?: { readonly within?: number }): Promise<void>
  /** Forgets the {@link packets} so far. */
  clearPackets(): void
  /** Closes all peers, as `Peer.close` does, in virtual time, and ends the network. */
  close(): Promise<void>
}

/**
 * Makes a network.
 *
 * ```ts
 * const network = createTestNetwork({ seed: 7 })
 * const alice = await network.createPeer()
 * const bob = await network.createPeer()
 * network.link(alice, bob, { delay: 20, loss: 0.05 })
 * ```
 *
 * @throws {@link OptionError}; `NATIVE_MISSING`
 */
export function createTestNetwork(options?: TestNetworkOptions): TestNetwork {
  return new TestNetworkCore(options) as unknown as TestNetwork
}
