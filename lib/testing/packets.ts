// What went over a link, decoded.

import { inspect } from 'node:util'
import type { Peer } from '../peer'
import { decodeFrames, FrameError, type Sequences } from './decode'
import type { Frame } from './frames'

/** What a datagram is, by its first byte. OTHER: nothing of Hawser's. */
export type PacketKind = 'INIT' | 'RESPONSE' | 'COOKIE' | 'DATA' | 'OTHER'

/**
 * What became of a packet: on its `way`; `held` by a rule; `delivered` to a peer (which may still ignore it); `lost` by
 * the link's chance; `dropped` by a rule; the link's queue was `full`; `too-long` for the link's MTU; `partitioned`;
 * `unreachable`, because nobody has the address it went to (any more).
 */
export type PacketFate =
  | 'way'
  | 'held'
  | 'delivered'
  | 'lost'
  | 'dropped'
  | 'full'
  | 'too-long'
  | 'partitioned'
  | 'unreachable'

/** One datagram that a peer sent. */
export interface Packet {
  /** How many packets were sent before it on this network. */
  readonly index: number
  /** When it was sent, virtual milliseconds. */
  readonly time: number
  readonly from: Peer
  /** `undefined`: nobody has the address that it went to. */
  readonly to: Peer | undefined
  readonly kind: PacketKind
  /** The datagram as it left its sender. */
  readonly bytes: Buffer
  /** DATA only: the full packet number, which is never used twice in a session and direction. */
  readonly packetNumber: number | undefined
  /**
   * DATA only: the connection id it was sent to, in hexadecimal. Names one direction of one session.
   */
  readonly connection: string | undefined
  /** DATA only: what it carries. */
  readonly frames: readonly Frame[]
  /** Its frames cannot be read: it was injected so. */
  readonly malformed: FrameError | undefined
  /** Made by {@link TestNetwork.inject}. */
  readonly injected: boolean
  /** What became of it so far. */
  readonly fate: PacketFate
  /** When each copy arrived, virtual milliseconds. */
  readonly arrivals: readonly number[]
}

/** What is known of a packet when it is sent. */
export type PacketFacts = Omit<Packet, 'fate' | 'arrivals'>

/** A {@link Packet} while its fate is open. */
export class OpenPacket implements Packet {
  readonly index!: number
  readonly time!: number
  readonly from!: Peer
  readonly to!: Peer | undefined
  readonly kind!: PacketKind
  readonly bytes!: Buffer
  readonly packetNumber!: number | undefined
  readonly connection!: string | undefined
  readonly frames!: readonly Frame[]
  readonly malformed!: FrameError | undefined
  readonly injected!: boolean
  fate: PacketFate = 'way'
  readonly arrivals: number[] = []

  constructor(facts: PacketFacts) {
    Object.assign(this, facts)
  }

  /** Short enough to be printed: peers by their ids, bytes by their number. */
  toJSON(): object {
    return { ...this, from: this.from.id, to: this.to?.id, bytes: `${this.bytes.length} bytes` }
  }

  [inspect.custom](): object {
    return this.toJSON()
  }
}

const kinds: Readonly<Record<number, PacketKind>> = {
  144: 'INIT',
  160: 'RESPONSE',
  176: 'COOKIE',
}

const connectionBytes = 8

export function kindOf(datagram: Buffer): PacketKind {
  const first = datagram[0] ?? 0
  // The low four bits of DATA are masked on the wire.
  return first >> 4 === 8 ? 'DATA' : (kinds[first] ?? 'OTHER')
}

/** The channels of one direction of a session. */
interface Direction {
  /** Connection id of the other direction. */
  reverse: string | undefined
  /** By channel: one above the largest sequence sent. */
  readonly next: Map<number, number>
  /** By channel: how often each message, or each piece by its offset, was sent. */
  readonly attempts: Map<number, Map<string | number, number>>
}

/** Follows the sessions of a network, to know which full number stands behind 32 bits. */
export class Sessions {
  /** Number of the first message of every channel. */
  readonly #first: number
  readonly #directions = new Map<string, Direction>()

  constructor(first: number) {
    this.#first = first
  }

  /** Two connection ids that belong together: where a packet goes, and where its sender is reached. */
  onData(destination: string, source: Buffer): void {
    const sender = source.toString('hex')
    this.#direction(destination).reverse = sender
    this.#direction(sender).reverse = destination
  }

  connectionOf(datagram: Buffer): string {
    return datagram.subarray(1, 1 + connectionBytes).toString('hex')
  }

  /** The frames of a DATA packet, or why they cannot be read. */
  decode(connection: string, content: Buffer): readonly Frame[] | FrameError {
    try {
      return decodeFrames(content, this.#sequences(connection))
    } catch (error) {
      if (error instanceof FrameError) return error
      throw error
    }
  }

  #direction(connection: string): Direction {
    let found = this.#directions.get(connection)
    if (found === undefined) {
      found = { reverse: undefined, next: new Map(), attempts: new Map() }
      this.#directions.set(connection, found)
    }
    return found
  }

  #sequences(connection: string): Sequences {
    const here = this.#direction(connection)
    const there = here.reverse === undefined ? undefined : this.#direction(here.reverse)
    return {
      sent: (channel, low) => restore(low, here.next.get(channel) ?? this.#first),
      received: (channel, low) => restore(low, there?.next.get(channel) ?? this.#first),
      attempt: (channel, sequence, offset) => {
        here.next.set(channel, Math.max(here.next.get(channel) ?? 1, sequence + 1))
        let counts = here.attempts.get(channel)
        if (counts === undefined) {
          counts = new Map()
          here.attempts.set(channel, counts)
        }
        const key = offset === 0 ? sequence : `${sequence}+${offset}`
        const attempt = (counts.get(key) ?? 0) + 1
        counts.set(key, attempt)
        return attempt
      },
    }
  }
}

/** The number closest to `near` that ends in these 32 bits; never below 0. */
function restore(low: number, near: number): number {
  const distance = (low - (near % 2 ** 32)) | 0
  const candidate = near + distance
  return candidate < 0 ? candidate + 2 ** 32 : candidate
}
