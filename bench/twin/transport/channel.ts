// One channel: what the application sees of it, and its part of the protocol (docs/PROTOCOL.md §5, §6).

import { Code, codeName, ProtocolError } from '../wire/codes'
import { type Accept, type Frame, FrameType, type Open, type Reset } from '../wire/frames'
import type { Control } from './control'
import { CountRules } from './count_rules'
import { Inbound } from './inbound'
import { Outbound } from './outbound'
import { Requests } from './requests'

/** N and M of what this side sends. */
const window = 16_384
const messagesPerAck = window / 2
/** The longest message taken, bytes. */
const maxMessage = 16 << 20
/** Cost that the peer may be ahead of the application. */
const creditWindow = 4 << 20
/** `send` returns false above this many bytes, and `onDrain` is called at half of it. */
const highWater = 256 << 10

/** What a channel needs of its session. */
export interface ChannelHost {
  /** Bytes of the largest frame. */
  readonly room: number
  readonly initialCredit: { readonly own: number; readonly peer: number }
  say(control: Control): void
  /** There may be something to send. */
  wake(): void
  /** The channel is gone. */
  gone(channel: Channel): void
  /** Ends the session, if it is the channel's own. */
  leave(): void
}

export interface ChannelStats {
  readonly messagesSent: number
  readonly messagesReceived: number
  /** Given, and not acknowledged. */
  readonly messagesWaiting: number
  /** Carried by a packet again. */
  readonly messagesResent: number
  readonly requestsSent: number
  readonly requestsReceived: number
}

export class Channel {
  onMessage: (message: Uint8Array) => void = () => {}
  onDrain: () => void = () => {}
  /** The peer sends no more, and everything it has sent was handed over. */
  onEnd: () => void = () => {}
  /** The channel is gone; with the reason, if it did not end on purpose. */
  onClose: (error?: Error) => void = () => {}
  service = ''
  readonly outbound: Outbound
  readonly inbound: Inbound
  readonly counts: CountRules
  readonly requests: Requests
  requestsReceived = 0
  isGone = false
  /** OPEN or ACCEPT has come. */
  isEstablished = false
  readonly #host: ChannelHost
  #drainWanted = false
  #peerMaxMessage = maxMessage
  #saidBlocked = 0
  #endWanted = false
  #endSaid = false
  #endAcknowledged = false
  #endTold = false
  readonly #ended: (() => void)[] = []
  readonly #established: { resolve(): void; reject(error: Error): void }[] = []
  #failure: Error | undefined

  constructor(
    readonly id: number,
    host: ChannelHost,
  ) {
    this.#host = host
    this.outbound = new Outbound(id, host.room, window, host.initialCredit.peer)
    this.inbound = new Inbound(maxMessage, host.initialCredit.own, (message) => {
      this.onMessage(message)
    })
    this.counts = new CountRules(this.inbound)
    this.requests = new Requests(this.inbound)
  }

  // --- For the application ---------------------------------------------------------------------------

  send(message: Uint8Array): boolean {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#endWanted) throw new Error('the channel was ended')
    if (message.length > this.#peerMaxMessage) {
      throw new RangeError(`message is ${message.length} bytes; at most ${this.#peerMaxMessage}`)
    }
    const { outbound } = this
    outbound.push(message)
    this.#host.wake()
    if (outbound.unsentBytes < highWater) return true
    this.#drainWanted = true
    return false
  }

