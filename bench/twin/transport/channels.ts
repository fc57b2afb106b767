// The channels of a session: which there are, which there may be, and what frames say of them (docs/PROTOCOL.md §5.7 to §5.9).

import { Code, ProtocolError } from '../wire/codes'
import { type Count, type Frame, FrameType, type Open, type Request } from '../wire/frames'
import type { Parameters } from '../wire/parameters'
import { Channel, type ChannelHost } from './channel'
import type { Control } from './control'
import { mostFrameBytes } from './transmitter'

export interface ChannelsOptions {
  readonly isInitiator: boolean
  readonly parameters: { readonly own: Parameters; readonly peer: Parameters }
  onChannel(channel: Channel): void
}

/** What channels do with their session. */
export interface ChannelsHost {
  say(control: Control): void
  wake(): void
  leave(): void
}

export class Channels {
  readonly all = new Map<number, Channel>()
  readonly #options: ChannelsOptions
  readonly #host: ChannelHost
  #peerMayOpen: number
  #mayOpen: number
  #opened = 0
  /** Calls of {@link open} that MAX_CHANNELS holds back. */
  readonly #waiting: (() => void)[] = []
  readonly #gone = new Set<number>()

  constructor(options: ChannelsOptions, host: ChannelsHost) {
    this.#options = options
    const { own, peer } = options.parameters
    this.#peerMayOpen = own.maxChannels
    this.#mayOpen = peer.maxChannels
    this.#host = {
      room: mostFrameBytes - 1,
      initialCredit: { own: own.initialCredit, peer: peer.initialCredit },
      wake: host.wake,
      leave: host.leave,
      say: (control) => {
        host.say(control)
        host.wake()
      },
      gone: (channel) => this.#onGone(channel),
    }
  }

  /** Opens a channel; resolves when the peer has accepted it. */
  async open(service: string): Promise<Channel> {
    if (this.#opened >= this.#mayOpen) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    const id = 2 * ++this.#opened - (this.#options.isInitiator ? 1 : 0)
    const channel = new Channel(id, this.#host)
    this.all.set(id, channel)
    await channel.open(service)
    // Whoever awaits this sets its handlers first.
    setImmediate(() => channel.release())
    return channel
  }

  #isPeers(id: number): boolean {
    return (id % 2 === 1) !== this.#options.isInitiator
  }

  /** The channel that a frame names; `undefined` if it is gone. Frames may overtake the OPEN of the peer's channels. */
  find(id: number): Channel | undefined {
    const known = this.all.get(id)
    if (known !== undefined || this.#gone.has(id)) return known
    if (!this.#isPeers(id)) {
      throw new ProtocolError(Code.channelState, 'a frame of a channel that was not opened')
    }
    if (Math.ceil(id / 2) > this.#peerMayOpen) {
      throw new ProtocolError(Code.channelLimit, 'more channels than allowed')
    }
    const channel = new Channel(id, this.#host)
    this.all.set(id, channel)
    return channel
  }

  onFrame(frame: Frame): void {
    switch (frame.type) {
      case FrameType.maxChannels:
        this.#mayOpen = Math.max(this.#mayOpen, frame.total)
        for (const resolve of this.#waiting.splice(0, this.#mayOpen - this.#opened)) resolve()
        break
      case FrameType.open:
        this.#onOpen(frame)
        break
      case FrameType.accept:
        if (this.#isPeers(frame.channel)) {
          throw new ProtocolError(Code.channelState, 'an ACCEPT of a channel of its sender')
        }
        this.find(frame.channel)?.establish(frame)
        break
      case FrameType.window:
        this.find(frame.channel)?.onWindow(frame)
        break
      case FrameType.credit:
        this.find(frame.channel)?.raise(frame.limit)
        break
      case FrameType.blocked:
        this.find(frame.channel)?.onBlocked(frame.wanted)
        break
      case FrameType.end: {
        const channel = this.find(frame.channel)
        channel?.inbound.onEnd(frame.finalSequence)
        if (channel?.counts.isCounted && channel.inbound.ended) channel.counts.wanted = true
        channel?.afterReceiving()
        break
      }
      case FrameType.reset:
        this.find(frame.channel)?.onReset(frame)
        break
      // PING, WINDOW_HINT, whose advice this twin does not take, and what nobody knows.
      default:
        break
    }
  }

  #onOpen(frame: Open): void {
    if (!this.#isPeers(frame.channel)) {
      throw new ProtocolError(Code.channelState, 'an OPEN of a channel of its receiver')
    }
    const channel = this.find(frame.channel)
    if (channel === undefined || channel.isEstablished) return
    if (frame.delivery !== 0) {
      channel.isEstablished = true
      channel.reset(Code.serviceRefused, 'messages are handed over in order only')
      return
    }
    channel.accept(frame)
    this.#options.onChannel(channel)
    setImmediate(() => channel.release())
  }

  onCount({ entries }: Count): void {
    for (const { channel, count } of entries) this.all.get(channel)?.outbound.onCount(count)
  }

  /** `before`: what was sent later than this is on its way. */
  onRequest({ channel, ranges }: Request, before: number): void {
    const asked = this.all.get(channel)
    if (asked === undefined) return
    asked.requestsReceived++
    for (const { first, count } of ranges) asked.outbound.onRequest(first, count, before)
  }

  #onGone({ id }: Channel): void {
    this.all.delete(id)
    this.#gone.add(id)
    if (!this.#isPeers(id)) {
      // The session was made for this channel.
      if (this.all.size === 0) this.#host.leave()
      return
    }
    const total = ++this.#peerMayOpen
    this.#host.say({
      frame: () => {
        if (total < this.#peerMayOpen) return undefined
        return { type: FrameType.maxChannels, total }
      },
    })
  }

  /** The session has ended, `gracefully` if somebody wanted it to. */
  fail(error: Error, gracefully: boolean): void {
    for (const channel of [...this.all.values()]) {
      const { base, next } = channel.outbound
      channel.fail(gracefully && base === next && channel.isEstablished ? undefined : error)
    }
    this.#waiting.length = 0
  }
}
