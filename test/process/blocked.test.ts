// A process whose event loop is busy for longer than the other side's patience.

import { type Driver, openChannel, startPair } from './pair'

jest.setTimeout(120_000)

const blockedFor = 4_000
const limits = { idleTimeout: 1_000 }
const texts = Array.from({ length: 200 }, (_, index) => `message ${index}`)

/** `where`: the function of the child that keeps its event loop busy. */
async function sendToBusyPeer(driver: Driver, where: 'block' | 'blockOnMessage') {
  const pair = await startPair({ driver, client: { limits } })
  const { server, client } = pair
  const ends = await openChannel(pair)
  const other = await openChannel(pair)
  const write = (channel: number, text: string) =>
    client.call('writeOne', { channel, message: Buffer.from(text) })
  let blocked = true
  const blocking = server
    .call(where, { milliseconds: blockedFor, channel: other.server })
    .then(() => {
      blocked = false
    })
  await write(other.client, 'now')
  for (const text of texts) await write(ends.client, text)
  await client.call('flush', { channel: ends.client })
  // Four times the patience: without an answer meanwhile the session would be gone.
  expect(blocked).toBe(true)
  await blocking
  for (const text of texts) {
    const received = await server.call<Uint8Array>('receiveOne', { channel: ends.server })
    expect(Buffer.from(received).toString()).toBe(text)
  }
  await server.call('writeOne', { channel: ends.server, message: Buffer.from('here again') })
  const answer = await client.call<Uint8Array>('receiveOne', { channel: ends.client })
  expect(Buffer.from(answer).toString()).toBe('here again')
}

// Far more than a channel's credit is at first.
test.each(['hybrid', 'thread'] as const)(
  '%s driver: a listener that is busy does not hold the sender',
  async (driver) => {
    const pair = await startPair({ driver })
    const { server, client } = pair
    const ends = await openChannel(pair)
    await server.call('listen', { channel: ends.server })
    let blocked = true
    const blocking = server.call('block', { milliseconds: blockedFor }).then(() => {
      blocked = false
    })
    const count = 3_000
    await client.call('send', {
      channel: ends.client,
      traffic: { seed: 1, count, minBytes: 1_000, maxBytes: 1_000 },
      count,
    })
    // Ends its direction, which waits until everything is acknowledged.
    const { bytes } = await client.call<{ bytes: number }>('sent', { channel: ends.client })
    expect(blocked).toBe(true)
    expect(bytes).toBe(3_000_000)
    await blocking
    let received = 0
    while (received < count) {
      const progress = await server.call<{ received: number }>('progress', { channel: ends.server })
      received = progress.received
    }
    expect(received).toBe(count)
  },
)

test.each(['hybrid', 'thread'] as const)(
  '%s driver: what arrives meanwhile is acknowledged, and the session lives',
  async (driver) => {
    await Promise.all([
      sendToBusyPeer(driver, 'block'),
      // In a handler of ours: the batch that it belongs to is not over yet.
      sendToBusyPeer(driver, 'blockOnMessage'),
    ])
  },
)
