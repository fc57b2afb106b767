// Options of a channel: their types, their defaults and their checks.

import { types } from 'node:util'
import type { Bytes, Codec } from '../bytes'
import { OptionError } from '../errors'
import type { ChannelConfig } from '../native_types'
import type { WaitSettings } from '../waiting'
import {
  choiceOf,
  flag,
  integer,
  maxMilliseconds,
  notYet,
  type Options,
  options,
  path,
} from './check'
import { waitingIn, waitingNames } from './waiting'

/**
 * The window of what this side sends. `ackEvery` and `ackTimeout` are announced to the other side, whose
 * acknowledgements they govern.
 *
 * The defaults suit almost everything. In this version only `size`, `ackEvery` and `ackTimeout` can be set.
 */
export interface WindowOptions {
  /**
   * N: how many messages may be on their way, sent and not acknowledged. 2 to 65,536; an odd number only together with
   * `ackEvery`. `'auto'` (default): follows the path.
   */
  size?: number | 'auto'
  /**
   * M: after how many messages received in sequence the other side acknowledges. 1 to `size` (to 65,536 with an automatic
   * size). `'auto'` (default): half of `size`.
   */
  ackEvery?: number | 'auto'
  /** Bounds of an automatic `size`. Not available in this version. */
  min?: number
  /** Bounds of an automatic `size`. Not available in this version. */
  max?: number
  /**
   * `'send'` (default): messages leave as soon as they may. `'wait'`, for a full window first, is not available in this
   * version.
   */
  fill?: 'send' | 'wait'
  /** Milliseconds after which a window that is not full leaves. Not available in this version. */
  flushAfter?: number
  /**
   * `'early'` (default): the other side acknowledges whenever that helps. `'counted'`, on M messages or the timeout only,
   * is not available in this version.
   */
  acks?: 'early' | 'counted'
  /**
   * T: the other side acknowledges this long after it received the first of the messages not acknowledged, even if they
   * are fewer than M. Milliseconds, 1 to 60,000. Default: chosen by the protocol.
   */
  ackTimeout?: number
  /** `'auto'` (default): from the measured round trip. A fixed number is not available in this version. */
  resendTimeout?: number | 'auto'
  /** `'missing'` (default): what was lost. `'all'` is not available in this version. */
  resend?: 'missing' | 'all'
}

/** Options of one side of a channel. */
export interface ChannelOptions<Out = Bytes, In = Buffer> {
  /** Turns values into bytes and back. Default: messages are bytes. Both sides must agree. */
  codec?: Codec<Out, In>
  /** Flow control of what this side sends. */
  window?: WindowOptions
  /**
   * The longest message that this side sends and takes, bytes, 1 to 1,073,741,823. Default 16 MiB. A longer one is
   * refused where it is sent.
   */
  maxMessageBytes?: number
  /** `'ordered'` (default): each message once and in order. The other modes are not available in this version. */
  delivery?: 'ordered' | 'unordered' | 'latest' | 'unreliable'
  /** Milliseconds after which a message need not be sent any more. Not available in this version. */
  expiresAfter?: number
  /** Not available in this version. */
  priority?: number
  /** Not available in this version. */
  weight?: number
  /**
   * `send` answers false while more than this many bytes wait to be sent for the first time. 1 to 1,073,741,824.
   * Default 1 MiB.
   */
  highWaterMark?: number
  /**
   * `send` throws `BUFFER_FULL` when this many bytes wait to be sent for the first time. `highWaterMark` to 1,073,741,824.
   * Default 16 × `highWaterMark`.
   */
  maxBuffered?: number
  /**
   * True: each message gets memory of its own. False (default): messages are views into shared memory of 256 KiB, which
   * stays in memory as long as any of them is kept. The contents never change either way.
   */
  copy?: boolean
  /** Resets the channel when no message moved either way for this long. Milliseconds, 1 to 2,147,483,647. Default: never. */
  idleTimeout?: number
  /**
   * Given to the other side with the opening, see `Channel.metadata`. Up to 1,024 bytes, and up to 1,120 together with the
   * service's name. Only for `open`.
   */
  metadata?: Uint8Array
}

/** {@link ChannelOptions}, checked and complete. */
export interface ChannelSettings {
  readonly config: ChannelConfig
  // biome-ignore lint/suspicious/noExplicitAny: what it takes and makes is known to the caller's types only
  readonly codec: Codec<any, any> | undefined
  readonly copy: boolean
  readonly metadata: Uint8Array | undefined
}

/** How long `open` waits by default, milliseconds. */
export const openTimeout = 10_000

const maxWindow = 65_536
const maxMessageLimit = 2 ** 30 - 1
const maxBufferLimit = 2 ** 30
const maxMetadataBytes = 1024
/** Of a service's name and metadata together: an OPEN has to fit a packet. */
const maxOpenBytes = 1120
const maxServiceBytes = 255
/** Has no form in UTF-8. */
const loneSurrogate = /\p{Surrogate}/u

const channelNames = [
  'codec',
  'window',
  'maxMessageBytes',
  'delivery',
  'expiresAfter',
  'priority',
  'weight',
  'highWaterMark',
  'maxBuffered',
  'copy',
  'idleTimeout',
] as const

const windowNames = [
  'size',
  'ackEvery',
  'min',
  'max',
  'fill',
  'flushAfter',
  'acks',
  'ackTimeout',
  'resendTimeout',
  'resend',
] as const

/** The options of `Peer.open`. */
export function openOptions(value: unknown): { channel: ChannelSettings; wait: WaitSettings } {
  const given = options('', value, [...channelNames, 'metadata', ...waitingNames])
  return { channel: channelIn(given), wait: waitingIn(given, openTimeout) }
}

