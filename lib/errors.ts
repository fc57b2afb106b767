// Every error that Hawser throws: one style of code, a sentence on what happened and a hint on what to try.

import { inspect } from 'node:util'

/**
 * What went wrong, for programs. Every {@link HawserError} has one.
 *
 * | code | meaning |
 * |---|---|
 * | `BUFFER_FULL` | `send` found `maxBuffered` bytes waiting; nothing was taken |
 * | `CHANNEL_CLOSED` | the channel was ended, closed or reset on this side |
 * | `CHANNEL_IDLE` | nothing happened on the channel for its `idleTimeout` |
 * | `CHANNEL_RESET` | the peer reset the channel |
 * | `CLOSE_TIMEOUT` | `close` could not get everything acknowledged in time and reset the channel |
 * | `CONNECT_FAILED` | no session could be made, for a reason other than silence |
 * | `CONNECT_TIMEOUT` | nobody answered in time |
 * | `DECODE_FAILED` | the codec could not read a message |
 * | `HANDLER_FAILED` | the service's handler failed and its side reset the channel |
 * | `IDENTITY_EXISTS` | a key file would have to be overwritten |
 * | `IDENTITY_FAILED` | a key file cannot be read or made; `cause` is the system's error |
 * | `IDENTITY_INVALID` | a key file is damaged, or not one |
 * | `IDENTITY_UNSAFE` | others than this user may read or change a key file |
 * | `INVALID_OPTION` | an option or argument is not allowed ({@link OptionError}) |
 * | `LIMIT_REACHED` | one of `limits` stands in the way |
 * | `LISTEN_FAILED` | a socket could not be bound |
 * | `MESSAGE_TOO_LARGE` | longer than `maxMessageBytes` of this side or of the peer |
 * | `NATIVE_MISSING` | the native part cannot be loaded here |
 * | `OUT_OF_MEMORY` | no native memory, or `limits.memory` is reached |
 * | `PEER_CLOSED` | this peer was closed or destroyed |
 * | `PEER_FAILED` | the peer reported an internal failure, or the session's keys were used up |
 * | `PEER_LOST` | nothing was heard from the peer for the idle timeout, or it does not know the session any more |
 * | `PEER_NOT_FOUND` | no address of the peer is known |
 * | `PROTOCOL_ERROR` | one side sent what the protocol does not allow |
 * | `READER_BUSY` | something else is already reading this channel |
 * | `SERVICE_EXISTS` | the peer already serves this name |
 * | `SERVICE_REFUSED` | the peer does not serve this name, or not to us |
 * | `SOCKET_FAILED` | a socket stopped working |
 * | `TIMEOUT` | the `timeout` of an operation passed |
 */
export type ErrorCode =
  | 'BUFFER_FULL'
  | 'CHANNEL_CLOSED'
  | 'CHANNEL_IDLE'
  | 'CHANNEL_RESET'
  | 'CLOSE_TIMEOUT'
  | 'CONNECT_FAILED'
  | 'CONNECT_TIMEOUT'
  | 'DECODE_FAILED'
  | 'HANDLER_FAILED'
  | 'IDENTITY_EXISTS'
  | 'IDENTITY_FAILED'
  | 'IDENTITY_INVALID'
  | 'IDENTITY_UNSAFE'
  | 'INVALID_OPTION'
  | 'LIMIT_REACHED'
  | 'LISTEN_FAILED'
  | 'MESSAGE_TOO_LARGE'
  | 'NATIVE_MISSING'
  | 'OUT_OF_MEMORY'
  | 'PEER_CLOSED'
  | 'PEER_FAILED'
  | 'PEER_LOST'
  | 'PEER_NOT_FOUND'
  | 'PROTOCOL_ERROR'
  | 'READER_BUSY'
  | 'SERVICE_EXISTS'
  | 'SERVICE_REFUSED'
  | 'SOCKET_FAILED'
  | 'TIMEOUT'

/** Further parts of a {@link HawserError}. */
export interface ErrorDetails {
  /** What to try next, one sentence. Default: empty. */
  readonly hint?: string
  /** The error behind this one. */
  readonly cause?: unknown
}

/** The base of all errors of Hawser, except {@link OptionError}, which is a `RangeError`. */
export class HawserError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode
  /** What to try next, for people. May be empty. */
  readonly hint: string

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.hint = details.hint ?? ''
  }

  static {
    HawserError.prototype.name = 'HawserError'
  }
}

/** One address that was tried while connecting. */
export interface Attempt {
  /** The address as it was given, or the one that a host name stands for. */
  readonly address: string
  /** What came of it, in words: `'no answer'`, `'connected'`, `'host name not found (ENOTFOUND)'` … */
  readonly outcome: string
  /** Milliseconds from the start of the attempt to its outcome. */
  readonly elapsed: number
}

/** A channel could not be opened. */
export class ConnectError extends HawserError {
  /** Every address that was tried, and what came of it. Empty when a session was already open. */
  readonly attempts: readonly Attempt[]

  constructor(
    code: ErrorCode,
    message: string,
    details: ErrorDetails & { readonly attempts?: readonly Attempt[] } = {},
  ) {
    super(code, message, details)
    this.attempts = details.attempts ?? []
  }

  static {
    ConnectError.prototype.name = 'ConnectError'
  }
}

/** How and with what a channel ended. */
export interface CloseInfo {
  /** Who ended it (of both sides, who ended first), or that it failed. */
  readonly by: 'local' | 'remote' | 'failure'
  /** Why, if it did not end on purpose. */
  readonly error?: HawserError
  /**
   * The messages sent on this side that the peer has not acknowledged: the number of the first (the first message
   * of a channel is number 1) and how many. Some of them may have arrived. `null`: the peer has all of them.
   */
  readonly unacknowledged: { readonly first: number; readonly count: number } | null
}

/** A channel is closed, was reset, or died. */
export class ChannelError extends HawserError {
  /** How the channel ended. */
  readonly info: CloseInfo

  constructor(
    code: ErrorCode,
    message: string,
    details: ErrorDetails & { readonly info: Omit<CloseInfo, 'error'> },
  ) {
    super(code, message, details)
    this.info = { ...details.info, error: this }
  }

  static {
    ChannelError.prototype.name = 'ChannelError'
  }
}

/** An option or argument is not allowed. Nothing was done. */
export class OptionError extends RangeError {
  readonly code = 'INVALID_OPTION' as const
  /** The option's name, with dots for nested ones: `'window.size'`. */
  readonly option: string
  /** What was given. */
  readonly value: unknown
  /** What would be taken. */
  readonly allowed: string

  constructor(option: string, value: unknown, allowed: string) {
    super(`invalid ${option}: got ${show(value)}, allowed: ${allowed}`)
    this.option = option
    this.value = value
    this.allowed = allowed
  }

  static {
    OptionError.prototype.name = 'OptionError'
  }
}

/** A value on one line, short enough for a message. */
function show(value: unknown): string {
  const text = inspect(value, {
    depth: 0,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: 60,
  })
  return text.length > 120 ? `${text.slice(0, 117)}…` : text
}
