// A second implementation of docs/PROTOCOL.md, in TypeScript and with nothing but Node.js: what the native core is measured
// against, and what finds out where the document does not say enough. See README.md.

import { type ConnectOptions, connect as dial } from './net/client'
import { Server, type ServerOptions, type ServerStats } from './net/server'
import type { SessionStats } from './net/stats'
import type { ChannelStats } from './transport/channel'

export type TwinOptions = ServerOptions
export type TwinConnectOptions = ConnectOptions

/** Takes sessions, and the channels that peers open in them, whatever the service. */
export interface TwinServer {
  /** The id to dial, in z-base-32. */
  readonly id: string
  readonly port: number
  /** To be assigned; is to set the channel's handlers before it returns. */
  onChannel(channel: TwinChannel): void
  /** Ends all sessions. */
  close(): Promise<void>
  stats(): ServerStats
}

export interface TwinChannel {
  readonly service: string
  /**
   * Copies the message, of at most 16 MiB or what the peer takes. False above 256 KiB that wait for being sent: wait for
   * `onDrain` then. Throws when the channel has ended.
   */
  send(message: Uint8Array): boolean
  /** Called with every message, in order. It stays valid. */
  onMessage: (message: Uint8Array) => void
  onDrain: () => void
  /** The peer sends no more. */
  onEnd: () => void
  /** The channel is gone; with an error if nobody has asked for it. */
  onClose: (error?: Error) => void
  /** Resolves when everything sent so far is acknowledged. */
  flush(): Promise<void>
  /** No more from this side. Resolves when that and everything before it is acknowledged. */
  end(): Promise<void>
  /** Sends what is left, then ends both directions, and on the side that has dialled the session too. */
  close(): Promise<void>
  stats(): ChannelStats & Partial<SessionStats>
}

/** Listens on `host`, an address. Rejects if that is not possible. */
export function listen(options: TwinOptions): Promise<TwinServer> {
  return Server.listen(options)
}

/** Dials, and opens a channel. Rejects when nobody answers in time, or when the peer does not take the channel. */
export async function connect(options: TwinConnectOptions): Promise<TwinChannel> {
  const { channel, stats } = await dial(options)
  const own = channel.stats.bind(channel)
  return Object.assign(channel, { stats: () => ({ ...own(), ...stats() }) })
}
