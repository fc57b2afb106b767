// The twin and the addon, each in each role, over real sockets and a path that loses datagrams: every message arrives once, in order
// and whole, in both directions at once.

import { dial, type Kind, lossyPath, messages, startListener, sumOf } from './support'

jest.setTimeout(60_000)

const pairs: [Kind, Kind][] = [
  ['twin', 'addon'],
  ['addon', 'twin'],
  ['twin', 'twin'],
]

type Run = [bytes: number, count: number]

const runs: Run[] = [
  [64, 500],
  [102_400, 2],
  [1_024, 100],
  [0, 3],
  [102_400, 1],
  [64, 100],
]

/** Where congestion control sees so much loss that it sends two packets at a time. */
const fewer: Run[] = [
  [64, 200],
  [102_400, 1],
  [1_024, 30],
  [64, 20],
]

describe.each([
  [0, runs],
  [5, runs],
  [20, fewer],
])('%d %% of the datagrams are lost', (percent, runs) => {
  test.each(pairs)('%s dials %s', async (client, server) => {
    const listener = await startListener(server)
    const path = await lossyPath(listener, percent / 100, 1 + percent)
    const dialled = await dial(client, path)
    const taken = await listener.side
    await Promise.all([dialled.sendAll(messages(1, ...runs)), taken.sendAll(messages(2, ...runs))])
    expect(await taken.received).toEqual(sumOf(messages(1, ...runs)))
    expect(await dialled.received).toEqual(sumOf(messages(2, ...runs)))
    const count = runs.reduce((sum, [, messages]) => sum + messages, 0)
    for (const side of [dialled, taken]) {
      const { messagesSent, messagesReceived, messagesResent } = side.stats()
      expect([messagesSent, messagesReceived]).toEqual([count, count])
      // Something was lost, so something went again.
      if (percent > 0) expect(messagesResent).toBeGreaterThan(0)
    }
  })
})
