// Speaks wire version 1 by hand, written from docs/PROTOCOL.md: what it sends is up to the test, right or wrong. It is always the
// side that dials.

import { randomBytes } from 'node:crypto'
import type dgram from 'node:dgram'
import type { Answer, Initiation } from '../../../bench/twin/crypto/handshake'
import { type Identity, identity } from '../../../bench/twin/crypto/keys'
import type { NoiseInitiator } from '../../../bench/twin/crypto/noise'
import {
  Ladder,
  type PacketKey,
  sealPacket,
  type Unmasked,
  unmask,
} from '../../../bench/twin/crypto/protection'
import { aes, extract, type Suite } from '../../../bench/twin/crypto/suites'
import { FrameType } from '../../../bench/twin/wire/frames'
import { restore } from '../../../bench/twin/wire/reader'
import { decodeBase32 } from '../../../lib/base32'
import { bound } from '../udp_proxy'
import { frame } from './frames'
import { type InitFields, initiation, renewal } from './handshake'
import { type Seen, seenIn } from './reader'

/** Whom to dial. */
export interface Server {
  readonly port: number
  readonly id: string
}

export interface ClientOptions {
  readonly suite?: Suite
  readonly parameters?: Uint8Array | undefined
  /** What network the handshake is for, 32 bytes. */
  readonly networkKey?: Uint8Array
  readonly identity?: Identity
}

export interface PacketOptions {
  readonly number?: number
  /** Keys of another epoch than the present one. */
  readonly key?: PacketKey
  readonly flags?: number
  readonly destination?: Uint8Array
}

/** The keys of a session. */
interface Keys {
  readonly outgoing: Ladder
  readonly incoming: Ladder
  /** Keys of the epoch before, and the first number that was opened in the present one. */
  before: PacketKey | undefined
  since: number
}

const sockets = new Set<dgram.Socket>()

afterEach(() => {
  for (const socket of sockets) socket.close()
  sockets.clear()
})

export const newId = () => randomBytes(8)

/** One session with a server, made by hand. */
export class RawClient {
  readonly sourceId = newId()
  /** The reset token of this client. */
  readonly token = randomBytes(16)
  answer: Answer | undefined
  nextNumber = 1_000
  readonly seen: Seen[] = []
  /** Number of the last packet that came, and of all. */
  lastNumber = 0
  readonly numbers = new Set<number>()
  /** All that came, of any kind. */
  bytesReceived = 0
  datagramsReceived = 0
  readonly responses: Buffer[] = []
  readonly cookies: Buffer[] = []
  /** What looks like DATA for another connection id than this client's. */
  readonly resets: Buffer[] = []
  readonly own: Identity
  readonly suite: Suite
  answersCookies = true
  #handshake: Initiation | undefined
  #keys: Keys | undefined
  readonly #options: ClientOptions
  readonly #socket: dgram.Socket
  readonly #responder: Uint8Array
  readonly #port: number
  readonly #waiting = new Set<() => void>()

