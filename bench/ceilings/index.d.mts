export interface CeilingOptions {
  /** `'lo'` (default), or the name of a network namespace, whose lo is used; see `wire` in test/lab/places.mjs. */
  readonly place?: string
  /** How long each row takes. Default 2, of `runPingCeilings` 1; iperf3 takes whole seconds, one at least. */
  readonly seconds?: number
  /**
   * Bytes of a UDP payload, 48 to 65,507. Default 1,472, which is all that fits an MTU of 1,500; the default of
   * `runPingCeilings` is 64. More than the MTU less 28 cannot be sent as trains.
   */
  readonly bytes?: number
  /** TCP's congestion control for iperf3. Default: the system's. */
  readonly controller?: string
}

export interface Ceiling {
  /** iperf3's ends in the congestion control, if one was asked for. */
  readonly name: 'udp gso plain' | 'udp gso sealed' | 'udp plain no gso' | `iperf3 tcp${string}`
  /** Data that arrived: without headers, packet numbers (8 bytes a packet) and tags (16 bytes a sealed packet). */
  readonly bytesPerSecond: number
  /** null of TCP. */
  readonly packetsPerSecond: number | null
  /** Processor time of both processes for each 10^9 bytes that arrived. */
  readonly cpuSecondsPerGB: number
  /** Packets that did not arrive; nothing holds the sender back. Of TCP, segments that were sent again. */
  readonly lost: number
  /** Packets. Not of TCP. */
  readonly sent?: number
  readonly received?: number
  /** Whether the kernel took trains of packets to the end. Not of TCP. */
  readonly gso?: boolean
}

/** A row for each way to send as much as possible from one process to another; that of iperf3 where it is installed. */
export function runCeilings(options?: CeilingOptions): Promise<Ceiling[]>

export interface PingCeiling {
  readonly name: 'udp ping blocking' | 'udp ping spinning'
  /** Percentiles of the round trip, in microseconds. */
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  /** Round trips. */
  readonly packets: number
  readonly lost: number
}

/**
 * The round trip of one packet between two processes that sleep until it comes, and between two that look for it again
 * and again, each on a processor of its own.
 */
export function runPingCeilings(options?: CeilingOptions): Promise<PingCeiling[]>

/** Builds the program into build-bench/, if that was not done yet. */
export { build } from './program.mjs'
