// The frames of DATA packets (docs/PROTOCOL.md §5), as types.

export const FrameType = {
  padding: 0x00,
  ping: 0x01,
  ack: 0x02,
  crypto: 0x03,
  ackNow: 0x04,
  ackPolicy: 0x05,
  count: 0x06,
  request: 0x07,
  skip: 0x08,
  window: 0x09,
  windowHint: 0x0a,
  credit: 0x0b,
  blocked: 0x0c,
  maxChannels: 0x0d,
  open: 0x0e,
  accept: 0x0f,
  end: 0x10,
  reset: 0x11,
  close: 0x12,
  message: 0x14,
  fragment: 0x15,
  pathChallenge: 0x16,
  pathResponse: 0x17,
  countNow: 0x28,
} as const

type T = typeof FrameType

export interface Ping {
  readonly type: T['ping'] | T['ackNow']
}

export interface Ack {
  readonly type: T['ack']
  /** Microseconds. */
  readonly delay: number
  /** First and last numbers, the highest range first. */
  readonly ranges: readonly (readonly [number, number])[]
}

export interface Crypto {
  readonly type: T['crypto']
  readonly generation: number
  readonly step: number
  readonly message: Uint8Array
}

export interface AckPolicy {
  readonly type: T['ackPolicy']
  readonly generation: number
  readonly packets: number
  /** Microseconds. */
  readonly maxDelay: number
  readonly reorderingThreshold: number
}

export interface Count {
  readonly type: T['count']
  readonly entries: readonly { readonly channel: number; readonly count: number }[]
}

export interface Request {
  readonly type: T['request']
  readonly channel: number
  readonly ranges: readonly { readonly first: number; readonly count: number }[]
}

export interface Skip {
  readonly type: T['skip']
  readonly channel: number
  readonly next: number
  readonly cost: number
}

export interface Window {
  readonly type: T['window']
  readonly channel: number
  readonly generation: number
  /** N */
  readonly messages: number
  /** M */
  readonly messagesPerAck: number
  /** T, microseconds. */
  readonly ackAfter: number
  readonly mode: number
}

export interface WindowHint {
  readonly type: T['windowHint']
  readonly channel: number
  readonly generation: number
  readonly loss: number
  readonly messages: number
  readonly messagesPerAck: number
}

export interface Credit {
  readonly type: T['credit']
  readonly channel: number
  readonly limit: number
}

export interface Blocked {
  readonly type: T['blocked']
  readonly channel: number
  readonly wanted: number
}

export interface MaxChannels {
  readonly type: T['maxChannels']
  readonly total: number
}

export interface Accept {
  readonly type: T['accept']
  readonly channel: number
  readonly limit: number
  readonly maxMessage: number
  readonly delivery: number
}

export interface Open extends Omit<Accept, 'type'> {
  readonly type: T['open']
  readonly service: string
  readonly metadata: Uint8Array
}

export interface End {
  readonly type: T['end']
  readonly channel: number
  readonly finalSequence: number
}

export interface Reset {
  readonly type: T['reset']
  readonly channel: number
  readonly code: number
  readonly finalSequence: number
  readonly finalCost: number
  readonly reason: string
}

export interface Close {
  readonly type: T['close']
  readonly code: number
  readonly reason: string
}

export interface Message {
  readonly type: T['message']
  readonly channel: number
  /** Of the first message, the low 32 bits. */
  readonly sequence: number
  readonly messages: readonly Uint8Array[]
}

export interface Fragment {
  readonly type: T['fragment']
  readonly channel: number
  /** The low 32 bits. */
  readonly sequence: number
  readonly total: number
  readonly offset: number
  readonly piece: Uint8Array
}

export interface PathData {
  readonly type: T['pathChallenge'] | T['pathResponse']
  readonly data: Uint8Array
}

export interface CountNow {
  readonly type: T['countNow']
  readonly channel: number
}

/** A frame of a type from 0x40 on, which means nothing but that it must be acknowledged. */
export interface Unknown {
  readonly type: 'unknown'
}

export type Frame =
  | Ping
  | Ack
  | Crypto
  | AckPolicy
  | Count
  | Request
  | Skip
  | Window
  | WindowHint
  | Credit
  | Blocked
  | MaxChannels
  | Open
  | Accept
  | End
  | Reset
  | Close
  | Message
  | Fragment
  | PathData
  | CountNow
  | Unknown

/** Whether a packet with such a frame must be acknowledged. */
export function isEliciting({ type }: Frame): boolean {
  return type !== FrameType.ack && type !== FrameType.count && type !== FrameType.close
}
