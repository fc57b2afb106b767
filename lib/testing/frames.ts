// The frames of a packet as plain objects. Written from docs/PROTOCOL.md alone, beside the native reader and
// not with it: what it says can judge the native side.

/** A run of numbers, both ends included. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/** One message of a MESSAGE frame. */
export interface TracedMessage {
  /** Number of the message in its direction of the channel; the first is 1. */
  readonly sequence: number
  readonly bytes: Buffer
  /** Set in a trace: 1 when this message goes over the link for the first time, and so on. */
  readonly attempt?: number
}

/** How the messages of a direction are handed over. */
export type Delivery = 'ordered' | 'unordered' | 'latest' | 'unreliable'

/**
 * A frame, decoded (docs/PROTOCOL.md, section 5). Times are in microseconds, lengths, limits and costs in bytes. Sequence
 * and packet numbers are full numbers, restored from what is on the wire. Numbers above 2^53 − 1 are rounded.
 */
export type Frame =
  /** `length` zero bytes in a row. */
  | { readonly type: 'PADDING'; readonly length: number }
  | { readonly type: 'PING' }
  /** Packets received, newest range first. `delay`: since the largest one came. */
  | { readonly type: 'ACK'; readonly delay: number; readonly ranges: readonly NumberRange[] }
  | { readonly type: 'ACK_NOW' }
  | {
      readonly type: 'ACK_POLICY'
      readonly generation: number
      /** P. */
      readonly packets: number
      readonly maxDelay: number
      readonly reorderingThreshold: number
    }
  /** Up to which sequence everything has arrived, for each channel. */
  | {
      readonly type: 'COUNT'
      readonly counts: readonly { readonly channel: number; readonly count: number }[]
    }
  /** Messages that are wanted again. */
  | { readonly type: 'REQUEST'; readonly channel: number; readonly ranges: readonly NumberRange[] }
  /** Messages below `next` that have not arrived will not come. */
  | {
      readonly type: 'SKIP'
      readonly channel: number
      readonly next: number
      readonly cost: number
    }
  | {
      readonly type: 'WINDOW'
      readonly channel: number
      readonly generation: number
      /** N. */
      readonly size: number
      /** M. */
      readonly ackEvery: number
      /** T; 0 stands for the delay of the ACK policy. */
      readonly ackTimeout: number
      readonly mode: 'early' | 'counted'
    }
  | {
      readonly type: 'WINDOW_HINT'
      readonly channel: number
      readonly generation: number
      /** Packets that did not arrive, for each 65,536 that were sent. */
      readonly loss: number
      /** N and M that the receiver advises; 0: none. */
      readonly size: number
      readonly ackEvery: number
    }
  | { readonly type: 'CREDIT'; readonly channel: number; readonly limit: number }
  | { readonly type: 'BLOCKED'; readonly channel: number; readonly wanted: number }
  | { readonly type: 'MAX_CHANNELS'; readonly total: number }
  | {
      readonly type: 'OPEN'
      readonly channel: number
      readonly service: string
      readonly metadata: Buffer
      readonly limit: number
      readonly maxMessageBytes: number
      readonly delivery: Delivery
    }
  | {
      readonly type: 'ACCEPT'
      readonly channel: number
      readonly limit: number
      readonly maxMessageBytes: number
      readonly delivery: Delivery
    }
  /** `sequence`: the last message that was sent; 0: none. */
  | { readonly type: 'END'; readonly channel: number; readonly sequence: number }
  | {
      readonly type: 'RESET'
      readonly channel: number
      readonly code: number
      readonly sequence: number
      readonly cost: number
      readonly reason: string
    }
  | { readonly type: 'CLOSE'; readonly code: number; readonly reason: string }
  /** Messages with consecutive sequences. */
  | {
      readonly type: 'MESSAGE'
      readonly channel: number
      readonly messages: readonly TracedMessage[]
    }
  /** A piece of a message of `total` bytes. */
  | {
      readonly type: 'FRAGMENT'
      readonly channel: number
      readonly sequence: number
      readonly total: number
      readonly offset: number
      readonly bytes: Buffer
      /** Set in a trace: how often a piece that begins at this offset went over the link, with this one. */
      readonly attempt?: number
    }
  | { readonly type: 'COUNT_NOW'; readonly channel: number }
  /** A message of a handshake inside the session. */
  | {
      readonly type: 'CRYPTO'
      /** Of the keys that it is for, from 1 on. */
      readonly generation: number
      /** Which message of the handshake, 1 or 2. */
      readonly step: number
      readonly message: Buffer
    }
  /** `data`: eight bytes. */
  | { readonly type: 'PATH_CHALLENGE'; readonly data: Buffer }
  | { readonly type: 'PATH_RESPONSE'; readonly data: Buffer }
  /** A frame of a later version (types from 0x40 on), which is skipped. */
  | { readonly type: 'UNKNOWN'; readonly code: number; readonly bytes: Buffer }

/** The name of a frame's type. */
export type FrameType = Frame['type']

/** The number of each frame type on the wire; UNKNOWN stands for all from 0x40 on. */
export const frameCodes: Readonly<Record<Exclude<FrameType, 'UNKNOWN'>, number>> = {
  PADDING: 0x00,
  PING: 0x01,
  ACK: 0x02,
  CRYPTO: 0x03,
  ACK_NOW: 0x04,
  ACK_POLICY: 0x05,
  COUNT: 0x06,
  REQUEST: 0x07,
  SKIP: 0x08,
  WINDOW: 0x09,
  WINDOW_HINT: 0x0a,
  CREDIT: 0x0b,
  BLOCKED: 0x0c,
  MAX_CHANNELS: 0x0d,
  OPEN: 0x0e,
  ACCEPT: 0x0f,
  END: 0x10,
  RESET: 0x11,
  CLOSE: 0x12,
  MESSAGE: 0x14,
  FRAGMENT: 0x15,
  PATH_CHALLENGE: 0x16,
  PATH_RESPONSE: 0x17,
  COUNT_NOW: 0x28,
}

/** By their number on the wire. */
export const deliveries: readonly Delivery[] = ['ordered', 'unordered', 'latest', 'unreliable']

/** By their number on the wire. */
export const windowModes = ['early', 'counted'] as const

/** From this type on, frames carry their length. */
export const firstSkippable = 0x40

/** Whether a packet with this frame must be acknowledged. */
export function isAckEliciting({ type }: Frame): boolean {
  return type !== 'PADDING' && type !== 'ACK' && type !== 'COUNT' && type !== 'CLOSE'
}
