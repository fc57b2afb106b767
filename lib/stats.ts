// What peers and channels count, and how the native part's counters become it.

import type { PeerId } from './identity'
import { ChannelCounter, HostCounter, type NativeBinding, SessionCounter } from './native_types'

/** The network between two peers, as measured by one of them. Times in milliseconds, sizes in bytes. */
export interface PathStats {
  /** Smoothed round-trip time. 0: not measured yet. */
  readonly rtt: number
  /** Smallest round-trip time seen. 0: not measured yet. */
  readonly minimumRtt: number
  /** Mean deviation of the round-trip time. */
  readonly rttVariation: number
  readonly packetsSent: number
  readonly packetsReceived: number
  readonly packetsAcknowledged: number
  /** Packets taken for lost. What they carried was sent again. */
  readonly packetsLost: number
  /** Packets taken for lost and acknowledged after all. */
  readonly spuriousLosses: number
  /** `packetsLost` / `packetsSent`, 0 to 1. */
  readonly loss: number
  /** Packets sent because acknowledgements stayed away for too long. */
  readonly probesSent: number
  readonly acksSent: number
  readonly acksReceived: number
  /** Everything in datagrams, headers included. */
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly bytesInFlight: number
  /** How many bytes may be in flight. */
  readonly congestionWindow: number
}

/** The counters of one side of a channel. Messages and bytes are the application's, without headers. */
export interface ChannelStats {
  /** Messages that were put into a packet at least once. */
  readonly messagesSent: number
  /** Messages that the peer has, all in sequence. */
  readonly messagesAcknowledged: number
  /** Messages that arrived, each counted once. */
  readonly messagesReceived: number
  /** Messages of which something was sent again. */
  readonly messagesResent: number
  /** Messages that arrived again, or in parts that were known. */
  readonly messagesDuplicate: number
  /** Messages sent and not acknowledged. */
  readonly messagesInFlight: number
  /** Messages that arrived and were not handed over yet. */
  readonly messagesHeld: number
  /** Bytes taken by `send` and `write`. */
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly bytesResent: number
  /** Bytes waiting to be sent for the first time: what `highWaterMark` and `maxBuffered` limit. */
  readonly bytesUnsent: number
  /** What the peer still takes: bytes, and 32 for each message. */
  readonly creditLeft: number
  /** N: how many messages may be in flight now. */
  readonly window: number
  /** M: after how many messages in sequence the peer acknowledges now. */
  readonly ackEvery: number
  /** Acknowledgements (counts of messages in sequence) of this channel, sent and received. */
  readonly countsSent: number
  readonly countsReceived: number
  /** Native memory of the channel, bytes. */
  readonly memoryBytes: number
  /** The path of the session. All zero once the session is gone. */
  readonly path: PathStats
}

/** One session of a peer. */
export interface SessionStats {
  readonly remote: { readonly id: PeerId; readonly address: string }
  readonly state: 'connecting' | 'open'
  /** Channels open now. */
  readonly channels: number
  /** Channels opened by this side, and by the other, since the session began. */
  readonly channelsOpened: number
  readonly channelsAccepted: number
  readonly path: PathStats
}

/** One service of a peer. */
export interface ServiceStats {
  readonly name: string
  /** Channels open now. */
  readonly channels: number
  /** Channels accepted since `serve`. */
  readonly channelsAccepted: number
  /** How often the handler failed. */
  readonly handlerFailures: number
}

/** The counters of a peer since it was created. */
export interface PeerStats {
  readonly sessions: readonly SessionStats[]
  readonly services: readonly ServiceStats[]
  /** Channels open now, of all services and those opened by this peer. */
  readonly channels: number
  readonly channelsOpened: number
  readonly channelsAccepted: number
  /** Channels that others asked for and did not get. */
  readonly channelsRefused: number
  readonly sessionsOpened: number
  readonly sessionsClosed: number
  /** Datagrams and their bytes, in and out. */
  readonly datagramsReceived: number
  readonly datagramsSent: number
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Datagrams that were dropped on arrival, by reason. */
  readonly dropped: {
    /** Not Hawser's. */
    readonly foreign: number
    /** Cannot be read. */
    readonly malformed: number
    /** For a session that does not exist (any more). */
    readonly unknownSession: number
    /** For another peer, or of another version. */
    readonly notForUs: number
    /** Beyond one of `limits`. */
    readonly refused: number
    /** Not from whom they claim to be. */
    readonly unauthenticated: number
    /** Received before. */
    readonly duplicates: number
    /** No memory to take them. */
    readonly noMemory: number
    /** Lost on purpose, by `impair`, before they were sent. */
    readonly impaired: number
  }
  /** Sessions closed because their peer sent what the protocol forbids. */
  readonly protocolErrors: number
  /** Calls of the operating system, to receive and to send, and how often sending failed. */
  readonly systemCallsReceive: number
  readonly systemCallsSend: number
  readonly sendErrors: number
  /** Native memory of all peers of this thread, bytes. */
  readonly memoryBytes: number
}

