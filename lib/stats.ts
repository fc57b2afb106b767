// What peers and channels count, and how the native part's counters become it.

import type { PeerId } from './identity'
import { ChannelCounter, HostCounter, type NativeBinding, SessionCounter } from './native_types'
import type { Congestion } from './options/peer'

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
  /** What decides how much may be in flight (`engine.congestion`). */
  readonly congestion: Congestion
  /** How many bytes may be in flight. */
  readonly congestionWindow: number
  /** The longest datagrams that are sent now, bytes of UDP payload: what the path was found to carry, at most {@link PeerOptions.mtu}. */
  readonly mtu: number
  /** How often the path was found to carry less than before. */
  readonly mtuReductions: number
  /** How fast packets leave at most, bytes a second. 0 before the first round trip was measured. */
  readonly pacingRate: number
  /** The part of the peer's packets that does not arrive, smoothed, 0 to 1: how reliable the path is in the other direction. */
  readonly receiveLoss: number
  /** How often the session went over to another address of its peer. */
  readonly pathChanges: number
  /** Other addresses that packets came from and that did not answer a challenge. */
  readonly pathValidationsFailed: number
  /** Epochs of keys that were begun, and fresh handshakes within the session. */
  readonly keyUpdates: number
  readonly keyRenewals: number
}

/** How many acknowledgements of a channel were sent, by what called for them. */
export interface AcksByCause {
  /** M messages in sequence. */
  readonly messages: number
  /** As many packets as the sender of them asked for. */
  readonly packets: number
  /** The time that the sender of the packets asked for. */
  readonly delay: number
  /** T, the channel's `ackTimeout`. */
  readonly timeout: number
  /** Something was missing. */
  readonly gap: number
  /** The other side asked: it flushed, or had nothing more to send. */
  readonly requested: number
  /** Everything up to the other side's end was there. */
  readonly end: number
  /** Nothing yet: a packet went anyway and took it along. */
  readonly carried: number
}

/** Sessions that others began and did not get, by the one of `limits` that stood in the way; or by what else did. */
export interface RefusedByCause {
  /** `limits.sessions`. */
  readonly sessions: number
  /** `limits.sessionsPerPeer`. */
  readonly sessionsPerPeer: number
  /** `limits.halfOpen`, or the part of it that one network address may have. */
  readonly halfOpen: number
  /** `limits.handshakeRate`, of those with a cookie; who has none is asked for one. */
  readonly handshakeRate: number
  /** None: it was dialled from here at the same time, and the session comes about that way. */
  readonly dialled: number
}

/**
 * Why N and M of a channel are what they are. `'start'`: nothing is known yet; `'fixed'`: `size` was given; `'floor'`: raised to
 * what the path holds, or to `min`; `'growth'`: nothing was lost and N was the limit; `'loss'`: lowered, too much was lost;
 * `'recovered'`: nothing was lost for a while, M is half of N again; `'advice'`: the receiver has room for no more.
 */
export type WindowCause = 'start' | 'fixed' | 'floor' | 'growth' | 'loss' | 'recovered' | 'advice'

const windowCauses: readonly WindowCause[] = [
  'start',
  'fixed',
  'floor',
  'growth',
  'loss',
  'recovered',
  'advice',
]

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
  /** `countsSent`, by what called for each. */
  readonly acksByCause: AcksByCause
  /** Why N and M are what they are. */
  readonly windowCause: WindowCause
  /** The part of what this side sends that it had to send again, smoothed, 0 to 1. */
  readonly loss: number
  /** The part of this side's packets that did not arrive, as the other side has said it, 0 to 1. */
  readonly lossReported: number
  /** N and M of what the other side sends, as it announced them. 0: it has not said. */
  readonly peerWindow: number
  readonly peerAckEvery: number
  /** Times that this side asked for messages by number, and was asked. */
  readonly requestsSent: number
  readonly requestsReceived: number
  /** Times that `resendTimeout` was over. */
  readonly resendTimeouts: number
  /** Messages that this side did not send, or not again: expired, replaced by newer ones, or unreliable and lost. */
  readonly messagesExpired: number
  /** Messages of the other side that did not come for such a reason, or were replaced before they were handed over. */
  readonly messagesSkipped: number
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
  /** How often the handler, or `allow`, failed. */
  readonly handlerFailures: number
}