  private constructor(socket: dgram.Socket, { port, id }: Server, options: ClientOptions) {
    this.own = options.identity ?? identity()
    this.suite = options.suite ?? aes
    this.#options = options
    this.#socket = socket
    this.#port = port
    this.#responder = decodeBase32(id, 32) as Uint8Array
    sockets.add(socket)
    socket.on('message', (datagram) => this.#onDatagram(datagram))
  }

  /** A socket of its own, and no session yet. */
  static async create(server: Server, options: ClientOptions = {}): Promise<RawClient> {
    return new RawClient(await bound('127.0.0.1'), server, options)
  }

  /** A session that the server takes for half-open, until something is sent. */
  static async connect(server: Server, options: ClientOptions = {}): Promise<RawClient> {
    const client = await RawClient.create(server, options)
    await client.dial()
    return client
  }

  /** Sends INIT until the server has answered. */
  async dial(): Promise<void> {
    const init = this.init()
    await this.repeat(
      () => this.sendDatagram(init),
      () => this.answer !== undefined,
    )
  }

  /** An INIT (§3). The RESPONSE to the last one made is understood. */
  init(given: Partial<InitFields> = {}): Buffer {
    this.#handshake = this.handshake(given)
    return this.#handshake.init
  }

  handshake(given: Partial<InitFields> = {}): Initiation {
    return initiation({
      suite: this.suite,
      own: this.own,
      responder: this.#responder,
      sourceId: this.sourceId,
      token: this.token,
      networkKey: this.#options.networkKey,
      parameters: this.#options.parameters,
      ...given,
    })
  }

  /** The INIT made last, with mac2; `undefined` if this is not a COOKIE for it. */
  withCookie(cookie: Buffer): Buffer | undefined {
    return this.#handshake?.withCookie(cookie)
  }

  get keys(): Keys {
    if (this.#keys === undefined) throw new Error('there is no session')
    return this.#keys
  }

  /** The server's name for the session. */
  get destinationId(): Buffer {
    if (this.answer === undefined) throw new Error('there is no session')
    return this.answer.source as Buffer
  }

  /** A DATA packet (§2.1) with these frames. */
  packet(frames: Uint8Array, options: PacketOptions = {}): Buffer {
    const { outgoing } = this.keys
    const { number = this.nextNumber++, key = outgoing.key } = options
    const { flags = outgoing.epoch & 1, destination = this.destinationId } = options
    const fields = { destination, number, flags, frames: Buffer.from(frames) }
    return sealPacket(outgoing.mask, key, fields)
  }

  sendDatagram(datagram: Uint8Array): Promise<void> {
    if (!sockets.has(this.#socket)) return Promise.reject(new Error('the test is over'))
    return new Promise((resolve) => {
      this.#socket.send(datagram, this.#port, '127.0.0.1', () => resolve())
    })
  }

  send(...frames: Uint8Array[]): Promise<void> {
    return this.sendDatagram(this.packet(Buffer.concat(frames)))
  }

  /** Acknowledges the last packet that came, which gives the server an idea of the round trip. */
  acknowledgement(): Buffer {
    return frame(FrameType.ack, this.lastNumber, 0, 0, 0)
  }

  // --- Epochs ------------------------------------------------------------------------------------

  /** From now on packets are of the next epoch. */
  beginEpoch(): void {
    this.keys.outgoing.advance()
  }

  /** True if the server has sent packets of the epoch that was begun last. */
  get followed(): boolean {
    return this.keys.incoming.epoch === this.keys.outgoing.epoch
  }

  /** Begins an epoch, and waits until the server is in it. */
  async update(): Promise<void> {
    this.beginEpoch()
    await this.repeat(
      () => this.send(frame(FrameType.ping), frame(FrameType.ackNow)),
      () => this.followed,
    )
  }

  /** The initiator of a handshake within the session. */
  renewal(generation: number, given: { hash?: Uint8Array } = {}): NoiseInitiator {
    const { hash = (this.answer as Answer).agreement.hash } = given
    const { suite, own } = this
    const responder = this.#responder
    const { networkKey } = this.#options
    return renewal({ suite, own, responder, networkKey, hash, generation })
  }

  /** Mixes what a handshake within the session gave into the next epoch; false if the message does not check. */
  mix(noise: NoiseInitiator, message: Uint8Array): boolean {
    const agreement = noise.read(message)
    if (agreement === undefined || agreement.payload.length > 0) return false
    const fresh = extract(agreement.sending, agreement.receiving)
    this.keys.outgoing.mix(fresh)
    this.keys.incoming.mix(fresh)
    return true
  }

  // --- What comes ----------------------------------------------------------------------------------

  #onDatagram(datagram: Buffer): void {
    this.bytesReceived += datagram.length
    this.datagramsReceived++
    const type = (datagram[0] as number) & 0xf0
    if (type === 0xa0) this.#onResponse(datagram)
    if (type === 0xb0) this.#onCookie(datagram)
    if (type === 0x80) this.#onData(datagram)
    for (const look of [...this.#waiting]) look()
  }

  #onResponse(datagram: Buffer): void {
    this.responses.push(datagram)
    if (this.answer !== undefined) return
    this.answer = this.#handshake?.answer(datagram)
    if (this.answer === undefined) return
    const { sending, receiving } = this.answer.agreement
    const keys = {
      outgoing: new Ladder(this.suite, sending),
      incoming: new Ladder(this.suite, receiving),
    }
    this.#keys = { ...keys, before: undefined, since: 0 }
  }

  #onCookie(datagram: Buffer): void {
    this.cookies.push(datagram)
    const again = this.withCookie(datagram)
    if (again !== undefined && this.answersCookies) void this.sendDatagram(again).catch(() => {})
  }

  #onData(datagram: Buffer): void {
    if (!datagram.subarray(1, 9).equals(this.sourceId)) {
      this.resets.push(datagram)
      return
    }
    const { incoming } = this.keys
    const packet = unmask(incoming.mask, datagram)
    if (packet.flags > 1) throw new Error('the peer sent reserved flags')
    const number = restore(packet.low, this.lastNumber + 1)
    const content = this.#open(packet, number, datagram)
    if (content === undefined) throw new Error('the peer sent a packet that does not check')
    if (this.numbers.has(number)) throw new Error('the peer sent a number again')
    this.numbers.add(number)
    this.lastNumber = Math.max(this.lastNumber, number)
    this.seen.push(...seenIn(content))
  }

  #open({ flags, header }: Unmasked, number: number, datagram: Buffer): Buffer | undefined {
    const { keys } = this
    const { incoming, outgoing } = keys
    if (flags === (incoming.epoch & 1)) return incoming.key.open(number, header, datagram)
    if (number < keys.since) return keys.before?.open(number, header, datagram)
    if (outgoing.epoch === incoming.epoch) return undefined
    const content = incoming.following.open(number, header, datagram)
    if (content === undefined) return undefined
    keys.before = incoming.key
    keys.since = number
    incoming.advance()
    return content
  }

  /** Waits for a frame of the server. */
  async expect(type: number): Promise<Seen> {
    const find = () => this.seen.find((seen) => seen.type === type)
    // A packet now and then, because a closing session answers only those.
    await this.repeat(
      () => this.send(frame(FrameType.ping)),
      () => find() !== undefined,
    )
    return find() as Seen
  }

  /** Waits until something that the server sent makes `condition` hold. */
  wait(condition: () => boolean): Promise<void> {
    return this.repeat(async () => {}, condition)
  }

  /** Does `work` at once and then four times a second, until `condition` holds after something came. */
  async repeat(work: () => Promise<void>, condition: () => boolean): Promise<void> {
    for (;;) {
      if (condition()) return
      await new Promise<void>((resolve, reject) => {
        const look = () => {
          if (!condition()) return
          clearTimeout(timer)
          this.#waiting.delete(look)
          resolve()
        }
        const timer = setTimeout(() => {
          this.#waiting.delete(look)
          resolve()
        }, 250)
        this.#waiting.add(look)
        work().catch(reject)
      })
    }
  }
}
