// The option `network`, and what the handshake gets of it.

import { randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import { type ConnectError, Identity, OptionError, type Peer } from '../../lib'
import { networkIn, networkKey } from '../../lib/network'
import { peerOptions } from '../../lib/options/peer'
import { makePeer } from '../support/peers'

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

function refusal(value: unknown): OptionError {
  try {
    networkIn(value)
  } catch (error) {
    if (error instanceof OptionError) return error
    throw error
  }
  throw new Error('was not refused')
}

// Made with Python's hashlib and hmac.
const counting = Uint8Array.from({ length: 32 }, (_, index) => index)
test.each<[string, Uint8Array | undefined, string]>([
  ['staging', undefined, 'b0bbac7d749913c47c074e4a14e84fa7df0aaaf91dd24fb4ecbaf275278df24a'],
  ['mesh é', undefined, 'b7f5ecb9a751191ee78311c467f477760da2327696ec9b8a5ac0dd8f2e3452dc'],
  ['staging', counting, 'cd11b6270ad8e4ddeb052933eb5e2014afa9d1756251d6de678a5b06c4ad81fd'],
  [
    'staging',
    new Uint8Array(32),
    'e8e7078f151f5a47198c0901c3210f7959c3f12f8e36a7c497b4b3dc844695da',
  ],
])('%s with key %p', (name, key, wanted) => {
  const network = key === undefined ? { name } : { name, key }
  expect(hex(networkKey(network))).toBe(wanted)
  expect(hex(networkIn(network))).toBe(wanted)
})

test('no network, no key', () => {
  expect(networkKey(undefined)).toBeUndefined()
  expect(networkIn(undefined)).toBeUndefined()
})

test('name and key both matter, in every bit', () => {
  const key = randomBytes(32)
  const found = new Set([hex(networkKey({ name: 'a' })), hex(networkKey({ name: 'b' }))])
  for (let bit = 0; bit < 256; bit++) {
    const other = Buffer.from(key)
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7))
    found.add(hex(networkKey({ name: 'a', key: other })))
  }
  for (const name of ['a', 'b', 'aa', 'A']) found.add(hex(networkKey({ name, key })))
  expect(found.size).toBe(2 + 256 + 4)
})

test('what is made of the key is no view of it, and stays when it is wiped', () => {
  const key = randomBytes(32)
  const made = networkIn({ name: 'a', key })
  const before = hex(made)
  key.fill(0)
  expect(hex(made)).toBe(before)
  expect(made).toHaveLength(32)
  expect(made?.constructor).toBe(Uint8Array)
})

test('names', () => {
  for (const name of ['x', 'x'.repeat(64), 'é'.repeat(32)]) {
    expect(networkIn({ name })).toHaveLength(32)
  }
  for (const name of ['', 'x'.repeat(65), 'é'.repeat(33), 'a\ud800', 5, null, undefined, ['a']]) {
    expect(refusal({ name })).toMatchObject({
      option: 'network.name',
      value: name,
      allowed: 'a string of 1 to 64 bytes in UTF-8',
    })
  }
})

test('keys are 32 bytes and nothing else; what was given is not told', () => {
  const secret = 'correct horse battery staple 123'
  for (const key of [
    ...[secret, Buffer.from(secret).subarray(1), Buffer.from(`${secret}4`), Buffer.alloc(0)],
    ...[new ArrayBuffer(32), new Uint16Array(16), [...Buffer.from(secret)], null, 5, {}],
  ]) {
    const error = refusal({ name: 'a', key })
    expect(error.option).toBe('network.key')
    expect(error.allowed).toMatch(/^a Uint8Array of exactly 32 random bytes/)
    expect(`${error.message} ${String(error.value)}`).not.toMatch(/horse|99|111/)
  }
  expect(refusal({ name: 'a', key: Buffer.alloc(16) }).value).toBe('16 bytes')
})

test('other forms are refused, and a secret in the wrong place is not told', () => {
  const key = Buffer.alloc(32, 199)
  for (const [value, option] of [
    ['a', 'network'],
    [key, 'network'],
    [null, 'network'],
    [{ name: 'a', keys: key }, 'network.keys'],
  ] as const) {
    const error = refusal(value)
    expect(error.option).toBe(option)
    expect(`${error.message} ${String(error.value)}`).not.toContain('199')
  }
})

test('createPeer checks it', () => {
  for (const [network, option] of [
    [{ name: '' }, 'network.name'],
    [{ name: 'a', key: new Uint8Array(31) }, 'network.key'],
  ] as const) {
    expect(() => peerOptions({ network })).toThrow(expect.objectContaining({ option }))
  }
})

describe('peers of a network', () => {
  const secret = new Uint8Array(32).fill(7)
  const inner = { name: 'inner', key: secret }

  async function served(network?: { name: string; key?: Uint8Array }) {
    const peer = await makePeer({ ...(network && { network }) })
    peer.serve('echo', async (channel) => {
      for await (const message of channel) await channel.write(message)
    })
    return peer
  }

  async function reaches(
    server: Peer,
    network?: { name: string; key?: Uint8Array },
  ): Promise<unknown> {
    const client = await makePeer({ ...(network && { network }) })
    try {
      const channel = await client.open(server.address, 'echo', { timeout: 700 })
      channel.send('hello')
      return String(await channel.receive())
    } catch (error) {
      return error
    }
  }

  test('with the same name and key reach each other', async () => {
    expect(await reaches(await served(inner), { ...inner, key: secret.slice() })).toBe('hello')
    expect(await reaches(await served({ name: 'inner' }), { name: 'inner' })).toBe('hello')
  })

  test('are silent to all others, which cannot tell them from an absent peer', async () => {
    const server = await served(inner)
    const absent = await served()
    await absent.close()
    const other = { name: 'inner', key: new Uint8Array(32).fill(8) }
    const wrongId = server.address.replace(server.id, Identity.generate().id)
    const client = await makePeer({ network: inner })
    const errors = await Promise.all([
      reaches(server),
      reaches(server, { name: 'inner' }),
      reaches(server, { name: 'other', key: secret }),
      reaches(server, other),
      client.open(wrongId, 'echo', { timeout: 700 }).catch((error: unknown) => error),
      client.open(absent.address, 'echo', { timeout: 700 }).catch((error: unknown) => error),
    ])
    const looks = errors.map((error) => {
      const { code, hint, attempts, message } = error as ConnectError
      return {
        code,
        hint,
        attempts: attempts.map(({ outcome }) => outcome),
        message: message.replace(/from \w+/, ''),
      }
    })
    expect(looks[0]).toMatchObject({ code: 'CONNECT_TIMEOUT', attempts: ['no answer'] })
    for (const look of looks) expect(look).toEqual(looks[0])
    expect(server.stats()).toMatchObject({ bytesSent: 0, sessions: [], handshakesAnswered: 0 })
    expect(server.stats().dropped.notForUs).toBeGreaterThan(4)
  })

  test('a packet of no session is not answered, in a closed network or without', async () => {
    for (const network of [undefined, inner]) {
      const peer = await served(network)
      const port = Number(peer.address.slice(peer.address.lastIndexOf(':') + 1))
      const socket = dgram.createSocket('udp4')
      const packet = randomBytes(60)
      packet[0] = 0x80
      await new Promise((resolve) => socket.send(packet, port, '127.0.0.1', resolve))
      while (peer.stats().dropped.unknownSession === 0) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(peer.stats()).toMatchObject({ resetsSent: 0, datagramsSent: 0 })
      socket.close()
    }
  })
})
