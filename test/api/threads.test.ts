// Peers with several engines (engine.threads): sessions are spread, and everything else is as with one.

import { readdirSync } from 'node:fs'
import { type Bytes, type Channel, createPeer, type Peer, type PeerOptions } from '../../lib'
import { engine } from '../../lib/engine'
import type { HostConfig } from '../../lib/native_types'
import { echo, makePeer, turns, until } from '../support/peers'
import { UdpProxy } from '../support/udp_proxy'

jest.setTimeout(60_000)

const onLinux = process.platform === 'linux'

/** A peer with `threads` engines; `steering: false`: without the kernel's help. */
async function makeMany(threads: number, options: PeerOptions = {}, steering = true) {
  const { native } = engine('auto')
  const create = native.hostCreate
  const spy = jest.spyOn(native, 'hostCreate').mockImplementation((config: HostConfig) => {
    return create(steering ? config : { ...config, disable: { steering: true } })
  })
  try {
    return await makePeer({ ...options, engine: { threads, ...options.engine } })
  } finally {
    spy.mockRestore()
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
const handedOver = (peer: Peer) => sum(peer.stats().engines.map((one) => one.handedOver))
const used = (peer: Peer) => peer.stats().engines.filter((one) => one.sessionsOpened > 0).length

/** Sends numbered messages of many sizes and reads what comes back. */
async function exchange(channel: Channel<Bytes, Buffer>, count: number): Promise<void> {
  const sending = (async () => {
    for (let index = 0; index < count; index++) {
      const message = Buffer.alloc(4 + ((index * 37) % 3_000), index)
      message.writeUInt32LE(index, 0)
      await channel.write(message)
    }
    await channel.end()
  })()
  // Reading may fail first, and then nobody waits for it.
  sending.catch(() => {})
  let next = 0
  for await (const message of channel) {
    expect(message.length).toBe(4 + ((next * 37) % 3_000))
    expect(message.readUInt32LE(0)).toBe(next++)
  }
  expect(next).toBe(count)
  await sending
}

const echoAndEnd = async (channel: Channel<Bytes, Buffer>) => {
  await echo(channel)
  await channel.end()
}

function nativeThreads(): number {
  return readdirSync('/proc/self/task').length
}

describe.each([
  ['the kernel steers', true],
  ['the kernel does not steer', false],
])('%s', (_, steering) => {
  test('sessions of many clients are spread, and each message comes once, in order', async () => {
    const server = await makeMany(4, {}, steering)
    server.serve('echo', echoAndEnd)
    const clients = await Promise.all(Array.from({ length: 12 }, () => makePeer()))
    const channels = await Promise.all(clients.map((one) => one.open(server.address, 'echo')))
    expect(server.stats().sessionsOpened).toBe(12)
    await Promise.all(channels.map((channel) => exchange(channel, 400)))

    const { engines, ...all } = server.stats()
    expect(engines).toHaveLength(4)
    expect(used(server)).toBeGreaterThan(1)
    expect(all.sessions).toHaveLength(12)
    for (const name of ['sessionsOpened', 'datagramsReceived', 'bytesSent', 'memoryBytes'] as const)
      expect(sum(engines.map((one) => one[name]))).toBe(all[name])
    expect(sum(engines.map((one) => one.sessions))).toBe(12)
    expect(sum(engines.map((one) => one.handOversLost))).toBe(0)
    expect(all.dropped).toMatchObject({ unknownSession: 0, malformed: 0 })
    expect(all.protocolErrors).toBe(0)
    if (!steering) expect(handedOver(server)).toBeGreaterThan(0)
    else if (onLinux) expect(handedOver(server)).toBe(0)
  })

  test('a session stays at its engine when its peer moves', async () => {
    const server = await makeMany(4, {}, steering)
    server.serve('echo', echoAndEnd)
    const port = Number(server.address.slice(server.address.lastIndexOf(':') + 1))
    const target = { address: '127.0.0.1', port }
    const proxy = await UdpProxy.start(target, ({ datagram, pass }) => pass(datagram))
    const client = await makePeer()
    const to = { id: server.id, addresses: [`127.0.0.1:${proxy.port}`] }
    const channel = await client.open(to, 'echo')
    const before = server.stats().engines.map((one) => one.sessions)
    const changes = () => server.stats().sessions[0]?.path.pathChanges ?? 0
    const moving = (async () => {
      for (let move = 1; move <= 4; move++) {
        proxy.rebind()
        await until(() => changes() >= move)
      }
    })()
    // A stream, so that there is always something on its way from where the client is now.
    let moved = false
    let sent = 0
    const sending = (async () => {
      for (; !moved; sent++) await channel.write(String(sent).padEnd(200))
      await channel.end()
    })()
    let next = 0
    for await (const message of channel) {
      expect(Number(message)).toBe(next++)
      moved ||= changes() >= 4
    }
    expect(next).toBe(sent)
    await sending
    await moving
    expect(server.stats().engines.map((one) => one.sessions)).toEqual(before)
    expect(server.stats()).toMatchObject({ sessionsOpened: 1, resetsSent: 0, protocolErrors: 0 })
  })

  test('opens to others from all its engines; those to one peer share a session', async () => {
    const peer = await makeMany(3, {}, steering)
    const others = await Promise.all(Array.from({ length: 6 }, () => makePeer()))
    for (const other of others) other.serve('echo', echoAndEnd)
    const opening = others.flatMap((other) => [
      peer.open(other.address, 'echo'),
      peer.open(other.address, 'echo'),
    ])
    const channels = await Promise.all(opening)
    await Promise.all(channels.map((channel) => exchange(channel, 100)))
    expect(peer.stats().sessionsOpened).toBe(6)
    // In turn.
    expect(peer.stats().engines.map((one) => one.sessionsOpened)).toEqual([2, 2, 2])
    for (const other of others) expect(other.stats().sessionsOpened).toBe(1)
  })

  test('peers that open to each other at the same time share one session', async () => {
    for (let round = 0; round < 8; round++) {
      const many = await makeMany(3, {}, steering)
      const other = round % 2 === 0 ? await makePeer() : await makeMany(2, {}, steering)
      many.serve('echo', echoAndEnd)
      other.serve('echo', echoAndEnd)
      const [there, back] = await Promise.all([
        many.open(other.address, 'echo'),
        other.open(many.address, 'echo'),
      ])
      await Promise.all([exchange(there, 50), exchange(back, 50)])
      expect(many.stats().sessionsOpened).toBe(1)
      expect(other.stats().sessionsOpened).toBe(1)
      many.destroy()
      other.destroy()
    }
  })
})

test('what a peer has opened to us is used for what we open to it', async () => {
  const server = await makeMany(4)
  server.serve('echo', echoAndEnd)
  for (let count = 0; count < 4; count++) {
    const client = await makePeer()
    client.serve('echo', echoAndEnd)
    await client.open(server.address, 'echo')
    await exchange(await server.open(client.address, 'echo'), 20)
    expect(client.stats().sessionsOpened).toBe(1)
  }
  expect(server.stats().sessionsOpened).toBe(4)
})

test('one set of addresses, whatever the port is', async () => {
  const any = await createPeer({ engine: { threads: 3 } })
  try {
    expect(new Set(any.addresses).size).toBe(any.addresses.length)
    expect(any.addresses.length).toBeGreaterThan(0)
    // It is taken, also for others that would share it.
    const port = Number(any.address.slice(any.address.lastIndexOf(':') + 1))
    for (const threads of [1, 2]) {
      await expect(createPeer({ listen: port, engine: { threads } })).rejects.toMatchObject({
        code: 'LISTEN_FAILED',
        message: expect.stringContaining('EADDRINUSE'),
      })
    }
    any.serve('echo', echoAndEnd)
    const client = await makePeer({ listen: false })
    for (const address of any.addresses) {
      if (address.includes('127.0.0.1') || address.includes('[::1]'))
        await exchange(await client.open(address, 'echo'), 10)
    }
  } finally {
    any.destroy()
  }
})

test('limits are those of the peer', async () => {
  const server = await makeMany(4, { limits: { sessions: 3, memory: 2 ** 21 } })
  server.serve('echo', echoAndEnd)
  const clients = await Promise.all(Array.from({ length: 8 }, () => makePeer()))
  const opened = await Promise.allSettled(
    clients.map((client) => client.open(server.address, 'echo', { timeout: 3_000 })),
  )
  expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  const { sessionsOpened, memoryBytes, refused } = server.stats()
  expect(sessionsOpened).toBe(3)
  expect(refused.sessions).toBeGreaterThan(0)
  expect(memoryBytes).toBeLessThanOrEqual(2 ** 21)
  await expect(
    server.open((await makePeer()).address, 'echo', { timeout: 3_000 }),
  ).rejects.toMatchObject({ code: 'LIMIT_REACHED' })
})

test('memory that one engine has taken is not there for the others', async () => {
  const server = await makeMany(4, { limits: { memory: 2 ** 20 } })
  // Nobody reads: what comes stays in native memory.
  const held: Channel<Bytes, Buffer>[] = []
  server.serve('hold', (channel) => void held.push(channel))
  const clients = await Promise.all(Array.from({ length: 6 }, () => makePeer()))
  const fill = async (client: Peer) => {
    const channel = await client.open(server.address, 'hold', { timeout: 3_000 })
    for (let index = 0; index < 100; index++) channel.send(Buffer.alloc(1_000))
  }
  // Those that find no memory come to nothing.
  const filling = Promise.allSettled(
    Array.from({ length: 24 }, (_, count) => fill(clients[count % clients.length] as Peer)),
  )
  let most = 0
  await until(() => {
    most = Math.max(most, server.stats().memoryBytes)
    return server.stats().dropped.noMemory > 0
  })
  expect(most).toBeGreaterThan(2 ** 19)
  expect(most).toBeLessThanOrEqual(2 ** 20)
  await filling
})

test('closes and is destroyed while busy, and its threads end', async () => {
  const client = await makePeer()
  await turns(2)
  const before = onLinux ? nativeThreads() : 0
  for (let round = 0; round < 6; round++) {
    const server = await makeMany(4)
    const clients = await Promise.all(Array.from({ length: 4 }, () => makePeer()))
    // They fail if the peer goes while they are at work.
    server.serve('echo', (channel) => echoAndEnd(channel).catch(() => {}))
    const channels = await Promise.all(clients.map((one) => one.open(server.address, 'echo')))
    const busy = Promise.allSettled(channels.map((channel) => exchange(channel, 1_000)))
    await turns(20)
    if (round % 2 === 0) {
      await server.close({ timeout: 20 })
      await until(() => clients.every((one) => one.stats().sessions.length === 0))
    } else {
      server.destroy()
    }
    for (const one of clients) one.destroy()
    await busy
    const { engines } = server.stats()
    expect(engines).toHaveLength(4)
    expect(sum(engines.map((one) => one.sessionsOpened))).toBe(4)
    if (onLinux) expect(nativeThreads()).toBeLessThanOrEqual(before)
  }
  expect(client.stats().engines).toHaveLength(1)
})

test('with the thread driver, one engine or none is as good', async () => {
  const server = await makeMany(2, { engine: { driver: 'thread' } })
  server.serve('echo', echoAndEnd)
  const client = await makeMany(1)
  await exchange(await client.open(server.address, 'echo'), 50)
  expect(server.stats().engines).toHaveLength(2)
})

test('what this peer sends is damaged by all its engines', async () => {
  const server = await makeMany(3, { impair: { loss: 0.1, seed: 4 } })
  server.serve('echo', echoAndEnd)
  const clients = await Promise.all(Array.from({ length: 4 }, () => makePeer()))
  const channels = await Promise.all(clients.map((one) => one.open(server.address, 'echo')))
  await Promise.all(channels.map((channel) => exchange(channel, 200)))
  expect(server.stats().dropped.impaired).toBeGreaterThan(0)
})
