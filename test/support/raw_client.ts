// Speaks wire version 0 by hand, written from docs/PROTOCOL.md: what it sends is up to the test, right or wrong.

import { randomBytes } from 'node:crypto'
import type dgram from 'node:dgram'
import { decodeBase32 } from '../../lib/base32'
import { bound } from './udp_proxy'

/** Types of frames (§5). */
export const FrameType = {
  padding: 0x00,
  ping: 0x01,
  ack: 0x02,
  ackNow: 0x04,
  ackPolicy: 0x05,
  count: 0x06,
  request: 0x07,
  skip: 0x08,
  window: 0x09,
  windowHint: 0x0a,
  credit: 0x0b,
  blocked: 0x0c,
  maxChannels: 0x0d,
  open: 0x0e,
  accept: 0x0f,
  end: 0x10,
  reset: 0x11,
  close: 0x12,
  message: 0x14,
  fragment: 0x15,
  countNow: 0x28,
} as const

/** Codes of CLOSE and RESET (§7). */
export const Code = {
  noError: 0x00,
  internal: 0x01,
  frameEncoding: 0x02,
  flowControl: 0x03,
  channelLimit: 0x04,
  channelState: 0x05,
  ackInvalid: 0x06,
  messageTooLarge: 0x07,
  serviceUnknown: 0x11,
} as const

export const maxVarint = 2n ** 62n - 1n

type Number = number | bigint

/** §1, in the shortest form, or in `size` bytes. */
export function varint(value: Number, size?: 1 | 2 | 4 | 8): Buffer {
  const wide = BigInt(value)
  const bytes = size ?? (wide < 64n ? 1 : wide < 16_384n ? 2 : wide < 2n ** 30n ? 4 : 8)
  const out = Buffer.alloc(8)
  out.writeBigUInt64BE(wide | (BigInt(Math.log2(bytes)) << BigInt(8 * bytes - 2)))
  return out.subarray(8 - bytes)
}

export function u32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value >>> 0)
  return out
}

export function block(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content as string)
  return Buffer.concat([varint(bytes.length), bytes])
}

/** A frame of varints and what else is given as bytes. */
export function frame(type: number, ...parts: (Number | Uint8Array)[]): Buffer {
  const bytes = parts.map((part) => (typeof part === 'object' ? part : varint(part)))
  return Buffer.concat([varint(type), ...bytes])
}

export interface OpenFields {
  readonly channel?: Number
  readonly service?: Uint8Array | string
  readonly limit?: Number
  readonly maxMessage?: Number
  readonly delivery?: Number
}

export function open({ channel = 1, service = 'test', ...more }: OpenFields = {}): Buffer {
  const { limit = 1 << 20, maxMessage = 1 << 20, delivery = 0 } = more
  const head = frame(FrameType.open, channel, block(service), block(''))
  return Buffer.concat([head, varint(limit), varint(maxMessage), varint(delivery)])
}

export function message(channel: Number, sequence: number, ...contents: Uint8Array[]): Buffer {
  const run = Buffer.concat(contents.map(block))
  return frame(FrameType.message, channel, u32(sequence), block(run))
}

export function fragment(
  channel: Number,
  sequence: number,
  total: Number,
  offset: Number,
  piece: Uint8Array,
): Buffer {
  return frame(FrameType.fragment, channel, u32(sequence), total, offset, block(piece))
}

/** A frame that came. Only what tests look at is taken apart. */
export interface Seen {
  readonly type: number
  /** The varints at its beginning; of MESSAGE and FRAGMENT just the channel. */
  readonly values: readonly number[]
  readonly reason?: string
}

class Reader {
  #at = 0
  readonly #data: Buffer

  constructor(data: Buffer) {
    this.#data = data
  }

  get left(): number {
    return this.#data.length - this.#at
  }

  take(length: number): Buffer {
    if (length > this.left) throw new Error('the peer sent a packet that is cut off')
    this.#at += length
    return this.#data.subarray(this.#at - length, this.#at)
  }

  varint(): number {
    const first = this.take(1)[0] as number
    let value = BigInt(first & 63)
    for (const byte of this.take((1 << (first >> 6)) - 1)) value = value * 256n + BigInt(byte)
    return Number(value)
  }

  varints(count: number): number[] {
    return Array.from({ length: count }, () => this.varint())
  }

  block(): Buffer {
    return this.take(this.varint())
  }
}

/** How many varints follow the type, where that is all. */
const plain = new Map<number, number>([
  [FrameType.padding, 0],
  [FrameType.ping, 0],
  [FrameType.ackNow, 0],
  [FrameType.ackPolicy, 4],
  [FrameType.window, 6],
  [FrameType.credit, 2],
  [FrameType.blocked, 2],
  [FrameType.maxChannels, 1],
  [FrameType.accept, 4],
  [FrameType.windowHint, 5],
  [FrameType.countNow, 1],
  [FrameType.end, 2],
])

