// A session: what comes, the timers, and how it ends (docs/PROTOCOL.md §4).

import type { Identity } from '../crypto/keys'
import type { Agreement } from '../crypto/noise'
import type { Suite } from '../crypto/suites'
import { Code, codeName, ProtocolError } from '../wire/codes'
import { readFrames } from '../wire/frame_reader'
import { type Frame, FrameType, isEliciting } from '../wire/frames'
import type { Parameters } from '../wire/parameters'
import { Refused } from '../wire/reader'
import type { Channel } from './channel'
import { Channels } from './channels'
import type { Control } from './control'
import { Received } from './received'
import { Renewals } from './renewals'
import { SessionKeys } from './session_keys'
import { Transmitter } from './transmitter'

const never = Number.POSITIVE_INFINITY
/** Packets so far below the largest say nothing of messages. */
const oldCount = 16_384
const longestLinger = 30_000

export interface SessionOptions {
  readonly suite: Suite
  readonly agreement: Agreement
  readonly isInitiator: boolean
  readonly own: Identity
  readonly peer: Uint8Array
  /** The connection id under which the peer receives, and its token. */
  readonly destination: Uint8Array
  readonly peerToken: Uint8Array
  readonly parameters: { readonly own: Parameters; readonly peer: Parameters }
  send(datagram: Buffer): void
  /** The peer has opened a channel. */
  onChannel(channel: Channel): void
  /** The session is open no longer; what is still to be said need not keep the process alive. */
  onClosing(): void
  /** Nothing is to be kept of the session any more. */
  onClosed(): void
}

/** While closing or draining. */
interface Closing {
  readonly code: number
  readonly reason: string
  /** When the session is forgotten. */
  readonly until: number
  /** When CLOSE goes again. */
  readonly again: number
}

type State = 'open' | 'closing' | 'draining' | 'closed'

/** Milliseconds on a clock that only rises. */
export const clock = () => performance.now()

export class Session {
  readonly channels: Channels
  readonly transmitter: Transmitter
  packetsReceived = 0
  /** Could not be opened, or came before. */
  packetsDropped = 0
  /** A packet has come that the session's keys open. */
  isHeard = false
  readonly #options: SessionOptions
  readonly #keys: SessionKeys
  readonly #received: Received
  readonly #idleTimeout: number
  #state: State = 'open'
  #lastHeard = clock()
  #lastPing = 0
  #timer: NodeJS.Timeout | undefined
  #timerAt = never
  #flushing = false
  readonly #renewals: Renewals
  #close: Closing | undefined
  #sinceClose = 0

  constructor(options: SessionOptions) {
    this.#options = options
    const { own, peer } = options.parameters
    this.#keys = new SessionKeys(options.suite, options.agreement, options.isInitiator)
    this.#renewals = new Renewals(options, this.#keys)
    this.#received = new Received(own.maxAckDelay / 1000)
    this.#idleTimeout = Math.min(own.idleTimeout || never, peer.idleTimeout || never)
    this.channels = new Channels(options, {
      say: (control) => this.transmitter.say(control),
      wake: () => this.wake(),
      leave: () => {
        // Not before the packet that has led to this is one of those that CLOSE acknowledges.
        if (options.isInitiator) queueMicrotask(() => this.close(Code.noError, ''))
      },
    })
    this.transmitter = new Transmitter({
      keys: this.#keys,
      destination: options.destination,
      received: this.#received,
      channels: this.channels.all,
      peerAckDelay: peer.maxAckDelay / 1000,
      send: options.send,
    })
    this.#arm(clock())
  }

