// A network that is not of our making: a UDP proxy between two peers that reorders, duplicates and loses.

import { type Passage, UdpProxy } from '../support/udp_proxy'
import { exchange, startPair } from './pair'

jest.setTimeout(120_000)

const load = { up: { seed: 51, count: 3_000 }, down: { seed: 52, count: 3_000 } }

test.each([
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
])('%s: datagrams come late, twice, or not at all', async (_, address) => {
  const host = address.includes(':') ? `[${address}]` : address
  // So that there are many, however long they might be.
  const mtu = 1200
  const pair = await startPair({ host, server: { mtu }, client: { mtu } })
  const seen = { late: 0, twice: 0, lost: 0 }
  const held: (() => void)[] = []

  const proxy = await UdpProxy.start(
    { address, port: pair.port },
    ({ datagram, number, pass }: Passage) => {
      if (number % 13 === 0) {
        seen.lost++
        return
      }
      if (number % 7 === 0) {
        // Overtaken by those that come before the next tenth one, at the latest in a moment.
        seen.late++
        held.push(() => pass(datagram))
        setTimeout(() => held.shift()?.(), 20)
        return
      }
      pass(datagram)
      if (number % 5 === 0) {
        seen.twice++
        pass(datagram)
      }
      if (number % 10 === 0) for (const release of held.splice(0)) release()
    },
  )
  const to = { id: pair.id, addresses: [`${host}:${proxy.port}`] }
  const { client, server } = await exchange(pair, load, to)
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20)
  // What was lost was sent again.
  expect(client.messagesResent + server.messagesResent).toBeGreaterThan(0)
})

test('a network that passes one direction only: the side that hears nothing says so', async () => {
  const limits = { idleTimeout: 1_500 }
  const pair = await startPair({ client: { limits }, server: { limits } })
  let closed = false
  const proxy = await UdpProxy.start(
    { address: '127.0.0.1', port: pair.port },
    ({ datagram, direction, pass }) => {
      if (!closed || direction === 'up') pass(datagram)
    },
  )
  const to = { id: pair.id, addresses: [`127.0.0.1:${proxy.port}`] }
  const channel = await pair.client.call<number>('open', { to })
  closed = true
  await pair.client.call('writeOne', { channel, message: Buffer.from('is anybody there?') })
  expect(await pair.client.call('closed', { channel })).toMatchObject({
    by: 'failure',
    error: { code: 'PEER_LOST' },
    unacknowledged: { first: 1, count: 1 },
  })
})
