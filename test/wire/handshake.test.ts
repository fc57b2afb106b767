// Handshakes begun by hand, over real sockets: what is right is answered shortly, and everything else by silence.

import { dhForm, identity } from '../../bench/twin/crypto/keys'
import { sipHash } from '../../bench/twin/crypto/siphash'
import { aes, chacha } from '../../bench/twin/crypto/suites'
import { initBytes } from '../../bench/twin/wire/packets'
import { networkKey } from '../../lib/network'
import { pause, until } from '../support/processes'
import { type ClientOptions, newId, RawClient } from '../support/raw/client'
import { block, varint } from '../support/raw/frames'
import type { InitFields } from '../support/raw/handshake'
import {
  type Attacked,
  attack,
  changed,
  goodbye,
  openFirst,
  sendAll,
  startServer,
  statsOf,
  talk,
} from './attackers'
import { range } from './violations'

jest.setTimeout(120_000)

const cookiesFrom = 64
const limits = { handshakeRate: 100_000, idleTimeout: 10_000 }
const closed = { name: 'closed', key: Buffer.alloc(32, 7) }
const named = { name: 'named' }
const keyOf = (network: typeof closed | typeof named) => networkKey(network) as Uint8Array

let attacked: Attacked
let inClosed: Attacked

beforeAll(async () => {
  attacked = await startServer({ limits })
  inClosed = await startServer({ limits, network: closed })
})

test('what is worked out by hand is what others have worked out', () => {
  const counting = Buffer.from(range(16))
  // From the paper on SipHash.
  expect(sipHash(counting, Buffer.from(range(15))).toString('hex')).toBe('a129ca6149be45e5')
  const own = identity()
  expect(dhForm(own.id)).toEqual(own.dh.public)
})

describe.each([aes, chacha])('$name', (suite) => {
  test.each([
    ['without a network', undefined],
    ['in a network with a name', named],
    ['in a closed network', closed],
  ])('%s: a session is made, and both sides talk', async (_, network) => {
    const to = await startServer({ keep: false, ...(network && { network }) })
    const made = await attack(to, { suite, ...(network && { networkKey: keyOf(network) }) })
    const [response] = made.client.responses
    expect(response?.length).toBeGreaterThanOrEqual(86)
    expect(response?.length).toBeLessThanOrEqual(256)
    await talk(to, made)
    await talk(to, made, 2)
  })
})

test('the answer to an INIT that comes again is the same, until the session is open', async () => {
  const client = await RawClient.create(attacked)
  const init = client.init()
  for (let copy = 0; copy < 5; copy++) {
    await client.sendDatagram(init)
    await client.wait(() => client.responses.length > copy)
  }
  expect(new Set(client.responses.map((response) => response.toString('hex'))).size).toBe(1)
  const channel = await openFirst(attacked, client)
  await sendAll(attacked, client, [init, init, client.init()])
  await talk(attacked, { client, channel })
  expect(client.responses).toHaveLength(5)
  await client.send(goodbye)
})

test('an INIT that comes again when the session is gone makes one that nobody can use', async () => {
  const client = await RawClient.create(attacked)
  const init = client.init()
  await client.sendDatagram(init)
  await client.wait(() => client.answer !== undefined)
  const [first] = client.responses
  await client.send(goodbye)
  await until(async () => (await statsOf(attacked)).sessions.length === 0, 'it ends')
  await client.sendDatagram(init)
  await client.wait(() => client.responses.length > 1)
  expect(client.responses[1]).not.toEqual(first)
  const before = (await statsOf(attacked)).dropped.unknownSession
  await client.send(goodbye)
  await until(
    async () => (await statsOf(attacked)).dropped.unknownSession > before,
    'the old keys and ids mean nothing',
  )
})

/** Waits for `counter`, and makes sure that nothing was said; what is right still is answered. */
async function expectSilence(
  to: Attacked,
  options: ClientOptions,
  datagrams: (client: RawClient) => Uint8Array[],
  counter: 'malformed' | 'notForUs' | 'unauthenticated',
) {
  const client = await RawClient.create(to)
  const before = (await statsOf(to)).dropped[counter]
  const liar = await RawClient.create(to, options)
  const bad = datagrams(liar)
  await sendAll(to, liar, bad)
  await until(async () => (await statsOf(to)).dropped[counter] >= before + bad.length, 'counted')
  expect((await statsOf(to)).dropped[counter]).toBe(before + bad.length)
  expect(liar.bytesReceived).toBe(0)
  if (to === inClosed) return
  await client.dial()
  expect(client.datagramsReceived).toBe(1)
  expect(liar.bytesReceived).toBe(0)
  await client.send(goodbye)
}

