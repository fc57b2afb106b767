// Puts packets together: acknowledgements, what is to be said, and messages, as far as window, credit and congestion allow
// (docs/PROTOCOL.md §6).

import { randomInt } from 'node:crypto'
import { writeFrame } from '../wire/frame_writer'
import { type Ack, type Count, type Frame, FrameType, isEliciting } from '../wire/frames'
import { headerBytes, tagBytes } from '../wire/packets'
import { Writer } from '../wire/writer'
import type { Channel } from './channel'
import type { Control } from './control'
import type { Piece } from './outbound'
import { PeerPolicy } from './peer_policy'
import type { Received } from './received'
import { Fate, Recovery, type SentPacket } from './recovery'
import type { SessionKeys } from './session_keys'

const datagramBytes = 1_200
const overheadBytes = headerBytes + tagBytes
/** Bytes of frames in the largest packet. */
export const mostFrameBytes = datagramBytes - overheadBytes
/** Shorter packets are padded, so that a stateless reset can be shorter, and an answer to a challenge no longer. */
const leastFrameBytes = 38 - overheadBytes
/** One number of so many is left out. */
const skipEvery = 2_048
/** Packets that leave at once. Then others have their turn, and acknowledgements are read. */
const burst = 64
const mostCounts = 64
/** After so many packets with nothing but ACK the peer is asked to acknowledge one. */
const askEvery = 32

export interface TransmitterOptions {
  readonly keys: SessionKeys
  readonly destination: Uint8Array
  readonly received: Received
  readonly channels: ReadonlyMap<number, Channel>
  /** The largest delay of the peer's acknowledgements, milliseconds. */
  readonly peerAckDelay: number
  send(datagram: Buffer): void
}

export class Transmitter {
  readonly recovery: Recovery
  readonly policy: PeerPolicy
  packetsSent = 0
  acksSent = 0
  readonly #options: TransmitterOptions
  /** Room for frames that turn out not to fit. */
  readonly #writer = new Writer(Buffer.allocUnsafeSlow(2 * datagramBytes))
  readonly #controls = new Set<Control>()
  /** Frames that go once, or not at all. */
  #once: Frame[] = []
  #probes = 0
  #unanswered = 0

  constructor(options: TransmitterOptions) {
    this.#options = options
    this.policy = new PeerPolicy(options.peerAckDelay)
    this.recovery = new Recovery(datagramBytes, randomInt(2 ** 31), {
      acknowledged: (packet) => this.#onAcknowledged(packet),
      lost: (packet) => this.#onLost(packet),
    })
  }

  onAck(frame: Ack, now: number): void {
    const { recovery, policy } = this
    recovery.onAck(frame, now, this.#options.peerAckDelay)
    const { roundTrip, congestion } = recovery
    if (policy.update(congestion.window / datagramBytes, roundTrip.smoothed)) {
      const frame = policy.frame()
      this.say({ frame: () => (policy.isNewest(frame) ? frame : undefined) })
    }
  }

  /** Says something until it is acknowledged. */
  say(control: Control): void {
    this.#controls.add(control)
  }

  /** Says something once. */
  sayOnce(frame: Frame): void {
    this.#once.push(frame)
  }

  #onAcknowledged({ piece, outbound, turn, controls, acknowledges }: SentPacket): void {
    if (piece !== undefined) outbound?.acknowledged(piece, turn)
    if (acknowledges >= 0) this.#options.received.forget(acknowledges)
    if (controls === undefined) return
    for (const control of controls) {
      this.#controls.delete(control)
      control.acknowledged?.()
    }
  }

