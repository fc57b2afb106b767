// What the processes of the demo tell each other over their IPC channel.

import type { ImpairOptions } from '../options/peer'
import type { ServiceReport } from './demo_report'

export interface ReceiverOrder {
  role: 'receiver'
  impair: ImpairOptions
}

export interface SenderOrder {
  role: 'sender'
  impair: ImpairOptions
  file: string
  messageBytes: number
  /** The receiver's address. */
  address: string
}

export interface Progress {
  type: 'progress'
  /** Bytes of the file that the receiver has acknowledged. */
  bytes: number
  /** N and M of the channel now. */
  window: number
  ackEvery: number
  /** Messages sent again so far. */
  resent: number
}

export type FromChild =
  | { type: 'listening'; address: string }
  | Progress
  | { type: 'done'; sha256: string; bytes: number; service: ServiceReport }
  | { type: 'failed'; message: string; hint?: string }
