// Datagrams that nobody should send, thrown at both peers in the middle of a transfer.

import { randomBytes, randomInt } from 'node:crypto'
import type { PeerStats } from '../../lib'
import { bound, type Passage, UdpProxy } from '../support/udp_proxy'
import { exchange, startPair } from './pair'

jest.setTimeout(120_000)

const load = { up: { seed: 41, count: 4_000 }, down: { seed: 42, count: 4_000 } }

/** Bytes of a DATA packet: its type, the connection id, the number, and at its end the tag. */
const headerBytes = 13
const tagBytes = 16

function flip(datagram: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.from(datagram)
  const at = randomInt(from, to)
  copy[at] = (copy[at] as number) ^ (1 << randomInt(8))
  return copy
}

const damagedTag = (packet: Buffer) => flip(packet, packet.length - tagBytes, packet.length)

/**
 * Damaged copies of a real packet. The packet's number is left alone: this version of the protocol does not authenticate
 * packets, so a valid tag with another number is a valid packet. For the same reason the content is changed together
 * with the tag.
 */
const damage: ((packet: Buffer) => Buffer)[] = [
  (packet) => packet,
  (packet) => packet.subarray(0, randomInt(0, Math.min(packet.length, 29))),
  (packet) => flip(packet, 0, 1),
  (packet) => flip(packet, 1, 9),
  damagedTag,
  (packet) => damagedTag(flip(packet, headerBytes, packet.length - tagBytes)),
  (packet) => Buffer.concat([packet, randomBytes(randomInt(1, 100))]),
]

test('garbage at both sides of a transfer: it completes, and all is counted', async () => {
  // Many packets to throw at.
  const short = { mtu: 1_200 }
  const pair = await startPair({ server: short, client: short })
  const { server, client } = pair
  const target = { address: '127.0.0.1', port: pair.port }
  let thrown = 0

  const throwGarbage = ({ datagram, number, pass, passAsStranger }: Passage) => {
    // INIT and RESPONSE may be damaged into ones that open other sessions; that is for another test. And not
    // at each packet, or both sides would mostly read garbage.
    if (datagram[0] !== 0x80 || number % 3 !== 0) {
      pass(datagram)
      return
    }
    // Before the real one, which must still be taken.
    pass(damagedTag(datagram))
    pass(datagram)
    const make = damage[randomInt(damage.length)] as (packet: Buffer) => Buffer
    pass(make(datagram))
    passAsStranger(datagram)
    passAsStranger(flip(datagram, 0, datagram.length))
    pass(randomBytes(randomInt(0, 1_500)))
    const random = randomBytes(randomInt(30, 1_500))
    random[0] = [0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xff, 0x00][randomInt(7)] as number
    pass(random)
    passAsStranger(random)
    thrown += 7
  }
  const proxy = await UdpProxy.start(target, throwGarbage)

  const to = { id: pair.id, addresses: [`127.0.0.1:${proxy.port}`] }
  await exchange(pair, load, to)
  expect(thrown).toBeGreaterThan(500)
  const stats = await Promise.all([
    server.call<PeerStats>('stats'),
    client.call<PeerStats>('stats'),
  ])
  for (const { dropped, protocolErrors, sessions } of stats) {
    expect(dropped.foreign).toBeGreaterThan(0)
    expect(dropped.malformed).toBeGreaterThan(0)
    expect(dropped.unknownSession).toBeGreaterThan(0)
    expect(dropped.unauthenticated).toBeGreaterThan(0)
    expect(dropped.duplicates).toBeGreaterThan(0)
    expect(protocolErrors).toBe(0)
    expect(sessions.length).toBe(1)
  }
  // Both live, and still find each other without the proxy.
  await exchange(pair, { up: { seed: 43, count: 100 }, down: { seed: 44, count: 100 } })
})

test('a server that gets nothing but garbage drops and counts it, and stays small', async () => {
  const pair = await startPair({ node: ['--expose-gc'] })
  const socket = await bound('127.0.0.1')
  const throwSome = async (count: number) => {
    for (let index = 0; index < count; index++) {
      const garbage = randomBytes(randomInt(0, 1_400))
      // Every kind of packet is tried.
      if (garbage.length > 0 && index % 2 === 0) garbage[0] = 0x80 | (garbage[0] as number & 0x70)
      await new Promise((resolve) => socket.send(garbage, pair.port, '127.0.0.1', resolve))
    }
  }
  await throwSome(1_000)
  const before = await pair.server.call<{ native: number }>('usage')
  await throwSome(10_000)
  const after = await pair.server.call<{ native: number }>('usage')
  socket.close()
  expect(after.native).toBe(before.native)
  const { dropped, sessions, datagramsReceived } = await pair.server.call<PeerStats>('stats')
  const { foreign, malformed, unknownSession, notForUs } = dropped
  expect(sessions).toEqual([])
  // Some may have been lost before the socket; what arrived was dropped for one of these reasons.
  expect(datagramsReceived).toBeGreaterThan(1_000)
  expect(foreign + malformed + unknownSession + notForUs).toBe(datagramsReceived)
  await exchange(pair, { up: { seed: 45, count: 100 }, down: { seed: 46, count: 100 } })
})
