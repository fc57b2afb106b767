// A peer over its native host: its services, sessions and channels, and how it ends.

import { EventEmitter } from 'node:events'
import { isIPv6 } from 'node:net'
import { formatAddress, type Place, parseTarget } from './address'
import type { Channel } from './channel'
import { ChannelCore, closeTimeout } from './channel_core'
import { Code, type Explanation, type NativeClose } from './codes'
import { Dial, type Dialler } from './dial'
import { asyncDispose } from './disposable'
import type { Engine, HostSink } from './engine'
import { ChannelError, HawserError, OptionError } from './errors'
import type { PeerId } from './identity'
import type { HostInfo, IncomingDetail } from './native_types'
import { Offer } from './offer'
import {
  type ChannelSettings,
  checkOpenBytes,
  openOptions,
  serveOptions,
  serviceName,
} from './options/channel'
import type { PeerSettings } from './options/peer'
import { waiting } from './options/waiting'
import type { Peer } from './peer'
import { reachablePlaces } from './reachable'
import { callSafely } from './safely'
import { type Handler, type Service, ServiceCore, type ServiceOwner } from './service'
import { Session } from './session'
import { hostStats, type PeerStats, sessionStats } from './stats'
import { type Waiter, type Waiting, type WaitSettings, wait, waitForever } from './waiting'

/** How long `close` waits for the sessions to say goodbye, beside what `impair` adds. Milliseconds. */
const goodbyeTimeout = 250

/** Destroys the hosts of peers that were collected. */
const abandoned = new FinalizationRegistry<{ engine: Engine; host: number }>(({ engine, host }) => {
  engine.removeHost(host)
  engine.native.hostDestroy(host)
})

/** {@link Peer} without its events, whose types the compiler cannot follow through a class. */
type PeerWithoutEvents = Omit<Peer, keyof EventEmitter | 'ref' | 'unref'>

