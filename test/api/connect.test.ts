// Opening channels: who is found, what happens when nobody is, and giving up.

import dgram from 'node:dgram'
import { once } from 'node:events'
import {
  type Channel,
  ConnectError,
  HawserError,
  Identity,
  OptionError,
  type Peer,
} from '../../lib'
import { echo, makePeer, turns, until } from '../support/peers'

/** A UDP port at which nobody answers. */
async function silentPort(): Promise<{ port: number; close(): void }> {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, close: () => socket.close() }
}

describe('targets', () => {
  test('an address, a URL, an id with addresses', async () => {
    const server = await makePeer()
    server.serve('echo', echo)
    const client = await makePeer()
    const hostPort = server.address.slice(server.address.indexOf('@') + 1)
    for (const target of [
      server.address,
      new URL(server.address),
      { id: server.id, addresses: [hostPort] },
      { id: server.id, addresses: [server.address] },
      server.id,
      { id: server.id },
    ]) {
      const channel = await client.open(target, 'echo')
      channel.send('x')
      expect(String(await channel.receive())).toBe('x')
      expect(channel.remote.id).toBe(server.id)
    }
    expect(client.stats().sessionsOpened).toBe(1)
  })

  test('a host name', async () => {
    const server = await makePeer({ listen: 'localhost:0' })
    server.serve('echo', echo)
    const client = await makePeer({ listen: 'localhost:0' })
    const port = new URL(server.address.replace('hawser:', 'http:')).port
    const channel = await client.open({ id: server.id, addresses: [`localhost:${port}`] }, 'echo')
    expect(channel.remote.address).toMatch(
      new RegExp(`^hawser://${server.id}@(127.0.0.1|\\[::1\\])`),
    )
  })

  test('one good address among bad ones is enough', async () => {
    const silent = await silentPort()
    const server = await makePeer()
    server.serve('echo', echo)
    const client = await makePeer()
    const addresses = [`127.0.0.1:${silent.port}`, 'no-such-host.invalid:5', server.address]
    const channel = await client.open({ id: server.id, addresses }, 'echo')
    channel.send('x')
    expect(String(await channel.receive())).toBe('x')
    silent.close()
  })

  test('an id alone, of a peer that is not known', async () => {
    const client = await makePeer()
    await expect(client.open(Identity.generate().id, 'echo')).rejects.toMatchObject({
      name: 'HawserError',
      code: 'PEER_NOT_FOUND',
      hint: expect.stringMatching(/give an address/),
    })
  })

  test('arguments are checked', async () => {
    const client = await makePeer()
    await expect(client.open('nobody', 'echo')).rejects.toBeInstanceOf(OptionError)
    await expect(client.open(client.address, 'echo')).rejects.toMatchObject({
      option: 'to',
      allowed: expect.stringMatching(/another peer/),
    })
    const other = (await makePeer()).address
    await expect(client.open(other, '')).rejects.toMatchObject({ option: 'service' })
    await expect(client.open(other, 'x', { timeout: -1 })).rejects.toMatchObject({
      option: 'timeout',
    })
    await expect(client.openAny('x')).rejects.toMatchObject({ option: 'openAny' })
    expect(client.stats().sessions).toEqual([])
  })
})

