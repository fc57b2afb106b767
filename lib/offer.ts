// A channel that a peer has asked for and that is neither accepted nor refused yet.

import type { Timer } from './clock'
import type { Code, NativeClose } from './codes'
import type { ChannelSink, Engine } from './engine'
import type { Session } from './session'

/** What an offer tells the service that decides about it. */
export interface OfferOwner {
  /** The peer took it back, or its session is gone. */
  onOfferGone(offer: Offer): void
}

export class Offer implements ChannelSink {
  readonly handle: number
  readonly session: Session
  readonly metadata: Buffer | undefined
  /** The peer has ended its direction already, without a message. */
  ended = false
  readonly #engine: Engine
  readonly #owner: OfferOwner
  #timer: Timer | undefined

  constructor(
    engine: Engine,
    owner: OfferOwner,
    handle: number,
    session: Session,
    metadata: Buffer | undefined,
  ) {
    this.#engine = engine
    this.#owner = owner
    this.handle = handle
    this.session = session
    this.metadata = metadata
    engine.addChannel(handle, this)
  }

  /** Calls `work` after so many milliseconds, unless it is taken or gone by then; `Infinity`: never. */
  limit(milliseconds: number, work: () => void): void {
    if (milliseconds === Number.POSITIVE_INFINITY) return
    this.#timer = this.#engine.clock.setTimeout(work, milliseconds)
  }

  /** True, once: it is still there, and whoever takes it sees to its handle from now on. */
  take(): boolean {
    this.#timer?.cancel()
    return this.#engine.forgetChannel(this.handle, this)
  }

  /** False: it was gone. */
  refuse(code: Code): boolean {
    if (!this.take()) return false
    const { native } = this.#engine
    native.channelRefuse(this.handle, code, '')
    native.channelRelease(this.handle)
    return true
  }

  // --- ChannelSink. Nothing is handed over before the channel is accepted.

  onMessages(): void {}

  onAccepted(): void {}

  onWritable(): void {}

  onAcknowledged(): void {}

  onEnded(): void {
    this.ended = true
  }

  onClosed(_close: NativeClose): void {
    this.#timer?.cancel()
    this.#owner.onOfferGone(this)
  }
}