/** A socket of a peer, and what the operating system lets it have. */
export interface SocketStats {
  /** Where it is bound. */
  readonly address: string
  readonly port: number
  /** Bytes that the system keeps until they are read, and until they have left. 7,340,032 (7 MiB) are asked for; it may give less. */
  readonly receiveBuffer: number
  readonly sendBuffer: number
  /** Many datagrams of one size leave by one call (UDP_SEGMENT). Becomes false for good when a network card cannot. */
  readonly gso: boolean
  /** Many datagrams of one sender arrive by one call (UDP_GRO). */
  readonly gro: boolean
  /** Many datagrams leave or arrive by one call where the two above do not fit (sendmmsg, recvmmsg). */
  readonly mmsg: boolean
  /** Datagrams are never cut up on the way (IP_MTU_DISCOVER). Without it their length stays as it begins. */
  readonly dontFragment: boolean
}

/** One engine of a peer: see {@link EngineOptions.threads}. */
export interface EngineStats {
  /** Sessions now, those that are begun or closing included. */
  readonly sessions: number
  readonly sessionsOpened: number
  /** What came and went at its sockets. */
  readonly datagramsReceived: number
  readonly datagramsSent: number
  readonly bytesReceived: number
  readonly bytesSent: number
  /** Datagrams for this engine that the system gave to another one, which handed them over. */
  readonly handedOver: number
  /** Such datagrams that found too many waiting: lost, and sent again by the other side. */
  readonly handOversLost: number
  /** Native memory of its sessions, channels and handshakes, bytes. */
  readonly memoryBytes: number
}

/** The counters of a peer since it was created. */
export interface PeerStats {
  readonly sockets: readonly SocketStats[]
  readonly sessions: readonly SessionStats[]
  readonly services: readonly ServiceStats[]
  /** The engines of this peer, as many as `engine.threads`; all other counters are sums over them. */
  readonly engines: readonly EngineStats[]
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
    /** Would have begun a session: {@link PeerStats.refused} says why not. */
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
  /** `dropped.refused` by what stood in the way: of the handshakes that others have begun, those that got no session. */
  readonly refused: RefusedByCause
  /** Sessions closed because their peer sent what the protocol forbids. */
  readonly protocolErrors: number
  /** Handshakes that others began and that cost a computation here. */
  readonly handshakesAnswered: number
  /** Sessions that others have begun and not proven yet. */
  readonly halfOpen: number
  /** Sessions that were begun and not proven, and had to go for others: see `limits.halfOpen`. */
  readonly halfOpenDisplaced: number
  /**
   * Cookies sent instead of an answer: with many half-open sessions, or many handshakes lately, whoever wants another one
   * has to show first that it receives at its address.
   */
  readonly cookiesSent: number
  /** Times that a peer was told that a session is gone (stateless resets). */
  readonly resetsSent: number
  /** Calls of the operating system, to receive and to send, and how often sending failed. */
  readonly systemCallsReceive: number
  readonly systemCallsSend: number
  readonly sendErrors: number
  /**
   * With `engine.spin`: times that the engine looked for datagrams for a moment before it slept, and times that one came. For all peers of
   * this thread together.
   */
  readonly spins: number
  readonly spinHits: number
  /** What `limits.memory` bounds: native memory of this peer's sessions, channels and handshakes, bytes. OpenSSL's part is estimated. */
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
    congestion: at(SessionCounter.CongestionAlgorithm) === 1 ? 'bbr' : 'cubic',
    congestionWindow: at(SessionCounter.CongestionWindow),
    mtu: at(SessionCounter.Mtu),
    mtuReductions: at(SessionCounter.BlackHoles),
    pacingRate: at(SessionCounter.PacingRate),
    receiveLoss: at(SessionCounter.ReceiveLoss) / 1e6,
    pathChanges: at(SessionCounter.PathChanges),
    pathValidationsFailed: at(SessionCounter.PathValidationsFailed),
    keyUpdates: at(SessionCounter.KeyUpdates),
    keyRenewals: at(SessionCounter.KeyRenewals),
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
    messagesAcknowledged: at(ChannelCounter.Base) - at(ChannelCounter.FirstSequence),
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
    acksByCause: {
      messages: at(ChannelCounter.CountsForMessages),
      packets: at(ChannelCounter.CountsForPackets),
      delay: at(ChannelCounter.CountsForDelay),
      timeout: at(ChannelCounter.CountsForTimeout),
      gap: at(ChannelCounter.CountsForGap),
      requested: at(ChannelCounter.CountsForRequest),
      end: at(ChannelCounter.CountsForEnd),
      carried: at(ChannelCounter.CountsCarried),
    },
    windowCause: windowCauses[at(ChannelCounter.WindowCause)] ?? 'start',
    loss: at(ChannelCounter.Loss) / 1e6,
    lossReported: at(ChannelCounter.AdvisedLoss) / 1e6,
    peerWindow: at(ChannelCounter.PeerWindow),
    peerAckEvery: at(ChannelCounter.PeerAckEvery),
    requestsSent: at(ChannelCounter.RequestsSent),
    requestsReceived: at(ChannelCounter.RequestsReceived),
    resendTimeouts: at(ChannelCounter.ResendTimeouts),
    messagesExpired: at(ChannelCounter.Expired),
    messagesSkipped: at(ChannelCounter.Skipped),
    memoryBytes: at(ChannelCounter.MemoryBytes),
    path: pathStats(session),
  }
}