  /** Of the keys that packets are sealed with. */
  get epoch(): number {
    return this.#keys.epoch
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Sends what there is to send when the present work is done. */
  wake(): void {
    if (this.#flushing || !this.isOpen) return
    this.#flushing = true
    queueMicrotask(this.#flush)
  }

  readonly #flush = (): void => {
    this.#flushing = false
    if (this.#state !== 'open') return
    const now = clock()
    if (this.transmitter.flush(now)) {
      this.#flushing = true
      setImmediate(this.#flush)
    }
    for (const channel of this.channels.all.values()) channel.afterSending()
    if (this.#keys.exhausted) this.#end(new Error('the keys are used up'))
    this.#arm(now)
  }

  // --- Receiving -------------------------------------------------------------------------------------

  /** A datagram for this session has come. {@link afterBatch} is to be called behind the last one of a batch. */
  receive(datagram: Buffer, now: number): void {
    if (this.#state === 'closed') return
    const received = this.#received
    const keep = 3 * this.transmitter.recovery.roundTrip.probeAfter(this.transmitter.policy.delay)
    const opened = this.#keys.open(
      datagram,
      received.largest,
      (number) => received.isDuplicate(number),
      now,
      keep,
    )
    if (opened === undefined) {
      this.packetsDropped++
      return
    }
    this.packetsReceived++
    this.#lastHeard = now
    this.isHeard = true
    if (this.#state !== 'open') {
      this.#answerClosing(opened.frames)
      return
    }
    try {
      this.#take(opened.number, readFrames(opened.frames), now)
    } catch (error) {
      if (error instanceof ProtocolError) this.close(error.code, error.message)
      else if (error instanceof Refused) this.close(Code.frameEncoding, error.message)
      else throw error
    }
  }

  #take(number: number, frames: Frame[], now: number): void {
    const received = this.#received
    let eliciting = false
    let deferred = true
    let challenged = false
    for (const frame of frames) {
      if (isEliciting(frame)) {
        eliciting = true
        deferred &&= this.#isCounted(frame)
      }
      if (frame.type === FrameType.pathChallenge) {
        // The first one only. There is one path, so the answer goes where everything goes.
        if (!challenged) {
          this.transmitter.sayOnce({ type: FrameType.pathResponse, data: Buffer.from(frame.data) })
        }
        challenged = true
      } else {
        this.#onFrame(frame, number, now)
      }
      if (!this.isOpen) return
    }
    received.add(number, now, eliciting, deferred)
  }

  #isCounted(frame: Frame): boolean {
    if (frame.type !== FrameType.message && frame.type !== FrameType.fragment) return false
    return this.channels.all.get(frame.channel)?.counts.isCounted === true
  }

  #onFrame(frame: Frame, number: number, now: number): void {
    const received = this.#received
    const { recovery } = this.transmitter
    switch (frame.type) {
      case FrameType.ack:
        this.transmitter.onAck(frame, now)
        break
      case FrameType.ackNow:
        received.due = true
        break
      case FrameType.ackPolicy:
        received.setPolicy(frame)
        break
      case FrameType.countNow: {
        const channel = this.channels.all.get(frame.channel)
        received.due = true
        if (channel !== undefined) channel.counts.wanted = true
        break
      }
      case FrameType.count:
        if (number >= received.largest - oldCount) this.channels.onCount(frame)
        break
      case FrameType.request:
        this.channels.onRequest(frame, now - recovery.roundTrip.smoothed)
        break
      case FrameType.message:
      case FrameType.fragment:
      case FrameType.skip:
        this.#onContent(frame, now)
        break
      case FrameType.crypto:
        this.#say(this.#renewals.answer(frame))
        break
      case FrameType.close:
        this.#onClose(frame.code, frame.reason)
        break
      default:
        this.channels.onFrame(frame)
    }
  }

  #onContent(frame: Extract<Frame, { type: 0x14 | 0x15 | 0x08 }>, now: number): void {
    const channel = this.channels.find(frame.channel)
    if (channel === undefined) return
    const { inbound, counts, requests } = channel
    if (frame.type === FrameType.message) inbound.onMessages(frame)
    else if (frame.type === FrameType.fragment) inbound.onFragment(frame)
    else inbound.onSkip(frame)
    const { policy } = this.#received
    counts.onReceived(now, policy.maxDelay)
    if (counts.isCounted) {
      requests.onReceived(now, policy.reorderingThreshold)
    } else {
      requests.onReceived(now, 0)
      this.#received.deadline = Math.min(this.#received.deadline, now + counts.ackAfter)
      if (counts.isFull) this.#received.due = true
    }
    channel.afterReceiving()
  }

  #say(control: Control | undefined): void {
    if (control !== undefined) this.transmitter.say(control)
  }

  /** All datagrams that were there have been read. */
  afterBatch(): void {
    if (this.isOpen) this.#flush()
  }

  // --- Timers ----------------------------------------------------------------------------------------

