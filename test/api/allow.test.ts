// Who may open channels to a service: lists, functions, and answers that come late or not at all.

import type { Channel, Peer, PeerId, Remote, ServeOptions } from '../../lib'
import { keyFromPeerId, peerIdFromKey } from '../../lib/identity'
import { echo, makePeer, turns, until } from '../support/peers'
import { makeNetwork } from '../testing/support'

afterEach(() => jest.restoreAllMocks())

/** An answer that a test gives when it likes. */
class Answer {
  /** Who was asked about, in order. */
  readonly asked: Remote[] = []
  readonly #waiting: { resolve(value: boolean): void; reject(error: unknown): void }[] = []

  readonly allow = (remote: Remote): Promise<boolean> => {
    this.asked.push(remote)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  give(value: boolean, index = 0): void {
    this.#waiting[index]?.resolve(value)
  }

  fail(error: unknown): void {
    this.#waiting[0]?.reject(error)
  }
}

/** A server with the service `door`, and a client. */
async function makeDoor(allow: NonNullable<ServeOptions['allow']>) {
  const server = await makePeer()
  const client = await makePeer()
  const accepted: Channel[] = []
  const service = server.serve('door', { allow }, (channel) => {
    accepted.push(channel)
    return echo(channel)
  })
  const open = (timeout = 10_000, from: Peer = client) =>
    from.open(server.address, 'door', { timeout, metadata: Buffer.from('card') })
  return { server, client, service, accepted, open }
}

async function expectEcho(channel: Channel): Promise<void> {
  channel.send('in')
  expect(String(await channel.receive())).toBe('in')
}

/** The other point of the curve with the same y. */
function negationOf(id: PeerId): PeerId {
  const key = keyFromPeerId(id) as Uint8Array
  key[31] = (key[31] as number) ^ 0x80
  return peerIdFromKey(key)
}

function refusedBy(server: Peer) {
  return {
    name: 'ConnectError',
    code: 'SERVICE_REFUSED',
    message: `${server.id} refused a channel to 'door'`,
    hint: 'the service does not take channels from this peer, or not now',
  }
}

describe('a list', () => {
  test('lets in who is on it', async () => {
    const other = await makePeer()
    const { server, client, accepted, open } = await makeDoor([other.id])
    await expect(open()).rejects.toMatchObject(refusedBy(server))
    await expectEcho(await open(10_000, other))
    await expect(open()).rejects.toMatchObject(refusedBy(server))
    expect(accepted).toHaveLength(1)
    expect(server.stats()).toMatchObject({
      channels: 1,
      channelsAccepted: 1,
      channelsRefused: 2,
      services: [{ channels: 1, channelsAccepted: 1, handlerFailures: 0 }],
    })
    expect(client.stats()).toMatchObject({ channels: 0, channelsOpened: 0 })
  })

  test('an empty one lets in nobody; other services are not concerned', async () => {
    const { server, client, open } = await makeDoor([])
    server.serve('window', echo)
    await expect(open()).rejects.toMatchObject(refusedBy(server))
    await expectEcho(await client.open(server.address, 'window'))
  })

  test('is copied', async () => {
    const ids: PeerId[] = []
    const { server, client, open } = await makeDoor(ids)
    ids.push(client.id)
    await expect(open()).rejects.toMatchObject(refusedBy(server))
  })

  test('an id and its negation are the same peer', async () => {
    const ids: PeerId[] = []
    const clients = [await makePeer(), await makePeer()]
    for (const { id } of clients) {
      expect(negationOf(id)).not.toBe(id)
      ids.push(negationOf(id))
    }
    const { server, open } = await makeDoor(ids)
    for (const client of clients) await expectEcho(await open(10_000, client))
    await expect(open()).rejects.toMatchObject(refusedBy(server))
  })

  test('every other bit of an id counts', async () => {
    const client = await makePeer()
    const key = keyFromPeerId(client.id) as Uint8Array
    const near = Array.from({ length: 255 }, (_, bit) => {
      const other = Uint8Array.from(key)
      other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7))
      return peerIdFromKey(other)
    })
    const { server, open } = await makeDoor(near)
    await expect(open(10_000, client)).rejects.toMatchObject(refusedBy(server))
  })
})

