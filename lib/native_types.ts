/**
 * What the native addon exports: the one contract between `lib/` and `native/binding/`.
 *
 * Everything here is internal. Numbers called *handle* name a native object of this JS environment; they are
 * small integers, reused only after they were released. All functions are called on the JS thread. None throws
 * for what a remote does; a wrong handle answers {@link Status.Closed} or `undefined`.
 */

/** Bits answered by {@link NativeBinding.send}; a negative number is a {@link SendError}. */
export const enum SendStatus {
  /** Above the high water mark: wait for {@link EventType.Writable}. */
  Full = 1,
  /** First unflushed message since the last flush: schedule {@link NativeBinding.flush} for the end of this tick. */
  FlushWanted = 2,
}

export const enum SendError {
  /** `maxBuffered` reached. Nothing was taken. */
  BufferFull = -1,
  /** Longer than this side's or the peer's `maxMessageBytes`. Nothing was taken. */
  TooLarge = -2,
  /** Ended, closed, or not accepted yet. Nothing was taken. */
  Closed = -3,
  /** No native memory. Nothing was taken. */
  NoMemory = -4,
}

/** Whether a channel's messages are wanted now. */
export const enum Demand {
  /** Keep them in native memory. */
  None = 0,
  /** Hand over one batch; asking again says that the last one was consumed. */
  Once = 1,
  /** Hand over everything; handing over is consuming. */
  Continuous = 2,
}

/** Rows of the event table: `[type, handle, a, b]`. */
export const enum EventType {
  /** A session is open. handle: session. */
  SessionOpen = 1,
  /** A session ended or could not be made. handle: session; a: code; b: {@link ClosedBy} + 16 if it timed out; detail: text. */
  SessionClosed = 2,
  /** The peer opened a channel. handle: channel (new); a: host; b: session; detail: {@link IncomingDetail}. */
  ChannelIncoming = 3,
  /** The peer accepted. handle: channel. */
  ChannelAccepted = 4,
  /** Below half the high water mark again. */
  Writable = 5,
  /** Everything below the watched sequence is acknowledged. a: base. */
  Acknowledged = 6,
  /** The peer ended its direction; every message was handed over before this event. */
  Ended = 7,
  /** Gone; last event. a: code; b: {@link ClosedBy} + 16 if it timed out; detail: text. The object's counters can still be read. */
  ChannelClosed = 8,
  /** A host's socket failed for good. handle: host; a: errno. */
  HostFailed = 9,
  /** A session made by the peer is open. handle: session (new); a: host. Comes before its channels. */
  SessionIncoming = 10,
}

export const enum ClosedBy {
  Nobody = 0,
  Local = 1,
  Remote = 2,
  Failure = 3,
}

export interface IncomingDetail {
  readonly service: string
  /** Left out: empty. */
  readonly metadata?: Buffer
}

export interface SocketConfig {
  /** A literal IPv4 or IPv6 address, wildcard allowed. */
  address: string
  /** 0 = any free port. */
  port: number
}

export interface ImpairConfig {
  /** Probabilities, 0–1. */
  loss: number
  duplicate: number
  reorder: number
  corrupt: number
  /** Milliseconds, one way, applied to what this peer sends. */
  delay: number
  jitter: number
  seed: number
}

/** Instead of a handle: there is no native memory for it, or `limits.memory` is reached. */
export const noMemory = -2

export interface HostConfig {
  /** The Ed25519 seed of the identity, 32 bytes. */
  seed: Uint8Array
  /** 32 bytes that all peers of a network share; without: an open network. */
  networkKey?: Uint8Array
  sockets: readonly SocketConfig[]
  /** 0: CUBIC, 1: BBR (default). */
  congestion?: number
  /** 0 = the protocol's default, for each of these. */
  maxSessions: number
  maxSessionsPerPeer: number
  maxHalfOpen: number
  /** A second, from one network address. */
  handshakeRate: number
  /** Half-open sessions. Of this one and the two that follow 0 means none; left out: the protocol's default. */
  cookiesFrom?: number
  /** A second, from all addresses together. */
  unprovenRate?: number
  /** A second. */
  resetRate?: number
  /** Bytes. */
  memory: number
  maxChannels: number
  /** Milliseconds. */
  idleTimeout: number
  /** Bytes of UDP payload that path MTU discovery goes up to. 0 = none is made. */
  mtu: number
  /** For tests: the number of the first message in each direction of every channel; 0 = 1. */
  firstSequence?: number
  impair?: ImpairConfig
  /** More than 1: so many engines of its own, each with threads and sockets; else it is in the environment's engine. */
  engines?: number
  /** Features of the operating system to do without. */
  disable?: DisabledFeatures
}

export interface DisabledFeatures {
  /** UDP_SEGMENT. */
  gso?: boolean
  /** UDP_GRO. */
  gro?: boolean
  /** sendmmsg, recvmmsg. */
  mmsg?: boolean
  /** IP_MTU_DISCOVER. Without it there is no path MTU discovery. */
  dontFragment?: boolean
  /** SO_RCVBUF, SO_SNDBUF. */
  buffers?: boolean
  /** SO_ATTACH_REUSEPORT_CBPF. For tests only. */
  steering?: boolean
}

