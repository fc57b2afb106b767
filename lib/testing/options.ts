// Options of test networks, links and rules: their types, their defaults and their checks.

import { OptionError } from '../errors'
import { flag, integer, number, type Options, options, path } from '../options/check'
import type { Peer } from '../peer'
import type { FrameType } from './frames'
import { frameCodes } from './frames'
import type { NativeLinkOptions } from './native'
import type { Packet, PacketKind } from './packets'

/** Losses in bursts, after Gilbert and Elliott: the link is in a good or in a bad state. */
export interface BurstOptions {
  /** The probability that a packet turns the state from good to bad, above 0 to 1. */
  enter: number
  /** The probability that a packet turns the state from bad to good, above 0 to 1: bursts are 1 / `leave` packets long on average. */
  leave: number
  /** The part of packets that is lost in the bad state, 0 to 1. Default 1. In the good state, `loss` holds. */
  loss?: number
}

/** What a link does to packets. Probabilities are 0 to 1, times virtual milliseconds, sizes bytes of UDP payload. */
export interface LinkOptions {
  /** How long a packet takes, one way, 0 to 3,600,000. Default 10. */
  delay?: number
  /** `delay` differs from packet to packet by up to this much either way, 0 to 3,600,000; packets stay in order. Default 0. */
  jitter?: number
  /** The part of packets that is lost. Default 0. */
  loss?: number
  /** Losses in bursts. Default: none. */
  burst?: BurstOptions
  /** The part of packets that arrives twice. Default 0. */
  duplicate?: number
  /** The part of packets that skips the delay and so overtakes those before it. Default 0. */
  reorder?: number
  /** The part of packets in which one bit is changed. Default 0. */
  corrupt?: number
  /** Bytes a second, 1,000 to 10,000,000,000. Default: no limit. */
  rate?: number
  /** Bytes that may wait where `rate` is set; what comes when it is full is lost. 1 to 2^40. Default: no limit. */
  queue?: number
  /** The longest packet, 1 to 65,527; longer ones are lost. Default 65,527. */
  mtu?: number
  /** Only from the first to the second peer, the other direction stays as it is. Default false. */
  oneWay?: boolean
}

/** {@link LinkOptions}, checked and complete. */
export interface LinkSettings {
  readonly native: Omit<NativeLinkOptions, 'seed'>
  readonly mtu: number
  readonly oneWay: boolean
}

const longest = 3_600_000
const longestPacket = 65_527

export function linkOptions(name: string, value: unknown): LinkSettings {
  const parts = ['loss', 'duplicate', 'reorder', 'corrupt']
  const given = options(name, value, [
    ...parts,
    'delay',
    'jitter',
    'burst',
    'rate',
    'queue',
    'mtu',
    'oneWay',
  ])
  const part = (key: string) => optional(given, name, key, 0, 0, 1)
  const time = (key: string, otherwise: number) =>
    optional(given, name, key, otherwise, 0, longest, ' of milliseconds')
  const whole = (key: string, otherwise: number, least: number, most: number, unit: string) =>
    given[key] === undefined ? otherwise : integer(path(name, key), given[key], least, most, unit)
  return {
    native: {
      loss: part('loss'),
      duplicate: part('duplicate'),
      reorder: part('reorder'),
      corrupt: part('corrupt'),
      delay: time('delay', 10),
      jitter: time('jitter', 0),
      ...burst(path(name, 'burst'), given.burst),
      rate: whole('rate', 0, 1_000, 10_000_000_000, ' of bytes a second'),
      queue: whole('queue', 0, 1, 2 ** 40, ' of bytes'),
    },
    mtu: whole('mtu', longestPacket, 1, longestPacket, ' of bytes'),
    oneWay: given.oneWay === undefined ? false : flag(path(name, 'oneWay'), given.oneWay),
  }
}

function optional(
  given: Options,
  name: string,
  key: string,
  otherwise: number,
  least: number,
  most: number,
  unit = '',
): number {
  if (given[key] === undefined) return otherwise
  return number(path(name, key), given[key], least, most, unit)
}

function burst(name: string, value: unknown) {
  if (value === undefined) return { burstEnter: 0, burstLeave: 1, burstLoss: 1 }
  const given = options(name, value, ['enter', 'leave', 'loss'])
  const chance = (key: string) => {
    const found = number(path(name, key), given[key], 0, 1)
    if (found > 0) return found
    throw new OptionError(path(name, key), found, 'a number above 0, to 1')
  }
  return {
    burstEnter: chance('enter'),
    burstLeave: chance('leave'),
    burstLoss: optional(given, name, 'loss', 1, 0, 1),
  }
}

/** Options of {@link createTestNetwork}. */
export interface TestNetworkOptions {
  /**
   * Starts all random numbers of the network, a whole number from 0 to 2^53 − 1. The same seed and the same calls give the same
   * packets: their times, lengths, numbers and frames; only keys, and with them what is sealed, differ. Default: a random one, see {@link TestNetwork.seed}.
   */
  seed?: number
  /** True: time stands still but for {@link TestNetwork.advance} and {@link TestNetwork.settle}. Default false. */
  paused?: boolean
  /** The link between peers for which {@link TestNetwork.link} was not called. Default: 10 ms of delay, nothing else. */
  link?: Omit<LinkOptions, 'oneWay'>
  /**
   * How many packets {@link TestNetwork.packets} keeps, 0 to 100,000,000: the oldest are forgotten. Default 1,000,000.
   */
  keepPackets?: number
  /**
   * The number of the first message in each direction of every channel, 1 to 2^53 − 2^32. Default 1. Numbers have 64 bits, of which
   * 32 are on the wire: a value just below 2^32 shows what happens when those wrap. Also what `sequence` in rules and frames counts from.
   */
  firstSequence?: number
}

