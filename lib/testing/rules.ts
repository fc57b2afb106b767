// Rules that decide about single packets, before their link does.

import { callSafely } from '../safely'
import type { Frame } from './frames'
import type { MatchSettings } from './options'
import type { OpenPacket, Packet } from './packets'

/** A rule about some packets. It holds until it is removed. */
export interface PacketRule {
  /** The packets that it was about so far. */
  readonly packets: readonly Packet[]
  /** Ends the rule. What it did stays done. */
  remove(): void
}

/** Packets that it is about do not arrive. */
export interface DropRule extends PacketRule {
  /** How many packets it dropped so far. */
  readonly dropped: number
}

/** Packets that it is about wait until they are released. */
export interface HoldRule extends PacketRule {
  /** What waits, in the order in which it was sent. */
  readonly held: readonly Packet[]
  /**
   * Sends on these packets, in this order: each arrives after the delay of its link, and nothing else happens to it. Without
   * an argument: all that wait, in the order in which they were sent; and the rule ends.
   */
  release(packets?: readonly Packet[]): void
  /** Ends the rule; what waits is dropped. */
  remove(): void
}

/** What a rule asks for. */
export type Action =
  | { readonly what: 'drop' }
  | { readonly what: 'hold' }
  /** Arrives later by this many milliseconds. */
  | { readonly what: 'delay'; readonly milliseconds: number }
  /** Arrives so many times more, each this many milliseconds after the one before. */
  | { readonly what: 'duplicate'; readonly copies: number; readonly apart: number }

/** What a rule needs of its network. */
export interface RuleOwner {
  removeRule(rule: Rule): void
  /** Lets a held packet go on its way. */
  release(packet: OpenPacket): void
  /** A held packet will not arrive. */
  discard(packet: OpenPacket): void
}

export class Rule implements DropRule, HoldRule {
  readonly packets: Packet[] = []
  readonly held: OpenPacket[] = []
  readonly action: Action
  readonly #owner: RuleOwner
  readonly #match: MatchSettings
  #seen = 0

  constructor(owner: RuleOwner, match: MatchSettings, action: Action) {
    this.#owner = owner
    this.#match = match
    this.action = action
  }

  get dropped(): number {
    return this.packets.length
  }

  /** Whether the rule is about this packet; counts it if so. */
  takes(packet: OpenPacket): boolean {
    if (!matches(packet, this.#match)) return false
    if (++this.#seen <= this.#match.skip) return false
    this.packets.push(packet)
    if (this.action.what === 'hold') this.held.push(packet)
    if (this.packets.length >= this.#match.count) this.#owner.removeRule(this)
    return true
  }

  release(packets?: readonly Packet[]): void {
    const wanted = packets === undefined ? [...this.held] : packets
    if (packets === undefined) this.#owner.removeRule(this)
    for (const packet of wanted) {
      const at = this.held.indexOf(packet as OpenPacket)
      if (at < 0) continue
      this.held.splice(at, 1)
      this.#owner.release(packet as OpenPacket)
    }
  }

  remove(): void {
    this.#owner.removeRule(this)
    for (const packet of this.held.splice(0)) this.#owner.discard(packet)
  }
}

function matches(packet: OpenPacket, match: MatchSettings): boolean {
  if (match.from !== undefined && packet.from !== match.from) return false
  if (match.to !== undefined && packet.to !== match.to) return false
  if (match.kind !== undefined && packet.kind !== match.kind) return false
  const aboutFrames = match.frames !== undefined || match.channel !== undefined
  if (aboutFrames && !packet.frames.some((frame) => frameMatches(frame, match))) return false
  const { where } = match
  let wanted = where === undefined
  if (where !== undefined) {
    callSafely(() => {
      wanted = where(packet)
    })
  }
  return wanted
}

function frameMatches(frame: Frame, match: MatchSettings): boolean {
  if (match.frames !== undefined && !match.frames.has(frame.type)) return false
  if (match.channel !== undefined && !isAbout(frame, match.channel)) return false
  const { sequence, attempt } = match
  if (sequence === undefined && attempt === undefined) return true
  if (frame.type === 'FRAGMENT') return isMessage(frame, sequence, attempt)
  if (frame.type !== 'MESSAGE') return false
  return frame.messages.some((message) => isMessage(message, sequence, attempt))
}

function isMessage(
  message: { readonly sequence: number; readonly attempt?: number },
  sequence: number | undefined,
  attempt: number | undefined,
): boolean {
  return (
    (sequence === undefined || message.sequence === sequence) &&
    (attempt === undefined || message.attempt === attempt)
  )
}

function isAbout(frame: Frame, channel: number): boolean {
  if (frame.type === 'COUNT') return frame.counts.some((entry) => entry.channel === channel)
  return 'channel' in frame && frame.channel === channel
}