export interface HostInfo {
  handle: number
  /** Where each socket is really bound. */
  sockets: readonly SocketConfig[]
}

/** What a socket got of what was asked for. */
export interface SocketInfo extends SocketConfig {
  /** Bytes. */
  receiveBuffer: number
  sendBuffer: number
  gso: boolean
  gro: boolean
  mmsg: boolean
  dontFragment: boolean
}

/** Why a host could not be made. */
export interface HostError {
  /** Index in `sockets`. */
  socket: number
  /** As in `os.constants.errno`, e.g. EADDRINUSE. */
  errno: number
  code: string
}

/** As on the wire. */
export const enum DeliveryMode {
  Ordered = 0,
  Unordered = 1,
  Latest = 2,
  Unreliable = 3,
}

export interface ChannelConfig {
  maxMessageBytes: number
  /** N; 0 = automatic. */
  window: number
  /** M; 0 = N / 2. */
  ackEvery: number
  /** T, milliseconds; 0 = automatic. */
  ackTimeout: number
  /** Bounds of an automatic N; 0 = none. */
  windowMin: number
  windowMax: number
  /** Acknowledgements on M, T and request only. */
  counted: boolean
  /** Messages wait for a full window. */
  fill: boolean
  /** Milliseconds; 0 = never. */
  flushAfter: number
  /** Milliseconds; 0 = automatic. */
  resendTimeout: number
  resendAll: boolean
  delivery: DeliveryMode
  /** Milliseconds; 0 = never. */
  expiresAfter: number
  /** 0 to 7, 0 first. */
  priority: number
  /** 1 to 256. */
  weight: number
  highWaterMark: number
  maxBuffered: number
  /** Milliseconds; 0 = never. */
  idleTimeout: number
}

/** Index of each counter in what {@link NativeBinding.channelCounters} answers. */
export const enum ChannelCounter {
  MessagesSent,
  MessagesReceived,
  BytesReceived,
  MessagesResent,
  BytesResent,
  Duplicates,
  CountsSent,
  CountsReceived,
  InFlight,
  Window,
  AckEvery,
  UnsentBytes,
  CreditLeft,
  HeldMessages,
  MemoryBytes,
  /** Number of the next message to be sent by `send`. */
  WrittenSequence,
  /** Number of the first message not acknowledged. */
  Base,
  /** Number of the first message there ever was: 1, but in tests. */
  FirstSequence,
  Expired,
  Skipped,
  RequestsSent,
  RequestsReceived,
  ResendTimeouts,
  /** Counts sent, by what called for them: this and the next seven. */
  CountsForMessages,
  CountsForPackets,
  CountsForDelay,
  CountsForTimeout,
  CountsForGap,
  CountsForRequest,
  CountsForEnd,
  CountsCarried,
  /** Millionths, this and the next. */
  Loss,
  AdvisedLoss,
  WindowCause,
  PeerWindow,
  PeerAckEvery,
  Length,
}

export const enum SessionCounter {
  PacketsSent,
  PacketsReceived,
  BytesSent,
  BytesReceived,
  PacketsLost,
  PacketsAcknowledged,
  SpuriousLosses,
  AcksSent,
  AcksReceived,
  ProbesSent,
  BytesInFlight,
  CongestionWindow,
  /** Microseconds, this and the next two. */
  SmoothedRtt,
  MinimumRtt,
  RttVariation,
  Channels,
  ChannelsOpened,
  ChannelsAccepted,
  HandshakesSent,
  /** Millionths. */
  ReceiveLoss,
  KeyUpdates,
  KeyRenewals,
  PathChanges,
  PathValidationsFailed,
  Mtu,
  BlackHoles,
  /** 0: CUBIC, 1: BBR. */
  CongestionAlgorithm,
  /** Bytes a second; 0: not known yet. */
  PacingRate,
  Length,
}

export const enum HostCounter {
  DatagramsIn,
  BytesIn,
  DatagramsOut,
  BytesOut,
  Foreign,
  Malformed,
  UnknownSession,
  NotForUs,
  Refused,
  Unauthenticated,
  Duplicates,
  NoMemory,
  ProtocolErrors,
  SessionsOpened,
  SessionsClosed,
  /** Now. */
  Sessions,
  SystemCallsIn,
  SystemCallsOut,
  SendErrors,
  ImpairedDropped,
  /** Native bytes in use by its sessions and channels. */
  MemoryBytes,
  HandshakesAnswered,
  CookiesSent,
  ResetsSent,
  /** Now. */
  HalfOpen,
  HalfOpenDisplaced,
  /** `Refused`, by cause. */
  RefusedSessions,
  RefusedHalfOpen,
  RefusedOfPeer,
  RefusedByRate,
  RefusedDialled,
  /** Datagrams that came to another engine of the peer, and were brought to the right one or got lost. */
  HandedOver,
  HandOversLost,
  /** Of the environment's engine, these two. */
  Spins,
  SpinHits,
  Length,
}

