// The codes of docs/PROTOCOL.md §7, and what they mean to an application.

import { showDuration } from './duration'
import type { ErrorCode } from './errors'
import { ClosedBy } from './native_types'

/** Why a session or a channel ended, on the wire. */
export const enum Code {
  NoError = 0x00,
  Internal = 0x01,
  FrameEncoding = 0x02,
  FlowControl = 0x03,
  ChannelLimit = 0x04,
  ChannelState = 0x05,
  AckInvalid = 0x06,
  MessageTooLarge = 0x07,
  OutOfMemory = 0x08,
  CryptoFailed = 0x09,
  KeysExhausted = 0x0a,
  SessionLimit = 0x0b,
  Cancelled = 0x10,
  ServiceUnknown = 0x11,
  ServiceRefused = 0x12,
  Idle = 0x13,
  HandlerFailed = 0x14,
}

/** Longest reason that fits a RESET or CLOSE, bytes of UTF-8. */
export const maxReasonBytes = 255

/** Added to `ClosedBy` in an event's last column when nothing was heard for too long. */
const timedOutFlag = 16

/** A SessionClosed or ChannelClosed event, read. */
export interface NativeClose {
  readonly code: number
  readonly by: ClosedBy
  /** Nothing was heard for the idle timeout, or nobody answered. */
  readonly timedOut: boolean
  /** What the side that ended it said, or what the native part found. May be empty. */
  readonly detail: string
}

export function readClose(code: number, flags: number, detail: string): NativeClose {
  return { code, by: flags & ~timedOutFlag, timedOut: (flags & timedOutFlag) !== 0, detail }
}

/** Parts of an error. */
export interface Explanation {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}

/**
 * What went wrong, in words; `undefined` if a channel ended on purpose. `idleTimeout` is this peer's, milliseconds.
 */
export function explain(close: NativeClose, idleTimeout: number): Explanation | undefined {
  const { code, by, timedOut, detail } = close
  const said = detail === '' ? '' : `: ${detail}`
  // The channel's own idle timeout, on either side.
  if (code === Code.Idle) {
    return {
      code: 'CHANNEL_IDLE',
      message: 'no message moved on the channel for its idle timeout',
      hint: 'leave out `idleTimeout` on both sides, make it longer, or send something now and then',
    }
  }
  if (timedOut && detail.endsWith(' unanswered')) {
    const time = showDuration(Number.parseInt(detail, 10))
    return {
      code: 'PEER_LOST',
      message: `the peer is heard, but nothing that was sent to it was acknowledged for ${time}`,
      hint: 'perhaps the path has come to let only small packets through; open a new channel to try again',
    }
  }
  if (timedOut) {
    return {
      code: 'PEER_LOST',
      // Of both peers' idle timeouts the shorter one counts; the native part knows it.
      message: `nothing heard from the peer for ${showDuration(Number(detail) || idleTimeout)}`,
      hint: 'its process ended, or the network between both broke; open a new channel to try again',
    }
  }
  if (by === ClosedBy.Failure && detail === forgotten) {
    return {
      code: 'PEER_LOST',
      message: detail,
      hint: 'it was started anew, or its side of the session has ended; open a new channel to try again',
    }
  }
  if (code === Code.NoError) {
    return by === ClosedBy.Failure ? internal(`the session failed${said}`) : undefined
  }
  if (by === ClosedBy.Remote) return explainRemote(code, said)
  if (code === Code.OutOfMemory) return memory('this side')
  if (code === Code.KeysExhausted) return keysExhausted(said)
  if (code === Code.Cancelled) return undefined
  if (isProtocolError(code)) return protocolError('the peer sent what the protocol forbids', said)
  return internal(`the session failed${said}`)
}

/** What the native part says after a stateless reset (session_timers.cc). */
const forgotten = 'the peer does not know this session any more'

function explainRemote(code: number, said: string): Explanation {
  switch (code) {
    case Code.Cancelled:
      return {
        code: 'CHANNEL_RESET',
        message: `the peer reset the channel${said}`,
        hint: 'its application gave up on this channel; the reason, if any, is its own',
      }
    case Code.ServiceUnknown:
    case Code.ServiceRefused:
      return {
        code: 'SERVICE_REFUSED',
        message: code === Code.ServiceUnknown ? 'the peer serves no such name' : 'the peer refused',
        hint: 'check the name of the service, and that `serve` was called before',
      }
    case Code.HandlerFailed:
      return {
        code: 'HANDLER_FAILED',
        message: `the service's handler failed on the peer${said}`,
        hint: "look for 'handlerError' on the peer",
      }
    case Code.OutOfMemory:
      return memory('the peer')
    case Code.KeysExhausted:
      return keysExhausted(said)
    case Code.SessionLimit:
      return {
        code: 'LIMIT_REACHED',
        message: `the peer takes no more sessions, or no more from this peer${said}`,
        hint: 'try again later; or raise `limits.sessions` or `limits.sessionsPerPeer` there',
      }
    default:
      if (isProtocolError(code)) return protocolError('the peer found a protocol error', said)
      return {
        code: 'PEER_FAILED',
        message: `the peer failed${said}`,
        hint: 'open a new channel to try again',
      }
  }
}

function isProtocolError(code: number): boolean {
  if (code === Code.CryptoFailed) return true
  return code >= Code.FrameEncoding && code <= Code.MessageTooLarge
}

function protocolError(what: string, said: string): Explanation {
  return {
    code: 'PROTOCOL_ERROR',
    message: `${what}${said}`,
    hint: 'do both sides run the same version of Hawser?',
  }
}

/** The same for both sides: keys serve both directions. */
function keysExhausted(said: string): Explanation {
  return {
    code: 'PEER_FAILED',
    message: `the session's keys were used as often as they may be${said}`,
    hint: 'open a new channel, which makes a new session with new keys',
  }
}

function memory(who: string): Explanation {
  return {
    code: 'OUT_OF_MEMORY',
    message: `${who} had no memory left for the channel`,
    hint: 'fewer channels, or smaller `maxMessageBytes` and `maxBuffered`, need less',
  }
}

function internal(message: string): Explanation {
  return { code: 'SOCKET_FAILED', message, hint: 'open a new channel to try again' }
}
