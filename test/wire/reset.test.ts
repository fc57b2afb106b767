// Stateless resets: what a peer says of sessions that it does not know, and what it believes.

import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TellTale } from '../support/processes'
import { pause, until } from '../support/processes'
import { newId, RawClient } from '../support/raw/client'
import {
  type Attacked,
  type Attacker,
  attack,
  changed,
  goodbye,
  startServer,
  statsOf,
  talk,
} from './attackers'
import { ping, range } from './violations'

jest.setTimeout(60_000)

let folder = ''
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-resets-'))
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const started = (options = {}) => startServer({ keep: false, ...options })

/** Looks like DATA for this connection id. */
function looksLikeData(
  destination: Uint8Array,
  length: number,
  end: Uint8Array = Buffer.alloc(0),
): Buffer {
  const start = Buffer.concat([Buffer.of(0x80), destination])
  return Buffer.concat([start, randomBytes(length - start.length - end.length), end])
}

/** The answer to a datagram. */
async function answer(client: RawClient, datagram: Uint8Array): Promise<Buffer> {
  const before = client.resets.length
  await client.repeat(
    () => client.sendDatagram(datagram),
    () => client.resets.length > before,
  )
  return client.resets[before] as Buffer
}

const tokenIn = (reset: Buffer) => reset.subarray(-16)
const tokenOf = ({ client }: Attacker) => client.answer?.reset as Buffer

function expectReset(reset: Buffer, trigger: Uint8Array): void {
  expect(reset.length).toBeGreaterThanOrEqual(30)
  expect(reset.length).toBeLessThan(trigger.length)
  expect((reset[0] as number) & 0xf0).toBe(0x80)
}

async function gone(to: Attacked, left = 0): Promise<void> {
  await until(async () => (await statsOf(to)).sessions.length === left, 'the session ends')
}

/** The server's ids of `count` sessions that it has forgotten; `left` others stay. */
async function forgotten(to: Attacked, count: number, left = 0): Promise<Buffer[]> {
  const ids: Buffer[] = []
  for (let made = 0; made < count; made++) {
    const { client } = await attack(to)
    await client.send(goodbye)
    ids.push(client.destinationId)
  }
  await gone(to, left)
  return ids
}

test('of a session that has ended: the token that its RESPONSE said', async () => {
  const to = await started()
  const made = await attack(to)
  const { client } = made
  await client.send(goodbye)
  await gone(to)
  for (const length of [31, 32, 47, 100, 1_200]) {
    const trigger = looksLikeData(client.destinationId, length)
    const reset = await answer(client, trigger)
    expectReset(reset, trigger)
    expect(tokenIn(reset)).toEqual(tokenOf(made))
  }
  // Whether the packet was a right one does not matter.
  const right = client.packet(Buffer.concat([ping, ping]))
  expect(tokenIn(await answer(client, right))).toEqual(tokenOf(made))
  // What stands before the token is another each time.
  const heads = client.resets.map((reset) => reset.subarray(0, 13).toString('hex'))
  expect(new Set(heads).size).toBe(heads.length)
})

test('after a restart with the same identity: the same token, and another one with another identity', async () => {
  const identity = path.join(folder, 'key')
  const before = await started({ identity })
  const made = await attack(before)
  before.server.kill('SIGKILL')
  await before.server.ended
  const again = await started({ identity })
  expect(again.id).toBe(before.id)
  const client = await RawClient.create(again)
  const trigger = looksLikeData(made.client.destinationId, 64)
  expect(tokenIn(await answer(client, trigger))).toEqual(tokenOf(made))
  // Somebody else has nothing to say of it.
  const stranger = await started()
  const [own] = await forgotten(stranger, 1)
  const other = await RawClient.create(stranger)
  await other.sendDatagram(trigger)
  await answer(other, looksLikeData(own as Buffer, 64))
  expect(other.datagramsReceived).toBe(1)
  expect(tokenIn(other.resets[0] as Buffer)).not.toEqual(tokenOf(made))
  expect(await statsOf(stranger)).toMatchObject({ resetsSent: 1 })
})

test.each([
  ['without a network', undefined],
  ['in a network', { name: 'reset test', key: randomBytes(32) }],
])('ids that the peer has not made get nothing, %s', async (_, network) => {
  const to = await started(network && { network })
  const { datagramsSent } = await statsOf(to)
  const client = await RawClient.create(to)
  for (let packet = 0; packet < 200; packet++) {
    await client.sendDatagram(looksLikeData(newId(), 31 + packet))
    if (packet % 20 === 0) await pause(1)
  }
  await until(async () => (await statsOf(to)).dropped.unknownSession === 200, 'all arrive')
  expect(await statsOf(to)).toMatchObject({ resetsSent: 0, datagramsSent })
  expect(client.datagramsReceived).toBe(0)
})

test('one bit of an id that the peer has made decides', async () => {
  const to = await started()
  const [id] = (await forgotten(to, 1)) as [Buffer]
  const client = await RawClient.create(to)
  for (const at of range(8)) await client.sendDatagram(looksLikeData(changed(id, at, 1), 40))
  await answer(client, looksLikeData(id, 40))
  expect(client.datagramsReceived).toBe(1)
})

