// The engine of this JS environment: hands what the native part reports, one call a batch, to peers and channels.

import { markAsUntransferable } from 'node:worker_threads'
import { viewOf } from './bytes'
import { type Clock, systemClock } from './clock'
import { type NativeClose, readClose } from './codes'
import { OptionError } from './errors'
import { native as loadNative } from './native'
import { EventType, type IncomingDetail, type NativeBinding, type Tables } from './native_types'
import { callSafely } from './safely'

/** Bytes of the memory that messages arrive in. */
const slabBytes = 256 * 1024
/** How many of these the native part has ahead. */
const slabCount = 4
/** Columns of the native part's tables. */
const runColumns = 4
const eventColumns = 4

const resolved = Promise.resolve()
const noEvents = new Float64Array(0)

/** What a peer wants to know. */
export interface HostSink {
  /** The peer of a session made by others is known now. */
  onSessionIncoming(session: number): void
  onSessionOpen(session: number): void
  onSessionClosed(session: number, close: NativeClose): void
  onChannelIncoming(channel: number, session: number, detail: IncomingDetail): void
  /** A socket failed for good. */
  onFailed(errno: number): void
}

/** What a channel wants to know. */
export interface ChannelSink {
  /** `shared`: the messages are views of a slab. */
  onMessages(messages: Buffer[], shared: boolean): void
  onAccepted(): void
  onWritable(): void
  /** Everything below `base` is acknowledged. */
  onAcknowledged(base: number): void
  onEnded(): void
  onClosed(close: NativeClose): void
}

/** Messages of one channel in a batch. */
interface Run {
  readonly sink: ChannelSink
  readonly messages: Buffer[]
  readonly shared: boolean
}

export class Engine {
  readonly native: NativeBinding
  /** What the timeouts of its peers are measured by. */
  readonly clock: Clock
  readonly driver: 'hybrid' | 'thread'
  readonly #tables: Tables
  readonly #slabs: ArrayBuffer[] = []
  #oldestSlab = 0
  #flushScheduled = false
  // Peers are held weakly, so that one that nobody uses can be collected; see hold().
  readonly #hosts = new Map<number, WeakRef<HostSink>>()
  readonly #held = new Set<HostSink>()
  /** Hosts that want the native part to spin. */
  readonly #spinning = new Set<number>()
  readonly #hostOfSession = new Map<number, number>()
  readonly #channels = new Map<number, ChannelSink>()

  constructor(
    native: NativeBinding,
    driver: 'auto' | 'hybrid' | 'thread',
    clock: Clock = systemClock,
  ) {
    this.native = native
    this.clock = clock
    const started = native.start({
      driver,
      slabs: slabCount,
      slabBytes,
      callback: (...batch) => this.#onBatch(...batch),
    })
    this.driver = started.driver
    this.#tables = started.tables
    for (let index = 0; index < slabCount; index++) this.#supply(index)
  }

  addHost(host: number, sink: HostSink, spin = false): void {
    this.#hosts.set(host, new WeakRef(sink))
    if (!spin) return
    this.#spinning.add(host)
    this.native.setSpin(true)
  }

  /** Keeps the peer from being collected, or no longer. */
  hold(sink: HostSink, held: boolean): void {
    if (held) this.#held.add(sink)
    else this.#held.delete(sink)
  }

  removeHost(host: number): void {
    this.#hosts.delete(host)
    if (this.#spinning.delete(host) && this.#spinning.size === 0) this.native.setSpin(false)
    for (const [session, owner] of this.#hostOfSession) {
      if (owner === host) this.#hostOfSession.delete(session)
    }
  }

  addSession(session: number, host: number): void {
    this.#hostOfSession.set(session, host)
  }

  removeSession(session: number): void {
    if (this.#hostOfSession.delete(session)) this.native.sessionRelease(session)
  }

  addChannel(channel: number, sink: ChannelSink): void {
    this.#channels.set(channel, sink)
  }

  /** Gives the handle back, if it is still this sink's. */
  removeChannel(channel: number, sink: ChannelSink): void {
    if (this.forgetChannel(channel, sink)) this.native.channelRelease(channel)
  }

  /** For a channel whose host goes, and its handle with it. */
  forgetChannel(channel: number, sink: ChannelSink): boolean {
    return this.#channels.get(channel) === sink && this.#channels.delete(channel)
  }

  /**
   * Lets everything that was sent leave at the end of this turn. A tick that is asked for in a microtask comes when all
   * other microtasks are done, so that what a chain of `await channel.write()` sends leaves together.
   */
  flushSoon(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    void resolved.then(this.#scheduleFlush)
  }

  readonly #scheduleFlush = () => process.nextTick(this.#flush)

  readonly #flush = () => {
    this.#flushScheduled = false
    this.native.flush()
  }

  #supply(index: number): void {
    // Not cleared: only what was written is ever seen through a message's view, as with Buffer.allocUnsafe.
    const memory = Buffer.allocUnsafeSlow(slabBytes).buffer
    // Messages of several channels lie in it: none of them may take it away from the others.
    // Not every runtime has this function.
    markAsUntransferable?.(memory)
    this.#slabs[index] = memory
    this.native.supplySlab(index, memory)
  }

  #onBatch(
    runs: number,
    events: number,
    details: Record<number, string | IncomingDetail> | undefined,
    large: readonly Buffer[] | undefined,
    spentSlabs: number,
  ): void {
    // The tables are read before any of the application's code runs.
    const arrived = this.#readRuns(runs, large)
    const happened = events === 0 ? noEvents : this.#tables.events.slice(0, events * eventColumns)
    for (let count = 0; count < spentSlabs; count++) {
      this.#supply(this.#oldestSlab)
      this.#oldestSlab = (this.#oldestSlab + 1) % slabCount
    }
    for (const { sink, messages, shared } of arrived) {
      callSafely(() => sink.onMessages(messages, shared))
    }
    for (let row = 0; row < events; row++) {
      callSafely(() => this.#onEvent(happened, row * eventColumns, details?.[row]))
    }
  }

  #readRuns(runs: number, large: readonly Buffer[] | undefined): Run[] {
    const table = this.#tables.runs
    const entries = this.#tables.entries
    const found: Run[] = []
    for (let row = 0; row < runs; row++) {
      const at = row * runColumns
      const sink = this.#channels.get(table[at] as number)
      if (sink === undefined) continue
      const first = (table[at + 1] as number) * 2
      const end = first + (table[at + 2] as number) * 2
      const slab = table[at + 3] as number
      const messages = new Array<Buffer>((end - first) / 2)
      let count = 0
      if (slab < 0) {
        for (let entry = first; entry < end; entry += 2) {
          const message = large?.[entries[entry] as number]
          if (message !== undefined) messages[count++] = message
        }
        messages.length = count
      } else {
        const memory = this.#slabs[slab] as ArrayBuffer
        for (let entry = first; entry < end; entry += 2) {
          messages[count++] = viewOf(memory, entries[entry] as number, entries[entry + 1] as number)
        }
      }
      found.push({ sink, messages, shared: slab >= 0 })
    }
    return found
  }

