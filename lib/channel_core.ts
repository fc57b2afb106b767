// A channel over its native counterpart: what reader and writer do, put together, and how it ends.

import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { copyOf, cutText } from './bytes'
import type { Channel, Remote, StreamOptions } from './channel'
import type { Clock } from './clock'
import { Code, type Explanation, explain, maxReasonBytes, type NativeClose } from './codes'
import { asyncDispose } from './disposable'
import { showDuration } from './duration'
import type { ChannelSink, Engine } from './engine'
import { ChannelError, type CloseInfo, HawserError, OptionError } from './errors'
import { ClosedBy, DeliveryMode, type Demand } from './native_types'
import { type ChannelSettings, deliveries } from './options/channel'
import { integer, options } from './options/check'
import { waiting } from './options/waiting'
import { Reader, type ReaderOwner } from './reader'
import { type ChannelStats, channelStats } from './stats'
import { ChannelStream } from './stream'
import { type Waiting, type WaitSettings, waitForever } from './waiting'
import { Writer } from './writer'

/** How long `close` drains by default, milliseconds. */
export const closeTimeout = 5_000

const defaultChunkBytes = 64 * 1024

/** What a channel needs of the peer that it belongs to. */
export interface ChannelOwner {
  readonly engine: Engine
  /** Of this peer's sessions, milliseconds. */
  readonly idleTimeout: number
  /** The channel is gone. */
  onChannelClosed(channel: ChannelCore): void
}

/** What is known of a channel when it is opened. */
export interface ChannelOrigin {
  readonly handle: number
  readonly session: number
  readonly service: string
  readonly remote: Remote
  /** Left out: empty. */
  readonly metadata: Buffer | undefined
  readonly settings: ChannelSettings
}

type Listener = (...args: unknown[]) => void

/** As it is until somebody, such as `node:domain`, puts another one in its place. */
const plainEmit = EventEmitter.prototype.emit

/** {@link Channel} without its events, whose types the compiler cannot follow through a generic class. */
type ChannelWithoutEvents = Omit<Channel<unknown, unknown>, keyof EventEmitter>

