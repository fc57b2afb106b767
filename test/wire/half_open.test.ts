// Who only begins sessions, over real sockets: nobody is kept out by it. In virtual time, and for more addresses:
// native/test/unit/sim_half_open_test.cc.

import { identity } from '../../bench/twin/crypto/keys'
import { Code } from '../../bench/twin/wire/codes'
import { FrameType } from '../../bench/twin/wire/frames'
import { until } from '../support/processes'
import { newId, RawClient } from '../support/raw/client'
import { goodbye, openFirst, startServer, statsOf, talk } from './attackers'
import { ping, range } from './violations'

jest.setTimeout(60_000)

test('all places are taken by one address, and the next one gets in all the same', async () => {
  const to = await startServer({ keep: false, limits: { halfOpen: 8 } })
  const liar = await RawClient.create(to)
  liar.answersCookies = false
  const inits: Buffer[] = []
  for (const _ of range(8)) {
    const init = liar.init({ sourceId: newId(), own: identity() })
    await liar.sendDatagram(init)
    await until(async () => {
      const { cookiesSent, handshakesAnswered } = await statsOf(to)
      return cookiesSent + handshakesAnswered === inits.length + 1
    }, 'it is answered')
    const cookie = liar.cookies.at(-1)
    inits.push((cookie && liar.withCookie(cookie)) ?? init)
  }
  // Places are given away after 2 s, and the honest one asks every 250 ms: of a period that divides these, a liar
  // would always be the first to ask, or never.
  const lying = setInterval(() => {
    for (const init of inits) void liar.sendDatagram(init).catch(() => {})
  }, 130)
  try {
    // Half of all, because they are from one address.
    await until(async () => (await statsOf(to)).halfOpen === 4, 'its places are taken')
    const honest = await RawClient.create(to)
    await honest.dial()
    await talk(to, { client: honest, channel: await openFirst(to, honest) })
    await honest.send(goodbye)
    const { refused, halfOpenDisplaced, dropped } = await statsOf(to)
    expect(halfOpenDisplaced).toBeGreaterThan(0)
    expect(refused.halfOpen).toBeGreaterThan(0)
    expect(dropped.refused).toBe(Object.values(refused).reduce((sum, count) => sum + count))
  } finally {
    clearInterval(lying)
  }
})

test('a recorded INIT from 64 ports does not lock its author out', async () => {
  const to = await startServer({ keep: false })
  const own = identity()
  const recorded = (await RawClient.create(to, { identity: own })).init()
  const liars = await Promise.all(range(64).map(() => RawClient.create(to)))
  for (const liar of liars) await liar.sendDatagram(recorded)
  await until(async () => {
    const { handshakesAnswered, halfOpen } = await statsOf(to)
    return handshakesAnswered === 64 && halfOpen === 8
  }, 'all are answered, and most are gone')
  const author = await RawClient.create(to, { identity: own })
  await author.dial()
  await talk(to, { client: author, channel: await openFirst(to, author) })
  await author.send(goodbye)
})

test('limits.sessions 20: INITs of somebody who hears nothing keep nobody out', async () => {
  const to = await startServer({ keep: false, limits: { sessions: 20 } })
  const liar = await RawClient.create(to)
  liar.answersCookies = false
  for (const _ of range(40)) {
    await liar.sendDatagram(liar.init({ sourceId: newId(), own: identity() }))
  }
  await until(async () => (await statsOf(to)).cookiesSent === 8, 'half of 64 are taken')
  const honest = await RawClient.create(to)
  await honest.dial()
  await talk(to, { client: honest, channel: await openFirst(to, honest) })
  await honest.send(goodbye)
})

test('limits.sessionsPerPeer: who proves one too many is told so', async () => {
  const to = await startServer({ keep: false, limits: { sessionsPerPeer: 2 } })
  const own = identity()
  const clients = await Promise.all(range(3).map(() => RawClient.create(to, { identity: own })))
  for (const client of clients) await client.dial()
  for (const client of clients.slice(0, 2)) {
    await client.send(ping)
    await client.wait(() => client.seen.length > 0)
  }
  const [, , late] = clients as [RawClient, RawClient, RawClient]
  await late.send(ping)
  expect(await late.expect(FrameType.close)).toMatchObject({
    values: [Code.sessionLimit],
  })
  expect((await statsOf(to)).refused).toMatchObject({ sessionsPerPeer: 1, sessions: 0 })
  // And from now on nothing.
  const another = await RawClient.create(to, { identity: own })
  await another.sendDatagram(another.init())
  await until(async () => (await statsOf(to)).refused.sessionsPerPeer === 2, 'it is refused')
  expect(another.datagramsReceived).toBe(0)
  const somebody = await RawClient.create(to)
  await somebody.dial()
  await somebody.send(goodbye)
})
