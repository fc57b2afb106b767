// Who is dialled (docs/PROTOCOL.md §3).

import { encodeId } from '../crypto/base32'
import { Responder } from '../crypto/handshake'
import { type Identity, identity } from '../crypto/keys'
import type { Suite } from '../crypto/suites'
import type { Channel } from '../transport/channel'
import { clock, Session } from '../transport/session'
import { type Init, PacketType, readPacket } from '../wire/packets'
import { Refused } from '../wire/reader'
import { newConnectionId, newToken, ownParameters, suites, tokenOf } from './local'
import { type Remote, Socket } from './socket'
import { type SessionStats, sessionStats } from './stats'

/** A half-open session is forgotten so long after its last INIT, milliseconds. */
const halfOpenFor = 10_000
/** With so many of them, or so many handshakes without a cookie in a second, a cookie is asked for. */
const cookiesFrom = 64
const handshakesPerSecond = 250
const cookiePeriod = 120_000
const mostSessions = 1_024
/** `close` repeats what it has said for so long at most, milliseconds. */
const closingFor = 200

export interface ServerOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string
  /** Default 0: any that is free. */
  readonly port?: number
  /** 32 bytes of an Ed25519 key. Random by default. */
  readonly seed?: Uint8Array
}

interface Entry {
  readonly session: Session
  readonly id: string
  /** Of the INIT that it comes from. */
  readonly init: string
  readonly response: Buffer
  lastInit: number
}

export interface ServerStats {
  readonly sessions: readonly SessionStats[]
  readonly handshakesAnswered: number
  readonly cookiesSent: number
  /** Datagrams that were nothing, or for nobody. */
  readonly dropped: number
}

export class Server {
  /** The id to dial, in z-base-32. */
  readonly id: string
  onChannel: (channel: Channel) => void = () => {}
  readonly #own: Identity
  readonly #responder: Responder
  readonly #sessions = new Map<string, Entry>()
  readonly #inits = new Map<string, Entry>()
  /** Sessions for which something has come in this batch. */
  readonly #touched = new Set<Session>()
  #socket: Socket | undefined
  #second = 0
  #handshakes = 0
  #answered = 0
  #cookies = 0
  #dropped = 0
  #closed = false