const own = identity()
/** The largest y: not on the curve, or not in its only encoding. */
const noPoint = Buffer.concat([Buffer.alloc(31, 0xff), Buffer.of(0x7f)])

const silent: [string, Partial<InitFields>, 'malformed' | 'notForUs' | 'unauthenticated'][] = [
  ...[0, 2, 0x01000000, 2 ** 32 - 1].map((version): (typeof silent)[number] => [
    `version ${version}`,
    { version },
    'malformed',
  ]),
  ...[0, 3, 255].map((suiteNumber): (typeof silent)[number] => [
    `suite ${suiteNumber}`,
    { suiteNumber },
    'malformed',
  ]),
  ['a suite and another cipher', { suiteNumber: chacha.number }, 'unauthenticated'],
  ['another peer', { responder: identity().id }, 'notForUs'],
  ['a network', { networkKey: keyOf(named) }, 'notForUs'],
  ['the id of somebody else', { namedId: identity().id }, 'unauthenticated'],
  ['an id that is no point', { namedId: noPoint }, 'unauthenticated'],
  ['the id zero', { namedId: Buffer.alloc(32) }, 'unauthenticated'],
  ['an id with a bit more', { namedId: changed(own.id, 0, 1) }, 'unauthenticated'],
  ['something behind the parameters', { padding: Buffer.of(1) }, 'malformed'],
  ['something far behind them', { padding: changed(Buffer.alloc(1_025), 1_024) }, 'malformed'],
]

test.each(silent)('INIT for %s: silence', async (_, given, counter) => {
  await expectSilence(attacked, { identity: own }, (client) => [client.init(given)], counter)
})

test('65 parameters: silence', async () => {
  const entries = (count: number) =>
    Buffer.concat(range(count).map((index) => Buffer.concat([varint(100 + index), block('')])))
  await expectSilence(
    attacked,
    {},
    (client) => [client.init({ parameters: entries(65) })],
    'malformed',
  )
  const made = await attack(attacked, { parameters: entries(64) })
  await made.client.send(goodbye)
})

test('in a closed network: silence for those without its key', async () => {
  const wrong = Buffer.alloc(32, 8)
  const keys: (Uint8Array | undefined)[] = [
    undefined,
    keyOf(named),
    keyOf({ ...closed, key: wrong }),
    closed.key,
  ]
  for (const key of keys) {
    await expectSilence(inClosed, {}, (client) => [client.init({ networkKey: key })], 'notForUs')
  }
  // Those who know what mac1 needs, and not what Noise needs, cannot be: it is the same key. But who mixes it in wrongly:
  await expectSilence(
    inClosed,
    {},
    (client) => {
      const right = client.handshake({ networkKey: keyOf(closed) })
      return [right.withMac1(client.init())]
    },
    'unauthenticated',
  )
})

test('an INIT of another length: silence', async () => {
  await expectSilence(
    attacked,
    {},
    (client) => {
      const init = client.init()
      const lengths = [1, 2, 5, 86, 256, initBytes - 16, initBytes - 1]
      const longer = Buffer.concat([init, Buffer.alloc(1)])
      return [...lengths.map((length) => init.subarray(0, length)), longer]
    },
    'malformed',
  )
})

test('an INIT with any other byte: silence', async () => {
  const client = await RawClient.create(attacked)
  const init = client.init()
  const before = await statsOf(attacked)
  // Up to mac1 and with it; mac2 is not looked at yet.
  const bad = range(initBytes - 8).map((at) => changed(init, at, 1 << (at % 8)))
  await sendAll(attacked, client, bad)
  const after = await statsOf(attacked)
  expect(client.bytesReceived).toBe(0)
  expect(after.handshakesAnswered).toBe(before.handshakesAnswered)
  // All but those with another first byte, version or suite.
  expect(after.dropped.notForUs - before.dropped.notForUs).toBeGreaterThanOrEqual(bad.length - 6)
  await client.sendDatagram(init)
  await client.wait(() => client.responses.length > 0)
  expect(client.datagramsReceived).toBe(1)
})

