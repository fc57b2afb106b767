/** Loss that comes in bursts: the model of Gilbert and Elliott. Probabilities are per frame, 0 to 1. */
export interface BurstLoss {
  /** To go from the good state to the bad one. */
  readonly enter: number
  /** To go back. */
  readonly leave: number
  /** Loss in the good state. Default 0. */
  readonly good?: number
  /** Loss in the bad state. Default 1. */
  readonly bad?: number
}

/**
 * What one direction of the cable does. A frame passes, in this order: MTU, outage, queue, rate, loss, delay (with
 * jitter, reordering and duplication). Probabilities are per frame, 0 to 1. Sizes are those of Ethernet frames with their
 * headers of 14 bytes, without preamble, checksum and gap, unless it says otherwise.
 */
export interface DirectionOptions {
  /** Bits a second, 1,000 to 1e11, or as `'100mbit'`; `'unlimited'` (default): no queue either. */
  readonly rate?: number | string
  /**
   * Bytes that may wait, besides the frame that is being sent; a frame that does not fit is dropped. Default: what
   * the rate carries in twice the delay, or 20 frames of the largest size where that is more.
   */
  readonly queueBytes?: number
  /** Milliseconds, 0 (default) to 3,600,000. */
  readonly delayMs?: number
  /** The delay varies by up to this, uniformly around `delayMs`; up to `delayMs`. Default 0. */
  readonly jitterMs?: number
  /**
   * true: each frame has a jitter of its own and may overtake others. false (default): the delay wanders between
   * random points that are four times `jitterMs` apart, and frames keep their order.
   */
  readonly jitterReorders?: boolean
  /** Frames that are lost after they used the rate. Default 0. */
  readonly loss?: number
  /** More loss, in bursts. null (default): none. */
  readonly burstLoss?: BurstLoss | null
  /** Frames that arrive twice. The copy does not use the rate. Default 0. */
  readonly duplicate?: number
  /** Frames that arrive `reorderMs` later than they should. Default 0. */
  readonly reorder?: number
  /** Milliseconds, 0 to 3,600,000. Default 5. */
  readonly reorderMs?: number
  /** IP packets of more bytes vanish without a word, as in a black hole, 68 to 9,000. Default 9,000: none do. */
  readonly mtu?: number
  /** true: everything that comes in is dropped. Default false. */
  readonly down?: boolean
  /** Everything that comes in the first `forMs` of every `everyMs` since the start is dropped. null (default): never. */
  readonly outage?: { readonly everyMs: number; readonly forMs: number } | null
}

/** Changes of both directions, and of each of them. */
export interface CableChanges extends DirectionOptions {
  readonly leftToRight?: DirectionOptions
  readonly rightToLeft?: DirectionOptions
}

export interface CableOptions extends CableChanges {
  /** The MTU that both ends know of, 68 to 9,000. Default 1,500. */
  readonly interfaceMtu?: number
  /**
   * An integer from 0. Default 1. What happens to the n-th frame of a direction (loss, duplication, reordering, jitter
   * that reorders) follows from the seed, the direction and n.
   */
  readonly seed?: number
}

/**
 * Counters since the cable was opened. What came in came out, was dropped, is in the queue or in flight:
 * `packetsIn + duplicated = packetsOut + all drops + queue.packets + inFlight`.
 */
export interface DirectionStats {
  readonly packetsIn: number
  readonly bytesIn: number
  readonly packetsOut: number
  readonly bytesOut: number
  readonly drops: {
    /** `loss` and `burstLoss`. */
    readonly loss: number
    readonly queue: number
    readonly mtu: number
    /** `down` and `outage`. */
    readonly outage: number
    /** The cable had no memory left: 2^18 frames. */
    readonly overflow: number
    /** The kernel did not take the frame at the other end. */
    readonly write: number
  }
  readonly duplicated: number
  /** By `reorder`. */
  readonly reordered: number
  /** What waits now, and the most there was. The frame that is being sent does not wait. */
  readonly queue: {
    readonly packets: number
    readonly bytes: number
    readonly mostPackets: number
    readonly mostBytes: number
  }
  /** Frames that have left the queue and not come out yet. */
  readonly inFlight: number
  /** Frames that the kernel dropped because the cable did not read them in time. Not in `packetsIn`. */
  readonly unread: number
  /** The most by which a frame came out too late, in microseconds: whether the machine kept up. */
  readonly latestUs: number
}

export interface CableStats {
  /** Microseconds since the cable was opened, when these numbers were taken. */
  readonly timeUs: number
  readonly leftToRight: DirectionStats
  readonly rightToLeft: DirectionStats
}

export interface Cable {
  /** The network namespaces at the two ends, as `ip netns` calls them. */
  readonly left: string
  readonly right: string
  readonly leftAddress: string
  readonly rightAddress: string
  /** What stands before a command that is to run at that end. */
  readonly inLeft: readonly string[]
  readonly inRight: readonly string[]
  /** The name of the interface at both ends. */
  readonly device: string
  /** The process that carries the frames. */
  readonly pid: number
  /** Whether it runs before all ordinary processes (SCHED_FIFO). Without that, delays depend on the load. */
  readonly realtime: boolean
  /**
   * Changes parameters while frames are on their way; those that are not named stay.
   * @throws CableOptionError; then nothing has changed.
   */
  set(changes: CableChanges): Promise<void>
  stats(): Promise<CableStats>
  /** Removes the cable and its namespaces, with the processes in them. */
  close(): Promise<void>
}

/** An option that cannot be. */
export class CableOptionError extends RangeError {
  readonly option: string
  readonly value: unknown
  readonly allowed: string
}

/** Builds the program into build-lab/, if that was not done yet. Needs CMake and a C++20 compiler. */
export function build(): Promise<string>

/**
 * Opens a cable between two network namespaces of its own. Needs root; see `missing` in ../places.mjs. It and they are
 * gone when this process is, however it ends; until it is closed, it keeps the process alive.
 * @throws CableOptionError
 */
export function cable(options?: CableOptions): Promise<Cable>
