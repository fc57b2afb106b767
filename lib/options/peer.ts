// Options of a peer: their types, their defaults and their checks.

import { isIP } from 'node:net'
import { isHost, type Place, parsePlace } from '../address'
import { OptionError } from '../errors'
import { Identity, isPeerId } from '../identity'
import { filePath } from '../key_file'
import type { ImpairConfig } from '../native_types'
import { type NetworkOptions, networkIn } from '../network'
import {
  choice,
  flag,
  integer,
  maxMilliseconds,
  notYet,
  number,
  options,
  path,
  signal,
} from './check'

/** Where to take sessions from others. */
export interface ListenOptions {
  /**
   * An IPv4 or IPv6 address, or a host name that stands for addresses of this machine. Default: all addresses of all
   * interfaces, IPv4 and IPv6.
   */
  host?: string
  /** 0 to 65,535. 0 (default): any free port. */
  port?: number
}

/** Bounds on what others can make this peer keep. */
export interface PeerLimits {
  /**
   * Sessions at once, `halfOpen` ones apart, 1 to 1,048,576. Default 65,536. Further ones are not answered; one that was answered, and
   * is proven too late, is closed (`LIMIT_REACHED` on the other side).
   */
  sessions: number
  /** Sessions at once that one remote peer has begun and proven, 1 to 1,048,576. Default 64. Further ones as with `sessions`. */
  sessionsPerPeer: number
  /**
   * Sessions at once that others have begun and not proven, 1 to 1,048,576. Default 4,096; no more than `sessions`, or 64 if that is
   * less. From one network address at most half of them. Where there is no more room, a new one takes the place of the oldest if that
   * is two seconds old, and else is not answered.
   */
  halfOpen: number
  /**
   * From so many `halfOpen` sessions on, or from half of those that there may be, whoever wants another one has to show first that it receives at its address: it is sent a cookie,
   * which it brings back (one round trip more). 0 to 1,048,576; 0: always. Default 64.
   */
  cookiesFrom: number
  /**
   * Handshakes a second that one network address may begin, 1 to 1,000,000. Default 100. Those with a cookie and those without are
   * counted apart; beyond it, the former are not answered, and the latter with a cookie.
   */
  handshakeRate: number
  /**
   * Handshakes a second that all addresses together may begin without a cookie, 0 to 1,000,000; 0: none. Default 250. Further ones are
   * answered with a cookie.
   */
  unprovenRate: number
  /**
   * Stateless resets a second, by which peers of sessions that are gone here learn of it, 0 to 1,000,000; 0: none. Default 100. Who
   * gets none finds out by its idle timeout.
   */
  resetRate: number
  /** Channels at once that one remote peer may have open in a session, 1 to 1,048,576. Default 65,536. */
  channels: number
  /**
   * Native memory of all sessions and handshakes of this peer together, bytes, 1,048,576 (1 MiB) to 9,007,199,254,740,991. Default 1,073,741,824
   * (1 GiB). What arrives and finds none is dropped, and sent again by the other side. Messages to be sent take half of it at most, so that what
   * arrives finds some. It should be twenty times the longest message or more.
   */
  memory: number
  /**
   * A session ends when nothing was heard from its peer for this long; of two peers the smaller value counts. Sessions
   * that have channels send something in time. Milliseconds, 1,000 to 2,147,483,647. Default 30,000.
   */
  idleTimeout: number
}

/**
 * Damages what this peer sends, for testing on real sockets what an application does on a bad network. All of it is off
 * by default.
 */
export interface ImpairOptions {
  /** The part of datagrams that is lost, 0 to 1. */
  loss?: number
  /** The part of datagrams that is sent twice, 0 to 1. */
  duplicate?: number
  /** The part of datagrams that is held back so that later ones overtake them, 0 to 1. */
  reorder?: number
  /** The part of datagrams in which a byte is changed, 0 to 1. */
  corrupt?: number
  /** How long each datagram takes longer, milliseconds, 0 to 60,000. */
  delay?: number
  /** `delay` differs from datagram to datagram by up to this much, milliseconds, 0 to 60,000. */
  jitter?: number
  /** Starts the random numbers behind all this, a whole number from 0 to 2^32 − 1. Default 1. */
  seed?: number
}

