// The second binding that the addon makes for a simulation: the functions of every binding, for peers on a virtual
// network, and what moves that network on.

import { native } from '../native'
import type { NativeBinding } from '../native_types'

/** Columns of {@link SimulationBinding.simTake}. */
export const sentColumns = 7

/**
 * Internal. Times are nanoseconds on the clock of the simulation, which starts at one second; `Infinity` is never.
 * Addresses are small numbers that stand for an IP address and a port.
 */
export interface SimulationBinding extends NativeBinding {
  simNow(): number
  simSetNow(time: number): void
  /** When a round is due at the latest; 0: now. */
  simNext(): number
  /**
   * First half of a round: `received` datagrams came since the last one. True: JS was told something, and
   * {@link simFinish} must follow once promises and ticks have run.
   */
  simBegin(received: number): boolean
  simFinish(): void
  /** Another round is due now. */
  simMore(): boolean
  /** Nothing is left but keep-alive and idle timeouts of sessions. */
  simResting(): boolean
  /** The number of an address; −1 if it is none. */
  simAddress(host: string, port: number): number
  simMove(host: number, socket: number, address: number): void
  /** False: there is no such host any more. */
  simReceive(host: number, socket: number, from: number, datagram: Uint8Array): boolean
  /**
   * What was sent since the last call, {@link sentColumns} entries for each datagram: host, socket, address it goes to,
   * packet number (−1: not DATA), datagram, frames before protection (`undefined`: not DATA),
   * connection id under which its sender is reached (`undefined`: not DATA).
   */
  simTake(): unknown[] | undefined
  /** Sends a packet with these frames in the session with that peer. False: there is none, or it does not fit. */
  simInject(host: number, id: Uint8Array, frames: Uint8Array): boolean
  /** Makes one direction of a link; answers its number. */
  simLink(options: NativeLinkOptions): number
  /**
   * What becomes of a datagram that enters a link now: how many copies arrive, with `[time, bit to flip or −1]` of each
   * in `out` (four numbers); −1: lost, −2: the queue was full.
   */
  simPass(link: number, bytes: number, out: Float64Array): number
  /** Ends the simulation. */
  simEnd(): void
}

/** As `ImpairmentOptions` in native/net/impairment.h. Milliseconds, bytes, bytes a second. */
export interface NativeLinkOptions {
  loss: number
  duplicate: number
  reorder: number
  corrupt: number
  burstEnter: number
  burstLeave: number
  burstLoss: number
  delay: number
  jitter: number
  rate: number
  queue: number
  seed: number
}

interface Addon {
  createSimulation(seed: number, wake: () => void): SimulationBinding
}

/** Makes one. `wake` is called when there is something to do. */
export function createSimulation(seed: number, wake: () => void): SimulationBinding {
  return (native() as unknown as Addon).createSimulation(seed, wake)
}
