// N and M set by hand, over real sockets: what is in flight and how often the other side acknowledges follow.

import type { Channel, WindowOptions } from '../../lib'
import { makePeer, turns } from '../support/peers'

/** `apart`: one message after the other, so that they do not come in one batch. */
async function transfer(window: WindowOptions, apart = false, count = 600) {
  const server = await makePeer()
  const client = await makePeer(apart ? {} : { impair: { delay: 2 } })
  let received = 0
  const accepted = new Promise<Channel>((resolve) => {
    server.serve('test', (channel) => {
      channel.on('message', () => received++)
      resolve(channel)
    })
  })
  const channel = await client.open(server.address, 'test', { window })
  const other = await accepted
  let mostInFlight = 0
  const watch = setInterval(() => {
    mostInFlight = Math.max(mostInFlight, channel.stats().messagesInFlight)
  }, 1)
  for (let number = 0; number < count; number++) {
    await channel.write(`message ${number}`)
    if (apart) await turns(2)
  }
  await channel.flush()
  clearInterval(watch)
  expect(received).toBe(count)
  const { acksByCause, countsSent, peerWindow, peerAckEvery } = other.stats()
  return { mostInFlight, countsSent, acksByCause, peerWindow, peerAckEvery }
}

test('N bounds what is in flight', async () => {
  const small = await transfer({ size: 4 })
  const large = await transfer({ size: 256 })
  expect(small.peerWindow).toBe(4)
  expect(large.peerWindow).toBe(256)
  expect(small.mostInFlight).toBeLessThanOrEqual(4)
  expect(large.mostInFlight).toBeGreaterThan(16)
  expect(large.mostInFlight).toBeLessThanOrEqual(256)
})

test('M decides how often the other side acknowledges', async () => {
  const counted = { acks: 'counted', size: 64, ackTimeout: 1_000 } as const
  const often = await transfer({ ...counted, ackEvery: 2 }, true)
  const seldom = await transfer({ ...counted, ackEvery: 32 }, true)
  expect(often.peerAckEvery).toBe(2)
  expect(seldom.peerAckEvery).toBe(32)
  expect(often.countsSent).toBeGreaterThan(2 * seldom.countsSent)
  expect(seldom.acksByCause.messages).toBeLessThanOrEqual(600 / 32)
  expect(seldom.acksByCause.messages).toBeGreaterThan(0)
  for (const { acksByCause, countsSent } of [often, seldom]) {
    const { messages, timeout, requested, packets, delay, gap, carried } = acksByCause
    expect(messages + timeout + requested).toBe(countsSent)
    expect([packets, delay, gap, carried]).toEqual([0, 0, 0, 0])
  }
})