test('an INIT with any other byte, signed by somebody who knows the id: silence', async () => {
  const client = await RawClient.create(attacked)
  const wrong = range(initBytes - 16).map((at) => {
    // Another connection id each time, because INITs of one at a time belong together.
    const handshake = client.handshake({ sourceId: newId() })
    return handshake.withMac1(changed(handshake.init, at, 1 << (at % 8)))
  })
  const refused = async () => {
    const { unauthenticated, malformed, unknownSession, foreign } = (await statsOf(attacked))
      .dropped
    return unauthenticated + malformed + unknownSession + foreign
  }
  const before = await refused()
  const { halfOpen } = await statsOf(attacked)
  for (let first = 0; first < wrong.length; first += cookiesFrom / 2) {
    await sendAll(attacked, client, wrong.slice(first, first + cookiesFrom / 2))
    const sent = Math.min(first + cookiesFrom / 2, wrong.length)
    await until(async () => (await refused()) === before + sent, 'none of them checks')
    // So many at once that nobody asks for a cookie.
    await pause(150)
  }
  expect(client.bytesReceived).toBe(0)
  expect((await statsOf(attacked)).halfOpen).toBeLessThanOrEqual(halfOpen)
  await client.dial()
  expect(client.datagramsReceived).toBe(1)
  await client.send(goodbye)
})

test('mac2 that nobody asked for means nothing', async () => {
  const client = await RawClient.create(attacked)
  const init = client.init()
  await client.sendDatagram(changed(init, initBytes - 1))
  await client.wait(() => client.answer !== undefined)
  await client.send(goodbye)
})

test('a RESPONSE, a COOKIE and reserved packets from a stranger: silence', async () => {
  const client = await RawClient.create(attacked)
  const packets = [0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0, 0x91, 0x98, 0xa1, 0xb8, 0x00, 0x7f].flatMap(
    (first) => [30, 37, 86, 256, initBytes].map((length) => Buffer.alloc(length, first)),
  )
  await sendAll(attacked, client, packets)
  expect(client.bytesReceived).toBe(0)
})

test('no more handshakes from an address than the limit allows in a second', async () => {
  const rate = 10
  const to = await startServer({ keep: false, limits: { handshakeRate: rate } })
  const clients = await Promise.all(range(3 * rate).map(() => RawClient.create(to)))
  for (const client of clients) client.answersCookies = false
  for (const client of clients) await client.sendDatagram(client.init())
  await until(async () => {
    const { cookiesSent, handshakesAnswered } = await statsOf(to)
    return cookiesSent + handshakesAnswered === clients.length
  }, 'each is taken or asked for a cookie')
  const { cookiesSent, handshakesAnswered, dropped } = await statsOf(to)
  // They take a moment, and the rate is one over time.
  expect(handshakesAnswered).toBeGreaterThanOrEqual(rate)
  expect(handshakesAnswered).toBeLessThan(2 * rate)
  expect(dropped.refused).toBe(0)
  // With cookies they have as many again.
  const withCookies = () => clients.filter(({ cookies }) => cookies.length > 0)
  await until(() => withCookies().length === cookiesSent, 'all cookies come')
  const asked = withCookies()
  for (const client of asked) {
    await client.sendDatagram(client.withCookie(client.cookies[0] as Buffer) as Buffer)
  }
  await until(async () => {
    const now = await statsOf(to)
    return now.dropped.refused + now.handshakesAnswered - handshakesAnswered === asked.length
  }, 'each is taken or refused')
  const proven = (await statsOf(to)).handshakesAnswered - handshakesAnswered
  expect(proven).toBeGreaterThanOrEqual(Math.min(rate, asked.length))
  expect(proven).toBeLessThan(2 * rate)
  const late = clients.at(-1) as RawClient
  late.answersCookies = true
  await late.dial()
})

test('who is at an address gets in while others send INITs in its name', async () => {
  const rate = 5
  const to = await startServer({ keep: false, limits: { handshakeRate: rate } })
  // All clients here have the same address.
  const liar = await RawClient.create(to)
  liar.answersCookies = false
  const lie = () => liar.sendDatagram(liar.init({ sourceId: newId() }))
  for (let init = 0; init < 4 * rate; init++) await lie()
  await until(async () => (await statsOf(to)).cookiesSent > 0, 'its rate is used up')
  const honest = await RawClient.create(to)
  const before = (await statsOf(to)).bytesReceived
  for (let init = 0; init < 4 * rate; init++) await lie()
  await honest.dial()
  for (let init = 0; init < 4 * rate; init++) await lie()
  expect(honest.cookies.length).toBeGreaterThan(0)
  // Before there is a session in use, which looks for the longest datagram that the path carries.
  const { bytesSent, bytesReceived } = await statsOf(to)
  expect(bytesReceived).toBeGreaterThan(before)
  expect(bytesSent).toBeLessThan(bytesReceived / 4)
  await talk(to, { client: honest, channel: await openFirst(to, honest) })
  expect((await statsOf(to)).dropped.refused).toBe(0)
})