function readFrame(reader: Reader): Seen {
  const type = reader.varint()
  const count = plain.get(type)
  if (count !== undefined) return { type, values: reader.varints(count) }
  switch (type) {
    case FrameType.ack: {
      const values = reader.varints(3)
      values.push(...reader.varints(1 + 2 * (values[2] as number)))
      return { type, values }
    }
    case FrameType.count: {
      const entries = reader.varint()
      for (let entry = 0; entry < entries; entry++) {
        reader.varint()
        reader.take(4)
      }
      return { type, values: [entries] }
    }
    case FrameType.request: {
      const values = reader.varints(2)
      for (let range = 0; range < (values[1] as number); range++) {
        reader.take(4)
        reader.varint()
      }
      return { type, values }
    }
    case FrameType.skip: {
      const values = reader.varints(1)
      reader.take(4)
      return { type, values: [...values, reader.varint()] }
    }
    case FrameType.reset:
      return { type, values: reader.varints(4), reason: reader.block().toString() }
    case FrameType.close:
      return { type, values: reader.varints(1), reason: reader.block().toString() }
    case FrameType.message: {
      const values = reader.varints(1)
      reader.take(4)
      reader.block()
      return { type, values }
    }
    case FrameType.fragment: {
      const values = reader.varints(1)
      reader.take(4)
      reader.varints(2)
      reader.block()
      return { type, values }
    }
    default:
      throw new Error(`the peer sent a frame of type ${type}`)
  }
}

const sockets = new Set<dgram.Socket>()

afterEach(() => {
  for (const socket of sockets) socket.close()
  sockets.clear()
})

/** One session with a server, made by hand. */
export class RawClient {
  readonly sourceId = randomBytes(8)
  /** The server's name for the session. */
  destinationId: Buffer = Buffer.alloc(8)
  nextNumber = 1_000
  readonly seen: Seen[] = []
  /** Number of the last packet that came. */
  lastNumber = 0
  readonly #socket: dgram.Socket
  readonly #port: number
  readonly #id: Uint8Array
  readonly #waiting = new Set<() => void>()

  private constructor(socket: dgram.Socket, port: number, id: string) {
    this.#socket = socket
    this.#port = port
    this.#id = decodeBase32(id, 32) as Uint8Array
    sockets.add(socket)
    socket.on('message', (datagram) => this.#onDatagram(datagram))
  }

  /** A socket of its own, and no session yet. */
  static async create({ port, id }: { port: number; id: string }): Promise<RawClient> {
    return new RawClient(await bound('127.0.0.1'), port, id)
  }

  /** A session that is open. */
  static async connect(
    server: { port: number; id: string },
    parameters?: Uint8Array,
  ): Promise<RawClient> {
    const client = await RawClient.create(server)
    const init = client.init(parameters && { parameters })
    await client.repeat(
      () => client.sendDatagram(init),
      () => client.destinationId.some((byte) => byte !== 0),
    )
    return client
  }

  /** An INIT (§3): the same each time, but for what is given. */
  init(given: { version?: number; responder?: Uint8Array; parameters?: Uint8Array } = {}): Buffer {
    const { version = 0, responder = this.#id, parameters = Buffer.alloc(0) } = given
    const content = [Buffer.of(0x90), u32(version), this.sourceId, Buffer.alloc(32, 9), responder]
    const init = Buffer.concat([...content, block(parameters)])
    return Buffer.concat([init, Buffer.alloc(Math.max(0, 1_200 - init.length))])
  }

  /** A DATA packet (§2.1) with these frames. */
  packet(frames: Uint8Array, number = this.nextNumber++): Buffer {
    return Buffer.concat([
      Buffer.of(0x80),
      this.destinationId,
      u32(number),
      frames,
      Buffer.alloc(16),
    ])
  }

  sendDatagram(datagram: Uint8Array): Promise<void> {
    if (!sockets.has(this.#socket)) return Promise.reject(new Error('the test is over'))
    return new Promise((resolve) => {
      this.#socket.send(datagram, this.#port, '127.0.0.1', () => resolve())
    })
  }

  send(...frames: Uint8Array[]): Promise<void> {
    return this.sendDatagram(this.packet(Buffer.concat(frames)))
  }

  /** Acknowledges the last packet that came, which gives the server an idea of the round trip. */
  acknowledgement(): Buffer {
    return frame(FrameType.ack, this.lastNumber, 0, 0, 0)
  }

  #onDatagram(datagram: Buffer): void {
    if (datagram[0] === 0xa0) this.destinationId = Buffer.from(datagram.subarray(13, 21))
    if (datagram[0] === 0x80) {
      this.lastNumber = datagram.readUInt32BE(9)
      const reader = new Reader(datagram.subarray(13, datagram.length - 16))
      while (reader.left > 0) this.seen.push(readFrame(reader))
    }
    for (const look of [...this.#waiting]) look()
  }

  /** Waits for a frame of the server. */
  async expect(type: number): Promise<Seen> {
    const find = () => this.seen.find((seen) => seen.type === type)
    // A packet now and then, because a closing session answers only those.
    await this.repeat(
      () => this.send(frame(FrameType.ping)),
      () => find() !== undefined,
    )
    return find() as Seen
  }

  /** Does `work` at once and then four times a second, until `condition` holds after something came. */
  async repeat(work: () => Promise<void>, condition: () => boolean): Promise<void> {
    for (;;) {
      if (condition()) return
      await new Promise<void>((resolve, reject) => {
        const look = () => {
          if (!condition()) return
          clearTimeout(timer)
          this.#waiting.delete(look)
          resolve()
        }
        const timer = setTimeout(() => {
          this.#waiting.delete(look)
          resolve()
        }, 250)
        this.#waiting.add(look)
        work().catch(reject)
      })
    }
  }
}
