// Opens a channel to another peer: finds its addresses, makes or shares a session, and waits for the service's answer.

import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { formatPlace, maxPlaces, type ParsedTarget, type Place } from './address'
import type { ChannelCore } from './channel_core'
import { Code, explain, type NativeClose } from './codes'
import { showDuration } from './duration'
import type { ChannelSink, Engine } from './engine'
import { type Attempt, ConnectError, HawserError } from './errors'
import { keyFromPeerId, type PeerId } from './identity'
import { ClosedBy, noMemory } from './native_types'
import type { ChannelSettings } from './options/channel'
import { maxMilliseconds } from './options/check'
import type { Session } from './session'
import { type Waiter, type WaitSettings, wait } from './waiting'

/** What dialling needs of its peer. */
export interface Dialler {
  readonly engine: Engine
  readonly host: number
  readonly idleTimeout: number
  /** Address families that there are sockets for: 4, 6 or both. */
  readonly families: ReadonlySet<number>
  /** A session with that peer that is open or being made. */
  sessionWith(id: PeerId): Session | undefined
  /** A session that the native part just began to make, or had. */
  adoptSession(handle: number, id: PeerId, places: readonly Place[]): Session
  /** Ends a session that nobody needs any more. */
  dropSession(session: Session): void
  /** Makes the channel one of the peer's. */
  adoptChannel(
    session: Session,
    handle: number,
    service: string,
    settings: ChannelSettings,
  ): ChannelCore
  /** Throws if the peer is closing or closed. */
  assertOpen(): void
  /** The native host is gone, and with it every handle. */
  readonly gone: boolean
  /** Rejected when the peer closes. */
  readonly openings: Set<Waiter<never>>
}

// A peer does not answer who does not know its id and its network, so that nobody learns from it what is there.
const silenceHint =
  'all of these look the same from here: the peer is not running, this is not its address or not its id, ' +
  'it was given another `network` (name or key), it takes no more sessions, or UDP does not get through. See `attempts`'

export class Dial {
  readonly #peer: Dialler
  readonly #target: ParsedTarget
  readonly #service: string
  readonly #settings: ChannelSettings
  readonly #wait: WaitSettings
  readonly #started: number
  /** Addresses that could not even be tried. */
  readonly #unusable: Attempt[] = []

  constructor(
    peer: Dialler,
    target: ParsedTarget,
    service: string,
    settings: ChannelSettings,
    waitSettings: WaitSettings,
  ) {
    this.#peer = peer
    this.#started = peer.engine.clock.now()
    this.#target = target
    this.#service = service
    this.#settings = settings
    this.#wait = waitSettings
  }

