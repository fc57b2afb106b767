// Two processes with a peer each.

import path from 'node:path'
import type { ChannelOptions, ChannelStats, PeerOptions, ServeOptions } from '../../lib'
import { Child } from '../support/processes'

const script = path.join(__dirname, 'children', 'peer.cjs')

export type Driver = 'hybrid' | 'thread'

export interface Pair {
  readonly server: Child
  readonly client: Child
  readonly id: string
  /** The server's. */
  readonly address: string
  readonly port: number
}

export interface PairOptions {
  readonly driver?: Driver
  /** In brackets for IPv6. */
  readonly host?: string
  readonly server?: PeerOptions
  readonly client?: PeerOptions
  readonly serve?: ServeOptions
  /** Options of both Node.js processes. */
  readonly node?: readonly string[]
  /** Both live until the last test of the file. */
  readonly keep?: boolean
}

/** A server process that serves 'test', and a client process. */
export async function startPair(options: PairOptions = {}): Promise<Pair> {
  const { driver = 'hybrid', host = '127.0.0.1', node = [], keep = false } = options
  const server = new Child(script, { node, keep })
  const client = new Child(script, { node, keep })
  const listen = `${host}:0`
  const engine = { driver }
  const [made] = await Promise.all([
    server.call<{ id: string; address: string; port: number }>('create', {
      listen,
      engine,
      ...options.server,
    }),
    client.call('create', { listen, engine, ...options.client }),
  ])
  await server.call('serve', { options: options.serve })
  return { server, client, ...made }
}

/** Numbers of the two ends of a channel. */
export interface Ends {
  readonly server: number
  readonly client: number
}

export async function openChannel(
  { server, client, address }: Pair,
  options?: ChannelOptions,
  to: unknown = address,
): Promise<Ends> {
  const [number, accepted] = await Promise.all([
    client.call<number>('open', { to, options }),
    server.call<number>('accept'),
  ])
  return { client: number, server: accepted }
}

/** Which messages to send: those that follow from `seed`. */
export interface Load {
  readonly seed: number
  readonly count: number
  /** 8 to 1,500, where nothing else is said. */
  readonly minBytes?: number
  readonly maxBytes?: number
}

interface Sum {
  readonly count: number
  readonly bytes: number
  readonly digest: string
}

/** Begins to send and to read at both ends of a channel. */
export async function startTraffic(
  { server, client }: Pair,
  ends: Ends,
  load: { up: Load; down: Load },
): Promise<void> {
  const { up, down } = load
  await Promise.all([
    server.call('read', { channel: ends.server, traffic: up }),
    client.call('read', { channel: ends.client, traffic: down }),
  ])
  await Promise.all([
    client.call('send', { channel: ends.client, traffic: up, count: up.count }),
    server.call('send', { channel: ends.server, traffic: down, count: down.count }),
  ])
}

/** Waits until all traffic has ended, and checks that what arrived is what was sent. */
export async function checkTraffic({ server, client }: Pair, ends: Ends) {
  const [upSent, upReceived, downSent, downReceived] = await Promise.all([
    client.call<Sum>('sent', { channel: ends.client }),
    server.call<Sum>('received', { channel: ends.server }),
    server.call<Sum>('sent', { channel: ends.server }),
    client.call<Sum>('received', { channel: ends.client }),
  ])
  expect(upReceived).toEqual(upSent)
  expect(downReceived).toEqual(downSent)
  const closings = await Promise.all([
    client.call('closed', { channel: ends.client }),
    server.call('closed', { channel: ends.server }),
  ])
  for (const closing of closings) {
    expect(closing).toMatchObject({ unacknowledged: null, error: undefined })
  }
  return { up: upSent, down: downSent }
}

/** Opens a channel, sends both ways over it, and checks what arrives. */
export async function exchange(
  pair: Pair,
  load: { up: Load; down: Load },
  to?: unknown,
): Promise<{ client: ChannelStats; server: ChannelStats }> {
  const ends = await openChannel(pair, {}, to)
  await startTraffic(pair, ends, load)
  const { up, down } = await checkTraffic(pair, ends)
  expect(up.count).toBe(load.up.count)
  expect(down.count).toBe(load.down.count)
  const [client, server] = await Promise.all([
    pair.client.call<ChannelStats>('channelStats', { channel: ends.client }),
    pair.server.call<ChannelStats>('channelStats', { channel: ends.server }),
  ])
  expect(client).toMatchObject({ messagesReceived: down.count, bytesReceived: down.bytes })
  expect(server).toMatchObject({ messagesReceived: up.count, bytesReceived: up.bytes })
  return { client, server }
}
