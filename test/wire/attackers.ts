// A server in a process of its own, and clients that do what they should not.

import path from 'node:path'
import { FrameType } from '../../bench/twin/wire/frames'
import type { PeerOptions, PeerStats, ServeOptions } from '../../lib'
import { Child, until } from '../support/processes'
import { type ClientOptions, RawClient, type Server } from '../support/raw/client'
import { block, frame, message, open } from '../support/raw/frames'

const script = path.join(__dirname, '..', 'process', 'children', 'peer.cjs')

/** A process with a peer, and how to reach it. */
export interface Attacked extends Server {
  readonly server: Child
}

/** A server that lives until the last test of the file, if `keep`. */
export async function startServer(
  options: PeerOptions & { keep?: boolean; serve?: ServeOptions } = {},
): Promise<Attacked> {
  const { keep = true, serve, ...peer } = options
  const server = new Child(script, { node: ['--expose-gc'], keep })
  const listen = '127.0.0.1:0'
  const made = await server.call<Server>('create', { listen, ...peer })
  await server.call('serve', { options: serve })
  return { server, ...made }
}

export const statsOf = ({ server }: { server: Child }) => server.call<PeerStats>('stats')

export const goodbye = frame(FrameType.close, 0, block(''))

/** A client with an accepted channel 1, and the server's number of it. */
export interface Attacker {
  readonly client: RawClient
  readonly channel: number
}

export async function attack(attacked: Attacked, options?: ClientOptions): Promise<Attacker> {
  const client = await RawClient.connect(attacked, options)
  return { client, channel: await openFirst(attacked, client) }
}

/** Opens channel 1, and tells the server's number of it. */
export async function openFirst({ server }: Attacked, client: RawClient): Promise<number> {
  const accepted = server.call<number>('accept')
  await client.send(open())
  await client.expect(FrameType.accept)
  await client.send(client.acknowledgement())
  return accepted
}

/** A message up and one down: the session is as good as ever. `sequence`: what is next on the channel, both ways. */
export async function talk(
  { server }: Attacked,
  { client, channel }: Attacker,
  sequence = 1,
): Promise<void> {
  const up = Buffer.from(`number ${sequence}`)
  await client.send(message(1, sequence, up), frame(FrameType.ackNow))
  const received = await server.call<Uint8Array>('receiveOne', { channel })
  expect(Buffer.from(received)).toEqual(up)
  const seen = client.seen.length
  await server.call('writeOne', { channel, message: up })
  await client.wait(() => client.seen.slice(seen).some(({ type }) => type === FrameType.message))
  await client.send(client.acknowledgement())
  expect(client.seen.some(({ type }) => type === FrameType.close)).toBe(false)
}

/** Sends datagrams, no more at a time than a socket can hold, and waits until the server has had each. */
export async function sendAll(
  attacked: Attacked,
  client: RawClient,
  datagrams: readonly Uint8Array[],
): Promise<void> {
  const atOnce = 32
  for (let first = 0; first < datagrams.length; first += atOnce) {
    const before = (await statsOf(attacked)).datagramsReceived
    const batch = datagrams.slice(first, first + atOnce)
    for (const datagram of batch) await client.sendDatagram(datagram)
    await until(
      async () => (await statsOf(attacked)).datagramsReceived >= before + batch.length,
      'datagrams arrive',
    )
  }
}

/** A copy with one byte changed. */
export function changed(data: Uint8Array, at: number, bits = 0xff): Buffer {
  const copy = Buffer.from(data)
  copy[at] = (copy[at] as number) ^ bits
  return copy
}
