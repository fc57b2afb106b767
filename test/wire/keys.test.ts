// Keys that change within a session: epochs that a client begins, and handshakes by CRYPTO, right and wrong.

import type { Answer } from '../../bench/twin/crypto/handshake'
import type { NoiseInitiator } from '../../bench/twin/crypto/noise'
import { aes, chacha } from '../../bench/twin/crypto/suites'
import { Code } from '../../bench/twin/wire/codes'
import { FrameType } from '../../bench/twin/wire/frames'
import { networkKey } from '../../lib/network'
import { pause, until } from '../support/processes'
import { RawClient } from '../support/raw/client'
import { block, frame, message } from '../support/raw/frames'
import type { Seen } from '../support/raw/reader'
import {
  type Attacked,
  attack,
  changed,
  goodbye,
  sendAll,
  startServer,
  statsOf,
  talk,
} from './attackers'
import { ping, range } from './violations'

jest.setTimeout(120_000)

const network = { name: 'renewed', key: Buffer.alloc(32, 9) }
const limits = { handshakeRate: 100_000, idleTimeout: 10_000 }
let open: Attacked
let closed: Attacked

beforeAll(async () => {
  open = await startServer({ limits })
  closed = await startServer({ limits, network })
})

const nothing = Buffer.alloc(0)
const crypto = (generation: number, step: number, text: Uint8Array) =>
  frame(FrameType.crypto, generation, step, block(text))

/** The answer to the first message of a handshake within the session. */
async function ask(client: RawClient, generation: number, noise: NoiseInitiator): Promise<Buffer> {
  return answerTo(client, generation, noise.write(nothing))
}

async function answerTo(client: RawClient, generation: number, text: Buffer): Promise<Buffer> {
  const find = () =>
    client.seen.find(({ type, values }) => type === FrameType.crypto && values[0] === generation)
  await client.repeat(
    () => client.send(crypto(generation, 1, text)),
    () => find() !== undefined,
  )
  const { values, data } = find() as Seen & { data: Buffer }
  expect(values).toEqual([generation, 2])
  expect(data).toHaveLength(48)
  return data
}

/** A handshake within the session, and the epoch that it leads to. */
async function renew(client: RawClient, generation: number): Promise<void> {
  const noise = client.renewal(generation)
  expect(client.mix(noise, await ask(client, generation, noise))).toBe(true)
  await client.update()
}

describe.each([
  ['AES-256-GCM', aes, false],
  ['ChaCha20-Poly1305', chacha, false],
  ['AES-256-GCM in a closed network', aes, true],
  ['ChaCha20-Poly1305 in a closed network', chacha, true],
])('%s', (_, suite, inClosed) => {
  const attacker = () =>
    inClosed
      ? attack(closed, { suite, networkKey: networkKey(network) as Uint8Array })
      : attack(open, { suite })
  const to = () => (inClosed ? closed : open)

  test('one epoch after the other: the server follows, and both sides talk in each', async () => {
    const made = await attacker()
    for (let epoch = 1; epoch <= 6; epoch++) {
      await made.client.update()
      await talk(to(), made, epoch)
    }
    expect(made.client.keys.incoming.epoch).toBe(6)
    await made.client.send(goodbye)
  })

  test('one handshake within the session after the other, and epochs without one between them', async () => {
    const made = await attacker()
    // A third would have to wait for ten seconds.
    for (const generation of [1, 2]) {
      await renew(made.client, generation)
      await talk(to(), made, 2 * generation - 1)
      await made.client.update()
      await talk(to(), made, 2 * generation)
    }
    expect(made.client.keys.incoming.epoch).toBe(4)
    await made.client.send(goodbye)
  })
})

test('a packet of the epoch before is taken for a while, and then no more', async () => {
  const made = await attack(open)
  const { client, channel } = made
  const early = range(2).map((index) =>
    client.packet(message(1, index + 1, Buffer.from(`early ${index}`))),
  )
  await client.update()
  await client.sendDatagram(early[0] as Buffer)
  const received = await open.server.call<Uint8Array>('receiveOne', { channel })
  expect(Buffer.from(received).toString()).toBe('early 0')
  // Three PTOs: they count as 30 s at most, and here a round trip is next to nothing.
  await pause(2_000)
  const before = (await statsOf(open)).dropped.unauthenticated
  await sendAll(open, client, [early[1] as Buffer])
  expect((await statsOf(open)).dropped.unauthenticated).toBe(before + 1)
  await talk(open, made, 2)
  await client.send(goodbye)
})

test('a packet of the epoch before with a number of this one is ignored', async () => {
  const made = await attack(open)
  const { client } = made
  const old = client.keys.outgoing.key
  await client.update()
  const before = (await statsOf(open)).dropped.unauthenticated
  const late = client.packet(ping, { key: old, flags: 0 })
  await sendAll(open, client, [late])
  expect((await statsOf(open)).dropped.unauthenticated).toBe(before + 1)
  await talk(open, made)
  await client.send(goodbye)
})