  async run(): Promise<ChannelCore> {
    this.#wait.signal?.throwIfAborted()
    const known = this.#peer.sessionWith(this.#target.id)
    if (known !== undefined) {
      const reused = known.state === 'open'
      const channel = await this.#open(known, reused && this.#target.places.length > 0)
      if (channel !== 'stale') return channel
    }
    const session = await this.#connect()
    return (await this.#open(session, false)) as ChannelCore
  }

  /** Begins a session, or finds that somebody else did meanwhile. */
  async #connect(): Promise<Session> {
    const { id, places } = this.#target
    if (places.length === 0) {
      throw new HawserError('PEER_NOT_FOUND', `no address of ${id} is known`, {
        hint: 'give an address (hawser://ID@host:port); finding peers by their id alone is not available in this version',
      })
    }
    const usable = await this.#guarded<Place[]>(
      () => this.#timedOut(undefined),
      (waiter) => {
        this.#resolve(places).then(waiter.resolve.bind(waiter), waiter.reject.bind(waiter))
      },
    )
    if (usable.length === 0) {
      throw new ConnectError('CONNECT_FAILED', `no address of ${id} can be used`, {
        hint: 'see `attempts` for what is wrong with each',
        attempts: this.#unusable,
      })
    }
    this.#peer.assertOpen()
    const { engine, host } = this.#peer
    const sockets = usable.map(({ host, port }) => ({ address: host, port }))
    // Time limits are kept here, each opening has its own.
    const key = keyFromPeerId(id) as Uint8Array
    const handle = engine.native.connect(host, key, sockets, maxMilliseconds)
    if (handle === noMemory) throw outOfMemory('session', [])
    if (handle < 0) {
      throw new ConnectError('LIMIT_REACHED', 'this peer has as many sessions as it may', {
        hint: 'raise limits.sessions, or close what is not needed',
      })
    }
    return this.#peer.adoptSession(handle, id, usable)
  }

  /** Host names become addresses; what cannot be reached from here is left out and noted. */
  async #resolve(places: readonly Place[]): Promise<Place[]> {
    const found = await Promise.all(places.map((place) => this.#addressesOf(place)))
    const usable = new Map<string, Place>()
    for (const place of found.flat()) {
      const text = formatPlace(place)
      if (usable.has(text)) continue
      const family = isIPv6(place.host) ? 6 : 4
      if (!this.#peer.families.has(family)) this.#skip(text, `this peer has no IPv${family} socket`)
      else if (usable.size >= maxPlaces) this.#skip(text, 'not tried, there are too many')
      else usable.set(text, place)
    }
    return [...usable.values()]
  }

  async #addressesOf(place: Place): Promise<Place[]> {
    if (isIP(place.host) !== 0) return [place]
    try {
      const found = await lookup(place.host, { all: true })
      return found.map(({ address }) => ({ host: address, port: place.port }))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      this.#skip(formatPlace(place), `host name not found (${code ?? String(error)})`)
      return []
    }
  }

  #skip(address: string, outcome: string): void {
    this.#unusable.push({ address, outcome, elapsed: this.#elapsed() })
  }

  /** Opens the channel in the session. `'stale'`: the session died, and `mayRetry` allows another one. */
  async #open(session: Session, mayRetry: boolean): Promise<ChannelCore | 'stale'> {
    this.#peer.assertOpen()
    const { engine } = this.#peer
    const { config, metadata } = this.#settings
    const handle = engine.native.channelOpen(session.handle, this.#service, metadata, config)
    if (handle < 0) {
      const attempts = session.attempts('failed')
      if (handle === noMemory) throw outOfMemory('channel', attempts)
      if (mayRetry) return 'stale'
      throw new ConnectError('CONNECT_FAILED', 'the session is closing', {
        hint: 'try again',
        attempts,
      })
    }
    const opening: ChannelSink = {
      onAccepted: () => {},
      onClosed: () => {},
      onMessages: () => {},
      onWritable: () => {},
      onAcknowledged: () => {},
      onEnded: () => {},
    }
    engine.addChannel(handle, opening)
    engine.flushSoon()
    session.openings++
    try {
      return await this.#guarded<ChannelCore | 'stale'>(
        () => this.#timedOut(session),
        (waiter) => {
          opening.onAccepted = () => {
            engine.forgetChannel(handle, opening)
            const { adoptChannel } = this.#peer
            waiter.resolve(
              adoptChannel.call(this.#peer, session, handle, this.#service, this.#settings),
            )
          }
          opening.onClosed = (close) => {
            if (mayRetry && isSessionsEnd(close)) waiter.resolve('stale')
            else waiter.reject(this.#refused(session, close))
          }
        },
      )
    } finally {
      // Not accepted: nobody needs it any more, and perhaps nobody the session.
      if (this.#peer.gone) engine.forgetChannel(handle, opening)
      else engine.removeChannel(handle, opening)
      session.openings--
      if (session.state === 'connecting' && session.openings === 0) this.#peer.dropSession(session)
    }
  }

  /** Waits for one step within the time that is left. */
  async #guarded<T>(timedOut: () => Error, start: (waiter: Waiter<T>) => void): Promise<T> {
    const { openings } = this.#peer
    const { signal, timeout } = this.#wait
    let opening: Waiter<T> | undefined
    try {
      return await wait<T>(
        { signal, timeout: Math.max(0, timeout - this.#elapsed()) },
        this.#peer.engine.clock,
        { what: '', timedOut },
        (waiter) => {
          opening = waiter
          openings.add(waiter)
          start(waiter)
        },
      )
    } finally {
      if (opening !== undefined) openings.delete(opening)
    }
  }

  #timedOut(session: Session | undefined): ConnectError {
    const { id } = this.#target
    const time = showDuration(this.#wait.timeout)
    const attempts = [...(session?.attempts('no answer') ?? []), ...this.#unusable]
    if (session?.state === 'open') {
      return new ConnectError(
        'CONNECT_TIMEOUT',
        `${id} did not accept the channel within ${time}`,
        {
          hint: 'the peer is there, but too busy, without a free channel, or still deciding about `allow`; try again, or with more `timeout`',
          attempts,
        },
      )
    }
    return new ConnectError('CONNECT_TIMEOUT', `no answer from ${id} within ${time}`, {
      hint: silenceHint,
      attempts,
    })
  }

  #refused(session: Session, close: NativeClose): ConnectError {
    const { id } = this.#target
    const { code, by, detail } = close
    if (by === ClosedBy.Remote && code === Code.ServiceUnknown) {
      return new ConnectError('SERVICE_REFUSED', `${id} does not serve '${this.#service}'`, {
        hint: 'check the name of the service, and that the peer calls `serve` before this',
      })
    }
    if (by === ClosedBy.Remote && code === Code.ServiceRefused) {
      return new ConnectError('SERVICE_REFUSED', `${id} refused a channel to '${this.#service}'`, {
        hint: 'the service does not take channels from this peer, or not now',
      })
    }
    if (session.state !== 'open' && by !== ClosedBy.Remote) {
      if (close.timedOut) return this.#timedOut(session)
      const attempts = [...session.attempts(detail || 'failed'), ...this.#unusable]
      if (code === Code.OutOfMemory) return outOfMemory('session', attempts)
      return new ConnectError('CONNECT_FAILED', `no session with ${id}: ${detail || 'failed'}`, {
        hint: 'see `attempts`',
        attempts,
      })
    }
    const why = explain(close, this.#peer.idleTimeout)
    return new ConnectError(
      why?.code ?? 'CONNECT_FAILED',
      why?.message ?? `${id} closed the session before it accepted the channel`,
      { hint: why?.hint ?? 'try again', attempts: session.attempts('closed') },
    )
  }

  #elapsed(): number {
    return Math.round(this.#peer.engine.clock.now() - this.#started)
  }
}

/** The channel was not refused by the service: the whole session went. */
function isSessionsEnd({ code, by }: NativeClose): boolean {
  return by === ClosedBy.Failure || code === Code.NoError
}

function outOfMemory(what: 'session' | 'channel', attempts: readonly Attempt[]): ConnectError {
  return new ConnectError('OUT_OF_MEMORY', `this peer has no native memory for another ${what}`, {
    hint: 'raise limits.memory, or close what is not needed; stats().memoryBytes is what is in use',
    attempts,
  })
}
