// The parts of a test network put together: peers, links, rules, the trace and the clock.

import { randomInt } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { asyncDispose } from '../disposable'
import { Engine } from '../engine'
import { HawserError, OptionError } from '../errors'
import { Identity, keyFromPeerId } from '../identity'
import { openHost } from '../listen'
import type { SocketConfig } from '../native_types'
import { integer, number, options } from '../options/check'
import { peerOptions, withIdentity } from '../options/peer'
import type { Peer } from '../peer'
import { PeerCore } from '../peer_core'
import { callSafely } from '../safely'
import { encodeFrames } from './encode'
import type { Frame } from './frames'
import { type Link, Links } from './links'
import { sentColumns } from './native'
import { linkOptions, matchOptions, networkOptions } from './options'
import { kindOf, OpenPacket, type Packet, Sessions } from './packets'
import { type Action, Rule, type RuleOwner } from './rules'
import { Simulation, type SimulationOwner } from './simulation'

/** A peer and where it is. */
interface Member {
  readonly peer: Peer
  readonly host: number
  readonly index: number
  /** What the peer gives as its address. */
  readonly socket: SocketConfig
  /** Number of its address. */
  address: number
}

const port = 9_000
const longest = 3_600_000

export class TestNetworkCore extends EventEmitter implements RuleOwner, SimulationOwner {
  readonly seed: number
  readonly packets: Packet[] = []
  readonly #simulation: Simulation
  readonly #engine: Engine
  readonly #links: Links
  readonly #keepPackets: number
  readonly #members = new Map<Peer, Member>()
  readonly #byHost = new Map<number, Member>()
  readonly #byAddress = new Map<number, Member>()
  readonly #firstSequence: number
  readonly #sessions: Sessions
  #rules: readonly Rule[] = []
  #sent = 0
  #addresses = 0
  #longestIdleTimeout = 0
  #identities = 0
  #injecting = false
  #lastInjected: Packet | undefined
  #closing: Promise<void> | undefined

  constructor(given: unknown) {
    super()
    const settings = networkOptions(given)
    this.seed = settings.seed ?? randomInt(2 ** 32)
    this.#keepPackets = settings.keepPackets
    this.#firstSequence = settings.firstSequence
    this.#sessions = new Sessions(settings.firstSequence)
    this.#simulation = new Simulation(this.seed, settings.paused, this)
    this.#engine = new Engine(this.#simulation.native, 'auto', this.#simulation)
    this.#links = new Links(this.#simulation.native, this.seed, settings.link)
  }

  get now(): number {
    return this.#simulation.now()
  }

  get paused(): boolean {
    return this.#simulation.paused
  }