test('an epoch that is skipped: ignored', async () => {
  const made = await attack(open)
  const { client } = made
  const { outgoing } = client.keys
  const before = (await statsOf(open)).dropped.unauthenticated
  const ahead = client.keys.outgoing.following
  outgoing.advance()
  // Two ahead, with either phase; three ahead.
  const two = range(2).map((flags) => client.packet(ping, { key: outgoing.following, flags }))
  outgoing.advance()
  const three = range(2).map((flags) => client.packet(ping, { key: outgoing.following, flags }))
  await sendAll(open, client, [...two, ...three])
  expect((await statsOf(open)).dropped.unauthenticated).toBe(before + 4)
  // In turn they are right. Numbers of packets that did not check were not used up.
  await sendAll(open, client, [client.packet(ping, { key: ahead, flags: 1 })])
  await client.send(ping, frame(FrameType.ackNow))
  await client.wait(() => client.keys.incoming.epoch > 0)
  await client.repeat(
    () => client.send(ping, frame(FrameType.ackNow)),
    () => client.followed,
  )
  await talk(open, made)
  await client.send(goodbye)
})

test('a message of the handshake that comes again is answered once', async () => {
  const made = await attack(open)
  const { client } = made
  const noise = client.renewal(1)
  const text = noise.write(nothing)
  for (let copy = 0; copy < 5; copy++) await client.send(crypto(1, 1, text))
  const answer = await answerTo(client, 1, text)
  await client.send(crypto(1, 1, text))
  expect(client.mix(noise, answer)).toBe(true)
  await client.update()
  await client.send(crypto(1, 1, text), client.acknowledgement())
  await renew(client, 2)
  await client.send(crypto(1, 1, text), crypto(2, 1, text))
  await talk(open, made)
  const answers = client.seen.filter(({ type }) => type === FrameType.crypto)
  expect(new Set(answers.map(({ data }) => data?.toString('hex'))).size).toBe(2)
  await client.send(goodbye)
})

test('a payload in a message of the handshake says nothing', async () => {
  const made = await attack(open)
  const { client } = made
  const noise = client.renewal(1)
  const answer = await answerTo(client, 1, noise.write(Buffer.from('hello')))
  expect(client.mix(noise, answer)).toBe(true)
  await client.update()
  await talk(open, made)
  await client.send(goodbye)
})

test('an epoch without what the handshake gave: ignored, until it is mixed in', async () => {
  const made = await attack(open)
  const { client } = made
  const noise = client.renewal(1)
  const answer = await ask(client, 1, noise)
  const before = (await statsOf(open)).dropped.unauthenticated
  const { following } = client.keys.outgoing
  const without = range(3).map(() => client.packet(ping, { key: following, flags: 1 }))
  await sendAll(open, client, without)
  expect((await statsOf(open)).dropped.unauthenticated).toBe(before + 3)
  // The session is where it was.
  await talk(open, made)
  expect(client.mix(noise, answer)).toBe(true)
  await client.update()
  await talk(open, made, 2)
  await client.send(goodbye)
})

/** What a client sends instead of a first message of generation 1. */
const broken: [string, (client: RawClient) => Buffer | Promise<Buffer>][] = [
  ['bytes of no meaning', () => crypto(1, 1, Buffer.alloc(96, 5))],
  ['one byte', () => crypto(1, 1, Buffer.of(1))],
  ['a message cut off', (client) => crypto(1, 1, client.renewal(1).write(nothing).subarray(0, 95))],
  [
    'a message with more behind it',
    (client) => {
      const text = client.renewal(1).write(nothing)
      return crypto(1, 1, Buffer.concat([text, Buffer.of(0)]))
    },
  ],
  ...[0, 31, 32, 79, 80, 95].map((at): (typeof broken)[number] => [
    `a message with byte ${at} changed`,
    (client) => crypto(1, 1, changed(client.renewal(1).write(nothing), at, 1)),
  ]),
  ['the message of another generation', (client) => crypto(1, 1, client.renewal(2).write(nothing))],
  [
    'the message of another session',
    (client) => crypto(1, 1, client.renewal(1, { hash: Buffer.alloc(32) }).write(nothing)),
  ],
  [
    'the message of somebody else',
    async (client) => {
      const other = await RawClient.create(open)
      const { hash } = (client.answer as Answer).agreement
      return crypto(1, 1, other.renewal(1, { hash }).write(nothing))
    },
  ],
  ['a generation left out', (client) => crypto(2, 1, client.renewal(2).write(nothing))],
  ['a second message', () => crypto(1, 2, Buffer.alloc(48))],
]

test.each(broken)('%s: the session is closed', async (_, make) => {
  const { client } = await attack(open)
  const before = (await statsOf(open)).protocolErrors
  await client.send(await make(client))
  const { values } = await client.expect(FrameType.close)
  expect(values).toEqual([Code.cryptoFailed])
  expect((await statsOf(open)).protocolErrors).toBe(before + 1)
})

test('a second handshake before the epoch of the first has begun: the session is closed', async () => {
  const { client } = await attack(open)
  await ask(client, 1, client.renewal(1))
  await client.send(crypto(2, 1, client.renewal(2).write(nothing)))
  expect((await client.expect(FrameType.close)).values).toEqual([Code.cryptoFailed])
})

test('afterwards nothing is left of them', async () => {
  await until(async () => (await statsOf(open)).sessions.length === 0, 'sessions end')
  const made = await attack(open)
  await talk(open, made)
  await made.client.send(goodbye)
})