/** How the native part runs. One engine serves all peers of a thread, so that the first peer decides; but see `threads`. */
export interface EngineOptions {
  /**
   * `'hybrid'`: in the event loop, and by a helper thread while the event loop is busy. `'thread'`: by a thread of its own.
   * `'auto'` (default): hybrid where the runtime allows it. With more than one of `threads` not `'hybrid'`.
   */
  driver?: 'auto' | 'hybrid' | 'thread'
  /**
   * How many engines this peer has, 1 to 64. Default 1. With more, the peer has so many engines of its own: each receives,
   * decrypts, acknowledges, encrypts and sends on a thread of its own, and computes handshakes on another. For servers on
   * machines with many cores whose sessions are more than one core can serve; a session is always at one engine, and JavaScript stays one
   * thread. All engines are reached at the same addresses. `limits.sessions` and `limits.memory` hold for all of them together; of
   * `sessionsPerPeer`, `halfOpen`, `cookiesFrom`, `handshakeRate`, `unprovenRate` and `resetRate` each has an equal part, rounded up, but of `sessionsPerPeer`
   * no less than 8 if the limit is not less. Not with `spin`.
   */
  threads?: number
  /**
   * After a few datagrams, look for the next one for up to 50 µs before sleeping: in a ping-pong that is quicker than being woken, and takes a
   * whole processor meanwhile. It pauses by itself while it does not pay: when nothing comes, or others want the processor. Unlike the other
   * options it is on while a peer of this thread that asked for it is open, for all of them. Not with more than one of `threads`. Default false.
   */
  spin?: boolean
  /**
   * What decides how fast a session of this peer sends; unlike the others, each peer has its own.
   * `'bbr'` (default): a model of the path, after BBRv3, for which loss is a sign of congestion only if it depends on what is sent, so that
   * paths which lose packets at random, such as radio, are used all the same; beside TCP it shares as TCP does. `'cubic'`: as TCP does,
   * so that every loss is a sign of congestion (RFC 9438).
   */
  congestion?: Congestion
}

/** A congestion controller. */
export type Congestion = 'cubic' | 'bbr'

/** Options of {@link createPeer}. */
export interface PeerOptions {
  /**
   * Who this peer is: an identity, or the path of a key file. A file that is missing is made, with a new identity, for this user only
   * (mode 0600); its folder must exist. Processes that start at the same time with the same file are the same peer. Default: a new
   * identity, which ends with the peer. What is refused, and with what errors: {@link Identity.load}, {@link Identity.save}.
   */
  identity?: Identity | string
  /**
   * Where to take sessions from others: a port number, `'host:port'`, `'[IPv6]:port'`, `'port'`, or a list. `false`: nowhere;
   * the peer can only open channels to others. Default: a free port on all interfaces, IPv4 and IPv6.
   */
  listen?: number | string | readonly ListenOptions[] | false
  /**
   * Which peers this one talks to: only those that give the same name and, with a `key`, know the same 32 bytes. To
   * others this peer is silent. Default: an open network, in which an address is all it takes.
   */
  network?: NetworkOptions
  /** Not available in this version. */
  discovery?: readonly ('lan' | 'mainline')[]
  /** Bounds on what others can make this peer keep. */
  limits?: Partial<PeerLimits>
  /**
   * How long the datagrams of this peer may become, bytes of UDP payload, 1,200 to 65,507. Default 16,376. They begin with
   * 1,200, which every path has to carry, and grow to what the path is found to carry, never above this. 1,200: nothing is tried.
   */
  mtu?: number
  /** Damages what this peer sends, for tests. */
  impair?: ImpairOptions
  /** Aborting it closes the peer, as `close()` does. */
  signal?: AbortSignal
  /** How the native part runs. */
  engine?: EngineOptions
}

