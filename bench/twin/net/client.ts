// Who dials (docs/PROTOCOL.md §3).

import { decodeId } from '../crypto/base32'
import { type Answer, Initiation } from '../crypto/handshake'
import { identity } from '../crypto/keys'
import { aes, type Suite } from '../crypto/suites'
import type { Channel } from '../transport/channel'
import { clock, Session } from '../transport/session'
import { initStart, PacketType, writeInitPayload } from '../wire/packets'
import { newConnectionId, newToken, ownParameters, suites, tokenOf } from './local'
import { Socket } from './socket'
import { type SessionStats, sessionStats } from './stats'

const firstPause = 250
const longestPause = 4_000
/** Answers looked at after each INIT. */
const mostAnswers = 16

export interface ConnectOptions {
  /** An IPv4 or IPv6 address. */
  readonly host: string
  readonly port: number
  /** The id of who is there, in z-base-32. */
  readonly id: string
  readonly service: string
  /** 32 bytes of an Ed25519 key. Random by default. */
  readonly seed?: Uint8Array
  /** 1: AES-256-GCM (default), 2: ChaCha20-Poly1305. */
  readonly suite?: 1 | 2
  /** How long to wait for the peer and for the channel, milliseconds. Default 10,000. */
  readonly timeout?: number
}

/** A channel with the session made for it. */
export interface Connection {
  readonly channel: Channel
  stats(): SessionStats
}

export async function connect(options: ConnectOptions): Promise<Connection> {
  const suite = suites.get(options.suite ?? aes.number) as Suite
  const responder = decodeId(options.id)
  const own = identity(options.seed)
  const source = newConnectionId()
  const start = initStart(suite.number, source)
  const payload = writeInitPayload({
    initiator: own.id,
    reset: newToken(),
    parameters: ownParameters,
  })
  const initiation = new Initiation({ suite, own: own.dh, responder, start, payload })
  let session: Session | undefined
  let onHandshake: ((datagram: Buffer) => void) | undefined
  const socket = await Socket.open({
    host: options.host.includes(':') ? '::' : '0.0.0.0',
    port: 0,
    onBatch: () => session?.afterBatch(),
    onDatagram: (datagram) => {
      if (session === undefined) onHandshake?.(datagram)
      else if (((datagram[0] as number) & 0xf0) === PacketType.data) {
        if (datagram.length >= 30 && source.equals(datagram.subarray(1, 9))) {
          session.receive(datagram, clock())
        } else {
          const token = tokenOf(datagram)
          if (token !== undefined && session.isToken(token)) session.onReset()
        }
      }
    },
  })
  try {
    await socket.connect({ address: options.host, port: options.port })
    const deadline = clock() + (options.timeout ?? 10_000)
    const answer = await new Promise<Answer>((resolve, reject) => {
      const dialling = new Dialling(initiation, socket, deadline, resolve, reject)
      onHandshake = (datagram) => dialling.onDatagram(datagram)
    })
    const made = new Session({
      suite,
      agreement: answer.agreement,
      isInitiator: true,
      own,
      peer: responder,
      destination: answer.source,
      peerToken: answer.reset,
      parameters: { own: ownParameters, peer: answer.parameters },
      send: (datagram) => socket.send(datagram),
      onChannel: (channel) => channel.reset(0x11, 'nothing is served here'),
      onClosing: () => socket.unref(),
      onClosed: () => void socket.close(),
    })
    session = made
    const timer = setTimeout(() => made.close(0, ''), deadline - clock())
    try {
      const channel = await made.channels.open(options.service)
      return { channel, stats: () => sessionStats(made) }
    } catch (error) {
      made.close(0, '')
      throw error
    } finally {
      clearTimeout(timer)
    }
  } catch (error) {
    if (session === undefined) await socket.close()
    throw error
  }
}

/** Sends INIT until it is answered. */
class Dialling {
  readonly #initiation: Initiation
  readonly #socket: Socket
  readonly #deadline: number
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: Error) => void
  #init: Buffer
  #pause = firstPause
  #answers = 0
  #timer: NodeJS.Timeout | undefined

  constructor(
    initiation: Initiation,
    socket: Socket,
    deadline: number,
    resolve: (answer: Answer) => void,
    reject: (error: Error) => void,
  ) {
    this.#initiation = initiation
    this.#init = initiation.init
    this.#socket = socket
    this.#deadline = deadline
    this.#resolve = resolve
    this.#reject = reject
    this.#send()
  }

  #send(): void {
    if (clock() >= this.#deadline) {
      this.#reject(new Error('nobody has answered'))
      return
    }
    this.#answers = 0
    this.#socket.send(this.#init)
    this.#timer = setTimeout(() => this.#send(), this.#pause)
    this.#pause = Math.min(2 * this.#pause, longestPause)
  }

  onDatagram(datagram: Buffer): void {
    if (++this.#answers > mostAnswers) return
    const withCookie = this.#initiation.withCookie(datagram)
    if (withCookie !== undefined) {
      this.#init = withCookie
      this.#socket.send(withCookie)
      return
    }
    const answer = this.#initiation.answer(datagram)
    if (answer === undefined) return
    clearTimeout(this.#timer)
    this.#resolve(answer)
  }
}