describe('nobody answers', () => {
  test('CONNECT_TIMEOUT with what was tried', async () => {
    const silent = await silentPort()
    const client = await makePeer()
    const { id } = Identity.generate()
    const addresses = [
      `127.0.0.1:${silent.port}`,
      '[::1]:5',
      'no-such-host.invalid:5',
      `hawser://${id}@127.0.0.1:${silent.port}`,
    ]
    const failed = client.open({ id, addresses }, 'echo', { timeout: 300 })
    await expect(failed).rejects.toBeInstanceOf(ConnectError)
    await expect(failed).rejects.toMatchObject({
      code: 'CONNECT_TIMEOUT',
      message: `no answer from ${id} within 300 ms`,
      hint: expect.stringMatching(/UDP/),
    })
    const { attempts } = (await failed.catch((error) => error)) as ConnectError
    expect(attempts.map(({ address, outcome }) => [address, outcome.replace(/E\w+/, 'E')])).toEqual(
      [
        [`127.0.0.1:${silent.port}`, 'no answer'],
        ['no-such-host.invalid:5', 'host name not found (E)'],
        ['[::1]:5', 'this peer has no IPv6 socket'],
      ].sort(
        ([a = ''], [b = '']) =>
          attempts.findIndex((x) => x.address === a) - attempts.findIndex((x) => x.address === b),
      ),
    )
    expect(attempts[0]?.elapsed).toBeGreaterThanOrEqual(250)
    expect(client.stats().sessions).toEqual([])
    silent.close()
  })

  test('a peer with another id does not answer either', async () => {
    const server = await makePeer()
    const client = await makePeer()
    const wrong = server.address.replace(server.id, Identity.generate().id)
    const error: ConnectError = await client.open(wrong, 'echo', { timeout: 200 }).catch((e) => e)
    expect(error.code).toBe('CONNECT_TIMEOUT')
    for (const cause of [
      /not running/,
      /not its address/,
      /not its id/,
      /another `network`/,
      /UDP/,
    ]) {
      expect(error.hint).toMatch(cause)
    }
    const silent = await silentPort()
    const nobody = wrong.replace(/:\d+$/, `:${silent.port}`)
    const other: ConnectError = await client.open(nobody, 'echo', { timeout: 200 }).catch((e) => e)
    // From here, both are the same.
    expect([other.code, other.message, other.hint]).toEqual([error.code, error.message, error.hint])
    expect(other.attempts.map(({ outcome }) => outcome)).toEqual(
      error.attempts.map(({ outcome }) => outcome),
    )
    silent.close()
    expect(server.stats().dropped.notForUs).toBeGreaterThan(0)
  })

  test('a peer that does not listen does not answer', async () => {
    const server = await makePeer({ listen: false })
    expect(server.address).toBe('')
    expect(server.addresses).toEqual([])
  })

  test('no address that can be used: fails at once', async () => {
    const client = await makePeer()
    const { id } = Identity.generate()
    const failed = client.open({ id, addresses: ['[::1]:5'] }, 'echo')
    await expect(failed).rejects.toMatchObject({
      name: 'ConnectError',
      code: 'CONNECT_FAILED',
      attempts: [{ address: '[::1]:5', outcome: 'this peer has no IPv6 socket' }],
    })
  })

  test('of several openings, each has its own time limit', async () => {
    const silent = await silentPort()
    const client = await makePeer()
    const target = `hawser://${Identity.generate().id}@127.0.0.1:${silent.port}`
    const order: number[] = []
    await Promise.all(
      [300, 100, 200].map((timeout) =>
        client.open(target, 'x', { timeout }).catch((error) => {
          expect(error).toMatchObject({ code: 'CONNECT_TIMEOUT' })
          order.push(timeout)
        }),
      ),
    )
    expect(order).toEqual([100, 200, 300])
    expect(client.stats().sessions).toEqual([])
    silent.close()
  })
})