describe('a function', () => {
  test('is asked for each channel, and told who it is', async () => {
    const asked: Remote[] = []
    const { server, client, open } = await makeDoor((remote) => {
      asked.push(remote)
      return asked.length !== 2
    })
    const channel = await open()
    await expect(open()).rejects.toMatchObject(refusedBy(server))
    await expectEcho(await open())
    await expectEcho(channel)
    expect(asked.map(({ id }) => id)).toEqual([client.id, client.id, client.id])
    expect(asked[0]?.address).toBe(client.address)
  })

  test('as long as its promise is pending, the channel is not accepted', async () => {
    const answer = new Answer()
    const { server, accepted, open } = await makeDoor(answer.allow)
    let opened = false
    const opening = open().then((channel) => {
      opened = true
      return channel
    })
    await until(() => answer.asked.length === 1)
    await turns(20)
    expect([opened, accepted.length]).toEqual([false, 0])
    expect(server.stats()).toMatchObject({ channels: 0, channelsAccepted: 0, channelsRefused: 0 })
    answer.give(true)
    await expectEcho(await opening)
    expect(accepted[0]?.metadata).toEqual(Buffer.from('card'))
    expect(server.stats()).toMatchObject({ channels: 1, channelsAccepted: 1, channelsRefused: 0 })
  })

  test('answers may come in any order', async () => {
    const answer = new Answer()
    const { server, open } = await makeDoor(answer.allow)
    const openings = [open(), open(), open()]
    const outcomes = Promise.allSettled(openings)
    await until(() => answer.asked.length === 3)
    answer.give(true, 2)
    await expectEcho(await (openings[2] as Promise<Channel>))
    answer.give(false, 1)
    await expect(openings[1]).rejects.toMatchObject(refusedBy(server))
    answer.give(true, 0)
    await expectEcho(await (openings[0] as Promise<Channel>))
    expect((await outcomes).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
  })

  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /allow answered undefined, not true or false/],
    ['1', 1, /allow answered 1, not/],
    ["'no'", 'no', /allow answered no, not/],
    ['a promise of an object', Promise.resolve({}), /allow answered an object, not/],
  ])('that answers %s: nobody gets in by accident', async (_, value, message) => {
    const { server, accepted, open } = await makeDoor(() => value as boolean)
    const failures: unknown[] = []
    server.on('handlerError', (error) => failures.push(error))
    await expect(open()).rejects.toMatchObject(refusedBy(server))
    expect(failures).toEqual([expect.any(TypeError)])
    expect(String(failures[0])).toMatch(message)
    expect(accepted).toEqual([])
  })
})

describe('a function that fails', () => {
  const failing: [string, () => boolean | Promise<boolean>][] = [
    [
      'throws',
      () => {
        throw new Error('no database')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
  ]

  test.each(failing)('%s: refused, and told with a channel that is closed', async (_, allow) => {
    const { server, client, accepted, open } = await makeDoor(allow)
    const failures: [unknown, Channel][] = []
    server.on('handlerError', (error, channel) => failures.push([error, channel]))
    await expect(open()).rejects.toMatchObject(refusedBy(server))
    expect(failures).toHaveLength(1)
    const [error, channel] = failures[0] as [unknown, Channel]
    expect(error).toMatchObject({ message: 'no database' })
    expect(channel).toMatchObject({ service: 'door', state: 'closed' })
    expect(channel.remote.id).toBe(client.id)
    expect(channel.metadata).toEqual(Buffer.from('card'))
    expect(await channel.closed).toEqual({ by: 'local', unacknowledged: null })
    expect(channel.stats().messagesReceived).toBe(0)
    expect(() => channel.send('x')).toThrow(expect.objectContaining({ code: 'CHANNEL_CLOSED' }))
    expect(accepted).toEqual([])
    expect(server.stats()).toMatchObject({
      channels: 0,
      channelsAccepted: 0,
      channelsRefused: 1,
      services: [{ channels: 0, channelsAccepted: 0, handlerFailures: 1 }],
    })
  })

  test('without a listener: a warning of the process', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { server, open } = await makeDoor(failing[0]?.[1] as () => boolean)
    await expect(open()).rejects.toMatchObject(refusedBy(server))
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]?.[0]).toMatch(
      /^'allow' of service 'door' failed: Error: no database\n/,
    )
  })
})

