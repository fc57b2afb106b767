// The sending side of a channel: copies messages into the native part, and keeps those who wait for room or for
// acknowledgements.

import { encodeIntoScratch, isMemory, scratch } from './bytes'
import type { Engine } from './engine'
import { type CloseInfo, HawserError, OptionError } from './errors'
import { Fifo } from './fifo'
import { ChannelCounter, type NativeBinding, SendError, SendStatus } from './native_types'
import type { ChannelSettings } from './options/channel'
import { type Waiter, type WaitSettings, wait } from './waiting'

/** Waits until everything below `target` is acknowledged. */
interface FlushWaiter {
  readonly target: number
  readonly waiter: Waiter<void>
}

/** Called once there is room, or with what went wrong. */
type RoomWaiter = (failure?: HawserError) => void

export class Writer {
  readonly #engine: Engine
  readonly #channel: number
  readonly #settings: ChannelSettings
  // Of the two above, for what is done with each message: the binding has so many functions that each search for one is felt.
  readonly #send: NativeBinding['send']
  readonly #sendBytes: NativeBinding['sendBytes']
  readonly #codec: ChannelSettings['codec']
  /** `send` answered false, and there is no room yet. */
  #full = false
  #bytesSent = 0
  readonly #waitingForRoom = new Fifo<RoomWaiter>()
  /** Ordered by target. The native part watches for the first. */
  readonly #flushes = new Fifo<FlushWaiter>()

  constructor(engine: Engine, channel: number, settings: ChannelSettings) {
    this.#engine = engine
    this.#channel = channel
    this.#settings = settings
    this.#send = engine.native.send
    this.#sendBytes = engine.native.sendBytes
    this.#codec = settings.codec
  }

  get bytesSent(): number {
    return this.#bytesSent
  }

  /** Copies a message into the native part. Returns whether there is room for more. */
  push(message: unknown): boolean {
    const bytes: unknown = this.#codec === undefined ? message : this.#codec.encode(message)
    let length: number
    let status: number | undefined
    if (typeof bytes === 'string') {
      length = encodeIntoScratch(bytes)
      if (length >= 0) status = this.#send(this.#channel, scratch, length)
      else {
        const encoded = Buffer.from(bytes)
        length = encoded.length
        status = this.#sendBytes(this.#channel, encoded)
      }
    } else if (isMemory(bytes)) {
      length = bytes.byteLength
      status = this.#sendMemory(bytes, length)
    } else {
      const what = this.#codec === undefined ? 'message' : 'what codec.encode returned'
      throw new OptionError(what, bytes, 'a string, an ArrayBuffer or a view of one')
    }
    // As most messages are: taken, and nothing more to say.
    if (status === undefined) {
      this.#bytesSent += length
      return true
    }
    if (status < 0) throw this.#notTaken(status, length)
    this.#bytesSent += length
    if ((status & SendStatus.FlushWanted) !== 0) this.#engine.flushSoon()
    if ((status & SendStatus.Full) === 0) return true
    this.#full = true
    return false
  }