  #onEvent(events: Float64Array, at: number, detail: string | IncomingDetail | undefined): void {
    const handle = events[at + 1] as number
    const a = events[at + 2] as number
    const b = events[at + 3] as number
    switch (events[at]) {
      case EventType.SessionIncoming:
        this.addSession(handle, a)
        this.#hostAt(a)?.onSessionIncoming(handle)
        break
      case EventType.SessionOpen:
        this.#hostOf(handle)?.onSessionOpen(handle)
        break
      case EventType.SessionClosed:
        this.#onSessionClosed(handle, readClose(a, b, textOf(detail)))
        break
      case EventType.ChannelIncoming:
        this.#onChannelIncoming(handle, a, b, detail as IncomingDetail)
        break
      case EventType.ChannelAccepted:
        this.#channels.get(handle)?.onAccepted()
        break
      case EventType.Writable:
        this.#channels.get(handle)?.onWritable()
        break
      case EventType.Acknowledged:
        this.#channels.get(handle)?.onAcknowledged(a)
        break
      case EventType.Ended:
        this.#channels.get(handle)?.onEnded()
        break
      case EventType.ChannelClosed:
        this.#onChannelClosed(handle, readClose(a, b, textOf(detail)))
        break
      case EventType.HostFailed:
        this.#hostAt(handle)?.onFailed(a)
        break
    }
  }

  #onChannelIncoming(channel: number, host: number, session: number, detail: IncomingDetail): void {
    const sink = this.#hostAt(host)
    if (sink === undefined) this.native.channelRelease(channel)
    else sink.onChannelIncoming(channel, session, detail)
  }

  // The handles are given back last: what the sinks call meanwhile cannot get the same ones again.

  #onSessionClosed(session: number, close: NativeClose): void {
    const sink = this.#hostOf(session)
    if (!this.#hostOfSession.delete(session)) return
    try {
      sink?.onSessionClosed(session, close)
    } finally {
      this.native.sessionRelease(session)
    }
  }

  #onChannelClosed(channel: number, close: NativeClose): void {
    const sink = this.#channels.get(channel)
    if (!this.#channels.delete(channel)) return
    try {
      sink?.onClosed(close)
    } finally {
      this.native.channelRelease(channel)
    }
  }

  #hostAt(host: number): HostSink | undefined {
    return this.#hosts.get(host)?.deref()
  }

  #hostOf(session: number): HostSink | undefined {
    const host = this.#hostOfSession.get(session)
    return host === undefined ? undefined : this.#hostAt(host)
  }
}

function textOf(detail: string | IncomingDetail | undefined): string {
  return typeof detail === 'string' ? detail : ''
}

// One for each thread: a worker loads modules of its own.
let running: Engine | undefined

/**
 * The engine of this thread, started if it is not. Throws `NATIVE_MISSING`, or an {@link OptionError} if it runs with
 * another driver than the one asked for; but a peer with several `threads` has engines of its own, and needs this one only
 * to hear from them.
 */
export function engine(driver: 'auto' | 'hybrid' | 'thread', threads = 1): Engine {
  running ??= new Engine(loadNative(), driver)
  if (threads === 1 && driver !== 'auto' && driver !== running.driver) {
    const allowed = `'auto' or '${running.driver}', which is what this thread's engine runs with`
    throw new OptionError('engine.driver', driver, allowed)
  }
  return running
}
