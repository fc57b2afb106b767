// A peer's sockets and addresses, and how it ends.

import dgram from 'node:dgram'
import { once } from 'node:events'
import { isIPv4, isIPv6 } from 'node:net'
import { createPeer, HawserError, Identity, OptionError } from '../../lib'
import { parseAddress } from '../../lib/address'
import { engine } from '../../lib/engine'
import { echo, makePair, makePeer, turns, until } from '../support/peers'

const placesOf = (addresses: readonly string[]) =>
  addresses.map((address) => parseAddress(address)?.place ?? { host: '', port: 0 })

describe('sockets and addresses', () => {
  test('by default: one port on all interfaces, never a wildcard, loopback last', async () => {
    const peer = await makePeer({ listen: undefined as never })
    const places = placesOf(peer.addresses)
    expect(places.length).toBeGreaterThan(0)
    expect(new Set(places.map(({ port }) => port)).size).toBe(1)
    for (const { host } of places) {
      expect(isIPv4(host) || isIPv6(host)).toBe(true)
      expect(['0.0.0.0', '::']).not.toContain(host)
    }
    expect(peer.address).toBe(peer.addresses[0])
    const loopback = places.map(({ host }) => host.startsWith('127.') || host === '::1')
    expect(loopback).toEqual([...loopback].sort())
  })

  test('a peer that listens on everything is reached at each of its addresses', async () => {
    const server = await createPeer()
    const client = await createPeer()
    server.serve('echo', echo)
    for (const address of server.addresses) {
      const channel = await client.open(address, 'echo')
      channel.send('x')
      expect(String(await channel.receive())).toBe('x')
    }
    client.destroy()
    server.destroy()
  })

  test('a port of its own', async () => {
    const probe = dgram.createSocket('udp4').bind(0, '127.0.0.1')
    await once(probe, 'listening')
    const { port } = probe.address()
    probe.close()
    await once(probe, 'close')
    const peer = await makePeer({ listen: port })
    expect(new Set(placesOf(peer.addresses).map((place) => place.port))).toEqual(new Set([port]))
  })

  test('several places', async () => {
    const peer = await makePeer({ listen: [{ host: '127.0.0.1' }, { host: '127.0.0.2' }] })
    expect(placesOf(peer.addresses).map(({ host }) => host)).toEqual(['127.0.0.1', '127.0.0.2'])
  })

  test('IPv6', async () => {
    const server = await makePeer({ listen: '[::1]:0' })
    expect(server.address).toMatch(/^hawser:\/\/\w{52}@\[::1\]:\d+$/)
    server.serve('echo', echo)
    const client = await makePeer({ listen: '[::1]:0' })
    const channel = await client.open(server.address, 'echo')
    channel.send('x')
    expect(String(await channel.receive())).toBe('x')
  })

  test('a port in use', async () => {
    const first = await makePeer()
    const { port } = placesOf([first.address])[0] as { port: number }
    const failed = createPeer({ listen: `127.0.0.1:${port}` })
    await expect(failed).rejects.toBeInstanceOf(HawserError)
    await expect(failed).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringMatching(`cannot listen on 127.0.0.1:${port}: EADDRINUSE`),
      hint: expect.stringMatching(/another/),
    })
  })

  test('an address of another machine, and a host that does not exist', async () => {
    await expect(createPeer({ listen: '192.0.2.77:0' })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringMatching(/EADDRNOTAVAIL/),
    })
    await expect(createPeer({ listen: 'no-such-host.invalid:0' })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
    })
  })

  test('listen: false takes nothing, and opens to others', async () => {
    const server = await makePeer()
    server.serve('echo', echo)
    const client = await createPeer({ listen: false })
    const channel = await client.open(server.address, 'echo')
    channel.send('x')
    expect(String(await channel.receive())).toBe('x')
    expect(client.addresses).toEqual([])
    client.destroy()
  })

  test('an identity keeps its id', async () => {
    const identity = Identity.generate()
    const peer = await makePeer({ identity })
    expect(peer.id).toBe(identity.id)
    expect(peer.address).toContain(identity.id)
  })

  test('the engine of a thread has one driver', async () => {
    const { driver } = engine('auto')
    const other = driver === 'hybrid' ? 'thread' : 'hybrid'
    await expect(createPeer({ engine: { driver: other } })).rejects.toBeInstanceOf(OptionError)
    await expect(createPeer({ engine: { driver: other } })).rejects.toMatchObject({
      option: 'engine.driver',
    })
    await makePeer({ engine: { driver } })
  })
})

