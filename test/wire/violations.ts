// What a client may get wrong on a session whose channel 1 is open, and what it may do however strange it looks.

import { Code } from '../../bench/twin/wire/codes'
import { FrameType } from '../../bench/twin/wire/frames'
import {
  block,
  fragment,
  frame,
  maxVarint,
  message,
  open,
  u32,
  varint,
} from '../support/raw/frames'

/** Channels that the server allows. */
export const maxChannels = 16
/** The longest message that it takes. */
export const maxMessageBytes = 32_768
/** What may be sent on a channel at first. */
export const initialCredit = 65_536

export const bytes = (length: number) => Buffer.alloc(length, 0xab)
export const range = (count: number) => Array.from({ length: count }, (_, index) => index)
export const ping = frame(FrameType.ping)

const all = (...frames: Buffer[]) => Buffer.concat(frames)
const zeros = (count: number) => range(count).map(() => 0)

/** [what it is, the frames of a packet, the code of the CLOSE that answers it] */
export type Violation = [what: string, frames: Buffer, code: number]

function under(code: number, packets: Record<string, Buffer>): Violation[] {
  return Object.entries(packets).map(([what, frames]) => [what, frames, code])
}

const reservedTypes = [0x13, 0x18, 0x1f, 0x20, 0x27, 0x29, 0x3f]

const encoding = under(Code.frameEncoding, {
  ...Object.fromEntries(
    reservedTypes.map((type) => [`the reserved type ${type}`, frame(type, 1, 1, 1, 1)]),
  ),
  'a frame behind a good one that is cut off': all(ping, frame(FrameType.ack, 1)),
  'a type not in its shortest form': varint(FrameType.ping, 2),
  'a number not in its shortest form': frame(FrameType.maxChannels, varint(1, 8)),
  'a skippable frame that ends beyond the packet': frame(0x40, 1_000),
  'a block of 2^62 bytes': frame(0x41, maxVarint),
  'ACK with too many ranges': frame(FrameType.ack, maxVarint, 0, 32, 0, ...zeros(64)),
  'ACK with ranges below zero': frame(FrameType.ack, 10, 0, 1, 3, 2, 60),
  'ACK with a range larger than its number': frame(FrameType.ack, 5, 0, 0, maxVarint),
  'COUNT without entries': frame(FrameType.count, 0),
  'COUNT with too many entries': frame(
    FrameType.count,
    65,
    ...range(65).flatMap(() => [1, u32(0)]),
  ),
  'ACK_POLICY for every 0 packets': frame(FrameType.ackPolicy, 1, 0, 0, 1),
  'ACK_POLICY with an absurd delay': frame(FrameType.ackPolicy, 1, 1, 2 ** 24, 1),
  'WINDOW of one message': frame(FrameType.window, 1, 1, 1, 1, 0, 0),
  'WINDOW with M above N': frame(FrameType.window, 1, 1, 8, 9, 0, 0),
  'WINDOW of a reserved mode': frame(FrameType.window, 1, 1, 8, 4, 0, 2),
  'OPEN without a name': open({ channel: 3, service: '' }),
  'OPEN with a name that is not UTF-8': open({ channel: 3, service: Buffer.of(0xc3, 0x28) }),
  'OPEN that takes no message': open({ channel: 3, maxMessage: 0 }),
  'MESSAGE without messages': message(1, 1),
  'MESSAGE whose messages are cut off': frame(FrameType.message, 1, u32(1), block(Buffer.of(9, 1))),
  'FRAGMENT without bytes': fragment(1, 1, 10, 0, bytes(0)),
  'FRAGMENT beyond its message': fragment(1, 1, 10, 5, bytes(6)),
  'FRAGMENT at an offset of 2^62': fragment(1, 1, maxVarint, maxVarint, bytes(1)),
  'RESET with a reason too long': frame(FrameType.reset, 1, 0, 0, 0, block(bytes(256))),
  'a frame for channel 0': message(0, 1, bytes(1)),
  'CRYPTO of generation 0': frame(FrameType.crypto, 0, 1, block(bytes(1))),
  'CRYPTO of a third step': frame(FrameType.crypto, 1, 3, block(bytes(1))),
  'CRYPTO without message': frame(FrameType.crypto, 1, 1, block(bytes(0))),
  'CRYPTO with a message too long': frame(FrameType.crypto, 1, 1, block(bytes(257))),
  'PATH_CHALLENGE that is cut off': frame(FrameType.pathChallenge, bytes(7)),
  'PATH_RESPONSE that is cut off': frame(FrameType.pathResponse, bytes(7)),
})

