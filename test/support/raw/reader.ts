// What the peer sent, as tests look at it.

import { readFrames } from '../../../bench/twin/wire/frame_reader'
import { FrameType } from '../../../bench/twin/wire/frames'

/** A frame that came. Only what tests look at is kept. */
export interface Seen {
  readonly type: number
  /** Code of CLOSE; channel and code of RESET; generation and step of CRYPTO; the largest number of ACK. */
  readonly values: readonly number[]
  /** Of CLOSE and RESET. */
  readonly reason?: string
  /** The message of CRYPTO. */
  readonly data?: Buffer
}

/** The frames of a packet. Throws if one of them is wrong. */
export function seenIn(content: Buffer): Seen[] {
  return readFrames(content).map((frame): Seen => {
    const { type } = frame
    switch (type) {
      case 'unknown':
        throw new Error('the peer sent a frame of an unknown type')
      case FrameType.ack:
        return { type, values: [frame.ranges[0]?.[1] as number] }
      case FrameType.close:
        return { type, values: [frame.code], reason: frame.reason }
      case FrameType.reset:
        return { type, values: [frame.channel, frame.code], reason: frame.reason }
      case FrameType.crypto:
        return {
          type,
          values: [frame.generation, frame.step],
          data: Buffer.from(frame.message),
        }
      default:
        return { type, values: [] }
    }
  })
}
