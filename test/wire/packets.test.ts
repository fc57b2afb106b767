// Sealed packets that somebody has changed, repeated, held back or made up: they are ignored, and the session goes on.

import { randomBytes } from 'node:crypto'
import { PacketKey } from '../../bench/twin/crypto/protection'
import { aes, chacha } from '../../bench/twin/crypto/suites'
import { Code } from '../../bench/twin/wire/codes'
import { FrameType } from '../../bench/twin/wire/frames'
import { until } from '../support/processes'
import type { RawClient } from '../support/raw/client'
import { frame, message } from '../support/raw/frames'
import {
  type Attacked,
  type Attacker,
  attack,
  changed,
  goodbye,
  sendAll,
  startServer,
  statsOf,
  talk,
} from './attackers'
import { bytes, ping, range } from './violations'

jest.setTimeout(120_000)

let attacked: Attacked

beforeAll(async () => {
  attacked = await startServer({ limits: { handshakeRate: 100_000, idleTimeout: 10_000 } })
})

afterEach(async () => {
  await until(async () => (await statsOf(attacked)).sessions.length === 0, 'sessions end')
})

type Dropped = Awaited<ReturnType<typeof statsOf>>['dropped']

/** What these datagrams are dropped for, and how many of each. */
async function dropped(client: RawClient, datagrams: Uint8Array[]): Promise<Partial<Dropped>> {
  const { dropped: before } = await statsOf(attacked)
  await sendAll(attacked, client, datagrams)
  const { dropped: after } = await statsOf(attacked)
  const more = Object.entries(after).map(([name, count]): [string, number] => [
    name,
    count - before[name as keyof Dropped],
  ])
  return Object.fromEntries(more.filter(([, count]) => count > 0))
}

const received = async ({ channel }: Attacker) => {
  const got = await attacked.server.call<Uint8Array>('receiveOne', { channel })
  return Buffer.from(got).toString()
}

describe.each([aes, chacha])('$name', (suite) => {
  test.each([0x01, 0x80, 0xff])('any byte changed by %p: ignored', async (bits) => {
    const made = await attack(attacked, { suite })
    const { client } = made
    const packet = client.packet(message(1, 1, Buffer.from('as it was sent')))
    const bad = range(packet.length).map((at) => changed(packet, at, bits))
    const counts = await dropped(client, bad)
    // In its connection id it is for nobody; in the first byte it may be no DATA.
    const {
      foreign = 0,
      malformed = 0,
      unknownSession = 0,
      unauthenticated = 0,
      duplicates = 0,
    } = counts
    expect(unknownSession).toBe(8)
    expect(foreign + malformed).toBe(bits === 1 ? 0 : 1)
    // A number that was another's before is not even opened.
    expect(unauthenticated + duplicates).toBe(bad.length - 8 - foreign - malformed)
    expect(duplicates).toBeLessThanOrEqual(4)
    await client.sendDatagram(packet)
    expect(await received(made)).toBe('as it was sent')
    await client.send(goodbye)
  })

  test('a packet cut off, or longer than it was: ignored', async () => {
    const made = await attack(attacked, { suite })
    const { client } = made
    const packet = client.packet(message(1, 1, bytes(40)))
    const bad = [
      ...range(packet.length).map((length) => packet.subarray(0, length)),
      ...[1, 16, 1_000].map((more) => Buffer.concat([packet, Buffer.alloc(more)])),
    ]
    // An empty datagram is counted as well.
    const counts = Object.values(await dropped(client, bad)).reduce((sum, count) => sum + count, 0)
    expect(counts).toBe(bad.length)
    await talk(attacked, made)
    await client.send(goodbye)
  })

  test('reserved flags, the other key phase, and keys of no epoch: ignored', async () => {
    const made = await attack(attacked, { suite })
    const { client } = made
    const { outgoing } = client.keys
    const wrong = range(15).map((flags) => client.packet(ping, { flags: flags + 1 }))
    const key = new PacketKey(suite, randomBytes(32), outgoing.key.iv)
    const iv = new PacketKey(suite, outgoing.key.key, randomBytes(12))
    wrong.push(client.packet(ping, { key }), client.packet(ping, { key: iv }))
    // Of the next epoch, with the phase of this one.
    wrong.push(client.packet(ping, { key: outgoing.following, flags: 0 }))
    expect(await dropped(client, wrong)).toEqual({ unauthenticated: wrong.length })
    await talk(attacked, made)
    await client.send(goodbye)
  })
})

