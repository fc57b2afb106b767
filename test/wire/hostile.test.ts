// Clients that break the protocol, by hand and over real sockets: the server ends their session with the right code or
// drops what they sent, keeps nothing of them, and everybody else goes on.

import { identity } from '../../bench/twin/crypto/keys'
import { Code } from '../../bench/twin/wire/codes'
import { FrameType } from '../../bench/twin/wire/frames'
import type { PeerStats } from '../../lib'
import { type Ends, openChannel, type Pair, startPair } from '../process/pair'
import { type TellTale, until } from '../support/processes'
import { RawClient } from '../support/raw/client'
import { block, fragment, frame, message, open, varint } from '../support/raw/frames'
import {
  bytes,
  initialCredit,
  maxChannels,
  maxMessageBytes,
  ping,
  range,
  tolerated,
  violations,
} from './violations'

jest.setTimeout(120_000)

/** Half-open sessions from which on a COOKIE is wanted. */
const cookiesFrom = 64
const serverLimits = {
  channels: maxChannels,
  halfOpen: 192,
  sessions: 192,
  idleTimeout: 10_000,
  handshakeRate: 100_000,
}

let pair: Pair
/** A channel of an honest client, open all the time. */
let witness: Ends
/** Native memory of the server with nothing but the witness. */
let usual: number
/** Blocks for messages, and tables, that the server keeps once it needed them. */
const keptWarm = (4 << 20) + 16_384

beforeAll(async () => {
  const node = ['--expose-gc']
  const server = { limits: serverLimits }
  pair = await startPair({ node, server, serve: { maxMessageBytes }, keep: true })
  witness = await openChannel(pair)
  await testify()
  usual = await settled()
})

/** The honest client's session is as good as ever. */
async function testify(): Promise<void> {
  for (const text of ['as', 'ever']) {
    const sent = Buffer.from(text)
    await pair.client.call('writeOne', { channel: witness.client, message: sent })
    const received = await pair.server.call<Uint8Array>('receiveOne', { channel: witness.server })
    expect(Buffer.from(received)).toEqual(sent)
    await pair.server.call('writeOne', { channel: witness.server, message: sent })
    const back = await pair.client.call<Uint8Array>('receiveOne', { channel: witness.client })
    expect(Buffer.from(back)).toEqual(sent)
  }
}

const stats = () => pair.server.call<PeerStats>('stats')
const nativeMemory = async () => (await pair.server.call<{ native: number }>('usage')).native

/** Native memory once no session but the witness's is left and what was kept warm is given back. */
async function settled(): Promise<number> {
  await until(async () => (await stats()).sessions.length === 1, 'hostile sessions end')
  let memory = -1
  await until(async () => {
    const before = memory
    memory = await nativeMemory()
    return memory === before
  }, 'memory settles')
  return memory
}

afterEach(async () => {
  await testify()
  expect(await settled()).toBeLessThanOrEqual(usual + keptWarm)
})

/** A client with an accepted channel 1, and the server's number of it. */
async function attacker(parameters?: Uint8Array): Promise<{ client: RawClient; channel: number }> {
  const client = await RawClient.connect(pair, { parameters })
  const accepted = pair.server.call<number>('accept')
  await client.send(open())
  await client.expect(FrameType.accept)
  await client.send(client.acknowledgement())
  return { client, channel: await accepted }
}

async function violate(frames: Buffer, code: number): Promise<number> {
  const { client, channel } = await attacker()
  await client.send(frames)
  const close = await client.expect(FrameType.close)
  expect(close).toEqual({
    type: FrameType.close,
    values: [code],
    reason: expect.stringMatching(/./),
  })
  return channel
}

test.each(violations)('%s: the session is closed', async (_, frames, code) => {
  const before = await stats()
  const channel = await violate(frames, code)
  // The server's application is told.
  const closed = await pair.server.call<{ by: string; error: TellTale }>('closed', { channel })
  expect(closed).toMatchObject({ by: 'failure', error: { code: 'PROTOCOL_ERROR' } })
  expect((await stats()).protocolErrors).toBe(before.protocolErrors + 1)
})

