// A service: a name under which others open channels to a peer.

import type { Channel } from './channel'
import { type ChannelCore, closeTimeout } from './channel_core'
import { Code } from './codes'
import { asyncDispose } from './disposable'
import { showDuration } from './duration'
import { HawserError } from './errors'
import type { Offer, OfferOwner } from './offer'
import type { ServeSettings } from './options/channel'
import { waiting } from './options/waiting'
import type { ServiceStats } from './stats'
import type { Waiting, WaitSettings } from './waiting'

/**
 * Gets each channel that is opened to a service. Returning does not close the channel. Throwing or rejecting resets it and
 * makes the peer emit `'handlerError'`.
 */
export type Handler<Out, In> = (channel: Channel<Out, In>) => void | Promise<void>

/** What `Peer.serve` answers. */
export interface Service extends AsyncDisposable {
  readonly name: string
  /**
   * Takes no more channels and closes those that are open, as `Channel.close` does with these options. Resolves when all
   * are closed; what could not be sent in time is reported by the channels.
   */
  close(options?: Waiting): Promise<void>
}

/** What a service needs of its peer. */
export interface ServiceOwner {
  onServiceClosing(service: ServiceCore): void
  /** Accepts what was taken, and makes the channel one of the peer's. */
  acceptOffer(offer: Offer, service: ServiceCore): ChannelCore
  /** Refuses what was taken, and answers its channel, which is closed. */
  refuseOffer(offer: Offer, service: ServiceCore): ChannelCore
  /** `what` failed: `'the handler'` or `'allow'`. */
  onHandlerError(error: unknown, channel: ChannelCore, wasClosed: boolean, what: string): void
  /** A channel was refused. */
  onRefused(): void
}

/** Calls of `allow` for channels of one session that may be without an answer; what is beyond is refused at once. */
const maxAsking = 256

export class ServiceCore implements Service, OfferOwner {
  readonly name: string
  readonly settings: ServeSettings
  readonly #owner: ServiceOwner
  readonly #handler: Handler<unknown, unknown>
  readonly #channels = new Set<ChannelCore>()
  /** Channels that `allow` was asked about and has not answered. */
  readonly #offers = new Set<Offer>()
  #accepted = 0
  #failures = 0
  #closing: Promise<void> | undefined

  constructor(
    owner: ServiceOwner,
    name: string,
    settings: ServeSettings,
    handler: Handler<unknown, unknown>,
  ) {
    this.#owner = owner
    this.name = name
    this.settings = settings
    this.#handler = handler
  }

  /** Accepts a channel, or refuses it, as soon as `allow` says which. Never throws. */
  consider(offer: Offer): void {
    const { allow } = this.settings
    if (allow === undefined) {
      this.#settle(offer, true)
      return
    }
    const { session } = offer
    if (session.asking >= maxAsking) {
      this.#settle(offer, false)
      return
    }
    this.#offers.add(offer)
    let answer: unknown
    try {
      answer = allow(session.remote)
    } catch (error) {
      this.#failAllow(offer, error)
      return
    }
    if (typeof answer === 'boolean') {
      this.#settle(offer, answer)
      return
    }
    const { allowTimeout } = this.settings
    // Whoever asks to come in must not be able to make it wait, and take a place, for ever.
    // That the peer takes its channel back does not end what the application does for it.
    let asking = true
    session.asking++
    const done = () => {
      if (asking) session.asking--
      asking = false
    }
    offer.limit(allowTimeout, () => {
      done()
      this.#failAllow(offer, allowTimedOut(allowTimeout))
    })
    void this.#settleLater(offer, answer).finally(done)
  }

  async #settleLater(offer: Offer, answer: unknown): Promise<void> {
    let allowed: unknown
    try {
      allowed = await answer
    } catch (error) {
      this.#failAllow(offer, error)
      return
    }
    // Something that just happens to be truthy must not let anybody in, nor keep everybody out without a word.
    if (typeof allowed === 'boolean') this.#settle(offer, allowed)
    else this.#failAllow(offer, new TypeError(`allow answered ${show(allowed)}, not true or false`))
  }

  #settle(offer: Offer, allowed: boolean): void {
    this.#offers.delete(offer)
    if (!allowed) {
      if (offer.refuse(Code.ServiceRefused)) this.#owner.onRefused()
      return
    }
    // Else it is gone, or the service is.
    if (!offer.take()) return
    const channel = this.#owner.acceptOffer(offer, this)
    this.#accepted++
    this.#channels.add(channel)
    void this.#run(channel)
    if (offer.ended) channel.onEnded()
  }

  #failAllow(offer: Offer, error: unknown): void {
    this.#offers.delete(offer)
    if (!offer.take()) return
    this.#failures++
    this.#owner.onRefused()
    const channel = this.#owner.refuseOffer(offer, this)
    this.#owner.onHandlerError(error, channel, false, "'allow'")
  }

  onOfferGone(offer: Offer): void {
    this.#offers.delete(offer)
  }

  /** The service, or its peer, closes. */
  refuseOffers(): void {
    for (const offer of this.#offers) {
      if (offer.refuse(Code.ServiceUnknown)) this.#owner.onRefused()
    }
    this.#offers.clear()
  }

  /** The peer goes at once, and every handle with it. */
  forgetOffers(): void {
    for (const offer of this.#offers) offer.take()
    this.#offers.clear()
  }

  async #run(channel: ChannelCore): Promise<void> {
    try {
      await this.#handler(channel.as<unknown, unknown>())
    } catch (error) {
      this.#failures++
      const wasClosed = channel.state === 'closed'
      channel.failHandler()
      this.#owner.onHandlerError(error, channel, wasClosed, 'the handler')
    }
  }

  onChannelClosed(channel: ChannelCore): void {
    this.#channels.delete(channel)
  }

  close(options?: Waiting): Promise<void> {
    if (this.#closing === undefined) {
      let settings: WaitSettings
      try {
        settings = waiting(options, closeTimeout)
      } catch (error) {
        return Promise.reject(error)
      }
      this.#owner.onServiceClosing(this)
      this.refuseOffers()
      const closing = [...this.#channels].map((channel) => channel.shut(settings))
      this.#closing = Promise.allSettled(closing).then(() => {})
    }
    return this.#closing
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }

  stats(): ServiceStats {
    return {
      name: this.name,
      channels: this.#channels.size,
      channelsAccepted: this.#accepted,
      handlerFailures: this.#failures,
    }
  }
}

function allowTimedOut(timeout: number): HawserError {
  return new HawserError('TIMEOUT', `allow did not answer within ${showDuration(timeout)}`, {
    hint: 'give it more time with `allowTimeout` (milliseconds), or none at all with Infinity',
  })
}

/** A value in a few words. */
function show(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