/**
 * One call for everything that happened in a batch.
 *
 * `runs` rows of {@link Tables.runs} say which messages came; `events` rows of {@link Tables.events} what else
 * happened, after those messages; `details` holds the objects for events that have one, by row number.
 * Messages of a channel come before its Ended and ChannelClosed.
 */
export type BatchCallback = (
  runs: number,
  events: number,
  details: Record<number, string | IncomingDetail> | undefined,
  /** Messages with memory of their own (larger than a slab), in the order in which entries name them. */
  large: readonly Buffer[] | undefined,
  /** How many slabs were used up: answer each with {@link NativeBinding.supplySlab} before returning. */
  spentSlabs: number,
) => void

/** Memory shared between the addon (writer) and JS (reader), valid during a batch call. */
export interface Tables {
  /** Rows of `[channel handle, first entry, entries, slab]`. slab −1: the entries index `large`. */
  runs: Int32Array
  /** Pairs of `[offset, length]` in the run's slab, or `[index in large, length]`. */
  entries: Int32Array
  /** Rows of `[type, handle, a, b]`. */
  events: Float64Array
}

export interface NativeBinding {
  readonly version: string
  /** The OpenSSL in use: the runtime's own, or the one linked into a prebuilt addon. Looked for by the first call. */
  openssl(): { version: string; linked: boolean } | { missing: string }
  /** Starts this environment's engine. Once; later calls answer the same driver. `slabBytes` each. */
  start(options: {
    driver: 'auto' | 'hybrid' | 'thread'
    slabs: number
    slabBytes: number
    callback: BatchCallback
  }): { driver: 'hybrid' | 'thread'; tables: Tables }
  /** Gives slab `index` (0 to slabs − 1) fresh memory to fill. The old memory is never written again. */
  supplySlab(index: number, memory: ArrayBuffer): void
  /** Whether the engine may look for datagrams for a moment before it sleeps, as far as that pays. At first it may not. */
  setSpin(on: boolean): void

  hostCreate(config: HostConfig): HostInfo | HostError
  /** Accept sessions and incoming channels from others. */
  hostListen(host: number, accepting: boolean): void
  /** Closes every session (CLOSE is sent), then the sockets. Events of its objects still come. */
  hostClose(host: number, code: number, reason: string): void
  /** At once, silently; no more events of its objects. Every handle of the host becomes invalid. */
  hostDestroy(host: number): void
  /** Of one of its engines, from 0, or of all together. */
  hostCounters(host: number, engine?: number): Float64Array | undefined
  hostSockets(host: number): readonly SocketInfo[] | undefined
  /** Keeps the process alive while the environment's sum of these is above 0. */
  hostKeepAlive(host: number, keep: boolean): void

  /**
   * Handle of a session with that peer that is open or connecting, else starts one. −1: as many sessions as there may be;
   * {@link noMemory}. Milliseconds.
   */
  connect(host: number, id: Uint8Array, addresses: readonly SocketConfig[], timeout: number): number
  sessionClose(session: number, code: number, reason: string): void
  sessionCounters(session: number): Float64Array | undefined
  sessionRemote(session: number): { id: Buffer; address: string; port: number } | undefined
  sessionRelease(session: number): void

  /** −1: the session is closing; {@link noMemory}. */
  channelOpen(
    session: number,
    service: string,
    metadata: Uint8Array | undefined,
    config: ChannelConfig,
  ): number
  channelAccept(channel: number, config: ChannelConfig): void
  channelRefuse(channel: number, code: number, reason: string): void
  /**
   * Copies the bytes before it returns. {@link SendStatus} bits or a {@link SendError}; `undefined` is 0. `data` is any view or buffer, `length` its bytes to take from the start (default all).
   */
  send(channel: number, data: ArrayBufferView | ArrayBuffer, length?: number): number | undefined
  /** The same, quicker, for an array whose `length` is its bytes, such as a Buffer. */
  sendBytes(channel: number, data: Uint8Array): number | undefined
  /** Everything unflushed of every channel may leave. */
  flush(): void
  channelDemand(channel: number, demand: Demand): void
  /** Asks for {@link EventType.Acknowledged} once everything below `sequence` is acknowledged. One at a time: the latest counts. */
  channelWatch(channel: number, sequence: number): void
  channelEnd(channel: number): void
  channelReset(channel: number, code: number, reason: string): void
  /** JS keeps this handle no longer. Resets the channel if it is still alive. */
  channelRelease(channel: number): void
  channelCounters(channel: number): Float64Array | undefined

  /** The Ed25519 public key for a seed, 32 bytes each; `undefined` for what is no seed, and without OpenSSL. */
  publicKey(seed: Uint8Array): Buffer | undefined
  /** Local interface addresses. */
  interfaces(): readonly { name: string; address: string; loopback: boolean; up: boolean }[]
}