/** {@link PeerOptions}, checked and complete. */
export interface PeerSettings {
  readonly identity: Identity
  /** 32 bytes that the handshake mixes in; `undefined`: no network was given. */
  readonly networkKey: Uint8Array | undefined
  /** Empty: take no sessions. */
  readonly listen: readonly ListenPlace[]
  readonly limits: Readonly<PeerLimits>
  /** Bytes. */
  readonly mtu: number
  readonly impair: ImpairConfig | undefined
  readonly signal: AbortSignal | undefined
  readonly driver: 'auto' | 'hybrid' | 'thread'
  readonly spin: boolean
  readonly threads: number
  readonly congestion: Congestion
}

/** {@link PeerOptions}, checked. The key file was not looked at yet. */
export type CheckedPeerOptions = Omit<PeerSettings, 'identity'> & {
  /** Or the path of a key file. */
  readonly identity: Identity | string
}

/** One entry of `listen`. No host: every interface. */
export interface ListenPlace {
  readonly host: string | undefined
  readonly port: number
}

const mostObjects = 1_048_576
const leastDatagram = 1_200
const mostDatagram = 65_507
/** Four of them fill one call of the operating system; longer ones gain little and lose more. */
const usualDatagram = 16_376
/** Bytes. */
const leastMemory = 2 ** 20
const mostMemory = Number.MAX_SAFE_INTEGER
/** A second. */
const mostRate = 1_000_000
/** As many as connection ids are made for (native/engine/steering.h). */
const mostThreads = 64

const limitNames = [
  'sessions',
  'sessionsPerPeer',
  'halfOpen',
  'cookiesFrom',
  'handshakeRate',
  'unprovenRate',
  'resetRate',
  'channels',
  'memory',
  'idleTimeout',
] as const

/** Checks the argument of {@link createPeer}. */
export function peerOptions(value: unknown): CheckedPeerOptions {
  const given = options('', value, [
    'identity',
    'listen',
    'network',
    'discovery',
    'limits',
    'mtu',
    'impair',
    'signal',
    'engine',
  ])
  const networkKey = networkIn(given.network)
  notYet('discovery', given.discovery, 'leave it out, and open channels by address')
  return {
    networkKey,
    signal: signal('signal', given.signal),
    listen: listenIn(given.listen),
    limits: limitsIn(given.limits),
    mtu: mtuIn(given.mtu),
    impair: impairIn(given.impair),
    ...engineIn(given.engine),
    identity: identityIn(given.identity),
  }
}

/** Reads the key file, or makes it, if there is to be one. */
export async function withIdentity(checked: CheckedPeerOptions): Promise<PeerSettings> {
  const { identity } = checked
  if (typeof identity !== 'string') return { ...checked, identity }
  return { ...checked, identity: await Identity.loadOrCreate(identity) }
}

function identityIn(value: unknown): Identity | string {
  if (value === undefined) return Identity.generate()
  if (value instanceof Identity) return value
  const allowed = "an Identity, as Identity.generate() makes, or a key file's path"
  if (typeof value !== 'string') throw new OptionError('identity', value, allowed)
  // Whoever gives an id means who the peer is, not what a new file is called.
  if (isPeerId(value)) throw new OptionError('identity', value, `${allowed}; this is a peer id`)
  return filePath('identity', value)
}

const listenForms =
  "a port (0 to 65,535), 'host:port', '[IPv6]:port', 'port', an array of { host, port }, or false"

function listenIn(value: unknown): ListenPlace[] {
  if (value === undefined) return [{ host: undefined, port: 0 }]
  if (value === false) return []
  if (typeof value === 'number' && isPort(value)) return [{ host: undefined, port: value }]
  if (typeof value === 'string') return [listenText(value)]
  if (!Array.isArray(value) || value.length === 0)
    throw new OptionError('listen', value, listenForms)
  return value.map((item, index) => listenItem(`listen[${index}]`, item))
}

function listenText(text: string): ListenPlace {
  if (/^\d{1,5}$/.test(text) && isPort(Number(text))) {
    return { host: undefined, port: Number(text) }
  }
  const place: Place | undefined = parsePlace(text, 0)
  if (place === undefined) throw new OptionError('listen', text, listenForms)
  return place
}