/** The options of `Peer.serve`. */
export function serveOptions(value: unknown): ChannelSettings {
  const given = options('', value, [...channelNames, 'allow'])
  notYet('allow', given.allow, 'leave it out: every peer is let in')
  return channelIn(given)
}

/** The name of a service. */
export function serviceName(value: unknown): string {
  const allowed = `a string of 1 to ${maxServiceBytes} bytes in UTF-8`
  if (typeof value !== 'string') throw new OptionError('service', value, allowed)
  const length = Buffer.byteLength(value)
  if (length < 1 || length > maxServiceBytes || loneSurrogate.test(value)) {
    throw new OptionError('service', value, allowed)
  }
  return value
}

function channelIn(given: Options): ChannelSettings {
  const { delivery, idleTimeout, maxMessageBytes } = given
  if (delivery !== undefined) {
    choiceOf('delivery', delivery, 'ordered', ['unordered', 'latest', 'unreliable'])
  }
  notYet('expiresAfter', given.expiresAfter, 'leave it out: messages do not expire')
  notYet('priority', given.priority, 'leave it out: channels share alike')
  notYet('weight', given.weight, 'leave it out: channels share alike')
  return {
    config: {
      maxMessageBytes:
        maxMessageBytes === undefined
          ? 16 * 1024 * 1024
          : integer('maxMessageBytes', maxMessageBytes, 1, maxMessageLimit, ' of bytes'),
      ...windowIn(given.window),
      ...buffersIn(given),
      idleTimeout:
        idleTimeout === undefined
          ? 0
          : integer('idleTimeout', idleTimeout, 1, maxMilliseconds, ' of milliseconds'),
    },
    codec: codecIn(given.codec),
    copy: given.copy === undefined ? false : flag('copy', given.copy),
    metadata: metadataIn(given.metadata),
  }
}

function windowIn(value: unknown): Pick<ChannelConfig, 'window' | 'ackEvery' | 'ackTimeout'> {
  const name = 'window'
  const given = options(name, value, windowNames)
  notYet(path(name, 'min'), given.min, 'leave it out')
  notYet(path(name, 'max'), given.max, 'leave it out')
  notYet(path(name, 'flushAfter'), given.flushAfter, 'leave it out')
  if (given.fill !== undefined) choiceOf(path(name, 'fill'), given.fill, 'send', ['wait'])
  if (given.acks !== undefined) choiceOf(path(name, 'acks'), given.acks, 'early', ['counted'])
  if (given.resend !== undefined) choiceOf(path(name, 'resend'), given.resend, 'missing', ['all'])
  if (given.resendTimeout !== undefined && given.resendTimeout !== 'auto') {
    const available = "'auto'; a fixed number is not available in this version"
    throw new OptionError(path(name, 'resendTimeout'), given.resendTimeout, available)
  }
  const size = autoOr(path(name, 'size'), given.size, 2, maxWindow)
  const most = size === 0 ? maxWindow : size
  const ackEvery = autoOr(path(name, 'ackEvery'), given.ackEvery, 1, most)
  if (size % 2 === 1 && ackEvery === 0) {
    const allowed = 'an even number, or an odd one together with ackEvery (by default half of size)'
    throw new OptionError(path(name, 'size'), size, allowed)
  }
  return {
    window: size,
    ackEvery,
    ackTimeout:
      given.ackTimeout === undefined
        ? 0
        : integer(path(name, 'ackTimeout'), given.ackTimeout, 1, 60_000, ' of milliseconds'),
  }
}

/** 0 stands for 'auto'. */
function autoOr(name: string, value: unknown, minimum: number, maximum: number): number {
  if (value === undefined || value === 'auto') return 0
  return integer(name, value, minimum, maximum, '', ", or 'auto'")
}

function buffersIn({
  highWaterMark,
  maxBuffered,
}: Options): Pick<ChannelConfig, 'highWaterMark' | 'maxBuffered'> {
  const mark =
    highWaterMark === undefined
      ? 1024 * 1024
      : integer('highWaterMark', highWaterMark, 1, maxBufferLimit, ' of bytes')
  return {
    highWaterMark: mark,
    maxBuffered:
      maxBuffered === undefined
        ? Math.min(16 * mark, maxBufferLimit)
        : integer('maxBuffered', maxBuffered, mark, maxBufferLimit, ' of bytes (highWaterMark)'),
  }
}

function codecIn(value: unknown): ChannelSettings['codec'] {
  if (value === undefined) return undefined
  const { encode, decode } = (value ?? {}) as { encode?: unknown; decode?: unknown }
  if (typeof encode === 'function' && typeof decode === 'function') {
    return value as ChannelSettings['codec']
  }
  throw new OptionError('codec', value, 'an object with the functions encode and decode')
}

/** Throws if `metadata` is too long for this service's name. */
export function checkOpenBytes(service: string, metadata: Uint8Array | undefined): void {
  const room = maxOpenBytes - Buffer.byteLength(service)
  if (metadata === undefined || metadata.length <= room) return
  const allowed = `a Uint8Array of up to ${room} bytes with a service name of this length`
  throw new OptionError('metadata', metadata, allowed)
}

function metadataIn(value: unknown): Uint8Array | undefined {
  if (value === undefined) return undefined
  if (types.isUint8Array(value) && value.length <= maxMetadataBytes) return value
  throw new OptionError('metadata', value, `a Uint8Array of up to ${maxMetadataBytes} bytes`)
}