type Counters = Float64Array | undefined

export function pathStats(counters: Counters): PathStats {
  const at = (index: SessionCounter) => counters?.[index] ?? 0
  const sent = at(SessionCounter.PacketsSent)
  const lost = at(SessionCounter.PacketsLost)
  return {
    rtt: at(SessionCounter.SmoothedRtt) / 1000,
    minimumRtt: at(SessionCounter.MinimumRtt) / 1000,
    rttVariation: at(SessionCounter.RttVariation) / 1000,
    packetsSent: sent,
    packetsReceived: at(SessionCounter.PacketsReceived),
    packetsAcknowledged: at(SessionCounter.PacketsAcknowledged),
    packetsLost: lost,
    spuriousLosses: at(SessionCounter.SpuriousLosses),
    loss: sent === 0 ? 0 : lost / sent,
    probesSent: at(SessionCounter.ProbesSent),
    acksSent: at(SessionCounter.AcksSent),
    acksReceived: at(SessionCounter.AcksReceived),
    bytesSent: at(SessionCounter.BytesSent),
    bytesReceived: at(SessionCounter.BytesReceived),
    bytesInFlight: at(SessionCounter.BytesInFlight),
    congestionWindow: at(SessionCounter.CongestionWindow),
  }
}

export function channelStats(
  counters: Counters,
  session: Counters,
  bytesSent: number,
): ChannelStats {
  const at = (index: ChannelCounter) => counters?.[index] ?? 0
  return {
    messagesSent: at(ChannelCounter.MessagesSent),
    messagesAcknowledged: Math.max(0, at(ChannelCounter.Base) - 1),
    messagesReceived: at(ChannelCounter.MessagesReceived),
    messagesResent: at(ChannelCounter.MessagesResent),
    messagesDuplicate: at(ChannelCounter.Duplicates),
    messagesInFlight: at(ChannelCounter.InFlight),
    messagesHeld: at(ChannelCounter.HeldMessages),
    bytesSent,
    bytesReceived: at(ChannelCounter.BytesReceived),
    bytesResent: at(ChannelCounter.BytesResent),
    bytesUnsent: at(ChannelCounter.UnsentBytes),
    creditLeft: at(ChannelCounter.CreditLeft),
    window: at(ChannelCounter.Window),
    ackEvery: at(ChannelCounter.AckEvery),
    countsSent: at(ChannelCounter.CountsSent),
    countsReceived: at(ChannelCounter.CountsReceived),
    memoryBytes: at(ChannelCounter.MemoryBytes),
    path: pathStats(session),
  }
}

/** What of {@link PeerStats} comes from the native part. */
export function hostStats(native: NativeBinding, host: number) {
  const counters = native.hostCounters(host)
  const at = (index: HostCounter) => counters?.[index] ?? 0
  return {
    sessionsOpened: at(HostCounter.SessionsOpened),
    sessionsClosed: at(HostCounter.SessionsClosed),
    datagramsReceived: at(HostCounter.DatagramsIn),
    datagramsSent: at(HostCounter.DatagramsOut),
    bytesReceived: at(HostCounter.BytesIn),
    bytesSent: at(HostCounter.BytesOut),
    dropped: {
      foreign: at(HostCounter.Foreign),
      malformed: at(HostCounter.Malformed),
      unknownSession: at(HostCounter.UnknownSession),
      notForUs: at(HostCounter.NotForUs),
      refused: at(HostCounter.Refused),
      unauthenticated: at(HostCounter.Unauthenticated),
      duplicates: at(HostCounter.Duplicates),
      noMemory: at(HostCounter.NoMemory),
      impaired: at(HostCounter.ImpairedDropped),
    },
    protocolErrors: at(HostCounter.ProtocolErrors),
    systemCallsReceive: at(HostCounter.SystemCallsIn),
    systemCallsSend: at(HostCounter.SystemCallsOut),
    sendErrors: at(HostCounter.SendErrors),
    memoryBytes: at(HostCounter.MemoryBytes),
  }
}

export function sessionStats(
  counters: Counters,
  remote: SessionStats['remote'],
  state: SessionStats['state'],
): SessionStats {
  const at = (index: SessionCounter) => counters?.[index] ?? 0
  return {
    remote,
    state,
    channels: at(SessionCounter.Channels),
    channelsOpened: at(SessionCounter.ChannelsOpened),
    channelsAccepted: at(SessionCounter.ChannelsAccepted),
    path: pathStats(counters),
  }
}