describe('an answer that comes too late', () => {
  /** Lets what is under way become visible, then looks: nobody was let in. */
  async function expectNothing(server: Peer, accepted: readonly Channel[]): Promise<void> {
    await turns(20)
    expect(accepted).toEqual([])
    expect(server.stats()).toMatchObject({ channels: 0, channelsAccepted: 0 })
  }

  test('the opener has given up: its place is free again', async () => {
    const answer = new Answer()
    const server = await makePeer({ limits: { channels: 1 } })
    const client = await makePeer()
    const accepted: Channel[] = []
    server.serve('door', { allow: answer.allow }, (channel) => void accepted.push(channel))
    server.serve('window', echo)
    // Each opening needs the place of the one before, which is free when nothing is left of that.
    for (let round = 0; round < 3; round++) {
      const opening = client.open(server.address, 'door', { timeout: 100 })
      await expect(opening).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' })
      await until(() => answer.asked.length === round + 1)
    }
    const channel = await client.open(server.address, 'window')
    answer.give(true, 0)
    answer.give(false, 1)
    answer.give(true, 2)
    await turns(20)
    expect(accepted).toEqual([])
    await expectEcho(channel)
    expect(server.stats()).toMatchObject({ channels: 1, channelsAccepted: 1, channelsRefused: 0 })
  })

  test('the service is closed: who waits is refused at once', async () => {
    const answer = new Answer()
    const { server, service, accepted, open } = await makeDoor(answer.allow)
    const opening = open()
    opening.catch(() => {})
    await until(() => answer.asked.length === 1)
    await service.close()
    await expect(opening).rejects.toMatchObject({
      code: 'SERVICE_REFUSED',
      message: `${server.id} does not serve 'door'`,
    })
    expect(server.stats().channelsRefused).toBe(1)
    answer.give(true)
    await expectNothing(server, accepted)
  })

  test('the function closes its own service, and says yes', async () => {
    const { server, service, accepted, open } = await makeDoor(() => {
      void service.close()
      return true
    })
    await expect(open()).rejects.toMatchObject({ code: 'SERVICE_REFUSED' })
    await expectNothing(server, accepted)
  })

  test('the peer is closed: who waits is refused at once', async () => {
    const answer = new Answer()
    const { server, accepted, open } = await makeDoor(answer.allow)
    const opening = open()
    opening.catch(() => {})
    await until(() => answer.asked.length === 1)
    await server.close()
    // By the end of the session, if that leaves with the refusal.
    const code = expect.stringMatching(/^(SERVICE_REFUSED|CONNECT_FAILED)$/)
    await expect(opening).rejects.toMatchObject({ code })
    expect(server.stats().channelsRefused).toBe(1)
    answer.give(true)
    await expectNothing(server, accepted)
  })

  test.each([true, false])('the peer is destroyed, before the answer %s', async (value) => {
    const answer = new Answer()
    const { server, accepted, open } = await makeDoor(answer.allow)
    const opening = open(300)
    opening.catch(() => {})
    await until(() => answer.asked.length === 1)
    server.destroy()
    answer.give(value)
    await expectNothing(server, accepted)
    // Nothing of it hangs on the handles, which others have now.
    const other = await makeDoor([])
    await expect(other.open()).rejects.toMatchObject(refusedBy(other.server))
    await expect(opening).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' })
  })

  test('the function destroys its own peer, and says yes', async () => {
    const { server, accepted, open } = await makeDoor(() => {
      server.destroy()
      return true
    })
    await expect(open(200)).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' })
    await expectNothing(server, accepted)
  })
})

describe('allowTimeout', () => {
  const pending = () => new Promise<boolean>(() => {})

  test.each([
    ['of a service', 2_000, 2_000, '2 s'],
    ['by default', undefined, 10_000, '10 s'],
  ])('%s: then the channel is refused, and the peer told', async (_, allowTimeout, after, text) => {
    const network = makeNetwork()
    const [server, client] = [await network.createPeer(), await network.createPeer()]
    const answer = new Answer()
    const options = { allow: answer.allow, ...(allowTimeout && { allowTimeout }) }
    const accepted: Channel[] = []
    server.serve('door', options, (channel) => void accepted.push(channel))
    const failures: [unknown, Channel][] = []
    server.on('handlerError', (error, channel) => failures.push([error, channel]))
    const before = network.now
    const opening = client.open(server.address, 'door', { timeout: 60_000 })
    await expect(opening).rejects.toMatchObject(refusedBy(server))
    expect(network.now - before).toBeGreaterThanOrEqual(after)
    expect(network.now - before).toBeLessThan(after + 1_000)
    expect(failures).toHaveLength(1)
    const [error, channel] = failures[0] as [unknown, Channel]
    expect(error).toMatchObject({ code: 'TIMEOUT', message: `allow did not answer within ${text}` })
    expect(channel).toMatchObject({ service: 'door', state: 'closed' })
    expect(server.stats()).toMatchObject({ channels: 0, channelsRefused: 1 })
    // Its answer comes too late.
    answer.give(true)
    await turns(20)
    expect(accepted).toEqual([])
    expect(failures).toHaveLength(1)
  })

  test('an answer in time stops it, and so does an opener that gives up', async () => {
    const network = makeNetwork({ paused: true })
    const [server, client] = [await network.createPeer(), await network.createPeer()]
    const answer = new Answer()
    server.serve('door', { allow: answer.allow, allowTimeout: 1_000 }, echo)
    const failures: unknown[] = []
    server.on('handlerError', (error) => failures.push(error))
    const opening = client.open(server.address, 'door')
    await network.advance(900)
    answer.give(true)
    const [channel] = await Promise.all([opening, network.advance(50)])
    const late = client.open(server.address, 'door', { timeout: 300 })
    late.catch(() => {})
    await network.advance(5_000)
    await expect(late).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' })
    expect(answer.asked).toHaveLength(2)
    expect(failures).toEqual([])
    network.resume()
    await expectEcho(channel)
  })

  test('Infinity: as long as the opener waits', async () => {
    const network = makeNetwork()
    const [server, client] = [await network.createPeer(), await network.createPeer()]
    server.serve('door', { allow: pending, allowTimeout: Number.POSITIVE_INFINITY }, echo)
    const failures: unknown[] = []
    server.on('handlerError', (error) => failures.push(error))
    await expect(client.open(server.address, 'door', { timeout: 100_000 })).rejects.toMatchObject({
      code: 'CONNECT_TIMEOUT',
    })
    expect(failures).toEqual([])
    expect(server.stats().channelsRefused).toBe(0)
  })

  test('is checked', async () => {
    const server = await makePeer()
    for (const value of [0, -1, 1.5, 2 ** 31, Number.NaN, '5', null]) {
      const serve = () =>
        server.serve('door', { allow: pending, allowTimeout: value as number }, echo)
      expect(serve).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          option: 'allowTimeout',
          allowed: 'a whole number of milliseconds from 1 to 2,147,483,647, or Infinity',
        }),
      )
    }
    for (const [index, value] of [1, 2 ** 31 - 1, Number.POSITIVE_INFINITY].entries()) {
      server.serve(`door ${index}`, { allow: pending, allowTimeout: value }, echo)
    }
  })
})

