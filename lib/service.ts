// A service: a name under which others open channels to a peer.

import type { Channel } from './channel'
import { type ChannelCore, closeTimeout } from './channel_core'
import { asyncDispose } from './disposable'
import type { ChannelSettings } from './options/channel'
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
  onHandlerError(error: unknown, channel: ChannelCore, wasClosed: boolean): void
}

export class ServiceCore implements Service {
  readonly name: string
  readonly settings: ChannelSettings
  readonly #owner: ServiceOwner
  readonly #handler: Handler<unknown, unknown>
  readonly #channels = new Set<ChannelCore>()
  #accepted = 0
  #failures = 0
  #closing: Promise<void> | undefined

  constructor(
    owner: ServiceOwner,
    name: string,
    settings: ChannelSettings,
    handler: Handler<unknown, unknown>,
  ) {
    this.#owner = owner
    this.name = name
    this.settings = settings
    this.#handler = handler
  }

  /** Gives a channel to the handler. Never throws. */
  run(channel: ChannelCore): void {
    this.#accepted++
    this.#channels.add(channel)
    void this.#run(channel)
  }

  async #run(channel: ChannelCore): Promise<void> {
    try {
      await this.#handler(channel.as<unknown, unknown>())
    } catch (error) {
      this.#failures++
      const wasClosed = channel.state === 'closed'
      channel.failHandler()
      this.#owner.onHandlerError(error, channel, wasClosed)
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
