// `kill -9` of one process: the other one learns of it, and what of its messages was not acknowledged.

import type { ChannelStats, CloseInfo } from '../../lib'
import { failure, type TellTale, until } from '../support/processes'
import { exchange, openChannel, startPair } from './pair'

jest.setTimeout(120_000)

interface Closing {
  readonly by: CloseInfo['by']
  readonly unacknowledged: CloseInfo['unacknowledged']
  readonly error?: TellTale
}

const limits = { idleTimeout: 2_000 }
const message = Buffer.alloc(100, 7)

test.each([
  ['server', 'hybrid'],
  ['server', 'thread'],
  ['client', 'hybrid'],
  ['client', 'thread'],
] as const)(
  'the %s is killed, %s driver: the other side gets PEER_LOST and knows what is missing',
  async (victimName, driver) => {
    const pair = await startPair({ driver, server: { limits }, client: { limits } })
    const ends = await openChannel(pair)
    const victim = pair[victimName]
    const survivorName = victimName === 'server' ? 'client' : 'server'
    const survivor = pair[survivorName]
    const channel = ends[survivorName]

    // These are acknowledged for certain …
    for (let count = 0; count < 10; count++) await survivor.call('writeOne', { channel, message })
    await survivor.call('flush', { channel })
    // … and these for certain not: a stopped process acknowledges nothing.
    victim.kill('SIGSTOP')
    await until(() => victim.state() === 'T', 'the process stops')
    for (let count = 0; count < 25; count++) await survivor.call('writeOne', { channel, message })
    const flushed = failure(survivor.call('flush', { channel }))
    const receiving = failure(survivor.call('receiveOne', { channel }))
    victim.kill('SIGKILL')
    expect(await victim.ended).toMatchObject({ code: null, signal: 'SIGKILL' })

    const unacknowledged = { first: 11, count: 25 }
    const lost = {
      name: 'ChannelError',
      code: 'PEER_LOST',
      message: expect.stringMatching(/./),
      info: { by: 'failure', unacknowledged },
    }
    const closing = await survivor.call<Closing>('closed', { channel })
    expect(closing).toMatchObject({ by: 'failure', unacknowledged, error: lost })
    expect(await flushed).toMatchObject(lost)
    expect(await receiving).toMatchObject(lost)
    for (const call of ['writeOne', 'sendOne', 'flush', 'receiveOne', 'end']) {
      const tale = await failure(survivor.call(call, { channel, message }))
      expect(tale).toMatchObject({ code: 'PEER_LOST' })
    }
    // The counters of what it had can still be read.
    const stats = await survivor.call<ChannelStats>('channelStats', { channel })
    expect(stats.messagesAcknowledged).toBe(10)
  },
)

test('a server outlives its clients, and serves the next one', async () => {
  const pair = await startPair({ server: { limits }, client: { limits } })
  const ends = await openChannel(pair)
  const load = { seed: 31, count: Number.POSITIVE_INFINITY }
  await pair.server.call('read', { channel: ends.server, traffic: load })
  await pair.client.call('send', { channel: ends.client, traffic: load })
  // In the middle of what it sends.
  await until(async () => {
    const { received } = await pair.server.call<{ received: number }>('progress', {
      channel: ends.server,
    })
    return received > 1_000
  }, 'traffic')
  pair.client.kill('SIGKILL')
  expect(await failure(pair.server.call('received', { channel: ends.server }))).toMatchObject({
    code: 'PEER_LOST',
    info: { by: 'failure', unacknowledged: null },
  })
  const next = await startPair()
  await exchange(
    { ...pair, client: next.client },
    { up: { seed: 32, count: 500 }, down: { seed: 33, count: 500 } },
  )
})

test('opening a channel to a process that is gone fails within the time given, and says what was tried', async () => {
  const pair = await startPair({ server: { limits }, client: { limits } })
  pair.server.kill('SIGKILL')
  await pair.server.ended
  const opening = pair.client.call('open', { to: pair.address, options: { timeout: 1_500 } })
  expect(await failure(opening)).toMatchObject({
    name: 'ConnectError',
    code: 'CONNECT_TIMEOUT',
    attempts: [{ address: `127.0.0.1:${pair.port}`, outcome: 'no answer' }],
  })
})
