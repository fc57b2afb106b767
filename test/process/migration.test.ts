// A session stays when its peer's address changes: over real sockets, through a proxy that forgets its clients as a NAT does.

import type { Channel } from '../../lib'
import { makePeer, until } from '../support/peers'
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
  let sessions = 0
  server.on('session', () => sessions++)
  let incoming: Channel | undefined
  /** Where the server reaches the client: what the channel and the statistics say, and what is so. */
  const where = () => {
    const told = [incoming?.remote.address, server.stats().sessions[0]?.remote.address]
    return { told, right: proxy.backPorts.map((own) => `hawser://${client.id}@${host}:${own}`) }
  }
  const accepted = new Promise<void>((resolve) => {
    server.serve('numbers', async (channel) => {
      incoming = channel
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
  const first = where()
  expect(first.told).toEqual([first.right[0], first.right[0]])
  const addresses = new Set(first.right)
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
      await until(() => {
        const { told, right } = where()
        return right.length === 1 && told.every((address) => address === right[0])
      })
      addresses.add(where().right[0] as string)
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
  // Nothing was told of it; and who is gone stays where it was last.
  expect(addresses.size).toBe(5)
  expect(sessions).toBe(1)
  const last = where().told[0]
  expect(channel.remote.address).toBe(`hawser://${server.id}@${host}:${proxy.port}`)
  await client.close()
  await until(() => server.stats().sessions.length === 0)
  expect(incoming?.remote).toEqual({ id: client.id, address: last })
})