export class ChannelCore
  extends EventEmitter
  implements ChannelWithoutEvents, ChannelSink, ReaderOwner<unknown>
{
  readonly service: string
  readonly remote: Remote

  readonly #owner: ChannelOwner
  readonly #engine: Engine
  readonly #handle: number
  readonly #session: number
  readonly #settings: ChannelSettings
  /** One without bytes is made when somebody asks for it. */
  #metadata: Buffer | undefined
  readonly #reader: Reader<unknown>
  readonly #writer: Writer
  #state: 'open' | 'ended' | 'closed' = 'open'
  #info: CloseInfo | undefined
  /** Made when somebody asks for it. */
  #closed: Promise<CloseInfo> | undefined
  #resolveClosed: ((info: CloseInfo) => void) | undefined
  #ending: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #lastStats: ChannelStats | undefined
  #listener: Listener | undefined

  constructor(owner: ChannelOwner, origin: ChannelOrigin) {
    super()
    this.#owner = owner
    this.#engine = owner.engine
    this.#handle = origin.handle
    this.#session = origin.session
    this.#settings = origin.settings
    this.service = origin.service
    this.remote = origin.remote
    this.#metadata = origin.metadata
    this.#reader = new Reader<unknown>(this)
    this.#writer = new Writer(owner.engine, origin.handle, origin.settings)
    this.#engine.addChannel(origin.handle, this)
  }

  /** The same object, with the types of the application. */
  as<Out, In>(): Channel<Out, In> {
    return this as unknown as Channel<Out, In>
  }

  /** What timeouts are measured by. */
  get clock(): Clock {
    return this.#engine.clock
  }

  get state(): 'open' | 'ended' | 'closed' {
    return this.#state
  }

  get metadata(): Buffer {
    this.#metadata ??= Buffer.alloc(0)
    return this.#metadata
  }

  get closed(): Promise<CloseInfo> {
    this.#closed ??=
      this.#info === undefined
        ? new Promise((resolve) => {
            this.#resolveClosed = resolve
          })
        : Promise.resolve(this.#info)
    return this.#closed
  }

  // --- Sending.

  send(message: unknown): boolean {
    if (this.#state !== 'open') throw this.#notOpen()
    return this.#writer.push(message)
  }

  write(message: unknown, options?: Waiting): Promise<void> {
    return this.#whenRoom(options, 'there was no room for the message', () => {
      this.#writer.push(message)
    })
  }

  drained(options?: Waiting): Promise<void> {
    return this.#whenRoom(options, 'what was sent before did not leave', () => {})
  }

  #whenRoom(options: Waiting | undefined, what: string, work: () => void): Promise<void> {
    return attempt(() => {
      const settings = waiting(options)
      if (this.#state !== 'open') throw this.#notOpen()
      return this.#writer.whenRoom(settings, what, work)
    })
  }

  flush(options?: Waiting): Promise<void> {
    return attempt(() => this.#acknowledged(waiting(options)))
  }

  end(): Promise<void> {
    if (this.#ending === undefined) {
      if (this.#state === 'open') this.#endSending()
      this.#ending = this.#acknowledged(waitForever)
      // Nobody has to wait for it.
      this.#ending.catch(() => {})
    }
    return this.#ending
  }

  #endSending(): void {
    this.#state = 'ended'
    this.#writer.end()
  }

  #acknowledged(settings: WaitSettings): Promise<void> {
    if (this.#info === undefined) return this.#writer.acknowledged(settings)
    return this.#info.unacknowledged === null ? Promise.resolve() : Promise.reject(this.#notOpen())
  }

  // --- Reading.

  receive(options?: Waiting): Promise<unknown> {
    return attempt(() => this.#reader.receive(waiting(options)))
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    return this.#reader.messages()
  }

  batches(): AsyncIterableIterator<readonly unknown[]> {
    return this.#reader.batches()
  }

  stream(streamOptions?: StreamOptions): Duplex {
    const given = options('', streamOptions, ['chunkBytes'])
    const most = this.#settings.config.maxMessageBytes
    const chunkBytes =
      given.chunkBytes === undefined
        ? Math.min(defaultChunkBytes, most)
        : integer('chunkBytes', given.chunkBytes, 1, most, ' of bytes')
    if (this.#settings.codec !== undefined) {
      throw new OptionError('codec', this.#settings.codec, 'no codec on a channel used as a stream')
    }
    const { delivery, expiresAfter } = this.#settings.config
    if (delivery !== DeliveryMode.Ordered) {
      throw new OptionError(
        'delivery',
        deliveries[delivery],
        "'ordered' on a channel used as a stream",
      )
    }
    if (expiresAfter !== 0) {
      throw new OptionError('expiresAfter', expiresAfter, 'left out on a channel used as a stream')
    }
    this.#reader.acquire('stream()')
    return new ChannelStream(this, this.#reader, chunkBytes)
  }

  // Listening to 'message' is reading. All ways to add or remove a listener come through these six.

  override on(name: string | symbol, listener: Listener): this {
    this.#beforeAdding(name)
    super.on(name, listener)
    this.#findListener(name)
    return this
  }

  override addListener(name: string | symbol, listener: Listener): this {
    return this.on(name, listener)
  }

  override prependListener(name: string | symbol, listener: Listener): this {
    this.#beforeAdding(name)
    super.prependListener(name, listener)
    this.#findListener(name)
    return this
  }

  override removeListener(name: string | symbol, listener: Listener): this {
    super.removeListener(name, listener)
    this.#afterRemoving()
    return this
  }

  override off(name: string | symbol, listener: Listener): this {
    return this.removeListener(name, listener)
  }

  override removeAllListeners(name?: string | symbol): this {
    // EventEmitter tells the two apart by the number of arguments.
    if (name === undefined) super.removeAllListeners()
    else super.removeAllListeners(name)
    this.#afterRemoving()
    return this
  }

  #beforeAdding(name: string | symbol): void {
    if (name === 'message' && this.listenerCount('message') === 0) this.#reader.startFlow()
  }

  #afterRemoving(): void {
    this.#findListener('message')
    if (this.listenerCount('message') === 0) this.#reader.stopFlow()
  }

  /** The only listener for messages is called without the search for it, which costs more than the rest of handing a message over. */
  #findListener(name: string | symbol): void {
    if (name !== 'message') return
    // As they were given, or the function that `once` has put around it.
    const [first, second] = this.rawListeners('message') as Listener[]
    this.#listener = second === undefined && !EventEmitter.captureRejections ? first : undefined
  }

  // --- Closing.

  close(options?: Waiting): Promise<void> {
    return attempt(() => this.shut(waiting(options, closeTimeout)))
  }

  /** {@link close}, with options that were checked. */
  shut(settings: WaitSettings): Promise<void> {
    if (this.#closing !== undefined) return this.#closing
    if (this.#state === 'closed') return Promise.resolve()
    this.#closing = this.#drainAndClose(settings)
    // Nobody has to wait for it.
    this.#closing.catch(() => {})
    return this.#closing
  }

  async #drainAndClose(settings: WaitSettings): Promise<void> {
    if (this.#state === 'open') this.#endSending()
    this.#reader.finish({ ended: false, discard: true })
    try {
      await this.#acknowledged(settings)
    } catch (cause) {
      if (this.#info === undefined) {
        const aborted = settings.signal?.aborted === true
        const when = aborted ? '' : ` after ${showDuration(settings.timeout)}`
        this.#reset(Code.Cancelled, 'closed before everything was acknowledged', {
          code: 'CLOSE_TIMEOUT',
          message: `closing was given up${when}, and the channel reset`,
          hint: 'info.unacknowledged says which messages the peer may lack',
        })
      }
      throw this.#info?.error ?? cause
    }
    if (this.#info === undefined) this.#reset(Code.NoError, '')
  }

  reset(reason = ''): void {
    if (typeof reason !== 'string') throw new OptionError('reason', reason, 'a string')
    this.#reset(Code.Cancelled, reason)
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The service's handler failed. */
  failHandler(): void {
    this.#reset(Code.HandlerFailed, `the handler of '${this.service}' failed`)
  }

  /** It is not accepted after all. */
  refuse(): void {
    this.#reset(Code.ServiceRefused, '')
  }

  /** The peer goes at once, and its native part with everything in it. */
  abandon(failure: Explanation): void {
    this.#finalize('local', failure, { discard: true })
    this.#engine.forgetChannel(this.#handle, this)
  }

  #reset(code: Code, reason: string, failure?: Explanation): void {
    if (this.#state === 'closed') return
    this.#finalize('local', failure, { discard: true })
    this.#engine.native.channelReset(this.#handle, code, cutText(reason, maxReasonBytes))
    this.#engine.removeChannel(this.#handle, this)
  }

  /** The channel is gone. Its native counterpart still has to be there. */
  #finalize(
    by: CloseInfo['by'],
    failure: Explanation | undefined,
    { discard = false, ended = false },
  ): void {
    if (this.#state === 'closed') return
    this.#lastStats = this.stats()
    const unacknowledged = this.#writer.unacknowledged()
    const error =
      failure &&
      new ChannelError(failure.code, failure.message, {
        hint: failure.hint,
        info: { by, unacknowledged },
      })
    const info = error?.info ?? { by, unacknowledged }
    this.#info = info
    this.#state = 'closed'
    this.#writer.finish(unacknowledged, this.#notOpen())
    const quiet = ended || this.#closing !== undefined
    this.#reader.finish({ ended, discard, error: error ?? (quiet ? undefined : this.#notOpen()) })
    this.#owner.onChannelClosed(this)
    this.#resolveClosed?.(info)
    // Not from within the application's own call of reset() or destroy().
    process.nextTick(() => this.emit('close', info))
  }

  /** Why this side cannot send any more. */
  #notOpen(): HawserError {
    const info = this.#info
    if (info?.error !== undefined) return info.error
    const hint = 'open a new channel to send more'
    if (info === undefined) {
      return new HawserError('CHANNEL_CLOSED', 'this side has ended the channel', { hint })
    }
    const who = info.by === 'remote' ? 'the peer closed the channel' : 'the channel was closed here'
    return new ChannelError('CHANNEL_CLOSED', who, { hint, info })
  }

  stats(): ChannelStats {
    if (this.#lastStats !== undefined) return this.#lastStats
    const { native } = this.#engine
    return channelStats(
      native.channelCounters(this.#handle),
      native.sessionCounters(this.#session),
      this.#writer.bytesSent,
    )
  }

  // --- ChannelSink.

  onMessages(messages: Buffer[], shared: boolean): void {
    this.#reader.onMessages(shared && this.#settings.copy ? messages.map(copyOf) : messages)
  }

  onAccepted(): void {
    // Whoever opened the channel was told before there was a ChannelCore.
  }

  onWritable(): void {
    if (this.#writer.onWritable()) this.emit('drain')
  }

  onAcknowledged(base: number): void {
    this.#writer.onAcknowledged(base)
  }

  onEnded(): void {
    this.#reader.finish({ ended: true })
  }

  onClosed(close: NativeClose): void {
    const failure = explain(close, this.#owner.idleTimeout)
    if (failure !== undefined) {
      this.#finalize(close.by === ClosedBy.Remote ? 'remote' : 'failure', failure, {})
      return
    }
    // On purpose: both sides have ended, or one of them closed the channel or its session.
    const here = close.by === ClosedBy.Local
    this.#finalize(here ? 'local' : 'remote', undefined, { ended: !here })
  }

  // --- ReaderOwner.

  demand(demand: Demand): void {
    this.#engine.native.channelDemand(this.#handle, demand)
  }

  decode(bytes: Buffer): unknown {
    const { codec } = this.#settings
    return codec === undefined ? bytes : codec.decode(bytes)
  }

  emitMessage(message: unknown): void {
    if (this.#listener !== undefined && this.emit === plainEmit) this.#listener.call(this, message)
    else this.emit('message', message)
  }

  emitEnd(): void {
    this.emit('end')
  }

  onUndecodable(error: HawserError): void {
    this.#reset(Code.Cancelled, 'a message could not be decoded', {
      code: error.code,
      message: error.message,
      hint: 'for await and receive skip such a message; do both sides use the same codec?',
    })
  }
}

/** What `work` throws becomes a rejection; cheaper than an async function around a promise. */
function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error)
  }
}
