// Options of a channel: their types, their defaults and their checks.

import { types } from 'node:util'
import { allowIn, type Decide } from '../allow'
import type { Bytes, Codec } from '../bytes'
import { OptionError } from '../errors'
import type { ChannelConfig } from '../native_types'
import type { WaitSettings } from '../waiting'
import { choice, flag, integer, maxMilliseconds, type Options, options, path } from './check'
import { waitingIn, waitingNames } from './waiting'

/**
 * The window of what this side sends. `ackEvery` and `ackTimeout` are announced to the other side, whose
 * acknowledgements they govern.
 *
 * The defaults suit almost everything.
 */
export interface WindowOptions {
  /**
   * N: how many messages may be on their way, sent and not acknowledged. 2 to 65,536; an odd number only together with
   * `ackEvery`. `'auto'` (default): follows the path.
   */
  size?: number | 'auto'
  /**
   * M: after how many messages received in sequence the other side acknowledges. 1 to `size` (to 65,536 with an automatic
   * size; never more than N is then). `'auto'` (default): half of `size`; with an automatic size less while much is lost.
   */
  ackEvery?: number | 'auto'
  /** The least that an automatic `size` falls to, 2 to 65,536. Default: four times what the path holds, at least 8. */
  min?: number
  /** The most that an automatic `size` rises to, `min` (rounded up to an even number, as N is) to 65,536. Default 65,536. */
  max?: number
  /**
   * `'send'` (default): messages leave as soon as they may. `'wait'`: they are kept until N of them are there, and leave
   * together; after that as many as the other side acknowledges. Fewer than N leave on `flush`, `end` and `close`, after
   * `flushAfter`, and when `send` has answered false.
   */
  fill?: 'send' | 'wait'
  /** With `fill: 'wait'`: milliseconds after which a window that is not full leaves, 1 to 60,000. Default: never. */
  flushAfter?: number
  /**
   * `'early'` (default): the other side acknowledges whenever that helps. `'counted'`: only after M messages in sequence,
   * `ackTimeout` after a first one, and when this side flushes, ends or has waited in vain; each message has a packet to itself.
   */
  acks?: 'early' | 'counted'
  /**
   * T: the other side acknowledges this long after it received the first of the messages not acknowledged, even if they
   * are fewer than M. Milliseconds, 1 to 60,000. Default: chosen by the protocol, at most 25.
   */
  ackTimeout?: number
  /**
   * What is not acknowledged for this long is sent again, then after twice that time, and so on. Milliseconds, 1 to 600,000.
   * `'auto'` (default): T and the measured round trip together. It is no lower limit: with `acks: 'early'`, what was lost
   * is found and repeated before that, and probes repeat the oldest messages while nothing is acknowledged.
   */
  resendTimeout?: number | 'auto'
  /**
   * `'missing'` (default): what was lost is sent again. `'all'`, only with `acks: 'counted'`: with each acknowledgement
   * everything in the window, old messages and new ones.
   */
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
  /**
   * How the other side gets what this side sends. `'ordered'` (default): each message once and in order. `'unordered'`: each
   * once, as soon as it is whole. `'latest'`: never one that is older than one already handed over; what is overtaken is not sent,
   * or not again. `'unreliable'`: each at most once; what is lost stays lost.
   */
  delivery?: 'ordered' | 'unordered' | 'latest' | 'unreliable'
  /**
   * Milliseconds after `send` from which a message need not arrive any more: it is not sent, or not again, and the other side goes on
   * without it. 1 to 2,147,483,647. Default: never.
   */
  expiresAfter?: number
  /**
   * 0 to 7, default 3. As long as a channel of a lower number has something to send, the others of the session wait (RFC 9218
   * calls it urgency).
   */
  priority?: number
  /** 1 to 256, default 16. Channels of one `priority` that have something to send share the session as their weights are. */
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

/** The settings of a service. */
export interface ServeSettings extends ChannelSettings {
  /** `undefined`: everybody may open channels. */
  readonly allow: Decide | undefined
  /** Of a promise that it answers, milliseconds; `Infinity`: none. */
  readonly allowTimeout: number
}

/** In the order of their numbers on the wire. */
export const deliveries = ['ordered', 'unordered', 'latest', 'unreliable'] as const

type Delivery = (typeof deliveries)[number]

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
export function serveOptions(value: unknown): ServeSettings {
  const given = options('', value, [...channelNames, 'allow', 'allowTimeout'])
  return {
    ...channelIn(given),
    allow: allowIn(given.allow),
    allowTimeout: allowTimeoutIn(given.allowTimeout),
  }
}

function allowTimeoutIn(value: unknown): number {
  if (value === undefined) return openTimeout
  if (value === Number.POSITIVE_INFINITY) return value
  return integer('allowTimeout', value, 1, maxMilliseconds, ' of milliseconds', ', or Infinity')
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
  const { expiresAfter, idleTimeout, maxMessageBytes, priority, weight } = given
  const delivery =
    given.delivery === undefined ? 'ordered' : choice('delivery', given.delivery, deliveries)
  return {
    config: {
      maxMessageBytes:
        maxMessageBytes === undefined
          ? 16 * 1024 * 1024
          : integer('maxMessageBytes', maxMessageBytes, 1, maxMessageLimit, ' of bytes'),
      ...windowIn(given.window, delivery),
      delivery: deliveries.indexOf(delivery),
      expiresAfter:
        expiresAfter === undefined
          ? 0
          : integer('expiresAfter', expiresAfter, 1, maxMilliseconds, ' of milliseconds'),
      priority: priority === undefined ? 3 : integer('priority', priority, 0, 7),
      weight: weight === undefined ? 16 : integer('weight', weight, 1, 256),
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

type WindowConfig = Pick<
  ChannelConfig,
  | 'window'
  | 'windowMin'
  | 'windowMax'
  | 'ackEvery'
  | 'ackTimeout'
  | 'counted'
  | 'fill'
  | 'flushAfter'
  | 'resendTimeout'
  | 'resendAll'
>

function windowIn(value: unknown, delivery: Delivery): WindowConfig {
  const name = 'window'
  const given = options(name, value, windowNames)
  const { ackTimeout } = given
  const size = autoOr(path(name, 'size'), given.size, 2, maxWindow)
  return {
    ...boundsIn(given, size),
    ackTimeout:
      ackTimeout === undefined
        ? 0
        : integer(path(name, 'ackTimeout'), ackTimeout, 1, 60_000, ' of milliseconds'),
    ...modesIn(given, delivery),
  }
}

/** N, M and their bounds. */
function boundsIn(
  given: Options,
  size: number,
): Pick<WindowConfig, 'window' | 'windowMin' | 'windowMax' | 'ackEvery'> {
  const name = 'window'
  const most = size === 0 ? maxWindow : size
  const ackEvery = autoOr(path(name, 'ackEvery'), given.ackEvery, 1, most)
  if (size % 2 === 1 && ackEvery === 0) {
    const allowed = 'an even number, or an odd one together with ackEvery (by default half of size)'
    throw new OptionError(path(name, 'size'), size, allowed)
  }
  const bound = (key: 'min' | 'max', minimum: number): number => {
    if (given[key] === undefined) return 0
    if (size !== 0) {
      throw new OptionError(path(name, key), given[key], "left out, or size 'auto'")
    }
    return integer(path(name, key), given[key], minimum, maxWindow)
  }
  const windowMin = bound('min', 2)
  return {
    window: size,
    ackEvery,
    windowMin,
    windowMax: bound('max', Math.max(windowMin + (windowMin % 2), 2)),
  }
}

/** When messages leave, and what is acknowledged and sent again. */
function modesIn(
  given: Options,
  delivery: Delivery,
): Pick<WindowConfig, 'counted' | 'fill' | 'flushAfter' | 'resendTimeout' | 'resendAll'> {
  const name = 'window'
  const oneOf = <T extends string>(key: string, allowed: readonly [T, T]): boolean =>
    given[key] !== undefined && choice(path(name, key), given[key], allowed) === allowed[1]
  const counted = oneOf('acks', ['early', 'counted'])
  const fill = oneOf('fill', ['send', 'wait'])
  const resendAll = oneOf('resend', ['missing', 'all'])
  if (fill && delivery === 'latest') {
    throw new OptionError(path(name, 'fill'), 'wait', "'send' with delivery 'latest'")
  }
  if (resendAll && !counted) {
    throw new OptionError(path(name, 'resend'), 'all', "'missing', or 'all' with acks 'counted'")
  }
  if (resendAll && (delivery === 'latest' || delivery === 'unreliable')) {
    throw new OptionError(path(name, 'resend'), 'all', `'missing' with delivery '${delivery}'`)
  }
  const { flushAfter, resendTimeout } = given
  if (flushAfter !== undefined && !fill) {
    throw new OptionError(path(name, 'flushAfter'), flushAfter, "left out, or fill 'wait'")
  }
  return {
    counted,
    fill,
    resendAll,
    flushAfter:
      flushAfter === undefined
        ? 0
        : integer(path(name, 'flushAfter'), flushAfter, 1, 60_000, ' of milliseconds'),
    resendTimeout:
      resendTimeout === undefined || resendTimeout === 'auto'
        ? 0
        : integer(
            path(name, 'resendTimeout'),
            resendTimeout,
            1,
            600_000,
            ' of milliseconds',
            ", or 'auto'",
          ),
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
