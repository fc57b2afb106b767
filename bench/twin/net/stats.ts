import type { Session } from '../transport/session'

/** Counters of a session. */
export interface SessionStats {
  readonly packetsSent: number
  readonly packetsReceived: number
  /** Could not be opened, or came before. */
  readonly packetsDropped: number
  readonly packetsLost: number
  readonly acksSent: number
  /** Probe timeouts. */
  readonly probes: number
  /** Of the keys that packets are sealed with. */
  readonly epoch: number
  /** Milliseconds. */
  readonly roundTrip: number
  /** Bytes. */
  readonly congestionWindow: number
  readonly bytesInFlight: number
}

export function sessionStats(session: Session): SessionStats {
  const { packetsReceived, packetsDropped, transmitter, epoch } = session
  const { packetsSent, acksSent, recovery } = transmitter
  const { packetsLost, probes, bytesInFlight, roundTrip, congestion } = recovery
  return {
    packetsSent,
    packetsReceived,
    packetsDropped,
    packetsLost,
    acksSent,
    probes,
    epoch,
    roundTrip: roundTrip.smoothed,
    congestionWindow: congestion.window,
    bytesInFlight,
  }
}