  /** Resolves when everything sent so far is acknowledged. */
  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return this.outbound.flushed()
  }

  /** No more from this side. Resolves when everything and the end itself are acknowledged. */
  async end(): Promise<void> {
    this.#endWanted = true
    this.#host.wake()
    await this.flush()
    if (this.#endAcknowledged || this.isGone) return
    await new Promise<void>((resolve) => this.#ended.push(resolve))
  }

  /** Sends what is left, then ends both directions, and the session if it was made for this channel. */
  async close(): Promise<void> {
    try {
      if (!this.isGone) await this.end()
      if (!this.isGone) await this.#reset()
    } finally {
      this.#host.leave()
    }
  }

  #reset(): Promise<void> {
    return new Promise((resolve) => {
      this.#ended.push(resolve)
      this.reset(Code.noError, '')
    })
  }

  stats(): ChannelStats {
    return {
      messagesSent: this.outbound.next - 1,
      messagesReceived: this.inbound.messages,
      messagesWaiting: this.outbound.next - this.outbound.base,
      messagesResent: this.outbound.messagesResent,
      requestsSent: this.requests.sent,
      requestsReceived: this.requestsReceived,
    }
  }

  // --- For the session -------------------------------------------------------------------------------

  /** Resolves when the peer has accepted. */
  open(service: string): Promise<void> {
    this.service = service
    this.#introduce((limits) => {
      const metadata = Buffer.alloc(0)
      return { type: FrameType.open, channel: this.id, service, metadata, ...limits }
    })
    return new Promise((resolve, reject) => this.#established.push({ resolve, reject }))
  }

  /** The peer has opened the channel. */
  accept({ service, ...limits }: Open): void {
    this.service = service
    this.#introduce((own) => ({ type: FrameType.accept, channel: this.id, ...own }))
    this.establish(limits)
  }

  #introduce(
    frame: (limits: { limit: number; maxMessage: number; delivery: number }) => Frame,
  ): void {
    this.inbound.limit = creditWindow
    const limits = { limit: creditWindow, maxMessage, delivery: 0 }
    this.#say(() => frame(limits), true)
    this.#say(() => ({
      type: FrameType.window,
      channel: this.id,
      generation: 1,
      messages: window,
      messagesPerAck,
      ackAfter: 0,
      mode: 0,
    }))
  }

  #say(frame: () => Frame | undefined, urgent = false, acknowledged?: () => void): void {
    const now = () => (this.isGone ? undefined : frame())
    this.#host.say({ frame: now, urgent, ...(acknowledged && { acknowledged }) })
  }

  /** What the peer's OPEN or ACCEPT says. */
  establish({ limit, maxMessage }: Omit<Accept, 'type' | 'channel'>): void {
    if (this.isEstablished) return
    this.isEstablished = true
    this.#peerMaxMessage = maxMessage
    this.raise(limit)
    for (const { resolve } of this.#established.splice(0)) resolve()
  }

  /** Hands over what waits. To be called when the application knows the channel. */
  release(): void {
    this.inbound.release()
    this.afterReceiving()
  }

  raise(limit: number): void {
    this.outbound.limit = Math.max(this.outbound.limit, limit)
  }

  /** The peer cannot send a message before it has credit for it. */
  onBlocked(wanted: number): void {
    if (wanted <= this.inbound.limit || !this.isEstablished) return
    if (wanted - this.inbound.consumed > maxMessage + creditWindow) return
    this.#giveCredit(wanted)
  }

  /** Messages may have been handed over. */
  afterReceiving(): void {
    const { inbound } = this
    if (this.isEstablished && inbound.consumed + creditWindow - inbound.limit >= creditWindow / 4) {
      this.#giveCredit(inbound.consumed + creditWindow)
    }
    if (inbound.ended && !this.#endTold) {
      this.#endTold = true
      this.onEnd()
      this.#mayGo()
    }
  }

  #giveCredit(limit: number): void {
    this.inbound.limit = limit
    this.#say(() => {
      // A later one says more.
      if (limit < this.inbound.limit) return undefined
      return { type: FrameType.credit, channel: this.id, limit }
    })
  }

  /** Says what is to be said when no piece can be sent. */
  beforeIdle(): void {
    const { outbound } = this
    const { blocked } = outbound
    if (blocked !== undefined && blocked.wanted > this.#saidBlocked) {
      this.#saidBlocked = blocked.wanted
      this.#say(() => outbound.blocked, true)
    }
    if (!this.#endWanted || this.#endSaid || outbound.hasUnsent) return
    this.#endSaid = true
    const frame = { type: FrameType.end, channel: this.id, finalSequence: outbound.sentUpTo }
    this.#say(
      () => frame,
      true,
      () => {
        this.#endAcknowledged = true
        for (const resolve of this.#ended.splice(0)) resolve()
        this.#mayGo()
      },
    )
  }

  /** Pieces were sent or acknowledged: perhaps there is room again, or nothing left. */
  afterSending(): void {
    this.#mayGo()
    if (!this.#drainWanted || this.outbound.unsentBytes > highWater / 2) return
    this.#drainWanted = false
    this.onDrain()
  }

  #mayGo(): void {
    const { base, next } = this.outbound
    if (this.#endAcknowledged && this.#endTold && base === next) this.#go()
  }

  /** Ends both directions at once. */
  reset(code: number, reason: string): void {
    const { sentUpTo, cost } = this.outbound
    const frame: Reset = {
      type: FrameType.reset,
      channel: this.id,
      code,
      finalSequence: sentUpTo,
      finalCost: cost,
      reason,
    }
    this.#host.say({ frame: () => frame, acknowledged: () => this.#go(), urgent: true })
  }

  onReset({ code, reason }: Reset): void {
    const unacknowledged = this.outbound.base < this.outbound.next
    const isGood = code === Code.noError && !unacknowledged && this.isEstablished
    const because = reason === '' ? codeName(code) : `${codeName(code)}: ${reason}`
    this.#go(isGood ? undefined : new Error(`the peer has reset the channel (${because})`))
  }

  /** The session has ended. */
  fail(error: Error | undefined): void {
    this.#go(error)
  }

  #go(error?: Error): void {
    if (this.isGone) return
    this.isGone = true
    this.#failure = error ?? new Error('the channel is closed')
    this.outbound.fail(this.#failure)
    for (const { reject } of this.#established.splice(0)) reject(this.#failure)
    for (const resolve of this.#ended.splice(0)) resolve()
    this.#host.gone(this)
    this.onClose(error)
  }

  /** Throws {@link ProtocolError}. */
  onWindow(frame: Parameters<CountRules['set']>[0]): void {
    if (!this.counts.set(frame)) {
      throw new ProtocolError(Code.channelState, 'the mode of a window has changed')
    }
  }
}