  get peers(): readonly Peer[] {
    return [...this.#members.keys()]
  }

  // --- Peers and links.

  async createPeer(given?: unknown): Promise<Peer> {
    const known = options('', given, ['identity', 'limits', 'mtu', 'signal'])
    if (this.#closing !== undefined) throw networkClosed()
    const host = this.#newHost()
    const checked = peerOptions({
      ...known,
      identity: known.identity ?? this.#newIdentity(),
      listen: [{ host, port }],
    })
    const settings = await withIdentity(checked)
    settings.signal?.throwIfAborted()
    if (this.#closing !== undefined) throw networkClosed()
    const index = this.#members.size
    const info = await openHost(this.#engine.native, settings, this.#firstSequence)
    const { handle, sockets } = info
    const peer = new PeerCore(this.#engine, info, settings).asPeer()
    const member: Member = {
      peer,
      host: handle,
      socket: sockets[0] as SocketConfig,
      index,
      address: this.#simulation.native.simAddress(host, port),
    }
    this.#longestIdleTimeout = Math.max(this.#longestIdleTimeout, settings.limits.idleTimeout)
    // A peer that is gone may have had the same handle.
    const before = this.#byHost.get(handle)
    if (before !== undefined) this.#byAddress.delete(before.address)
    this.#members.set(peer, member)
    this.#byHost.set(member.host, member)
    this.#byAddress.set(member.address, member)
    return peer
  }

  #newHost(): string {
    const number = ++this.#addresses
    return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`
  }

  #newIdentity(): Identity {
    const seed = Buffer.alloc(32)
    seed.writeBigUInt64BE(BigInt(this.seed))
    seed.writeUInt32BE(++this.#identities, 8)
    return Identity.fromSeed(seed)
  }

  link(a: unknown, b: unknown, given?: unknown): void {
    const settings = linkOptions('', given)
    const [first, second] = this.#pair(a, b)
    this.#links.set(first.index, second.index, settings)
    if (!settings.oneWay) this.#links.set(second.index, first.index, settings)
    this.#simulation.disturb()
  }

  partition(a: unknown, b: unknown): void {
    this.#setUp(a, b, false)
  }

  heal(a: unknown, b: unknown): void {
    this.#setUp(a, b, true)
  }

  #setUp(a: unknown, b: unknown, up: boolean): void {
    const [first, second] = this.#pair(a, b)
    this.#links.get(first.index, second.index).up = up
    this.#links.get(second.index, first.index).up = up
    this.#simulation.disturb()
  }

  readdress(peer: unknown): void {
    const member = this.#member('peer', peer)
    if (this.#byHost.get(member.host) !== member) return
    member.socket.address = this.#newHost()
    const address = this.#simulation.native.simAddress(member.socket.address, port)
    this.#byAddress.delete(member.address)
    member.address = address
    this.#byAddress.set(address, member)
    this.#simulation.native.simMove(member.host, 0, address)
    this.#simulation.disturb()
  }

  #member(name: string, peer: unknown): Member {
    const member = this.#members.get(peer as Peer)
    if (member === undefined) throw new OptionError(name, peer, 'a peer of this network')
    return member
  }

  #pair(a: unknown, b: unknown): [Member, Member] {
    const [first, second] = [this.#member('a', a), this.#member('b', b)]
    if (first === second) throw new OptionError('b', b, 'another peer than the first')
    return [first, second]
  }

  // --- Rules.

  drop(match?: unknown): Rule {
    return this.#addRule(match, { what: 'drop' })
  }

  hold(match?: unknown): Rule {
    return this.#addRule(match, { what: 'hold' })
  }

  delay(match: unknown, milliseconds: unknown): Rule {
    const time = number('milliseconds', milliseconds, 0, longest, ' of milliseconds')
    return this.#addRule(match, { what: 'delay', milliseconds: time })
  }

  duplicate(match?: unknown, how?: unknown): Rule {
    const given = options('how', how, ['copies', 'apart'])
    const copies = given.copies === undefined ? 1 : integer('copies', given.copies, 1, 1_000)
    const apart = given.apart === undefined ? 0 : number('apart', given.apart, 0, longest)
    return this.#addRule(match, { what: 'duplicate', copies, apart })
  }

  #addRule(match: unknown, action: Action): Rule {
    const settings = matchOptions(match, (value) => this.#members.has(value as Peer))
    const rule = new Rule(this, settings, action)
    this.#rules = [...this.#rules, rule]
    this.#simulation.disturb()
    return rule
  }

  removeRule(rule: Rule): void {
    this.#rules = this.#rules.filter((one) => one !== rule)
    this.#simulation.disturb()
  }

  release(packet: OpenPacket): void {
    if (packet.to === undefined) return
    packet.fate = 'way'
    const link = this.#linkOf(packet.from, packet.to)
    this.#arrive(packet, this.#simulation.after(link?.settings.native.delay ?? 0), packet.bytes)
  }

  discard(packet: OpenPacket): void {
    packet.fate = 'dropped'
  }

  // --- Packets.

  /** The longest that a partition may take to show. */
  get patience(): number {
    return this.#longestIdleTimeout + 1_000
  }

  onSent(): boolean {
    const { native } = this.#simulation
    let called = false
    for (let sent = native.simTake(); sent !== undefined; sent = native.simTake()) {
      for (let at = 0; at < sent.length; at += sentColumns) {
        called = this.#onDatagram(sent, at) || called
      }
    }
    return called
  }

  #onDatagram(sent: readonly unknown[], at: number): boolean {
    const from = this.#byHost.get(sent[at] as number)
    // Every host is a member's as soon as it can send.
    if (from === undefined) return false
    const to = this.#byAddress.get(sent[at + 2] as number)
    const number = sent[at + 3] as number
    const bytes = sent[at + 4] as Buffer
    const content = sent[at + 5] as Buffer | undefined
    const source = sent[at + 6] as Buffer | undefined
    const kind = kindOf(bytes)
    const connection = content && this.#sessions.connectionOf(bytes)
    if (connection !== undefined && source !== undefined) this.#sessions.onData(connection, source)
    const decoded =
      content === undefined || connection === undefined
        ? []
        : this.#sessions.decode(connection, content)
    const packet = new OpenPacket({
      index: this.#sent++,
      time: this.now,
      from: from.peer,
      to: to?.peer,
      kind,
      bytes,
      packetNumber: number < 0 ? undefined : number,
      connection,
      frames: decoded instanceof Error ? [] : decoded,
      malformed: decoded instanceof Error ? decoded : undefined,
      injected: this.#injecting,
    })
    if (this.#injecting) this.#lastInjected = packet
    this.#keep(packet)
    this.#decide(packet, from, to)
    return callSafelyIfHeard(this, packet)
  }

  #keep(packet: Packet): void {
    if (this.#keepPackets === 0) return
    this.packets.push(packet)
    // Now and then, so that it costs little for each.
    if (this.packets.length > this.#keepPackets * 1.25 + 16) {
      this.packets.splice(0, this.packets.length - this.#keepPackets)
    }
  }

  #decide(packet: OpenPacket, from: Member, to: Member | undefined): void {
    let later = 0
    let copies: Extract<Action, { what: 'duplicate' }> | undefined
    for (const rule of this.#rules) {
      if (!rule.takes(packet)) continue
      const { action } = rule
      if (action.what === 'drop' || action.what === 'hold') {
        packet.fate = action.what === 'drop' ? 'dropped' : 'held'
        return
      }
      if (action.what === 'delay') later += action.milliseconds
      else copies = action
    }
    if (to === undefined) {
      packet.fate = 'unreachable'
      return
    }
    const arrivals = this.#links.get(from.index, to.index).pass(packet.bytes)
    if (typeof arrivals === 'string') {
      packet.fate = arrivals
      return
    }
    for (const { time, bytes } of arrivals) {
      for (let copy = 0; copy <= (copies?.copies ?? 0); copy++) {
        const extra = later + copy * (copies?.apart ?? 0)
        this.#arrive(packet, time + extra * 1e6, bytes)
      }
    }
  }

  #arrive(packet: OpenPacket, time: number, bytes: Buffer): void {
    const { native } = this.#simulation
    const from = this.#members.get(packet.from)?.address ?? -1
    // By address, which may be another peer's by then.
    const to = packet.to && this.#members.get(packet.to)?.address
    this.#simulation.arriveAt(time, () => {
      const member = to === undefined ? undefined : this.#byAddress.get(to)
      if (member !== undefined && native.simReceive(member.host, 0, from, bytes)) {
        packet.fate = 'delivered'
        packet.arrivals.push(this.now)
      } else if (packet.fate === 'way') {
        packet.fate = 'unreachable'
      }
    })
  }

  #linkOf(from: Peer, to: Peer): Link | undefined {
    const [a, b] = [this.#members.get(from), this.#members.get(to)]
    return a && b && this.#links.get(a.index, b.index)
  }

  inject(from: unknown, to: unknown, content: unknown): Packet {
    const [sender, receiver] = [this.#member('from', from), this.#member('to', to)]
    if (!Array.isArray(content) && !(content instanceof Uint8Array)) {
      throw new OptionError('content', content, 'an array of frames, or bytes')
    }
    const bytes = content instanceof Uint8Array ? content : encodeFrames(content as Frame[])
    if (bytes.length === 0 || bytes.length > maxContent) {
      throw new OptionError('content', content, `1 to ${maxContent} bytes of frames`)
    }
    this.onSent()
    const { native } = this.#simulation
    const id = keyFromPeerId(receiver.peer.id) as Uint8Array
    this.#injecting = true
    try {
      const alive = this.#byHost.get(sender.host) === sender
      if (alive && native.simInject(sender.host, id, bytes)) this.onSent()
    } finally {
      this.#injecting = false
    }
    const packet = this.#lastInjected
    this.#lastInjected = undefined
    if (packet === undefined) {
      throw new HawserError('PEER_NOT_FOUND', 'these two peers have no open session', {
        hint: 'open a channel first',
      })
    }
    return packet
  }

  clearPackets(): void {
    this.packets.length = 0
  }

  // --- Time.

  pause(): void {
    this.#simulation.setPaused(true)
  }

  resume(): void {
    this.#simulation.setPaused(false)
  }

  async advance(milliseconds: unknown): Promise<void> {
    const time = number('milliseconds', milliseconds, 0, 2 ** 40)
    if (this.#closing !== undefined) throw networkClosed()
    return this.#simulation.advance(time)
  }

  async settle(given?: unknown): Promise<void> {
    const { within = longest } = options('', given, ['within'])
    const limit = number('within', within, 0, 2 ** 40, ' of milliseconds')
    if (this.#closing !== undefined) throw networkClosed()
    return this.#simulation.settle(limit)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#simulation.setPaused(false)
    await Promise.all(this.peers.map((peer) => peer.close()))
    this.#simulation.end()
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Frames that fit the longest packet, bytes. */
const maxContent = 65_527 - 29

function networkClosed(): HawserError {
  return new HawserError('PEER_CLOSED', 'this network is closed', { hint: 'make a new one' })
}

/** True: somebody heard it. */
function callSafelyIfHeard(network: EventEmitter, packet: Packet): boolean {
  if (network.listenerCount('packet') === 0) return false
  callSafely(() => network.emit('packet', packet))
  return true
}