  #onLost({ number, piece, outbound, turn, controls }: SentPacket): void {
    if (piece !== undefined) outbound?.lost(piece, turn, number)
    if (controls !== undefined) for (const control of controls) this.#controls.add(control)
  }

  /** Asks for acknowledgements, whatever the congestion window allows. */
  probe(): void {
    const { oldest } = this.recovery
    if (oldest?.piece !== undefined) oldest.outbound?.probe(oldest.piece, oldest.turn)
    for (const control of this.recovery.controlsInFlight()) this.#controls.add(control)
    this.#once.push({ type: FrameType.ping })
    this.#probes = 2
  }

  /** Sends what may be sent; true if there is more, and others should have their turn before. */
  flush(now: number): boolean {
    for (let count = 0; count < burst; count++) {
      if (!this.#sendOne(now)) {
        this.#probes = 0
        return false
      }
    }
    return true
  }

  /** Sends a packet with this frame and what is to be acknowledged, and nothing else. */
  last(frame: Frame, now: number): void {
    const writer = this.#writer
    writer.at = 0
    this.#writeAck(now, true)
    writeFrame(writer, frame)
    while (writer.at < leastFrameBytes) writer.u8(FrameType.padding)
    const { keys, destination } = this.#options
    this.packetsSent++
    this.#options.send(keys.seal(destination, this.recovery.next++, writer.content))
  }

  #sendOne(now: number): boolean {
    const { recovery } = this
    const writer = this.#writer
    writer.at = 0
    const isAllowed = this.#probes > 0 || recovery.allows(datagramBytes)
    const channel = isAllowed ? this.#choose() : undefined
    const goesAnyway = isAllowed && (channel !== undefined || this.#controls.size > 0)
    const acknowledges = this.#writeAck(now, goesAnyway)
    const once = this.#writeOnce()
    const controls = isAllowed ? this.#writeControls() : undefined
    const piece = this.#choosePiece(channel)
    if (piece !== undefined) writer.bytes((channel as Channel).outbound.frame(piece))
    if (writer.at === 0) return false
    if (Math.random() * skipEvery < 1) recovery.add(blank(recovery.next, now))
    if (piece !== undefined) channel?.outbound.sent(piece, recovery.next, now)
    if (this.#asksForAck(piece, controls)) writer.u8(FrameType.ackNow)
    while (writer.at < leastFrameBytes) writer.u8(FrameType.padding)
    const eliciting = once || controls !== undefined || piece !== undefined
    const { keys, destination } = this.#options
    const datagram = keys.seal(destination, recovery.next, writer.content)
    recovery.add({
      number: recovery.next,
      sentAt: now,
      bytes: datagram.length,
      fate: eliciting ? Fate.inFlight : Fate.quiet,
      piece,
      outbound: piece && channel?.outbound,
      turn: piece?.turn ?? 0,
      controls,
      acknowledges,
    })
    if (this.#probes > 0) this.#probes--
    this.packetsSent++
    this.#options.send(datagram)
    return true
  }

  /** A channel with something to send. */
  #choose(): Channel | undefined {
    for (const channel of this.#options.channels.values()) {
      if (channel.outbound.peek() !== undefined) return channel
      channel.beforeIdle()
    }
    return undefined
  }

  /** ACK and COUNT, if they are due, or if a packet goes anyway. Returns the largest number named, or −1. */
  #writeAck(now: number, goesAnyway: boolean): number {
    const { received, channels } = this.#options
    const isDue = received.due || received.deadline <= now
    const wanted = isDue || (goesAnyway && received.pending)
    const entries: { channel: number; count: number }[] = []
    for (const [id, { counts }] of channels) {
      if (!wanted && !counts.isDue(now)) continue
      if (entries.length === mostCounts) break
      const count = counts.take(now, wanted, received.policy.maxDelay)
      if (count !== undefined) entries.push({ channel: id, count: count % 2 ** 32 })
    }
    if (!wanted && entries.length === 0) return -1
    const frame = received.frame(now)
    if (frame === undefined) return -1
    writeFrame(this.#writer, frame)
    if (entries.length > 0) {
      const count: Count = { type: FrameType.count, entries }
      writeFrame(this.#writer, count)
    }
    received.sent()
    this.acksSent++
    const { smoothed } = this.recovery.roundTrip
    for (const { requests } of channels.values()) requests.onAckSent(now, smoothed)
    // An ACK that is never acknowledged names the same gaps for ever.
    if (goesAnyway) this.#unanswered = 0
    else if (++this.#unanswered % askEvery === 0) this.#once.push({ type: FrameType.ping })
    return received.largest
  }

  #writeOnce(): boolean {
    const frames = this.#once
    if (frames.length === 0) return false
    this.#once = []
    let eliciting = false
    for (const [index, frame] of frames.entries()) {
      if (!this.#writeIfFits(frame)) {
        this.#once = frames.slice(index)
        break
      }
      eliciting ||= isEliciting(frame)
    }
    return eliciting
  }

  #writeControls(): Control[] | undefined {
    if (this.#controls.size === 0) return undefined
    const written: Control[] = []
    for (const control of this.#controls) {
      const frame = control.frame()
      if (frame !== undefined && !this.#writeIfFits(frame)) break
      this.#controls.delete(control)
      if (frame !== undefined) written.push(control)
    }
    return written.length > 0 ? written : undefined
  }

  #writeIfFits(frame: Frame): boolean {
    const writer = this.#writer
    const start = writer.at
    writeFrame(writer, frame)
    // One byte stays free for ACK_NOW.
    if (writer.at < mostFrameBytes) return true
    writer.at = start
    return false
  }

  /** The next piece of the channel, if there is room for it. */
  #choosePiece(channel: Channel | undefined): Piece | undefined {
    const piece = channel?.outbound.peek()
    return piece && this.#writer.at + piece.bytes < mostFrameBytes ? piece : undefined
  }

  /** The last packet that may go now asks for an ACK. */
  #asksForAck(piece: Piece | undefined, controls: Control[] | undefined): boolean {
    if (this.#probes === 1) return true
    if (piece === undefined && !controls?.some(({ urgent }) => urgent)) return false
    if (!this.recovery.allows(2 * datagramBytes)) return true
    for (const { outbound } of this.#options.channels.values()) {
      if (outbound.peek() !== undefined) return false
    }
    return true
  }
}

/** A number that is never used. */
function blank(number: number, now: number): SentPacket {
  return {
    number,
    sentAt: now,
    bytes: 0,
    fate: Fate.skipped,
    piece: undefined,
    outbound: undefined,
    turn: 0,
    controls: undefined,
    acknowledges: -1,
  }
}
