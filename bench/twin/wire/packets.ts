// Datagrams without what protects them (docs/PROTOCOL.md §2 and §3).

import { type Parameters, readParameters, writeParameters } from './parameters'
import { Reader, Refused } from './reader'
import { Writer } from './writer'

export const version = 1

/** The first bytes of datagrams. */
export const PacketType = { data: 0x80, init: 0x90, response: 0xa0, cookie: 0xb0 } as const

/** Lengths, bytes. */
export const headerBytes = 13
export const tagBytes = 16
export const initBytes = 1_200
export const initPayloadBytes = 1_074
export const cookieBytes = 37
export const shortestData = 30
const responseBytes = { shortest: 86, longest: 256 }
const longestResponsePayload = 195
/** Where an INIT's message and authentication codes begin. */
export const messageAt = 14
export const mac1At = initBytes - 16
export const mac2At = initBytes - 8

export interface Data {
  readonly type: typeof PacketType.data
  /** As they stand there: without the mask they are the key phase. */
  readonly flags: number
  readonly destination: Buffer
  readonly number: number
  readonly content: Buffer
  readonly tag: Buffer
}

export interface Init {
  readonly type: typeof PacketType.init
  readonly suite: number
  readonly source: Buffer
  readonly message: Buffer
  readonly mac1: Buffer
  readonly mac2: Buffer
}

export interface Response {
  readonly type: typeof PacketType.response
  readonly destination: Buffer
  readonly message: Buffer
}

export interface Cookie {
  readonly type: typeof PacketType.cookie
  readonly destination: Buffer
  readonly cookie: Buffer
  readonly mac: Buffer
}

export type Packet = Data | Init | Response | Cookie

/** Throws {@link Refused} if the datagram is to be dropped. A DATA packet must have lost its mask. */
export function readPacket(datagram: Buffer): Packet {
  const reader = new Reader(datagram)
  const first = reader.u8()
  const flags = first & 0x0f
  if (first < 0x80) throw new Refused('not of this protocol')
  const type = first - flags
  if (type === PacketType.data) return readData(reader, flags)
  if (flags !== 0) throw new Refused('flag set')
  if (type > PacketType.cookie) throw new Refused('reserved type')
  if (reader.u32() !== version) throw new Refused('another version')
  switch (type) {
    case PacketType.init: {
      if (datagram.length !== initBytes) throw new Refused('another length')
      const suite = reader.u8()
      if (suite !== 1 && suite !== 2) throw new Refused('unknown suite')
      const source = reader.bytes(8)
      const message = reader.bytes(mac1At - messageAt)
      const mac1 = reader.bytes(8)
      return { type, suite, source, message, mac1, mac2: reader.bytes(8) }
    }
    case PacketType.response: {
      const { shortest, longest } = responseBytes
      if (datagram.length < shortest || datagram.length > longest) {
        throw new Refused('length outside its range')
      }
      const destination = reader.bytes(8)
      return { type, destination, message: reader.bytes(reader.left) }
    }
    default: {
      if (datagram.length !== cookieBytes) throw new Refused('another length')
      const destination = reader.bytes(8)
      const cookie = reader.bytes(16)
      return { type: PacketType.cookie, destination, cookie, mac: reader.bytes(8) }
    }
  }
}

function readData(reader: Reader, flags: number): Data {
  if (flags > 1) throw new Refused('reserved flag set')
  if (reader.data.length < shortestData) throw new Refused('too short')
  return {
    type: PacketType.data,
    flags,
    destination: reader.bytes(8),
    number: reader.u32(),
    content: reader.bytes(reader.left - tagBytes),
    tag: reader.bytes(tagBytes),
  }
}

/** What stands before an INIT's message. */
export function initStart(suite: number, source: Uint8Array, ofVersion = version): Buffer {
  const writer = new Writer(Buffer.alloc(messageAt))
  writer.u8(PacketType.init)
  writer.u32(ofVersion)
  writer.u8(suite)
  writer.bytes(source)
  return writer.data
}

/** A RESPONSE, or a COOKIE as far as its mac. */
export function answer(
  type: typeof PacketType.response | typeof PacketType.cookie,
  destination: Uint8Array,
  content: Uint8Array,
): Buffer {
  const writer = new Writer(Buffer.alloc(headerBytes + content.length))
  writer.u8(type)
  writer.u32(version)
  writer.bytes(destination)
  writer.bytes(content)
  return writer.data
}

/** What message 1 carries. */
export interface InitPayload {
  readonly initiator: Uint8Array
  readonly reset: Uint8Array
  readonly parameters: Parameters
}

/** Throws {@link Refused}. */
export function readInitPayload(payload: Buffer): InitPayload {
  if (payload.length !== initPayloadBytes) throw new Refused('another length')
  const reader = new Reader(payload)
  const initiator = reader.bytes(32)
  const reset = reader.bytes(16)
  const parameters = readParameters(reader.block())
  for (const byte of reader.bytes(reader.left)) {
    if (byte !== 0) throw new Refused('padding that is not zero')
  }
  return { initiator, reset, parameters }
}

export function writeInitPayload({ initiator, reset, parameters }: InitPayload): Buffer {
  const writer = new Writer(Buffer.alloc(initPayloadBytes))
  writer.bytes(initiator)
  writer.bytes(reset)
  writer.block(writeParameters(parameters))
  return writer.data
}

/** What message 2 carries. */
export interface ResponsePayload {
  readonly source: Uint8Array
  readonly reset: Uint8Array
  readonly parameters: Parameters
}

/** Throws {@link Refused}. */
export function readResponsePayload(payload: Buffer): ResponsePayload {
  if (payload.length > longestResponsePayload) throw new Refused('too long')
  const reader = new Reader(payload)
  const source = reader.bytes(8)
  const reset = reader.bytes(16)
  const parameters = readParameters(reader.block())
  if (reader.left > 0) throw new Refused('longer than its content')
  return { source, reset, parameters }
}

export function writeResponsePayload({ source, reset, parameters }: ResponsePayload): Buffer {
  const writer = new Writer(Buffer.alloc(longestResponsePayload))
  writer.bytes(source)
  writer.bytes(reset)
  writer.block(writeParameters(parameters))
  return writer.content
}