function engineStats(counters: Counters): EngineStats {
  const at = (index: HostCounter) => counters?.[index] ?? 0
  return {
    sessions: at(HostCounter.Sessions),
    sessionsOpened: at(HostCounter.SessionsOpened),
    datagramsReceived: at(HostCounter.DatagramsIn),
    datagramsSent: at(HostCounter.DatagramsOut),
    bytesReceived: at(HostCounter.BytesIn),
    bytesSent: at(HostCounter.BytesOut),
    handedOver: at(HostCounter.HandedOver),
    handOversLost: at(HostCounter.HandOversLost),
    memoryBytes: at(HostCounter.MemoryBytes),
  }
}

/** What of {@link PeerStats} comes from the native part; `engines` is how many the peer has. */
export function hostStats(native: NativeBinding, host: number, engines: number) {
  const counters = native.hostCounters(host)
  const at = (index: HostCounter) => counters?.[index] ?? 0
  return {
    sockets: (native.hostSockets(host) ?? []).map((socket): SocketStats => ({ ...socket })),
    engines: Array.from({ length: engines }, (_, index) =>
      engineStats(native.hostCounters(host, index)),
    ),
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
    refused: {
      sessions: at(HostCounter.RefusedSessions),
      sessionsPerPeer: at(HostCounter.RefusedOfPeer),
      halfOpen: at(HostCounter.RefusedHalfOpen),
      handshakeRate: at(HostCounter.RefusedByRate),
      dialled: at(HostCounter.RefusedDialled),
    },
    protocolErrors: at(HostCounter.ProtocolErrors),
    handshakesAnswered: at(HostCounter.HandshakesAnswered),
    halfOpen: at(HostCounter.HalfOpen),
    halfOpenDisplaced: at(HostCounter.HalfOpenDisplaced),
    cookiesSent: at(HostCounter.CookiesSent),
    resetsSent: at(HostCounter.ResetsSent),
    systemCallsReceive: at(HostCounter.SystemCallsIn),
    systemCallsSend: at(HostCounter.SystemCallsOut),
    sendErrors: at(HostCounter.SendErrors),
    spins: at(HostCounter.Spins),
    spinHits: at(HostCounter.SpinHits),
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
