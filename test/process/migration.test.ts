// A session stays when its peer's address changes: over real sockets, through a proxy that forgets its clients as a NAT does.

import { makePeer } from '../support/peers'
import { UdpProxy } from '../support/udp_proxy'

jest.setTimeout(60_000)

test.each([
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
])('%s: another port in the middle of a transfer, again and again', async (_, address) => {
  const host = address.includes(':') ? `[${address}]` : address
  const server = await makePeer({ listen: `${host}:0` })
  const client = await makePeer({ listen: `${host}:0` })
  const port = Number(server.address.slice(server.address.lastIndexOf(':') + 1))
  const proxy = await UdpProxy.start({ address, port }, ({ datagram, pass }) => pass(datagram))

  const received: number[] = []
  const accepted = new Promise<void>((resolve) => {
    server.serve('numbers', async (channel) => {
      for await (const message of channel) {
        received.push(message.readUInt32LE(0))
        await channel.write(message.subarray(0, 4))
      }
      await channel.end()
      resolve()
    })
  })
  const to = { id: server.id, addresses: [`${host}:${proxy.port}`] }
  const channel = await client.open(to, 'numbers')
  const count = 20_000
  const sending = (async () => {
    for (let index = 0; index < count; index++) {
      const message = Buffer.alloc(200)
      message.writeUInt32LE(index, 0)
      await channel.write(message)
    }
    await channel.end()
  })()
  const echoed: number[] = []
  let moves = 0
  for await (const message of channel) {
    echoed.push(message.readUInt32LE(0))
    if (echoed.length % 5_000 === 2_500) {
      moves++
      proxy.rebind()
    }
  }
  await sending
  await accepted
  const numbers = Array.from({ length: count }, (_unused, index) => index)
  expect(received).toEqual(numbers)
  expect(echoed).toEqual(numbers)
  expect(moves).toBe(4)
  expect(client.stats().sessionsOpened).toBe(1)
  expect(server.stats()).toMatchObject({ sessionsOpened: 1, protocolErrors: 0 })
  const { pathChanges } = server.stats().sessions[0]?.path ?? { pathChanges: 0 }
  expect(pathChanges).toBeGreaterThanOrEqual(4)
})
