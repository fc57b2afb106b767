// A session with another peer, as far as JS has to know it.

import { formatAddress, formatPlace, type Place } from './address'
import type { Remote } from './channel'
import type { Attempt } from './errors'
import { type PeerId, peerIdFromKey } from './identity'
import type { NativeBinding } from './native_types'

export class Session {
  readonly handle: number
  readonly id: PeerId
  state: 'connecting' | 'open' | 'closed' = 'connecting'
  /** Channels that wait for the peer's answer. */
  openings = 0
  /** Another one with the same peer, as after opening to each other at the same time. */
  older: Session | undefined
  readonly #native: NativeBinding
  /** Where it is being reached, for one that this side makes. */
  readonly #places: readonly Place[]
  readonly #started = performance.now()
  #remote: Remote | undefined

  constructor(native: NativeBinding, handle: number, id: PeerId, places: readonly Place[]) {
    this.handle = handle
    this.id = id
    this.#native = native
    this.#places = places
  }

  /** A session that a peer made with us; `undefined` if it is gone already. */
  static incoming(native: NativeBinding, handle: number): Session | undefined {
    const remote = native.sessionRemote(handle)
    if (remote === undefined) return undefined
    const session = new Session(native, handle, peerIdFromKey(remote.id), [])
    session.opened()
    return session
  }

  opened(): void {
    this.state = 'open'
    const found = this.#native.sessionRemote(this.handle)
    if (found === undefined) return
    const place = { host: found.address, port: found.port }
    this.#remote = Object.freeze({ id: this.id, address: formatAddress(this.id, place) })
  }

  get remote(): Remote {
    const [first = { host: '0.0.0.0', port: 0 }] = this.#places
    return this.#remote ?? { id: this.id, address: formatAddress(this.id, first) }
  }

  /** What came of each address so far. `failure`: why none of them worked. */
  attempts(failure: string): Attempt[] {
    const elapsed = Math.round(performance.now() - this.#started)
    return this.#places.map((place) => ({
      address: formatPlace(place),
      outcome: this.#outcome(place, failure),
      elapsed,
    }))
  }

  #outcome({ host, port }: Place, failure: string): string {
    if (this.#remote === undefined) return failure
    const used = this.#remote.address === formatAddress(this.id, { host, port })
    return used ? 'connected' : 'not needed'
  }
}