describe('giving up', () => {
  test('a signal ends it, with its reason', async () => {
    const silent = await silentPort()
    const client = await makePeer()
    const target = `hawser://${Identity.generate().id}@127.0.0.1:${silent.port}`
    const abort = new AbortController()
    const opening = client.open(target, 'x', { signal: abort.signal })
    await turns(3)
    expect(client.stats().sessions).toHaveLength(1)
    abort.abort()
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' })
    expect(client.stats().sessions).toEqual([])
    await expect(client.open(target, 'x', { signal: abort.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    silent.close()
  })

  test.each([
    ['close', 0],
    ['close', 3],
    ['destroy', 0],
    ['destroy', 3],
  ] as const)('%s of the peer ends it, %d turns later', async (end, count) => {
    const silent = await silentPort()
    const client = await makePeer()
    const target = `hawser://${Identity.generate().id}@127.0.0.1:${silent.port}`
    const opening = client.open(target, 'x')
    if (count > 0) await turns(count)
    const ended = client[end]()
    await expect(opening).rejects.toBeInstanceOf(HawserError)
    await expect(opening).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    await ended
    silent.close()
  })

  test('a signal that has aborted before, although there is a session', async () => {
    const server = await makePeer()
    server.serve('echo', echo)
    const client = await makePeer()
    await client.open(server.address, 'echo')
    const signal = AbortSignal.abort(new Error('before'))
    await expect(client.open(server.address, 'echo', { signal })).rejects.toThrow('before')
    expect(client.stats().sessions[0]?.channels).toBe(1)
  })
})

describe('refusals', () => {
  test('a service that nobody serves', async () => {
    const server = await makePeer()
    server.serve('echo', echo)
    const client = await makePeer()
    const failed = client.open(server.address, 'ecco')
    await expect(failed).rejects.toMatchObject({
      name: 'ConnectError',
      code: 'SERVICE_REFUSED',
      message: `${server.id} does not serve 'ecco'`,
    })
    expect(server.stats().channelsRefused).toBe(1)
    await expect(client.open(server.address, 'echo')).resolves.toBeDefined()
  })

  test('a limit of sessions', async () => {
    const server = await makePeer({ limits: { sessions: 1 } })
    server.serve('echo', echo)
    const [first, second] = [await makePeer(), await makePeer()]
    await first.open(server.address, 'echo')
    await expect(second.open(server.address, 'echo', { timeout: 200 })).rejects.toMatchObject({
      code: 'CONNECT_TIMEOUT',
    })
    const { dropped, refused } = server.stats()
    expect(refused.sessions).toBeGreaterThan(0)
    expect(dropped.refused).toBe(refused.sessions)
    const full = await makePeer({ limits: { sessions: 1 } })
    const others = [await makePeer(), await makePeer()]
    for (const other of others) other.serve('echo', echo)
    await full.open(others[0]?.address ?? '', 'echo')
    await expect(full.open(others[1]?.address ?? '', 'echo')).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
    })
  })

  test('no memory for another session, or for another channel: it is named', async () => {
    const client = await makePeer({ limits: { memory: 1_048_576 } })
    const network = [await makePeer(), await makePeer()]
    const [server, other] = network as [Peer, Peer]
    for (const peer of network) peer.serve('echo', echo)
    const held: Channel[] = []
    const full = async (to: Peer) => {
      for (;;) {
        try {
          held.push(await client.open(to.address, 'echo'))
        } catch (error) {
          return error
        }
      }
    }
    const wanted = {
      name: 'ConnectError',
      code: 'OUT_OF_MEMORY',
      hint: expect.stringContaining('limits.memory'),
    }
    expect(await full(server)).toMatchObject({
      ...wanted,
      message: 'this peer has no native memory for another channel',
    })
    expect(held.length).toBeGreaterThan(10)
    await expect(client.open(other.address, 'echo')).rejects.toMatchObject({
      ...wanted,
      message: expect.stringMatching(/^this peer has no native memory for another/),
    })
    expect(client.stats().memoryBytes).toBeLessThanOrEqual(1_048_576)
    // What is closed makes room.
    await Promise.all(held.splice(0).map((channel) => channel.close()))
    await until(() => client.stats().memoryBytes < 500_000)
    await expect(client.open(other.address, 'echo')).resolves.toBeDefined()
  })

  test('a limit of channels delays, and a closed one makes room', async () => {
    const server = await makePeer({ limits: { channels: 2 } })
    server.serve('echo', echo)
    const client = await makePeer()
    const first = await client.open(server.address, 'echo')
    await client.open(server.address, 'echo')
    await expect(client.open(server.address, 'echo', { timeout: 100 })).rejects.toMatchObject({
      code: 'CONNECT_TIMEOUT',
      message: expect.stringMatching(/did not accept the channel/),
    })
    await first.close()
    const third = await client.open(server.address, 'echo')
    third.send('x')
    expect(String(await third.receive())).toBe('x')
  })
})

describe('sessions', () => {
  test('openings at the same time share one', async () => {
    const server = await makePeer()
    server.serve('echo', echo)
    const client = await makePeer()
    const channels = await Promise.all(
      Array.from({ length: 50 }, () => client.open(server.address, 'echo')),
    )
    for (const [index, channel] of channels.entries()) channel.send(`${index}`)
    for (const [index, channel] of channels.entries()) {
      expect(String(await channel.receive())).toBe(`${index}`)
    }
    expect(client.stats().sessionsOpened).toBe(1)
    expect(server.stats().sessionsOpened).toBe(1)
  })

  test('peers that open to each other at the same time both get through', async () => {
    const peers = [await makePeer(), await makePeer()]
    for (const peer of peers) peer.serve('echo', echo)
    const [a, b] = peers as [(typeof peers)[0], (typeof peers)[0]]
    const channels = await Promise.all([a.open(b.address, 'echo'), b.open(a.address, 'echo')])
    for (const channel of channels) {
      channel.send('x')
      expect(String(await channel.receive())).toBe('x')
    }
  })

  test('one that its peer closed is replaced', async () => {
    const identity = Identity.generate()
    const first = await makePeer({ identity })
    first.serve('echo', echo)
    const client = await makePeer()
    const channel = await client.open(first.address, 'echo')
    await first.close()
    await channel.closed
    const second = await makePeer({ identity })
    second.serve('echo', echo)
    const again = await client.open(second.address, 'echo')
    again.send('x')
    expect(String(await again.receive())).toBe('x')
  })

  test('one without channels ends after the idle timeout', async () => {
    const server = await makePeer()
    server.serve('echo', echo)
    const client = await makePeer({ limits: { idleTimeout: 1_000 } })
    const channel = await client.open(server.address, 'echo')
    await channel.close()
    expect(client.stats().sessions).toHaveLength(1)
    await until(() => client.stats().sessions.length === 0)
    await until(() => server.stats().sessions.length === 0)
    await expect(client.open(server.address, 'echo')).resolves.toBeDefined()
  })

  test('one with channels stays, although nothing is sent', async () => {
    const server = await makePeer()
    server.serve('echo', echo)
    const client = await makePeer({ limits: { idleTimeout: 1_000 } })
    const channel = await client.open(server.address, 'echo')
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    channel.send('still there')
    expect(String(await channel.receive())).toBe('still there')
  })
})