/** {@link TestNetworkOptions}, checked and complete. */
export interface TestNetworkSettings {
  readonly seed: number | undefined
  readonly paused: boolean
  readonly link: LinkSettings
  readonly keepPackets: number
  readonly firstSequence: number
}

export function networkOptions(value: unknown): TestNetworkSettings {
  const given = options('', value, ['seed', 'paused', 'link', 'keepPackets', 'firstSequence'])
  const link = linkOptions('link', given.link)
  if (link.oneWay) throw new OptionError('link.oneWay', true, 'left out here')
  return {
    seed:
      given.seed === undefined
        ? undefined
        : integer('seed', given.seed, 0, Number.MAX_SAFE_INTEGER),
    paused: given.paused === undefined ? false : flag('paused', given.paused),
    link,
    keepPackets:
      given.keepPackets === undefined
        ? 1_000_000
        : integer('keepPackets', given.keepPackets, 0, 100_000_000),
    firstSequence:
      given.firstSequence === undefined
        ? 1
        : integer('firstSequence', given.firstSequence, 1, 2 ** 53 - 2 ** 32),
  }
}

/**
 * Which packets a rule is about: those for which everything holds that is given. `frame`, `channel`, `sequence` and `attempt`
 * speak of one and the same frame (or message in it).
 */
export interface PacketMatch {
  /** Sent by this peer. */
  from?: Peer
  /** Sent to this peer. */
  to?: Peer
  /** Packets of this kind. */
  kind?: PacketKind
  /** Carries a frame of this type, or of one of these. Default with `sequence` or `attempt`: MESSAGE and FRAGMENT. */
  frame?: FrameType | readonly FrameType[]
  /** The frame is about this channel; the first that a session's initiator opens is 1, then 3, 5 …; its peer's are 2, 4, 6 … */
  channel?: number
  /** The frame carries this message, or a piece of it. The first message of a channel and direction is 1. */
  sequence?: number | bigint
  /** This is the n-th time that the message (or the piece that begins at the same byte) goes over the link. 1: the first time. */
  attempt?: number
  /** Anything else. Called last. */
  where?: (packet: Packet) => boolean
  /** So many packets that match are left alone first, 0 to 2^53 − 1. Default 0. */
  skip?: number
  /** The rule ends after so many packets, 1 to 2^53 − 1. Default: never. */
  count?: number
}

/** {@link PacketMatch}, checked and complete. */
export interface MatchSettings {
  readonly from: Peer | undefined
  readonly to: Peer | undefined
  readonly kind: PacketKind | undefined
  readonly frames: ReadonlySet<FrameType> | undefined
  readonly channel: number | undefined
  readonly sequence: number | undefined
  readonly attempt: number | undefined
  readonly where: ((packet: Packet) => boolean) | undefined
  readonly skip: number
  readonly count: number
}

const packetKinds: readonly PacketKind[] = ['INIT', 'RESPONSE', 'COOKIE', 'DATA', 'OTHER']
const frameTypes = [...Object.keys(frameCodes), 'UNKNOWN'] as FrameType[]

export function matchOptions(value: unknown, isPeer: (value: unknown) => boolean): MatchSettings {
  const given = options('', value, [
    'from',
    'to',
    'kind',
    'frame',
    'channel',
    'sequence',
    'attempt',
    'where',
    'skip',
    'count',
  ])
  const most = Number.MAX_SAFE_INTEGER
  const peer = (key: string) => {
    if (given[key] === undefined || isPeer(given[key])) return given[key] as Peer | undefined
    throw new OptionError(key, given[key], 'a peer of this network')
  }
  const whole = (key: string, least: number) => {
    const one = given[key]
    if (one === undefined) return undefined
    return integer(key, typeof one === 'bigint' ? Number(one) : one, least, most)
  }
  const { kind, where } = given
  if (kind !== undefined && !packetKinds.includes(kind as PacketKind)) {
    throw new OptionError('kind', kind, quoted(packetKinds))
  }
  if (where !== undefined && typeof where !== 'function') {
    throw new OptionError('where', where, 'a function')
  }
  const [sequence, attempt] = [whole('sequence', 1), whole('attempt', 1)]
  return {
    from: peer('from'),
    to: peer('to'),
    kind: kind as PacketKind | undefined,
    frames: framesIn(given.frame, sequence !== undefined || attempt !== undefined),
    channel: whole('channel', 1),
    sequence,
    attempt,
    where: where as MatchSettings['where'],
    skip: whole('skip', 0) ?? 0,
    count: whole('count', 1) ?? Number.POSITIVE_INFINITY,
  }
}

function framesIn(value: unknown, messages: boolean): ReadonlySet<FrameType> | undefined {
  if (value === undefined) return messages ? new Set(['MESSAGE', 'FRAGMENT']) : undefined
  const wanted = Array.isArray(value) ? value : [value]
  for (const type of wanted) {
    if (!frameTypes.includes(type)) throw new OptionError('frame', type, quoted(frameTypes))
  }
  return new Set(wanted as FrameType[])
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ')
}