  /** Calls `work` once there is room, after everything that waits already. */
  whenRoom(settings: WaitSettings, what: string, work: () => void): Promise<void> {
    if (settings.signal?.aborted === true) return Promise.reject(settings.signal.reason)
    if (!this.#full && this.#waitingForRoom.length === 0) {
      try {
        return Promise.resolve(work())
      } catch (error) {
        return Promise.reject(error)
      }
    }
    return wait<void>(settings, this.#engine.clock, { what }, (waiter) => {
      this.#waitingForRoom.push((failure) => {
        // Given up meanwhile.
        if (waiter.settled) return
        if (failure !== undefined) return waiter.reject(failure)
        try {
          waiter.resolve(work())
        } catch (error) {
          waiter.reject(error)
        }
      })
    })
  }

  #sendMemory(bytes: ArrayBufferView | ArrayBuffer, length: number): number | undefined {
    try {
      const array = bytes as Uint8Array
      return array.length === length
        ? this.#sendBytes(this.#channel, array)
        : this.#send(this.#channel, bytes)
    } catch (cause) {
      // The native part refuses memory that it cannot see.
      const what = this.#codec === undefined ? 'message' : 'what codec.encode returned'
      const error = new OptionError(
        what,
        bytes,
        'memory that was not transferred to another thread',
      )
      error.cause = cause
      throw error
    }
  }

  /** Tells the peer that nothing more comes, once everything that waits for room is sent. */
  end(): void {
    this.#afterWaiting((failure) => {
      if (failure === undefined) this.#engine.native.channelEnd(this.#channel)
    })
  }

  /** Resolves when everything sent so far is acknowledged, messages that wait for room included. */
  acknowledged(settings: WaitSettings): Promise<void> {
    const what = 'the peer did not acknowledge everything'
    return wait<void>(settings, this.#engine.clock, { what }, (waiter) => {
      this.#afterWaiting((failure) => {
        if (failure === undefined) this.#addFlush(waiter)
        else waiter.reject(failure)
      })
    })
  }

  /** There is room again. Returns whether there still is once all that waited was sent. */
  onWritable(): boolean {
    if (!this.#full) return false
    this.#full = false
    while (!this.#full) {
      const next = this.#waitingForRoom.shift()
      if (next === undefined) return true
      next()
    }
    return false
  }

  /** Everything below `base` is acknowledged. */
  onAcknowledged(base: number): void {
    let next = this.#flushes.peek()
    while (next !== undefined && (next.target <= base || next.waiter.settled)) {
      this.#flushes.shift()
      next.waiter.resolve()
      next = this.#flushes.peek()
    }
    if (next !== undefined) this.#engine.native.channelWatch(this.#channel, next.target)
  }

  /** What was sent and not acknowledged. To be asked while the native channel exists. */
  unacknowledged(): CloseInfo['unacknowledged'] {
    const { base, written } = this.#sequences()
    return written > base ? { first: base, count: written - base } : null
  }

  /** The channel is gone. */
  finish(unacknowledged: CloseInfo['unacknowledged'], failure: HawserError): void {
    for (const { target, waiter } of this.#flushes.takeAll()) {
      if (unacknowledged !== null && unacknowledged.first < target) waiter.reject(failure)
      else waiter.resolve()
    }
    for (const waiting of this.#waitingForRoom.takeAll()) waiting(failure)
  }

  #afterWaiting(work: RoomWaiter): void {
    if (this.#waitingForRoom.length === 0) work()
    else this.#waitingForRoom.push(work)
  }

  #addFlush(waiter: Waiter<void>): void {
    const { base, written } = this.#sequences()
    if (base >= written) {
      waiter.resolve()
      return
    }
    const first = this.#flushes.length === 0
    this.#flushes.push({ target: written, waiter })
    this.#engine.flushSoon()
    if (first) this.#engine.native.channelWatch(this.#channel, written)
  }

  #sequences(): { base: number; written: number } {
    const counters = this.#engine.native.channelCounters(this.#channel)
    return {
      base: counters?.[ChannelCounter.Base] ?? 0,
      written: counters?.[ChannelCounter.WrittenSequence] ?? 0,
    }
  }

  #notTaken(status: SendError, length: number): HawserError {
    switch (status) {
      case SendError.BufferFull:
        return new HawserError(
          'BUFFER_FULL',
          `the ${this.#settings.config.maxBuffered} bytes of maxBuffered are waiting to be sent`,
          { hint: "when send answers false, wait for 'drain'; or use write, which waits for room" },
        )
      case SendError.TooLarge:
        return new HawserError(
          'MESSAGE_TOO_LARGE',
          `the message of ${length} bytes is longer than maxMessageBytes here or on the peer`,
          { hint: 'raise maxMessageBytes on both sides, send it in parts, or use stream()' },
        )
      case SendError.NoMemory:
        return new HawserError('OUT_OF_MEMORY', 'no native memory for the message', {
          hint: 'let other channels drain first, or lower their maxBuffered',
        })
      default:
        return new HawserError('CHANNEL_CLOSED', 'the channel is closing', {
          hint: 'open a new channel to send more',
        })
    }
  }
}
