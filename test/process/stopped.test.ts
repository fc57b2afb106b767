// A process that is stopped for a while and goes on (`kill -STOP`, `kill -CONT`), with traffic both ways: nothing is lost.

import { type Child, until } from '../support/processes'
import { checkTraffic, openChannel, startPair, startTraffic } from './pair'

jest.setTimeout(120_000)

interface Progress {
  readonly sent: number
  readonly received: number
  readonly writing: boolean
}

const progress = (child: Child, channel: number) => child.call<Progress>('progress', { channel })

/** Resolves when a writer has not moved for this long, milliseconds. */
const heldFor = 2_000

test.each([
  ['server', 'hybrid'],
  ['server', 'thread'],
  ['client', 'hybrid'],
  ['client', 'thread'],
] as const)('the %s process stops and goes on, %s driver', async (stopped, driver) => {
  const pair = await startPair({ driver })
  const ends = await openChannel(pair)
  // Without an end, so that there is traffic whenever the signals come.
  const endless = Number.POSITIVE_INFINITY
  await startTraffic(pair, ends, {
    up: { seed: 21, count: endless },
    down: { seed: 22, count: endless },
  })
  const sleeper = pair[stopped]
  const other = stopped === 'server' ? 'client' : 'server'
  const waker = pair[other]
  const channel = ends[other]
  await until(async () => (await progress(sleeper, ends[stopped])).received > 1_000, 'traffic')

  sleeper.kill('SIGSTOP')
  await until(() => sleeper.state() === 'T', 'the process stops')
  // The other side goes on until it is held: its windows and buffers are full, and it waits.
  let before = await progress(waker, channel)
  let since = Date.now()
  await until(async () => {
    const now = await progress(waker, channel)
    if (now.sent !== before.sent || !now.writing) since = Date.now()
    before = now
    return Date.now() - since >= heldFor
  }, 'the sender is held')
  expect(sleeper.state()).toBe('T')

  sleeper.kill('SIGCONT')
  await until(async () => {
    const now = await progress(waker, channel)
    return now.sent > before.sent + 1_000 && now.received > before.received + 1_000
  }, 'traffic goes on both ways')
  await Promise.all([
    pair.server.call('stop', { channel: ends.server }),
    pair.client.call('stop', { channel: ends.client }),
  ])
  const { up, down } = await checkTraffic(pair, ends)
  expect(up.count).toBeGreaterThan(1_000)
  expect(down.count).toBeGreaterThan(1_000)
})
