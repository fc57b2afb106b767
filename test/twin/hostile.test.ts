// The twin as a server, with a client that is put together by hand: keys change as they may, garbage is survived, and what the
// protocol forbids ends the session with its code.

import { randomBytes } from 'node:crypto'
import { Code } from '../../bench/twin/wire/codes'
import { FrameType } from '../../bench/twin/wire/frames'
import { until } from '../support/peers'
import { newId, RawClient } from '../support/raw/client'
import { fragment, frame, message, open, varint } from '../support/raw/frames'
import { dial, messages, random, startListener, sumOf, twinServer } from './support'

jest.setTimeout(30_000)

/** A server that keeps what its first channel brings, and a client that has opened it. */
async function begin() {
  const server = await twinServer()
  const got: Buffer[] = []
  server.onChannel = (channel) => {
    channel.onMessage = (content) => got.push(Buffer.from(content))
  }
  const client = await RawClient.connect(server)
  await client.send(open())
  await client.wait(() => client.seen.some(({ type }) => type === FrameType.accept))
  return { server, client, got }
}

test('the server follows epochs, and answers handshakes within the session', async () => {
  const { client, got } = await begin()
  for (let generation = 1; generation <= 3; generation++) {
    await client.update()
    const noise = client.renewal(generation)
    const first = noise.write(Buffer.alloc(0))
    const said = frame(FrameType.crypto, generation, 1, varint(first.length), first)
    const answer = () =>
      client.seen.find(({ type, values }) => type === FrameType.crypto && values[0] === generation)
    // Twice: the second time is ignored.
    await client.send(said, said)
    await client.wait(() => answer() !== undefined)
    expect(answer()?.values[1]).toBe(2)
    expect(client.mix(noise, answer()?.data as Buffer)).toBe(true)
    await client.update()
    await client.send(message(1, generation, Buffer.of(generation)))
    await until(() => got.length === generation)
  }
  expect(Buffer.concat(got)).toEqual(Buffer.of(1, 2, 3))
  expect(client.keys.incoming.epoch).toBe(6)
})

test('messages out of order, in pieces and again are handed over once and in order', async () => {
  const { client, got } = await begin()
  const long = randomBytes(3_000)
  await client.send(message(1, 4, Buffer.from('four')))
  await client.send(fragment(1, 3, 3_000, 1_000, long.subarray(1_000, 2_000)))
  await client.send(message(1, 1, Buffer.from('one'), Buffer.from('two')))
  await client.send(message(1, 2, Buffer.from('two')))
  await client.send(fragment(1, 3, 3_000, 1_900, long.subarray(1_900)))
  await client.send(fragment(1, 3, 3_000, 500, long.subarray(500, 1_100)))
  await client.send(fragment(1, 3, 3_000, 0, long.subarray(0, 500)))
  await until(() => got.length === 4)
  expect(got.map(String)).toEqual(['one', 'two', String(long), 'four'])
})

test('a gap that stays is asked for', async () => {
  const { client } = await begin()
  // A round trip, so that the server knows one.
  await client.send(client.acknowledgement(), message(1, 2, Buffer.from('two')))
  await client.expect(FrameType.request)
})

const violations: [string, number, Uint8Array[]][] = [
  ['a reserved frame', Code.frameEncoding, [Buffer.of(0x13)]],
  ['a number in a longer form', Code.frameEncoding, [Buffer.of(0x40, 0x01)]],
  ['more than the credit', Code.flowControl, [message(1, 1_000_000, Buffer.of(1))]],
  ['a channel above the limit', Code.channelLimit, [open({ channel: 129 })]],
  ['a channel of the server', Code.channelState, [frame(FrameType.credit, 2, 1)]],
  ['a number that was never sent', Code.ackInvalid, [frame(FrameType.ack, 2 ** 40, 0, 0, 0)]],
  ['a message that is too long', Code.messageTooLarge, [fragment(1, 1, 2 ** 30, 0, Buffer.of(1))]],
  [
    'a message beyond the end',
    Code.channelState,
    [frame(FrameType.end, 1, 0), message(1, 1, Buffer.of(1))],
  ],
  ['an answer to nothing', Code.cryptoFailed, [frame(FrameType.crypto, 1, 2, 1, Buffer.of(1))]],
]

test.each(violations)('%s ends the session', async (_, code, frames) => {
  const { client } = await begin()
  await client.send(...frames)
  expect((await client.expect(FrameType.close)).values).toEqual([code])
})

test('garbage from strangers and within a session changes nothing', async () => {
  const listener = await startListener('twin')
  const stranger = await RawClient.create(listener)
  const side = await dial('twin', listener)
  const taken = await listener.side
  const next = random(7)
  const init = stranger.init()
  const garbage = async () => {
    for (let count = 0; count < 300; count++) {
      const datagram = randomBytes(Math.floor(next() * 1_300))
      if (datagram.length > 0) datagram[0] = 0x80 | ((datagram[0] as number) & 0x7f)
      await stranger.sendDatagram(datagram)
      const changed = Buffer.from(init)
      changed[Math.floor(next() * changed.length)] = Math.floor(next() * 256)
      await stranger.sendDatagram(changed.subarray(0, Math.floor(next() * 1_201)))
      await stranger.sendDatagram(Buffer.concat([Buffer.of(0x80), newId(), randomBytes(40)]))
    }
  }
  await Promise.all([
    garbage(),
    side.sendAll(messages(3, [64, 2_000])),
    taken.sendAll(messages(4, [1_024, 500])),
  ])
  expect(await taken.received).toEqual(sumOf(messages(3, [64, 2_000])))
  expect(await side.received).toEqual(sumOf(messages(4, [1_024, 500])))
})

test('many handshakes in a second are asked for a cookie, and made with one', async () => {
  const server = await twinServer()
  const clients = await Promise.all(Array.from({ length: 80 }, () => RawClient.create(server)))
  for (const client of clients) await client.dial()
  expect(server.stats().cookiesSent).toBeGreaterThan(0)
  expect(clients.filter(({ cookies }) => cookies.length > 0)).not.toHaveLength(0)
  expect(server.stats().handshakesAnswered).toBe(80)
})
