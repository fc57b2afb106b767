// Services: handlers, their failures, and what a listener that throws does to others.

import type { Channel } from '../../lib'
import { HawserError, OptionError } from '../../lib'
import { echo, makePair, makePeer, turns, until } from '../support/peers'

afterEach(() => jest.restoreAllMocks())

describe('serve', () => {
  test('every channel gets its own call', async () => {
    const server = await makePeer()
    let calls = 0
    server.serve('count', (channel) => {
      channel.send(`${++calls}`)
    })
    const client = await makePeer()
    for (const expected of ['1', '2', '3']) {
      const channel = await client.open(server.address, 'count')
      expect(String(await channel.receive())).toBe(expected)
    }
    expect(server.stats().services).toEqual([
      { name: 'count', channels: 3, channelsAccepted: 3, handlerFailures: 0 },
    ])
    expect(server.stats()).toMatchObject({ channels: 3, channelsAccepted: 3, channelsOpened: 0 })
    expect(client.stats()).toMatchObject({ channels: 3, channelsAccepted: 0, channelsOpened: 3 })
  })

  test('returning does not close the channel', async () => {
    const { channel, accepted } = await makePair()
    await turns(5)
    expect([channel.state, accepted.state]).toEqual(['open', 'open'])
  })

  test('the same name twice is refused, until the first one is closed', async () => {
    const server = await makePeer()
    const first = server.serve('echo', echo)
    expect(() => server.serve('echo', echo)).toThrow(HawserError)
    expect(() => server.serve('echo', echo)).toThrow(
      expect.objectContaining({ code: 'SERVICE_EXISTS' }),
    )
    await first.close()
    expect(server.serve('echo', echo).name).toBe('echo')
    await first.close()
    const client = await makePeer()
    await expect(client.open(server.address, 'echo')).resolves.toBeDefined()
  })

  test('its arguments are checked', async () => {
    const server = await makePeer()
    expect(() => server.serve('', echo)).toThrow(OptionError)
    expect(() => server.serve('x', undefined as never)).toThrow(
      expect.objectContaining({ option: 'handler' }),
    )
    expect(() => server.serve('x', { copy: 1 } as never, echo)).toThrow(
      expect.objectContaining({ option: 'copy' }),
    )
    expect(() => server.serve('x', { allow: true } as never, echo)).toThrow(
      expect.objectContaining({ option: 'allow' }),
    )
  })

  test('the options of both sides count', async () => {
    const { channel, accepted } = await makePair({
      open: { window: { size: 16 } },
      serve: { window: { size: 32, ackEvery: 4 } },
    })
    expect(channel.stats()).toMatchObject({ window: 16, ackEvery: 8 })
    expect(accepted.stats()).toMatchObject({ window: 32, ackEvery: 4 })
  })
})

describe('closing a service', () => {
  test('closes its channels and takes no more; other services go on', async () => {
    const server = await makePeer()
    const service = server.serve('one', (channel) => {
      channel.send('last words')
    })
    server.serve('two', echo)
    const client = await makePeer()
    const one = await client.open(server.address, 'one')
    const two = await client.open(server.address, 'two')
    await service.close()
    expect(String(await one.receive())).toBe('last words')
    expect(await one.closed).toMatchObject({ by: 'remote', unacknowledged: null })
    await expect(client.open(server.address, 'one')).rejects.toMatchObject({
      code: 'SERVICE_REFUSED',
    })
    two.send('x')
    expect(String(await two.receive())).toBe('x')
  })

  test('resolves even if something was left; the channel says what', async () => {
    const server = await makePeer({ impair: { delay: 200 } })
    let accepted: Channel | undefined
    const service = server.serve('slow', (channel) => {
      accepted = channel
    })
    const client = await makePeer()
    await client.open(server.address, 'slow')
    accepted?.send('under way')
    await service.close({ timeout: 1 })
    expect(await accepted?.closed).toMatchObject({
      by: 'local',
      error: { code: 'CLOSE_TIMEOUT' },
      unacknowledged: { first: 1, count: 1 },
    })
  })

  test('its options are checked, and nothing is closed', async () => {
    const server = await makePeer()
    const service = server.serve('echo', echo)
    await expect(service.close({ timeout: -1 })).rejects.toBeInstanceOf(OptionError)
    expect(() => server.serve('echo', echo)).toThrow(HawserError)
  })
})