test('ids have tokens of their own, the same each time', async () => {
  const to = await started()
  const ids = await forgotten(to, 8)
  const client = await RawClient.create(to)
  const tokens: string[] = []
  for (const id of [...ids, ...ids]) {
    tokens.push(tokenIn(await answer(client, looksLikeData(id, 40))).toString('hex'))
  }
  expect(tokens.slice(8)).toEqual(tokens.slice(0, 8))
  expect(new Set(tokens).size).toBe(8)
})

test('nothing is said of datagrams too short to be longer than an answer, of other packets, or of sessions that live', async () => {
  const to = await started()
  const made = await attack(to)
  const { client } = made
  const [id] = (await forgotten(to, 1, 1)) as [Buffer]
  const stranger = await RawClient.create(to)
  for (const length of [9, 13, 29, 30]) {
    await stranger.sendDatagram(looksLikeData(id, length))
  }
  for (const first of [0x00, 0x7f, 0x90, 0xa0, 0xb0, 0xc0, 0xf0]) {
    await stranger.sendDatagram(Buffer.concat([Buffer.of(first), randomBytes(99)]))
  }
  await stranger.sendDatagram(looksLikeData(client.destinationId, 100))
  await client.sendDatagram(looksLikeData(client.destinationId, 100))
  await talk(to, made)
  // What is answered comes after all these.
  await answer(stranger, looksLikeData(id, 31))
  expect(stranger.datagramsReceived).toBe(1)
  expect(client.resets).toEqual([])
})

test('no more than a hundred a second', async () => {
  const to = await started()
  const [id] = (await forgotten(to, 1)) as [Buffer]
  const client = await RawClient.create(to)
  const before = (await statsOf(to)).dropped.unknownSession
  for (let round = 0; round < 10; round++) {
    for (let packet = 0; packet < 50; packet++) {
      await client.sendDatagram(looksLikeData(id, 40))
    }
    await pause(10)
  }
  await until(async () => (await statsOf(to)).dropped.unknownSession >= before + 500, 'all arrive')
  const { resetsSent } = await statsOf(to)
  expect(resetsSent).toBeGreaterThan(0)
  // Of two seconds, if it took that long.
  expect(resetsSent).toBeLessThanOrEqual(200)
  await until(() => client.resets.length > 0, 'they come')
  expect(client.resets.length).toBeLessThanOrEqual(resetsSent)
})

test.each([0, 3])('limits.resetRate %i: no more than that', async (resetRate) => {
  const to = await started({ limits: { resetRate } })
  const [id] = (await forgotten(to, 1)) as [Buffer]
  const client = await RawClient.create(to)
  const before = await statsOf(to)
  const start = performance.now()
  for (let packet = 0; packet < 60; packet++) {
    await client.sendDatagram(looksLikeData(id, 40))
  }
  const arrived = before.dropped.unknownSession + 60
  await until(async () => (await statsOf(to)).dropped.unknownSession >= arrived, 'all arrive')
  const sent = (await statsOf(to)).resetsSent - before.resetsSent
  const seconds = (performance.now() - start) / 1000
  expect(sent).toBeLessThanOrEqual(resetRate * (1 + seconds))
  expect(sent).toBeGreaterThanOrEqual(resetRate === 0 ? 0 : 1)
  await until(() => client.resets.length === sent, 'they come')
})

const closedBy = (to: Attacked, { channel }: Attacker) =>
  to.server.call<{ by: string; error: TellTale }>('closed', { channel })

test('the token that a client gave in its INIT ends its session', async () => {
  const to = await started()
  const made = await attack(to)
  const witness = await attack(to)
  // From anywhere: who knows the token may say so.
  const stranger = await RawClient.create(to)
  await stranger.sendDatagram(looksLikeData(newId(), 40, made.client.token))
  expect(await closedBy(to, made)).toMatchObject({
    by: 'failure',
    error: { message: expect.stringContaining('does not know this session any more') },
  })
  await talk(to, witness)
  expect((await statsOf(to)).sessions).toHaveLength(1)
  expect(stranger.resets).toEqual([])
})

test('a token that is not quite right, and that of a session half made, end nothing', async () => {
  const to = await started()
  const made = await attack(to)
  const half = await RawClient.connect(to)
  const [id] = (await forgotten(to, 1, 1)) as [Buffer]
  const stranger = await RawClient.create(to)
  const wrong = [0, 7, 8, 15].map((at) => changed(made.client.token, at, 1))
  for (const token of [...wrong, half.token, tokenOf(made)]) {
    // What ends nothing is answered as any packet of a session that is gone.
    const reset = await answer(stranger, looksLikeData(id, 40, token))
    expect(reset.length).toBeLessThan(40)
  }
  await talk(to, made)
  await half.send(goodbye)
})

test('the token of a session for another connection id that lives ends nothing', async () => {
  const to = await started()
  const [one, other] = [await attack(to), await attack(to)]
  await one.client.sendDatagram(looksLikeData(other.client.destinationId, 40, one.client.token))
  await one.client.sendDatagram(looksLikeData(one.client.destinationId, 40, one.client.token))
  await talk(to, one)
  await talk(to, other)
})
