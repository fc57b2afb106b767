// The links between peers, one for each direction.

import type { SimulationBinding } from './native'
import type { LinkSettings } from './options'
import type { PacketFate } from './packets'

/** A copy of a packet that gets through. */
export interface Arrival {
  /** Nanoseconds. */
  readonly time: number
  readonly bytes: Buffer
}

/** One direction. */
export class Link {
  readonly settings: LinkSettings
  up = true
  readonly #native: SimulationBinding
  readonly #number: number
  readonly #out = new Float64Array(4)

  constructor(native: SimulationBinding, settings: LinkSettings, seed: number) {
    this.#native = native
    this.settings = settings
    this.#number = native.simLink({ ...settings.native, seed })
  }

  /** What becomes of a datagram that enters now. */
  pass(datagram: Buffer): readonly Arrival[] | PacketFate {
    if (!this.up) return 'partitioned'
    if (datagram.length > this.settings.mtu) return 'too-long'
    const out = this.#out
    const copies = this.#native.simPass(this.#number, datagram.length, out)
    if (copies < 0) return copies === -2 ? 'full' : 'lost'
    return Array.from({ length: copies }, (_, copy) => ({
      time: out[2 * copy] as number,
      bytes: withBitFlipped(datagram, out[2 * copy + 1] as number),
    }))
  }
}

/** The datagram itself for a bit of −1. */
function withBitFlipped(datagram: Buffer, bit: number): Buffer {
  if (bit < 0) return datagram
  const changed = Buffer.from(datagram)
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
  return changed
}

export class Links {
  readonly #native: SimulationBinding
  readonly #seed: number
  readonly #ordinary: LinkSettings
  readonly #links = new Map<string, Link>()
  #made = 0

  constructor(native: SimulationBinding, seed: number, ordinary: LinkSettings) {
    this.#native = native
    this.#seed = seed
    this.#ordinary = ordinary
  }

  get(from: number, to: number): Link {
    return this.#links.get(`${from}>${to}`) ?? this.set(from, to, this.#ordinary)
  }

  /** Another link takes the place of the one before, but stays cut where that was. */
  set(from: number, to: number, settings: LinkSettings): Link {
    const before = this.#links.get(`${from}>${to}`)
    // Each has a seed of its own; what follows from neighbouring seeds has nothing in common.
    const seed = (this.#seed + ++this.#made * 0x9e37_79b9) % Number.MAX_SAFE_INTEGER
    const link = new Link(this.#native, settings, seed)
    link.up = before?.up ?? true
    this.#links.set(`${from}>${to}`, link)
    return link
  }
}
