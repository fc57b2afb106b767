// What peers do without features of the operating system: `HAWSER_DISABLE`, and what `stats()` says about it.

import { createPeer, OptionError, type SocketStats } from '../../lib'
import { disabledFeatures } from '../../lib/features'
import { makePair } from '../support/peers'

const variable = 'HAWSER_DISABLE'
const before = process.env[variable]

afterEach(() => {
  if (before === undefined) delete process.env[variable]
  else process.env[variable] = before
})

/** Sends enough for trains of packets, both ways, and answers what the client's socket has. */
async function exchange(): Promise<SocketStats> {
  const { client, channel, accepted } = await makePair()
  const messages = Array.from({ length: 300 }, (_, index) => Buffer.alloc(3_000, index))
  const both = [
    [channel, accepted],
    [accepted, channel],
  ] as const
  for (const [from, to] of both) {
    for (const message of messages) from.send(message)
    for (const message of messages) expect((await to.receive())?.equals(message)).toBe(true)
    await from.flush()
  }
  const { sockets } = client.stats()
  expect(sockets).toHaveLength(1)
  return sockets[0] as SocketStats
}

const onLinux = process.platform === 'linux' ? describe : describe.skip

onLinux('on Linux', () => {
  test('a socket has everything, and what it got of the 7 MiB of buffers that it asked for', async () => {
    delete process.env[variable]
    const socket = await exchange()
    expect(socket).toMatchObject({
      address: '127.0.0.1',
      port: expect.any(Number),
      gso: true,
      gro: true,
      mmsg: true,
      dontFragment: true,
    })
    for (const size of [socket.receiveBuffer, socket.sendBuffer]) {
      expect(size).toBeGreaterThan(0)
      expect(size).toBeLessThanOrEqual(7 * 2 ** 20)
    }
  })

  test.each([
    ['gso', { gso: false, gro: true }],
    ['gro', { gso: true, gro: false }],
    ['mmsg', { mmsg: false, gso: true }],
    ['dont-fragment', { dontFragment: false }],
    [
      'gso,gro,mmsg,dont-fragment,buffers',
      { gso: false, gro: false, mmsg: false, dontFragment: false },
    ],
  ])('without %s everything arrives', async (names, left) => {
    process.env[variable] = names
    expect(await exchange()).toMatchObject(left)
  })

  test('without buffers of its own a socket has the usual ones', async () => {
    delete process.env[variable]
    const grown = await exchange()
    process.env[variable] = 'buffers'
    const usual = await exchange()
    // Equal where the system allows no more than it gives anyhow.
    expect(usual.receiveBuffer).toBeLessThanOrEqual(grown.receiveBuffer)
    expect(usual.sendBuffer).toBeLessThanOrEqual(grown.sendBuffer)
    expect(usual.receiveBuffer).toBeGreaterThan(0)
  })
})

test('several names, spaces and nothing at all', () => {
  expect(disabledFeatures('')).toEqual({})
  expect(disabledFeatures(' gso, mmsg ,')).toEqual({ gso: true, mmsg: true })
})

test.each(['gso,xyz', 'GSO', 'toString'])(
  '%s is refused before a socket is opened',
  async (text) => {
    process.env[variable] = text
    const refused = createPeer({ listen: '127.0.0.1:0' })
    await expect(refused).rejects.toBeInstanceOf(OptionError)
    await expect(refused).rejects.toMatchObject({
      option: variable,
      value: text,
      allowed: 'a list of gso, gro, mmsg, dont-fragment, buffers, separated by commas',
    })
  },
)