  #arm(now: number): void {
    if (this.#state === 'closed') return
    const at = this.#close === undefined ? this.#nextTime() : this.#close.again
    if (at === never || (this.#timer !== undefined && this.#timerAt <= at)) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(this.#onTimer, Math.max(1, Math.ceil(at - now)))
    if (this.#close !== undefined) this.#timer.unref()
  }

  #nextTime(): number {
    const { recovery } = this.transmitter
    let at = Math.min(
      recovery.lossTime,
      recovery.probeTime(this.transmitter.policy.delay),
      this.#received.deadline,
      this.#lastHeard + this.#idleTimeout,
      this.#pingTime(),
    )
    for (const { counts, requests } of this.channels.all.values()) {
      at = Math.min(at, counts.deadline, requests.at)
    }
    return at
  }

  #pingTime(): number {
    if (this.channels.all.size === 0) return never
    return Math.max(this.#lastHeard, this.#lastPing) + this.#idleTimeout / 3
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    const now = clock()
    if (this.#close !== undefined) {
      this.#linger(now)
      return
    }
    if (now >= this.#lastHeard + this.#idleTimeout) {
      this.#end(new Error('nothing was heard from the peer'))
      return
    }
    const { recovery } = this.transmitter
    if (recovery.lossTime <= now) recovery.detect(now)
    else if (recovery.probeTime(this.transmitter.policy.delay) <= now) {
      recovery.onProbe()
      this.transmitter.probe()
    }
    if (this.#pingTime() <= now) {
      this.#lastPing = now
      this.transmitter.sayOnce({ type: FrameType.ping })
    }
    this.#request(now)
    this.#flush()
  }

  #request(now: number): void {
    const { smoothed } = this.transmitter.recovery.roundTrip
    for (const { id, requests } of this.channels.all.values()) {
      const missing = requests.due(now, smoothed)
      if (missing.length === 0) continue
      const ranges = missing.map(({ first, count }) => ({ first: first % 2 ** 32, count }))
      this.transmitter.sayOnce({ type: FrameType.request, channel: id, ranges })
    }
  }

  // --- The end ---------------------------------------------------------------------------------------

  /** Ends the session and every channel in it. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return
    this.#state = 'closing'
    this.#sayClose(code, reason)
    this.#settle(code, reason, 'closed the session')
  }

  #sayClose(code: number, reason: string): void {
    const now = clock()
    this.#received.due = true
    this.transmitter.last({ type: FrameType.close, code, reason: reason.slice(0, 60) }, now)
    const pause = this.transmitter.recovery.roundTrip.probeAfter(this.transmitter.policy.delay)
    const until = this.#close?.until ?? now + Math.min(3 * pause, longestLinger)
    this.#close = { code, reason, until, again: Math.min(until, now + pause) }
  }

  /** Packets that still come are answered, fewer and fewer of them. */
  #answerClosing(content: Buffer): void {
    if (this.#state !== 'closing' || this.#close === undefined) return
    try {
      if (readFrames(content).some(({ type }) => type === FrameType.close)) this.#state = 'draining'
    } catch (error) {
      if (!(error instanceof Refused)) throw error
    }
    const count = ++this.#sinceClose
    const { code, reason } = this.#close
    if (this.#state === 'closing' && (count & (count - 1)) === 0) this.#sayClose(code, reason)
  }

  #linger(now: number): void {
    const { code, reason, until } = this.#close as Closing
    if (now >= until) {
      this.#end(undefined)
      return
    }
    if (this.#state === 'closing') this.#sayClose(code, reason)
    this.#arm(now)
  }

  #onClose(code: number, reason: string): void {
    this.#state = 'draining'
    const now = clock()
    const pause = this.transmitter.recovery.roundTrip.probeAfter(this.transmitter.policy.delay)
    const until = now + Math.min(3 * pause, longestLinger)
    this.#close = { code, reason, until, again: until }
    this.#settle(code, reason, 'the peer has closed the session')
  }

  #settle(code: number, reason: string, what: string): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#options.onClosing()
    const why = reason === '' ? codeName(code) : `${codeName(code)}: ${reason}`
    this.channels.fail(new Error(`${what} (${why})`), code === Code.noError)
    this.#arm(clock())
  }

  /** The peer does not know the session any more. */
  onReset(): void {
    this.#end(new Error('the peer does not know the session'))
  }

  isToken(token: Uint8Array): boolean {
    return Buffer.compare(token, this.#options.peerToken) === 0
  }

  #end(error: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    clearTimeout(this.#timer)
    this.channels.fail(error ?? new Error('the session has ended'), error === undefined)
    this.#options.onClosed()
  }
}
