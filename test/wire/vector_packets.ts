// Packets and the handshake's payloads, decoded as docs/PROTOCOL.md §2 and §3 have them and with nothing of the library.

import { Reader, refuseIf } from './vector_reader'

type Fields = { [name: string]: unknown }

const parameterTable: [bigint, string, bigint, bigint, bigint][] = [
  [1n, 'idle_timeout', 0n, 2n ** 32n - 1n, 30_000n],
  [2n, 'max_datagram', 1_200n, 65_527n, 65_527n],
  [3n, 'max_ack_delay', 0n, 2n ** 24n - 1n, 25_000n],
  [4n, 'max_channels', 0n, 2n ** 32n - 1n, 0n],
  [5n, 'initial_credit', 4_096n, 2n ** 32n - 1n, 65_536n],
]

function parameters(content: Buffer): Fields {
  const values = Object.fromEntries(parameterTable.map(([, name, , , value]) => [name, value]))
  const seen = new Set<bigint>()
  const list = new Reader(content)
  while (list.left > 0) {
    const id = list.varint()
    refuseIf(seen.has(id), 'repeated id')
    seen.add(id)
    const value = new Reader(list.block())
    const row = parameterTable.find(([known]) => known === id)
    if (row === undefined) continue
    values[row[1]] = value.varint(row[2], row[3])
    refuseIf(value.left > 0, 'value that does not fill its block')
  }
  return values
}

export function packet(data: Buffer): Fields {
  const reader = new Reader(data)
  const first = reader.u8()
  refuseIf(first < 0x80, 'not of this protocol')
  const type = (first >> 4) % 8
  const flags = first % 16
  // The key phase of DATA is the only one there is.
  refuseIf(flags > (type === 0 ? 1 : 0), 'flag set')
  if (type === 0) {
    refuseIf(data.length < 30, 'too short')
    return {
      type: 'DATA',
      key_phase: flags === 1,
      destination: reader.bytes(8).toString('hex'),
      number: reader.u32(),
      content: reader.bytes(reader.left - 16).toString('hex'),
      tag: reader.bytes(16).toString('hex'),
    }
  }
  refuseIf(type > 3, 'reserved type')
  const version = reader.u32()
  refuseIf(version !== 1n, 'another version')
  switch (type) {
    case 1: {
      refuseIf(data.length !== 1_200, 'another length')
      const suite = reader.u8()
      refuseIf(suite !== 1 && suite !== 2, 'unknown suite')
      return {
        type: 'INIT',
        version,
        suite: String(suite),
        source: reader.bytes(8).toString('hex'),
        message: reader.bytes(1_170).toString('hex'),
        mac1: reader.bytes(8).toString('hex'),
        mac2: reader.bytes(8).toString('hex'),
      }
    }
    case 2: {
      const destination = reader.bytes(8).toString('hex')
      // The shortest payload, and what the handshake adds to it.
      refuseIf(reader.left < 8 + 16 + 1 + 48 || data.length > 256, 'length outside its range')
      return {
        type: 'RESPONSE',
        version,
        destination,
        message: reader.bytes(reader.left).toString('hex'),
      }
    }
    default:
      refuseIf(data.length !== 37, 'another length')
      return {
        type: 'COOKIE',
        version,
        destination: reader.bytes(8).toString('hex'),
        cookie: reader.bytes(16).toString('hex'),
        mac: reader.bytes(8).toString('hex'),
      }
  }
}

export function initPayload(data: Buffer): Fields {
  refuseIf(data.length !== 1_170 - 96, 'another length')
  const reader = new Reader(data)
  const initiator = reader.bytes(32).toString('hex')
  const reset = reader.bytes(16).toString('hex')
  const values = parameters(reader.block())
  refuseIf(
    reader.bytes(reader.left).some((byte) => byte !== 0),
    'padding that is not zero',
  )
  return { initiator, reset, parameters: values }
}

export function responsePayload(data: Buffer): Fields {
  refuseIf(data.length > 256 - 13 - 48, 'too long')
  const reader = new Reader(data)
  const source = reader.bytes(8).toString('hex')
  const reset = reader.bytes(16).toString('hex')
  const values = parameters(reader.block())
  refuseIf(reader.left > 0, 'longer than its content')
  return { source, reset, parameters: values }
}