  private constructor({ seed }: ServerOptions) {
    this.#own = identity(seed)
    this.id = encodeId(this.#own.id)
    this.#responder = new Responder(this.#own)
  }

  static async listen(options: ServerOptions): Promise<Server> {
    const server = new Server(options)
    const { host = '127.0.0.1', port = 0 } = options
    server.#socket = await Socket.open({
      host,
      port,
      onDatagram: (datagram, from) => server.#onDatagram(datagram, from),
      onBatch: () => server.#onBatch(),
    })
    return server
  }

  get #open(): Socket {
    return this.#socket as Socket
  }

  get port(): number {
    return this.#open.port
  }

  stats(): ServerStats {
    return {
      sessions: Array.from(this.#sessions.values(), ({ session }) => sessionStats(session)),
      handshakesAnswered: this.#answered,
      cookiesSent: this.#cookies,
      dropped: this.#dropped,
    }
  }

  #onDatagram(datagram: Buffer, from: Remote): void {
    const type = (datagram[0] ?? 0) & 0xf0
    if (type === PacketType.data && datagram.length >= 30) {
      const entry = this.#sessions.get(datagram.toString('latin1', 1, 9))
      if (entry === undefined) {
        this.#onUnknown(datagram)
        return
      }
      entry.session.receive(datagram, clock())
      this.#touched.add(entry.session)
    } else if (type === PacketType.init && !this.#closed) {
      this.#onInit(datagram, from)
    } else {
      this.#dropped++
    }
  }

  #onBatch(): void {
    for (const session of this.#touched) session.afterBatch()
    this.#touched.clear()
  }

  #onUnknown(datagram: Buffer): void {
    this.#dropped++
    const token = tokenOf(datagram)
    if (token === undefined) return
    for (const { session } of this.#sessions.values()) {
      if (session.isToken(token)) session.onReset()
    }
  }

  #onInit(datagram: Buffer, from: Remote): void {
    const init = this.#readInit(datagram)
    if (init === undefined) {
      this.#dropped++
      return
    }
    const now = clock()
    const address = `${from.address} ${from.port}`
    const key = `${address} ${init.source.toString('hex')}`
    const known = this.#inits.get(key)
    if (known !== undefined) {
      known.lastInit = now
      if (!known.session.isHeard) this.#open.sendTo(known.response, from)
      return
    }
    this.#forget(now)
    if (this.#sessions.size >= mostSessions) return
    if (this.#needsCookie(now)) {
      const period = Math.floor(now / cookiePeriod)
      if (!this.#responder.hasCookie(datagram, init, address, period)) {
        this.#cookies++
        this.#open.sendTo(this.#responder.cookieFor(init, address, period), from)
        return
      }
    }
    this.#answer(datagram, init, from, key, now)
  }

  #readInit(datagram: Buffer): Init | undefined {
    try {
      const packet = readPacket(datagram)
      if (packet.type !== PacketType.init) return undefined
      return this.#responder.isForUs(datagram, packet) ? packet : undefined
    } catch (error) {
      if (error instanceof Refused) return undefined
      throw error
    }
  }

  /** Half-open sessions do not last. */
  #forget(now: number): void {
    for (const entry of this.#inits.values()) {
      if (!entry.session.isHeard && now - entry.lastInit > halfOpenFor) {
        entry.session.onReset()
        this.#remove(entry)
      }
    }
  }

  #needsCookie(now: number): boolean {
    const second = Math.floor(now / 1000)
    if (second !== this.#second) this.#handshakes = 0
    this.#second = second
    let halfOpen = 0
    for (const { session } of this.#inits.values()) if (!session.isHeard) halfOpen++
    return ++this.#handshakes > handshakesPerSecond || halfOpen >= cookiesFrom
  }

  #answer(datagram: Buffer, init: Init, from: Remote, key: string, now: number): void {
    const suite = suites.get(init.suite) as Suite
    const source = newConnectionId()
    const payload = { source, reset: newToken(), parameters: ownParameters }
    const accepted = this.#responder.respond(suite, datagram, init, payload)
    if (accepted === undefined) {
      this.#dropped++
      return
    }
    const remote = { address: from.address, port: from.port }
    const session = new Session({
      suite,
      agreement: accepted.agreement,
      isInitiator: false,
      own: this.#own,
      peer: Buffer.from(accepted.initiator),
      destination: Buffer.from(init.source),
      peerToken: Buffer.from(accepted.reset),
      parameters: { own: ownParameters, peer: accepted.parameters },
      send: (packet) => this.#open.sendTo(packet, remote),
      onChannel: (channel) => this.onChannel(channel),
      onClosing: () => {},
      onClosed: () => this.#remove(entry),
    })
    const entry: Entry = {
      session,
      id: source.toString('latin1'),
      init: key,
      response: accepted.response,
      lastInit: now,
    }
    this.#sessions.set(entry.id, entry)
    this.#inits.set(key, entry)
    this.#answered++
    this.#open.sendTo(accepted.response, from)
  }

  #remove({ id, init }: Entry): void {
    this.#sessions.delete(id)
    this.#inits.delete(init)
    if (this.#closed && this.#sessions.size === 0) void this.#open.close()
  }

  /** Ends all sessions. Resolves when the peers have had time to hear of it. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { session } of [...this.#sessions.values()]) {
      if (session.isHeard) session.close(0, '')
      else session.onReset()
    }
    // Longer for peers that are far away would be kinder; nobody waits for a benchmark's server.
    const until = clock() + closingFor
    while (this.#sessions.size > 0 && clock() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    for (const { session } of [...this.#sessions.values()]) session.onReset()
    await this.#open.close()
  }
}
