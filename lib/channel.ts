// A channel, as applications see it.

import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Bytes } from './bytes'
import type { CloseInfo } from './errors'
import type { PeerId } from './identity'
import type { ChannelStats } from './stats'
import type { Waiting } from './waiting'

/** The peer at the other end. */
export interface Remote {
  /** Its id, which the handshake has proven. */
  readonly id: PeerId
  /**
   * Where it is reached now, `hawser://ID@host:port`: it follows a peer whose address changes, once that has proven to be at the new
   * one. After the session's end, where it was last.
   */
  readonly address: string
}

/** The events of a {@link Channel}. */
export interface ChannelEvents<In> {
  /** A message. Listening is reading: messages come as long as there is a listener. */
  message: [In]
  /** `send` answered false, and now there is room again. */
  drain: []
  /** The peer ended, and everything that it had sent before was read. */
  end: []
  /** The channel is gone. Messages that arrived before may still be read. */
  close: [CloseInfo]
}

/** Options of {@link Channel.stream}. */
export interface StreamOptions {
  /** What is written to the stream leaves in messages of at most this many bytes. 1 to `maxMessageBytes`. Default 65,536. */
  chunkBytes?: number
}

/**
 * A reliable, ordered sequence of messages in each direction, between two peers. No channel holds up another.
 *
 * **Reading.** `for await`, `'message'` listeners, `receive`, `batches` and `stream` all read; one of them at a time, a second
 * one gets `READER_BUSY`. Leaving a loop with `break`, or removing the last listener, leaves the channel open and what was
 * not read for the next reader. When the peer has ended, reading ends; when the channel was reset or died, reading throws a
 * {@link ChannelError} after the last message that arrived. A reader that stops holds up the sender, never memory.
 *
 * A message that the codec cannot decode makes `receive`, `for await` or `batches` throw `DECODE_FAILED`; that message is
 * skipped, and reading can go on with a new call or loop. With `'message'` listeners there is nobody to tell, so the
 * channel is reset.
 *
 * **Messages** are Buffers: views into shared memory that is never written again. Keeping one keeps up to 256 KiB; see `copy`.
 */
export interface Channel<Out = Bytes, In = Buffer>
  extends EventEmitter<ChannelEvents<In>>,
    AsyncIterable<In>,
    AsyncDisposable {
  /** The name of the service that the channel was opened to. */
  readonly service: string
  readonly remote: Remote
  /** What the opening side gave as `metadata`, on both sides; empty if nothing. */
  readonly metadata: Buffer
  /** `'open'`: this side can send. `'ended'`: it has ended, but can receive. `'closed'`: the channel is gone. */
  readonly state: 'open' | 'ended' | 'closed'
  /** Resolves when the channel is gone, and says how. Never rejects. */
  readonly closed: Promise<CloseInfo>

  /**
   * Sends a message. Its bytes are copied before `send` returns. False: more than `highWaterMark` bytes wait now, so wait
   * for `'drain'` (or `drained()`) before sending more.
   *
   * @throws {@link HawserError} `BUFFER_FULL` (not taken), `MESSAGE_TOO_LARGE`, `CHANNEL_CLOSED`, `OUT_OF_MEMORY`
   * @throws {@link OptionError} the message, or what the codec made of it, is not {@link Bytes}
   */
  send(message: Out): boolean
  /**
   * Waits until there is room, then sends. Messages leave in the order of the calls; a `send` meanwhile goes first.
   * The message must not change until the promise is settled. Rejects as `send` throws, and with `TIMEOUT`.
   */
  write(message: Out, options?: Waiting): Promise<void>
  /** Waits until less than half of `highWaterMark` waits to be sent, if it was reached. */
  drained(options?: Waiting): Promise<void>
  /**
   * Resolves when everything sent so far is acknowledged: the peer has it in memory, its application may not have seen it.
   * If the channel dies before, rejects with a {@link ChannelError}, whose `info.unacknowledged` says what to send again.
   */
  flush(options?: Waiting): Promise<void>
  /**
   * The next message; `undefined` when the peer has ended. Waits without limit unless told otherwise; giving up loses
   * nothing.
   */
  receive(options?: Waiting): Promise<In | undefined>
  /** Reads whole batches: all messages that are here, at least one. */
  batches(): AsyncIterable<readonly In[]>
  /**
   * The channel as a stream of bytes; message boundaries are lost. Reads from now on. Ending the stream ends this side of
   * the channel; destroying it before both sides have ended resets the channel. Only for channels without a codec.
   */
  stream(options?: StreamOptions): Duplex
  /** The counters of this channel. They can still be read when it is closed. */
  stats(): ChannelStats
  /**
   * Nothing more will be sent; the peer's reading ends once it has everything. Receiving goes on. Resolves when
   * everything sent is acknowledged, rejects as `flush` does (not waiting for it is fine).
   */
  end(): Promise<void>
  /**
   * Ends both directions: sends what is still waiting, then closes. What was not read is dropped, and reading ends.
   * After `timeout` (default 5,000 ms) or when the signal aborts, what is left is given up, the channel is reset, and the
   * promise rejects with a {@link ChannelError} `CLOSE_TIMEOUT`; `info.unacknowledged` says what was left. Resolves at once
   * when the channel is closed already.
   */
  close(options?: Waiting): Promise<void>
  /** Drops the channel at once, in both directions. The peer gets the reason, up to 255 bytes of it. */
  reset(reason?: string): void
}