test('a packet without frames: ignored, or not more than that', async () => {
  const made = await attack(attacked)
  const { client } = made
  await sendAll(attacked, client, [client.packet(Buffer.alloc(0))])
  await talk(attacked, made)
  await client.send(goodbye)
})

test('garbage of every first byte and many lengths: ignored', async () => {
  const made = await attack(attacked)
  const { client } = made
  const garbage = range(256).flatMap((first) =>
    [1, 13, 29, 30, 37, 86, 1_200].map((length) => {
      const datagram = randomBytes(length)
      datagram[0] = first
      return datagram
    }),
  )
  // And as if for this session.
  for (const length of [13, 28, 29, 30, 31, 60, 1_200, 9_000]) {
    const start = Buffer.concat([Buffer.of(0x80), client.destinationId])
    garbage.push(Buffer.concat([start, randomBytes(length)]))
  }
  await sendAll(attacked, client, garbage)
  await talk(attacked, made)
  await client.send(goodbye)
})

test('packets again: ignored', async () => {
  const made = await attack(attacked)
  const { client } = made
  const packets = range(20).map((index) =>
    client.packet(message(1, index + 1, Buffer.from(`number ${index + 1}`))),
  )
  await sendAll(attacked, client, packets)
  expect(await dropped(client, [...packets, ...packets])).toEqual({ duplicates: 40 })
  for (let number = 1; number <= 20; number++) expect(await received(made)).toBe(`number ${number}`)
  // The same frames in a new packet are no replay: messages have numbers, too.
  await client.send(message(1, 1, Buffer.from('number 1')))
  await client.send(message(1, 21, Buffer.from('number 21')))
  expect(await received(made)).toBe('number 21')
  await client.send(goodbye)
})

test('packets out of order, and with numbers left out: taken, as far back as is remembered', async () => {
  const made = await attack(attacked)
  const { client } = made
  const count = 50
  const packets = range(count).map((index) => {
    client.nextNumber += 1 + (index % 5) * 30
    return client.packet(message(1, index + 1, Buffer.from(`number ${index + 1}`)))
  })
  expect(await dropped(client, packets.reverse())).toEqual({})
  for (let number = 1; number <= count; number++) {
    expect(await received(made)).toBe(`number ${number}`)
  }
  const last = client.nextNumber + 100_000
  const ago = (behind: number) => client.packet(ping, { number: last - behind })
  expect(await dropped(client, [ago(0), ago(1), ago(8_191)])).toEqual({})
  expect(await dropped(client, [ago(65_537), ago(0), ago(1), ago(8_191)])).toEqual({
    duplicates: 4,
  })
  client.nextNumber = last + 1
  await client.send(message(1, count + 1, Buffer.from('goes on')))
  expect(await received(made)).toBe('goes on')
  await client.send(goodbye)
})

test('a number beyond its 32 bits is restored', async () => {
  const made = await attack(attacked)
  const { client } = made
  // By steps that are not ambiguous.
  for (const number of [2 ** 31 - 1, 2 ** 32 - 10, 2 ** 32 + 5, 2 ** 33 - 2 ** 31 - 100]) {
    client.nextNumber = number
    await client.send(ping, frame(FrameType.ackNow))
    await client.wait(() =>
      client.seen.some(({ type, values }) => type === FrameType.ack && values[0] === number),
    )
  }
  await talk(attacked, made)
  await client.send(goodbye)
})

test('who acknowledges a number that was left out is not believed any more', async () => {
  const { client } = await attack(attacked)
  const closed = () => client.seen.find(({ type }) => type === FrameType.close)
  // One of 2,048 is left out: that there is none among so many has a probability of e^-20.
  while (closed() === undefined && client.numbers.size < 40_960) {
    const { lastNumber } = client
    await client.repeat(
      () => client.send(ping, frame(FrameType.ackNow)),
      () => client.lastNumber > lastNumber,
    )
    // Most of what is missing was left out; what was just late or lost, the server can tell.
    for (let number = lastNumber + 1; number < client.lastNumber; number++) {
      if (client.numbers.has(number)) continue
      await client.send(frame(FrameType.ack, number, 0, 0, 0), ping, frame(FrameType.ackNow))
      const before = client.lastNumber
      await client.repeat(
        () => client.send(ping, frame(FrameType.ackNow)),
        () => client.lastNumber > before,
      )
    }
  }
  expect(closed()?.values).toEqual([Code.ackInvalid])
})
