// Claims 16, 17: each peer has a pipe service that does all of this.

import { exchange } from './processes'

test('in two processes each service counts for itself, and the application does no acknowledging', async () => {
  const { client, server } = await exchange(100)
  for (const stats of [client, server]) {
    expect(stats).toMatchObject({
      messagesSent: 100,
      messagesReceived: 100,
      messagesAcknowledged: 100,
      window: 8,
      ackEvery: 4,
      peerWindow: 8,
      peerAckEvery: 4,
    })
    // Each acknowledged the other's messages, after four at a time or T.
    expect(stats.countsSent).toBeGreaterThanOrEqual(10)
    expect(stats.countsReceived).toBeGreaterThanOrEqual(10)
    const { messages, timeout, requested, end } = stats.acksByCause
    expect(messages + timeout + requested + end).toBe(stats.countsSent)
  }
})