export class PeerCore
  extends EventEmitter
  implements PeerWithoutEvents, HostSink, Dialler, ServiceOwner
{
  readonly id: PeerId
  readonly engine: Engine
  readonly host: number
  readonly idleTimeout: number
  readonly families: ReadonlySet<number>
  readonly openings = new Set<Waiter<never>>()

  readonly #sockets: HostInfo['sockets']
  readonly #listening: boolean
  readonly #impairedDelay: number
  readonly #engines: number
  readonly #services = new Map<string, ServiceCore>()
  readonly #sessions = new Map<number, Session>()
  readonly #sessionsById = new Map<PeerId, Session>()
  /** All open channels, and the service of those that others opened. */
  readonly #channels = new Map<ChannelCore, ServiceCore | undefined>()
  /** Calls of `open` under way. */
  #dialling = 0
  #opened = 0
  #accepted = 0
  #refused = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | undefined
  /** Told when the last session is gone. */
  #goodbye: Waiter<void> | undefined
  #referenced = true
  #keptAlive = false
  #warned = false
  #lastAddresses: readonly string[] | undefined
  #lastStats: PeerStats | undefined
  #stopListeningToSignal: (() => void) | undefined

  constructor(engine: Engine, host: HostInfo, settings: PeerSettings) {
    super()
    this.engine = engine
    this.host = host.handle
    this.id = settings.identity.id
    this.idleTimeout = settings.limits.idleTimeout
    this.#sockets = host.sockets
    this.#listening = settings.listen.length > 0
    this.#engines = settings.threads
    this.#impairedDelay = (settings.impair?.delay ?? 0) + (settings.impair?.jitter ?? 0)
    this.families = new Set(host.sockets.map(({ address }) => (isIPv6(address) ? 6 : 4)))
    engine.addHost(this.host, this, settings.spin)
    abandoned.register(this, { engine, host: this.host }, this)
    if (settings.signal !== undefined) this.#closeOn(settings.signal)
    engine.native.hostListen(this.host, this.#listening)
  }

  /** The same object, with the types of its events. */
  asPeer(): Peer {
    return this as unknown as Peer
  }

  // --- Addresses.

  get address(): string {
    return this.addresses[0] ?? ''
  }

  get addresses(): readonly string[] {
    if (this.#lastAddresses !== undefined) return this.#lastAddresses
    if (!this.#listening) return []
    const places = reachablePlaces(this.#sockets, this.engine.native.interfaces())
    return places.map((place) => formatAddress(this.id, place))
  }

  // --- Services and channels.

  serve(name: string, ...rest: unknown[]): Service {
    const service = serviceName(name)
    const handler = rest.length > 1 ? rest[1] : rest[0]
    if (typeof handler !== 'function') throw new OptionError('handler', handler, 'a function')
    const settings = serveOptions(rest.length > 1 ? rest[0] : undefined)
    this.assertOpen()
    if (this.#services.has(service)) {
      throw new HawserError('SERVICE_EXISTS', `this peer already serves '${service}'`, {
        hint: 'close the first service before you serve the name again',
      })
    }
    const core = new ServiceCore(this, service, settings, handler as Handler<unknown, unknown>)
    this.#services.set(service, core)
    this.#updateKeepAlive()
    return core
  }

  async open<Out, In>(to: unknown, name: string, options?: unknown): Promise<Channel<Out, In>> {
    const target = parseTarget(to)
    const service = serviceName(name)
    const { channel, wait: waitSettings } = openOptions(options)
    checkOpenBytes(service, channel.metadata)
    this.assertOpen()
    if (target.id === this.id) {
      throw new OptionError('to', target.id, 'another peer; this is the id of the peer itself')
    }
    this.#dialling++
    this.#updateKeepAlive()
    try {
      const opened = await new Dial(this, target, service, channel, waitSettings).run()
      this.#opened++
      return opened.as<Out, In>()
    } finally {
      this.#dialling--
      this.#updateKeepAlive()
    }
  }

  async openAny(service: string): Promise<never> {
    const allowed =
      'open() with an address; finding services by name is not available in this version'
    throw new OptionError('openAny', service, allowed)
  }

  // --- Dialler.

  assertOpen(): void {
    if (this.#state !== 'open') throw peerClosed()
  }

  get gone(): boolean {
    return this.#state === 'closed'
  }

  sessionWith(id: PeerId): Session | undefined {
    return this.#sessionsById.get(id)
  }

  adoptSession(handle: number, id: PeerId, places: readonly Place[]): Session {
    const known = this.#sessions.get(handle)
    if (known !== undefined) return known
    const session = new Session(this.engine, handle, id, places)
    this.engine.addSession(handle, this.host)
    this.#addSession(session)
    return session
  }

  dropSession(session: Session): void {
    if (!this.#sessions.has(session.handle)) return
    this.engine.native.sessionClose(session.handle, Code.NoError, '')
    this.#removeSession(session)
    this.engine.removeSession(session.handle)
  }

  adoptChannel(
    session: Session,
    handle: number,
    service: string,
    settings: ChannelSettings,
  ): ChannelCore {
    const metadata = settings.metadata && Buffer.from(settings.metadata)
    return this.#addChannel(this.#makeChannel(session, handle, service, settings, metadata))
  }

  #makeChannel(
    session: Session,
    handle: number,
    service: string,
    settings: ChannelSettings,
    metadata: Buffer | undefined,
  ): ChannelCore {
    return new ChannelCore(this, {
      handle,
      session: session.handle,
      service,
      remote: session.remote,
      metadata,
      settings,
    })
  }

  #addChannel(channel: ChannelCore, service?: ServiceCore): ChannelCore {
    this.#channels.set(channel, service)
    this.#updateKeepAlive()
    return channel
  }

  // --- HostSink.

  onSessionIncoming(handle: number): void {
    const session = Session.incoming(this.engine, handle)
    if (session === undefined) return
    this.#addSession(session)
    this.emit('session', session.remote)
  }

  onSessionOpen(handle: number): void {
    const session = this.#sessions.get(handle)
    if (session === undefined || session.state !== 'connecting') return
    session.opened()
    this.emit('session', session.remote)
  }

  onSessionClosed(handle: number, _close: NativeClose): void {
    const session = this.#sessions.get(handle)
    if (session !== undefined) this.#removeSession(session)
  }

  onChannelIncoming(handle: number, sessionHandle: number, detail: IncomingDetail): void {
    const { native } = this.engine
    const service = this.#services.get(detail.service)
    const session = this.#sessions.get(sessionHandle)
    if (service === undefined || session === undefined || this.#state !== 'open') {
      this.onRefused()
      native.channelRefuse(handle, Code.ServiceUnknown, '')
      native.channelRelease(handle)
      return
    }
    service.consider(new Offer(this.engine, service, handle, session, detail.metadata))
  }

  onFailed(errno: number): void {
    this.#destroy({
      code: 'SOCKET_FAILED',
      message: `a socket of this peer failed (error ${errno})`,
      hint: 'create a new peer',
    })
  }

  // --- ChannelOwner, ServiceOwner.

  onChannelClosed(channel: ChannelCore): void {
    this.#channels.get(channel)?.onChannelClosed(channel)
    this.#channels.delete(channel)
    this.#updateKeepAlive()
  }

  acceptOffer(offer: Offer, service: ServiceCore): ChannelCore {
    this.engine.native.channelAccept(offer.handle, service.settings.config)
    this.#accepted++
    return this.#addChannel(this.#channelOf(offer, service), service)
  }

  refuseOffer(offer: Offer, service: ServiceCore): ChannelCore {
    const channel = this.#channelOf(offer, service)
    channel.refuse()
    return channel
  }

  #channelOf({ session, handle, metadata }: Offer, service: ServiceCore): ChannelCore {
    return this.#makeChannel(session, handle, service.name, service.settings, metadata)
  }

  onRefused(): void {
    this.#refused++
  }

  onServiceClosing(service: ServiceCore): void {
    if (this.#services.get(service.name) !== service) return
    this.#services.delete(service.name)
    this.#updateKeepAlive()
  }

  onHandlerError(error: unknown, channel: ChannelCore, wasClosed: boolean, what: string): void {
    if (this.listenerCount('handlerError') > 0) {
      callSafely(() => this.emit('handlerError', error, channel))
      return
    }
    // That the peer went away is told by the channel, and no fault of the handler.
    if (this.#warned || (wasClosed && error instanceof ChannelError)) return
    this.#warned = true
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.emitWarning(
      `${what} of service '${channel.service}' failed: ${text}\n` +
        "(shown once; listen to 'handlerError' to see all)",
      { type: 'HawserWarning', code: 'HANDLER_FAILED' },
    )
  }

  // --- Sessions.

  #addSession(session: Session): void {
    this.#sessions.set(session.handle, session)
    session.older = this.#sessionsById.get(session.id)
    this.#sessionsById.set(session.id, session)
  }

  #removeSession(session: Session): void {
    session.closed()
    this.#sessions.delete(session.handle)
    // Out of the chain wherever it is: those that stay must not keep it alive.
    const newest = this.#sessionsById.get(session.id)
    if (newest === session) {
      if (session.older === undefined) this.#sessionsById.delete(session.id)
      else this.#sessionsById.set(session.id, session.older)
    } else {
      let newer = newest
      while (newer !== undefined && newer.older !== session) newer = newer.older
      if (newer !== undefined) newer.older = session.older
    }
    session.older = undefined
    if (this.#sessions.size === 0) this.#goodbye?.resolve()
  }

  // --- The end.

  close(options?: Waiting): Promise<void> {
    if (this.#closing !== undefined) return this.#closing
    let settings: WaitSettings
    try {
      settings = waiting(options, closeTimeout)
    } catch (error) {
      return Promise.reject(error)
    }
    this.#closing = this.#state === 'closed' ? Promise.resolve() : this.#close(settings)
    return this.#closing
  }

  async #close(settings: WaitSettings): Promise<void> {
    const { native } = this.engine
    this.#state = 'closing'
    this.#updateKeepAlive()
    native.hostListen(this.host, false)
    for (const opening of this.openings) opening.reject(peerClosed())
    for (const service of this.#services.values()) service.refuseOffers()
    await Promise.allSettled([...this.#channels.keys()].map((channel) => channel.shut(settings)))
    if (this.gone) return
    // The native host may be gone before its sessions' goodbyes are told.
    this.#lastStats = this.stats()
    native.hostClose(this.host, Code.NoError, '')
    if (this.#sessions.size > 0) {
      const timed = { ...waitForever, timeout: goodbyeTimeout + this.#impairedDelay }
      await wait<void>(timed, this.engine.clock, { what: '' }, (waiter) => {
        this.#goodbye = waiter
      }).catch(() => {})
    }
    if (this.gone) return
    this.#release()
    callSafely(() => this.emit('close'))
  }

  destroy(): void {
    this.#destroy({ code: 'PEER_CLOSED', message: 'this peer was destroyed', hint: '' })
  }

  #destroy(why: Explanation): void {
    if (this.#state === 'closed') return
    for (const opening of this.openings) opening.reject(peerClosed(why))
    for (const channel of [...this.#channels.keys()]) channel.abandon(why)
    this.#release()
    // Not from within the application's own call.
    process.nextTick(() => this.emit('close'))
  }

  #release(): void {
    this.#lastAddresses = this.addresses
    this.#lastStats = this.stats()
    this.#state = 'closed'
    for (const service of this.#services.values()) service.forgetOffers()
    this.#services.clear()
    for (const session of [...this.#sessions.values()]) this.#removeSession(session)
    this.#updateKeepAlive()
    this.#stopListeningToSignal?.()
    abandoned.unregister(this)
    this.engine.removeHost(this.host)
    this.engine.native.hostDestroy(this.host)
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }

  // The signal may live longer than the peer and must not keep it from being collected.
  #closeOn(signal: AbortSignal): void {
    const self = new WeakRef(this)
    const onAbort = () => void self.deref()?.close()
    signal.addEventListener('abort', onAbort, { once: true })
    this.#stopListeningToSignal = () => signal.removeEventListener('abort', onAbort)
  }

  // --- Keeping the process, and this object, alive.

  ref(): this {
    this.#referenced = true
    this.#updateKeepAlive()
    return this
  }

  unref(): this {
    this.#referenced = false
    this.#updateKeepAlive()
    return this
  }

  #updateKeepAlive(): void {
    const busy =
      this.#state === 'closing' ||
      (this.#state === 'open' &&
        (this.#services.size > 0 || this.#channels.size > 0 || this.#dialling > 0))
    this.engine.hold(this, busy)
    const keep = busy && this.#referenced
    if (keep === this.#keptAlive) return
    this.#keptAlive = keep
    this.engine.native.hostKeepAlive(this.host, keep)
  }

  // --- Counters.

  stats(): PeerStats {
    if (this.#lastStats !== undefined) return this.#lastStats
    const { native } = this.engine
    return {
      ...hostStats(native, this.host, this.#engines),
      sessions: [...this.#sessions.values()].map((session) =>
        sessionStats(
          native.sessionCounters(session.handle),
          { ...session.remote },
          session.state === 'open' ? 'open' : 'connecting',
        ),
      ),
      services: [...this.#services.values()].map((service) => service.stats()),
      channels: this.#channels.size,
      channelsOpened: this.#opened,
      channelsAccepted: this.#accepted,
      channelsRefused: this.#refused,
    }
  }
}

function peerClosed(why?: Explanation): HawserError {
  return new HawserError(why?.code ?? 'PEER_CLOSED', why?.message ?? 'this peer is closed', {
    hint: why?.hint ?? 'create a new peer',
  })
}