describe('close', () => {
  test('everything sent arrives, sessions end, the port is free', async () => {
    const { server, client, channel, accepted } = await makePair()
    const closed = jest.fn()
    client.on('close', closed)
    for (let count = 0; count < 300; count++) channel.send(`${count}`)
    await client.close()
    expect(closed).toHaveBeenCalledTimes(1)
    expect(await channel.closed).toEqual({ by: 'local', unacknowledged: null })
    let got = 0
    for await (const message of accepted) expect(Number(message)).toBe(got++)
    expect(got).toBe(300)
    await until(() => server.stats().sessions.length === 0)
    const place = placesOf([client.address])[0]
    await makePeer({ listen: `127.0.0.1:${place?.port}` })
  })

  test('of a server: channels that clients opened end, and clients are told', async () => {
    const { server, channel } = await makePair()
    const reading = channel.receive()
    await server.close()
    expect(await reading).toBeUndefined()
    expect(await channel.closed).toEqual({ by: 'remote', unacknowledged: null })
  })

  test('resolves although a channel could not drain; the channel says so', async () => {
    const { client, channel } = await makePair()
    for (let count = 0; count < 400; count++) channel.send(Buffer.alloc(1_000))
    await client.close({ timeout: 50 })
    const info = await channel.closed
    expect(info).toMatchObject({ by: 'local', error: { code: 'CLOSE_TIMEOUT' } })
    expect(info.unacknowledged?.count).toBeGreaterThan(0)
  })

  test('twice is once', async () => {
    const peer = await makePeer()
    const closing = peer.close()
    expect(peer.close()).toBe(closing)
    await closing
    await peer.close()
    peer.destroy()
  })

  test('afterwards nothing works, and stats can still be read', async () => {
    const { client, server, channel } = await makePair()
    channel.send('x')
    const { address, addresses } = client
    await client.close()
    await expect(client.open(server.address, 'test')).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    expect(() => client.serve('x', echo)).toThrow(expect.objectContaining({ code: 'PEER_CLOSED' }))
    expect(client.stats()).toMatchObject({ channelsOpened: 1, sessionsOpened: 1 })
    expect(client.stats().datagramsSent).toBeGreaterThan(0)
    expect([client.address, client.addresses]).toEqual([address, addresses])
    client.ref().unref()
  })

  test('its options are checked, and nothing is closed', async () => {
    const { client, channel } = await makePair()
    await expect(client.close({ timeout: Number.NaN })).rejects.toBeInstanceOf(OptionError)
    expect(channel.state).toBe('open')
  })

  test('await using, where there is Symbol.asyncDispose', async () => {
    const peer = await makePeer()
    await peer[Symbol.asyncDispose]()
    await expect(peer.open(Identity.generate().id, 'x')).rejects.toMatchObject({
      code: 'PEER_CLOSED',
    })
  })

  test('a signal closes it', async () => {
    const abort = new AbortController()
    const peer = await makePeer({ signal: abort.signal })
    abort.abort()
    await once(peer, 'close')
    await expect(createPeer({ signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('destroy', () => {
  test('is immediate, and says what was not acknowledged', async () => {
    const { client, channel } = await makePair({ client: { impair: { delay: 50 } } })
    channel.send('never arrives')
    const reading = channel.receive()
    const closed = once(client, 'close')
    client.destroy()
    expect(channel.state).toBe('closed')
    await expect(reading).rejects.toMatchObject({ name: 'ChannelError', code: 'PEER_CLOSED' })
    expect(await channel.closed).toMatchObject({
      by: 'local',
      error: { code: 'PEER_CLOSED' },
      unacknowledged: { first: 1, count: 1 },
    })
    await closed
    client.destroy()
    await client.close()
  })

  test('during a close ends that too', async () => {
    const { client, channel } = await makePair()
    for (let count = 0; count < 400; count++) channel.send(Buffer.alloc(1_000))
    const closing = client.close()
    await turns(3)
    client.destroy()
    await closing
  })

  test('from within a listener, amid a batch', async () => {
    const { client, channel, accepted } = await makePair()
    const got: string[] = []
    channel.on('message', (message) => {
      got.push(String(message))
      client.destroy()
    })
    for (const text of ['a', 'b', 'c']) accepted.send(text)
    await channel.closed
    await turns(5)
    expect(got).toEqual(['a'])
  })
})

test('many peers, opened and closed at the same time', async () => {
  const server = await makePeer()
  server.serve('echo', echo)
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const client = await createPeer({ listen: '127.0.0.1:0' })
      const channel = await client.open(server.address, 'echo')
      channel.send(`${index}`)
      expect(String(await channel.receive())).toBe(`${index}`)
      await client.close()
    }),
  )
  expect(server.stats().channelsAccepted).toBe(40)
  await until(() => server.stats().channels === 0)
})