const acknowledgements = under(Code.ackInvalid, {
  'an acknowledgement of what was never sent': frame(FrameType.ack, maxVarint, 0, 0, 0),
  'one of numbers below the first': frame(FrameType.ack, 0, 0, 0, 0),
  'one of everything up to there': frame(FrameType.ack, maxVarint, 0, 0, maxVarint),
  '32 ranges far ahead': frame(FrameType.ack, maxVarint, 0, 31, 0, ...range(62).map(() => 2 ** 40)),
  'a count of messages never sent': frame(FrameType.count, 1, 1, u32(1)),
  'a count far ahead': frame(FrameType.count, 1, 1, u32(2 ** 31 - 1)),
})

const credit = under(Code.flowControl, {
  'a message far ahead': message(1, 100_000, bytes(1)),
  'a message as far ahead as there can be': message(1, 2 ** 31 - 1, bytes(1)),
  'a message just beyond the credit': message(1, Math.floor(initialCredit / 33) + 1, bytes(1)),
  'a fragment far ahead': fragment(1, 100_000, 10, 0, bytes(1)),
  'pieces of more than the credit': all(
    ...range(3).map((index) => fragment(1, index + 1, maxMessageBytes, 0, bytes(1))),
  ),
})

const lengths = under(Code.messageTooLarge, {
  'a message longer than allowed': fragment(1, 1, maxMessageBytes + 1, 0, bytes(1)),
  'a message of 2^62 bytes': fragment(1, 1, maxVarint, 0, bytes(1)),
})

const states = under(Code.channelState, {
  'a length that changes': all(fragment(1, 1, 100, 0, bytes(1)), fragment(1, 1, 101, 1, bytes(1))),
  'a message beyond the end': all(frame(FrameType.end, 1, 1), message(1, 2, bytes(1))),
  'two ends': all(frame(FrameType.end, 1, 5), frame(FrameType.end, 1, 6)),
  'an end below what was sent': all(message(1, 1, bytes(1), bytes(1)), frame(FrameType.end, 1, 1)),
  'OPEN with an id of the server': open({ channel: 2 }),
  'a message on a channel that the server never opened': message(2, 1, bytes(1)),
  'credit for a channel that the server never opened': frame(FrameType.credit, 4, 100),
})

const channels = under(Code.channelLimit, {
  'one channel more than allowed': open({ channel: 2 * maxChannels + 1 }),
  'the last channel there can be': open({ channel: maxVarint }),
})

export const violations = [
  ...encoding,
  ...acknowledgements,
  ...credit,
  ...lengths,
  ...states,
  ...channels,
]

/** Allowed, or harmless, or just too late: the session goes on. */
export const tolerated = Object.entries({
  'unknown frames that can be skipped': all(frame(0x40, block(bytes(100))), frame(2 ** 40, 0)),
  'a packet full of padding': Buffer.alloc(1_100),
  'a hundred pings': all(...range(100).map(() => ping)),
  'an absurd credit, then a lower one': all(
    frame(FrameType.credit, 1, maxVarint),
    frame(FrameType.credit, 1, 1),
  ),
  'an absurd wish': frame(FrameType.blocked, 1, maxVarint),
  'room for an absurd number of channels': frame(FrameType.maxChannels, maxVarint),
  'the same channel again and again': all(open(), open(), open()),
  'a count for an unknown channel': frame(FrameType.count, 1, maxVarint, u32(5)),
  'a policy of acknowledgements older than the last': all(
    frame(FrameType.ackPolicy, maxVarint, 1, 0, 1),
    frame(FrameType.ackPolicy, 1, 65_536, 2 ** 24 - 1, 1_024),
  ),
  'a window as large as there can be': frame(
    FrameType.window,
    1,
    1,
    65_536,
    65_536,
    2 ** 32 - 1,
    0,
  ),
})