test.each([
  ['cookiesFrom', { cookiesFrom: 0 }],
  ['unprovenRate', { unprovenRate: 0 }],
])('limits.%s 0: never an answer without a cookie', async (_, limits) => {
  const to = await startServer({ keep: false, limits })
  const client = await RawClient.create(to)
  client.answersCookies = false
  const init = client.init()
  await client.sendDatagram(init)
  await client.wait(() => client.cookies.length > 0)
  expect(await statsOf(to)).toMatchObject({ handshakesAnswered: 0, halfOpen: 0, cookiesSent: 1 })
  await client.sendDatagram(client.withCookie(client.cookies[0] as Buffer) as Buffer)
  await client.wait(() => client.answer !== undefined)
  expect(await statsOf(to)).toMatchObject({ handshakesAnswered: 1, cookiesSent: 1 })
})

test('limits.cookiesFrom: from so many half-open sessions on', async () => {
  const to = await startServer({ keep: false, limits: { cookiesFrom: 3 } })
  for (let halfOpen = 0; halfOpen < 5; halfOpen++) {
    expect((await statsOf(to)).cookiesSent).toBe(Math.max(0, halfOpen - 3))
    await RawClient.connect(to)
    expect((await statsOf(to)).halfOpen).toBe(halfOpen + 1)
  }
})

test('limits.unprovenRate: no more without a cookie in a second', async () => {
  const to = await startServer({ keep: false, limits: { unprovenRate: 2 } })
  const clients = await Promise.all(range(12).map(() => RawClient.create(to)))
  const start = performance.now()
  for (const client of clients) client.answersCookies = false
  for (const client of clients) await client.sendDatagram(client.init())
  await until(async () => {
    const { cookiesSent, handshakesAnswered } = await statsOf(to)
    return cookiesSent + handshakesAnswered === clients.length
  }, 'each is taken or asked for a cookie')
  const seconds = (performance.now() - start) / 1000
  const { handshakesAnswered } = await statsOf(to)
  expect(handshakesAnswered).toBeGreaterThanOrEqual(2)
  expect(handshakesAnswered).toBeLessThanOrEqual(2 * (1 + seconds))
})

test('with many half-open sessions, only who shows that it hears at its address is answered', async () => {
  const to = await startServer({ keep: false, limits })
  const clients = await Promise.all(range(cookiesFrom).map(() => RawClient.create(to)))
  await Promise.all(clients.map((client) => client.dial()))
  expect((await statsOf(to)).halfOpen).toBe(cookiesFrom)
  const [one, other] = [await RawClient.create(to), await RawClient.create(to)]
  one.answersCookies = false
  other.answersCookies = false
  const init = one.init()
  await one.sendDatagram(init)
  await one.wait(() => one.cookies.length === 1)
  const cookie = one.cookies[0] as Buffer
  expect(one.withCookie(changed(cookie, 20))).toBeUndefined()
  const again = one.withCookie(cookie) as Buffer
  // A mac2 that is not right, and a right one from elsewhere.
  await one.sendDatagram(changed(again, initBytes - 8))
  await one.wait(() => one.cookies.length === 2)
  await other.sendDatagram(again)
  await other.wait(() => other.cookies.length === 1)
  expect(other.cookies[0]?.subarray(13, 29)).not.toEqual(cookie.subarray(13, 29))
  expect([...one.responses, ...other.responses]).toEqual([])
  // The same cookie is good for another INIT from this address.
  one.init()
  expect(one.withCookie(cookie)).toBeUndefined()
  one.answersCookies = true
  await one.dial()
  await talk(to, { client: one, channel: await openFirst(to, one) })
  // Those that have proven themselves count no more: no cookie for the next but one.
  for (const client of clients.slice(0, 2)) await client.send(goodbye)
  await until(async () => (await statsOf(to)).halfOpen < cookiesFrom, 'some are open')
  const before = other.cookies.length
  await other.dial()
  expect(other.cookies).toHaveLength(before)
})