function listenItem(name: string, value: unknown): ListenPlace {
  // The array that holds it may have holes.
  if (value === undefined) throw new OptionError(name, value, 'an object with host, port or both')
  const { host, port } = options(name, value, ['host', 'port'])
  const known = typeof host === 'string' && (isIP(host) !== 0 || isHost(host))
  if (host !== undefined && !known) {
    throw new OptionError(path(name, 'host'), host, 'an IP address without brackets or a host name')
  }
  return {
    host: host as string | undefined,
    port: port === undefined ? 0 : integer(path(name, 'port'), port, 0, 65_535),
  }
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 65_535
}

function limitsIn(value: unknown): PeerLimits {
  const name = 'limits'
  const given = options(name, value, limitNames)
  const count = (key: keyof PeerLimits, otherwise: number, most = mostObjects, least = 1) =>
    given[key] === undefined ? otherwise : integer(path(name, key), given[key], least, most)
  const idle = path(name, 'idleTimeout')
  return {
    sessions: count('sessions', 65_536),
    sessionsPerPeer: count('sessionsPerPeer', 64),
    halfOpen: count('halfOpen', 4_096),
    cookiesFrom: count('cookiesFrom', 64, mostObjects, 0),
    handshakeRate: count('handshakeRate', 100, mostRate),
    unprovenRate: count('unprovenRate', 250, mostRate, 0),
    resetRate: count('resetRate', 100, mostRate, 0),
    channels: count('channels', 65_536),
    memory:
      given.memory === undefined
        ? 2 ** 30
        : integer(path(name, 'memory'), given.memory, leastMemory, mostMemory, ' of bytes'),
    idleTimeout:
      given.idleTimeout === undefined
        ? 30_000
        : integer(idle, given.idleTimeout, 1_000, maxMilliseconds, ' of milliseconds'),
  }
}

function mtuIn(value: unknown): number {
  if (value === undefined) return usualDatagram
  return integer('mtu', value, leastDatagram, mostDatagram, ' of bytes')
}

function impairIn(value: unknown): ImpairConfig | undefined {
  if (value === undefined) return undefined
  const name = 'impair'
  const parts = ['loss', 'duplicate', 'reorder', 'corrupt']
  const times = ['delay', 'jitter']
  const given = options(name, value, [...parts, ...times, 'seed'])
  const part = (key: string) =>
    given[key] === undefined ? 0 : number(path(name, key), given[key], 0, 1)
  const time = (key: string) =>
    given[key] === undefined
      ? 0
      : number(path(name, key), given[key], 0, 60_000, ' of milliseconds')
  return {
    loss: part('loss'),
    duplicate: part('duplicate'),
    reorder: part('reorder'),
    corrupt: part('corrupt'),
    delay: time('delay'),
    jitter: time('jitter'),
    seed: given.seed === undefined ? 1 : integer(path(name, 'seed'), given.seed, 0, 2 ** 32 - 1),
  }
}

function engineIn(
  value: unknown,
): Pick<PeerSettings, 'driver' | 'threads' | 'spin' | 'congestion'> {
  const name = 'engine'
  const given = options(name, value, ['driver', 'threads', 'spin', 'congestion'])
  const threads =
    given.threads === undefined ? 1 : integer(path(name, 'threads'), given.threads, 1, mostThreads)
  if (threads > 1 && given.driver === 'hybrid') {
    const allowed = "'auto', 'thread'; with more than one of engine.threads each engine has its own"
    throw new OptionError(path(name, 'driver'), given.driver, allowed)
  }
  if (threads > 1 && given.spin === true) {
    const allowed = 'false; engines of more than one of engine.threads do not spin'
    throw new OptionError(path(name, 'spin'), given.spin, allowed)
  }
  const { driver = 'auto', spin = false, congestion = 'bbr' } = given
  return {
    driver: choice(path(name, 'driver'), driver, ['auto', 'hybrid', 'thread']),
    spin: flag(path(name, 'spin'), spin),
    threads,
    congestion: choice(path(name, 'congestion'), congestion, ['cubic', 'bbr']),
  }
}