test('all of them again and again: nothing is kept', async () => {
  const memory: number[] = []
  for (let round = 0; round < 3; round++) {
    for (const [, frames, code] of violations) await violate(frames, code)
    memory.push(await settled())
  }
  // Some forty sessions each, of which each would have kept 6 KB for its keys alone. Tables of sessions may be larger by a step,
  // depending on how many there were at once, and the keys of the honest session count while it is not parked.
  expect(memory[2]).toBeLessThan((memory[1] as number) + 16_384)
})

test.each(tolerated)('%s: the session goes on', async (_, frames) => {
  const { client, channel } = await attacker()
  await client.send(frames)
  await client.send(message(1, 1, Buffer.from('still here')), frame(FrameType.ackNow))
  const received = await pair.server.call<Uint8Array>('receiveOne', { channel })
  expect(Buffer.from(received).toString()).toBe('still here')
  await client.expect(FrameType.ack)
  expect(client.seen.some(({ type }) => type === FrameType.close)).toBe(false)
  await client.send(frame(FrameType.close, 0, block('')))
})

test('a service that nobody serves is refused, and the session goes on', async () => {
  const { client } = await attacker()
  await client.send(open({ channel: 3, service: 'nobody' }))
  const { values } = await client.expect(FrameType.reset)
  expect(values.slice(0, 2)).toEqual([3, Code.serviceUnknown])
  await client.send(frame(FrameType.close, 0, block('')))
})

test('packets seen before, from elsewhere or with a tag that does not check are dropped and counted', async () => {
  const { client, channel } = await attacker()
  const before = (await stats()).dropped
  const packet = client.packet(message(1, 1, Buffer.from('once')))
  await client.sendDatagram(packet)
  for (let copy = 0; copy < 10; copy++) await client.sendDatagram(packet)
  const bad = client.packet(message(1, 2, Buffer.from('bad tag')))
  bad[bad.length - 1] = 1
  await client.sendDatagram(bad)
  const stranger = await RawClient.create(pair)
  await stranger.sendDatagram(packet)
  await stranger.sendDatagram(bad)
  const elsewhere = { destination: stranger.sourceId }
  await stranger.sendDatagram(client.packet(message(1, 2, Buffer.from('elsewhere')), elsewhere))
  await client.send(message(1, 2, Buffer.from('twice')))
  for (const text of ['once', 'twice']) {
    const received = await pair.server.call<Uint8Array>('receiveOne', { channel })
    expect(Buffer.from(received).toString()).toBe(text)
  }
  await until(async () => {
    const { duplicates, unauthenticated, unknownSession } = (await stats()).dropped
    return (
      duplicates >= before.duplicates + 10 &&
      unauthenticated > before.unauthenticated &&
      unknownSession > before.unknownSession
    )
  }, 'all are counted')
  await client.send(frame(FrameType.close, 0, block('')))
})

test('pieces of a message without an end: the memory is that of one message', async () => {
  const { client } = await attacker()
  const before = await nativeMemory()
  // A byte here and a byte there, so that no two pieces are one; and none of them completes the message.
  for (let round = 0; round < 40; round++) {
    const pieces = range(100).map((index) =>
      fragment(
        1,
        1,
        maxMessageBytes,
        1 + 2 * (((round * 100 + index) * 7) % (maxMessageBytes / 2 - 1)),
        bytes(1),
      ),
    )
    await client.send(...pieces)
  }
  const during = await nativeMemory()
  expect(during - before).toBeLessThan(4 * maxMessageBytes)
  await client.send(frame(FrameType.close, 0, block('')))
})

test('beginnings of as many messages as the credit allows: the memory is bounded', async () => {
  const { client } = await attacker()
  const before = await nativeMemory()
  const most = Math.floor(initialCredit / (32 + 1 + 2))
  for (let first = 1; first <= most; first += 50) {
    const count = Math.min(50, most - first + 1)
    await client.send(...range(count).map((index) => fragment(1, first + index, 2, 1, bytes(1))))
  }
  const during = await nativeMemory()
  // Each of them costs the receiver more than the two bytes, but not without a limit.
  expect(during - before).toBeLessThan(most * 512)
  expect(client.seen.some(({ type }) => type === FrameType.close)).toBe(false)
  await client.send(fragment(1, most + 2, 2, 0, bytes(1)))
  expect((await client.expect(FrameType.close)).values).toEqual([Code.flowControl])
})