describe('a handler that fails', () => {
  const broken = async (channel: Channel) => {
    await channel.receive()
    throw new Error('broken: the password is 1234')
  }

  test('resets the channel and is told; the peer does not learn why', async () => {
    const server = await makePeer()
    const failures: [unknown, Channel][] = []
    server.on('handlerError', (error, channel) => failures.push([error, channel]))
    let accepted: Channel | undefined
    server.serve('broken', (channel) => {
      accepted = channel
      return broken(channel)
    })
    const client = await makePeer()
    const channel = await client.open(server.address, 'broken')
    channel.send('go')
    const info = await channel.closed
    expect(info).toMatchObject({
      by: 'remote',
      error: {
        name: 'ChannelError',
        code: 'HANDLER_FAILED',
        message: "the service's handler failed on the peer: the handler of 'broken' failed",
      },
    })
    await until(() => failures.length === 1)
    expect(failures[0]?.[0]).toMatchObject({ message: 'broken: the password is 1234' })
    expect(failures[0]?.[1]).toBe(accepted)
    expect(accepted?.state).toBe('closed')
    expect(server.stats().services[0]?.handlerFailures).toBe(1)
    await expect(client.open(server.address, 'broken')).resolves.toBeDefined()
  })

  test.each<[string, () => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('broken'))],
  ])('at once (%s): the peer may not even get the channel', async (_, handler) => {
    const server = await makePeer()
    const failures: unknown[] = []
    server.on('handlerError', (error) => failures.push(error))
    server.serve('broken', handler)
    const client = await makePeer()
    const outcome = await client.open(server.address, 'broken').then(
      async (channel) => (await channel.closed).error,
      (error) => error,
    )
    expect(outcome).toMatchObject({ code: 'HANDLER_FAILED' })
    expect(failures).toMatchObject([{ message: 'broken' }])
  })

  test('without a listener: one warning of the process', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const server = await makePeer()
    server.serve('broken', broken)
    const client = await makePeer()
    for (let count = 0; count < 3; count++) {
      const channel = await client.open(server.address, 'broken')
      channel.send('go')
      await channel.closed
    }
    await until(() => server.stats().services[0]?.handlerFailures === 3)
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]?.[0]).toContain(
      "the handler of service 'broken' failed: Error: broken",
    )
  })

  test('because the peer went away: no warning', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const server = await makePeer()
    server.serve('echo', echo)
    const client = await makePeer()
    const channel = await client.open(server.address, 'echo')
    channel.reset()
    await until(() => server.stats().services[0]?.handlerFailures === 1)
    expect(warn).not.toHaveBeenCalled()
  })
})

describe('sessions', () => {
  test('both sides are told of one, and by whom', async () => {
    const server = await makePeer()
    const client = await makePeer()
    const sessions: string[] = []
    server.on('session', ({ id }) => sessions.push(`server: ${id}`))
    client.on('session', ({ id }) => sessions.push(`client: ${id}`))
    server.serve('a', echo)
    await client.open(server.address, 'a')
    await client.open(server.address, 'a')
    await turns(5)
    expect(sessions.sort()).toEqual([`client: ${server.id}`, `server: ${client.id}`])
  })

  test('channels go both ways in one session, and by id alone', async () => {
    const server = await makePeer()
    const client = await makePeer({ listen: false })
    client.serve('back', echo)
    const back = new Promise<string>((resolve, reject) => {
      server.serve('there', async (channel) => {
        try {
          const opened = await server.open(channel.remote.id, 'back')
          opened.send('hello')
          resolve(String(await opened.receive()))
        } catch (error) {
          reject(error)
        }
      })
    })
    await client.open(server.address, 'there')
    expect(await back).toBe('hello')
    expect(client.stats().sessions).toHaveLength(1)
  })
})
