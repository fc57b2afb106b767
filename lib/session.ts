// A session with another peer, as far as JS has to know it.

import { formatAddress, formatPlace, type Place } from './address'
import type { Remote } from './channel'
import type { Engine } from './engine'
import type { Attempt } from './errors'
import { type PeerId, peerIdFromKey } from './identity'

const sessionOf = new WeakMap<object, Session>()

/** Of all remotes: with a function for each, V8 would make a shape for each. */
const addressProperty: PropertyDescriptor & ThisType<object> = {
  enumerable: true,
  get() {
    return sessionOf.get(this)?.address
  },
}

function remoteOf(session: Session): Remote {
  const remote = Object.defineProperty({ id: session.id }, 'address', addressProperty) as Remote
  sessionOf.set(remote, session)
  return Object.freeze(remote)
}

export class Session {
  readonly handle: number
  readonly id: PeerId
  state: 'connecting' | 'open' | 'closed' = 'connecting'
  /** Channels that wait for the peer's answer. */
  openings = 0
  /** Calls of `allow` about channels of its peer that are without an answer. */
  asking = 0
  /** Another one with the same peer, as after opening to each other at the same time. */
  older: Session | undefined
  readonly #engine: Engine
  /** Where it is being reached, for one that this side makes. */
  readonly #places: readonly Place[]
  readonly #started: number
  /** Where it was reached when the session was opened. */
  #first: Place | undefined
  /** Where it was reached last. */
  #last: Place
  /** {@link formatAddress} of that, once somebody has asked. */
  #address: string | undefined
  /** One object for all channels, which follows the peer. */
  readonly remote: Remote

  constructor(engine: Engine, handle: number, id: PeerId, places: readonly Place[]) {
    this.handle = handle
    this.id = id
    this.#engine = engine
    this.#started = engine.clock.now()
    this.#places = places
    this.#last = places[0] ?? { host: '0.0.0.0', port: 0 }
    this.remote = remoteOf(this)
  }

  /** Where it is reached now, or was last. */
  get address(): string {
    this.#look()
    this.#address ??= formatAddress(this.id, this.#last)
    return this.#address
  }

  /** A session that a peer made with us; `undefined` if it is gone already. */
  static incoming(engine: Engine, handle: number): Session | undefined {
    const remote = engine.native.sessionRemote(handle)
    if (remote === undefined) return undefined
    const session = new Session(engine, handle, peerIdFromKey(remote.id), [])
    session.opened()
    return session
  }

  opened(): void {
    this.state = 'open'
    this.#look()
    this.#first = this.#last
  }

  /** Before its handle is given back. */
  closed(): void {
    this.#look()
    this.state = 'closed'
  }

  #look(): void {
    if (this.state !== 'open') return
    const found = this.#engine.native.sessionRemote(this.handle)
    if (found === undefined) return
    const { address: host, port } = found
    if (host === this.#last.host && port === this.#last.port) return
    this.#last = { host, port }
    this.#address = undefined
  }

  /** What came of each address so far. `failure`: why none of them worked. */
  attempts(failure: string): Attempt[] {
    const elapsed = Math.round(this.#engine.clock.now() - this.#started)
    return this.#places.map((place) => ({
      address: formatPlace(place),
      outcome: this.#outcome(place, failure),
      elapsed,
    }))
  }

  #outcome({ host, port }: Place, failure: string): string {
    if (this.#first === undefined) return failure
    const used = formatPlace(this.#first) === formatPlace({ host, port })
    return used ? 'connected' : 'not needed'
  }
}