describe('on a simulated network', () => {
  async function makeSimulated(timeout = Number.POSITIVE_INFINITY) {
    const network = makeNetwork()
    const alice = await network.createPeer()
    const bob = await network.createPeer()
    const answer = new Answer()
    const accepted: Channel[] = []
    const allowTimeout = Number.POSITIVE_INFINITY
    bob.serve('door', { allow: answer.allow, allowTimeout }, (channel) => {
      accepted.push(channel)
      return echo(channel)
    })
    const opening = alice.open(bob.address, 'door', { timeout })
    opening.catch(() => {})
    await network.advance(1_000)
    expect(answer.asked).toHaveLength(1)
    network.pause()
    return { network, alice, bob, answer, accepted, opening }
  }

  test('an answer may take far longer than the idle timeout', async () => {
    const { network, answer, opening } = await makeSimulated()
    await network.advance(300_000)
    answer.give(true)
    network.resume()
    await expectEcho(await opening)
  })

  test('a rejection after the opener has given up tells nobody', async () => {
    const { network, bob, answer, accepted, opening } = await makeSimulated(2_000)
    const failures: unknown[] = []
    bob.on('handlerError', (error) => failures.push(error))
    await network.advance(2_000)
    await expect(opening).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' })
    answer.fail(new Error('late'))
    await network.advance(1_000)
    expect([failures, accepted]).toEqual([[], []])
    expect(bob.stats().services[0]?.handlerFailures).toBe(0)
  })

  test('the opener vanishes meanwhile', async () => {
    const { network, alice, bob, answer, accepted } = await makeSimulated()
    alice.destroy()
    await network.advance(60_000)
    expect(bob.stats().sessions).toEqual([])
    answer.give(true)
    await network.advance(1_000)
    expect(accepted).toEqual([])
    expect(bob.stats()).toMatchObject({ channels: 0, channelsAccepted: 0, channelsRefused: 0 })
  })

  test('the session is lost meanwhile, for both', async () => {
    const { network, alice, bob, answer, accepted, opening } = await makeSimulated()
    network.partition(alice, bob)
    await network.advance(60_000)
    await expect(opening).rejects.toMatchObject({ code: 'PEER_LOST' })
    answer.give(true)
    await network.advance(1_000)
    expect(accepted).toEqual([])
    expect(bob.stats()).toMatchObject({ channels: 0, channelsAccepted: 0 })
  })

  test('an end that comes before the answer is not forgotten', async () => {
    const { network, alice, bob, answer, accepted, opening } = await makeSimulated()
    network.inject(alice, bob, [{ type: 'END', channel: 1, sequence: 0 }])
    await network.advance(100)
    answer.give(true)
    await network.advance(100)
    await opening
    expect(accepted).toHaveLength(1)
    // The handler, which echoes what it reads, has nothing to wait for.
    expect(await accepted[0]?.receive()).toBeUndefined()
  })
})