test('every channel that is allowed, none of which anybody serves: nothing is kept', async () => {
  const { client } = await attacker()
  for (let number = 1; number < maxChannels; number++) {
    await client.send(
      open({ channel: 2 * number + 1, service: 'nobody' }),
      message(2 * number + 1, 1, bytes(1_000)),
    )
  }
  await client.repeat(
    () => client.send(ping),
    () =>
      new Set(
        client.seen.filter(({ type }) => type === FrameType.reset).map(({ values }) => values[0]),
      ).size ===
      maxChannels - 1,
  )
  await client.send(frame(FrameType.close, 0, block('')))
})

test('a client that never acknowledges anything costs what waits for it, and is given up', async () => {
  // The idle timeout that it asks for, milliseconds.
  const { client, channel } = await attacker(Buffer.concat([Buffer.of(1), block(varint(2_000))]))
  const before = await nativeMemory()
  await pair.server.call('writeOne', { channel, message: bytes(20_000) })
  await client.expect(FrameType.fragment)
  expect((await nativeMemory()) - before).toBeLessThan(1 << 20)
  // Not a word from it.
  const closed = await pair.server.call<{ by: string }>('closed', { channel })
  expect(closed).toMatchObject({
    by: 'failure',
    error: { code: 'PEER_LOST' },
    unacknowledged: { first: 1, count: 1 },
  })
})

test.each([
  ['another version', { version: 2 }, 'malformed'],
  ['another peer', { responder: identity().id }, 'notForUs'],
  ['parameters that are cut off', { parameters: Buffer.of(1) }, 'malformed'],
  ['the same parameter twice', { parameters: Buffer.of(4, 1, 5, 4, 1, 6) }, 'malformed'],
  [
    'a parameter outside its range',
    { parameters: Buffer.concat([Buffer.of(5), block(varint(100))]) },
    'malformed',
  ],
] as const)('INIT for %s is not answered', async (_, given, counter) => {
  const before = (await stats()).dropped[counter]
  const client = await RawClient.create(pair)
  await client.sendDatagram(client.init(given))
  await until(async () => (await stats()).dropped[counter] > before, 'it is counted')
  // What is right still is answered, and nothing was before.
  expect(client.bytesReceived).toBe(0)
  await client.dial()
  expect(client.datagramsReceived).toBe(1)
  await client.send(frame(FrameType.close, 0, block('')))
})

// The last one: for ten seconds there is no room for other new sessions.
test('a flood of INITs is bounded by cookies, and then by what one address may have half made', async () => {
  const before = await stats()
  const memory = await nativeMemory()
  // They are from one address.
  const share = serverLimits.halfOpen / 2
  const floods = 2 * share
  const clients = await Promise.all(range(floods).map(() => RawClient.create(pair)))
  const sum = (list: (client: RawClient) => unknown[]) =>
    clients.reduce((total, client) => total + list(client).length, 0)
  for (const client of clients) {
    client.answersCookies = false
    await client.sendDatagram(client.init())
  }
  await until(
    () => sum(({ cookies }) => cookies) === floods - cookiesFrom,
    'cookies for the others',
  )
  await until(() => sum(({ responses }) => responses) === cookiesFrom, 'answers for the first')
  expect((await stats()).halfOpen).toBe(cookiesFrom)
  // Those that have received a COOKIE go on.
  for (const client of clients) {
    const [cookie] = client.cookies
    if (cookie !== undefined) await client.sendDatagram(client.withCookie(cookie) as Buffer)
  }
  await until(async () => {
    // Which of both depends on how old the first ones are when the others come.
    const { refused, halfOpenDisplaced } = await stats()
    const beyond = refused.halfOpen + halfOpenDisplaced
    return beyond === before.refused.halfOpen + before.halfOpenDisplaced + floods - share
  }, 'those beyond the limit are refused or take the place of others')
  const after = await stats()
  expect(after.halfOpen).toBe(share)
  expect(after.cookiesSent - before.cookiesSent).toBe(floods - cookiesFrom)
  expect((await nativeMemory()) - memory).toBeLessThan(share * 16_384)
  await until(async () => (await stats()).halfOpen === 0, 'they are forgotten')
})
