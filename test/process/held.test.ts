// A reader that never reads holds its sender, and costs neither side more memory than windows and buffers.

import { onLinux, pause, sizesMatter } from '../support/processes'
import { openChannel, startPair } from './pair'

jest.setTimeout(120_000)

const bytes = 1_000
const mebibyte = 1 << 20

interface Outcome {
  readonly offered: number
  readonly taken: number
  readonly answeredFalse: number
  readonly refused: Record<string, number>
}

interface Usage {
  readonly rss: number
  readonly native: number
}

test.each(['hybrid', 'thread'] as const)('%s driver: nobody reads', async (driver) => {
  const pair = await startPair({ driver, node: ['--expose-gc'] })
  const { server, client } = pair
  const options = { highWaterMark: mebibyte, maxBuffered: 4 * mebibyte }
  const ends = await openChannel(pair, options)
  const offer = (until: { idleRounds?: number; offered?: number; milliseconds?: number }) =>
    client.call<Outcome>('offer', { channel: ends.client, bytes, ...until })

  // Until everything that can fill is full, and has been for a while.
  const first = await offer({ idleRounds: 25 })
  expect(first.taken).toBeGreaterThan(4_000)
  const before = [await server.call<Usage>('usage'), await client.call<Usage>('usage')] as const

  // Again, for longer, and far more than there is room for.
  const offered = (8 * options.maxBuffered) / bytes
  const second = await offer({ offered, milliseconds: 3_000 })
  // Held: nothing is taken any more, by neither call.
  expect(second.taken).toBe(0)
  expect(Object.keys(second.refused).sort()).toEqual(['BUFFER_FULL', 'TIMEOUT'])

  const after = [await server.call<Usage>('usage'), await client.call<Usage>('usage')] as const
  if (onLinux && sizesMatter) {
    for (const side of [0, 1] as const) {
      expect(after[side].rss - before[side].rss).toBeLessThan(4 * mebibyte)
      expect(after[side].native - before[side].native).toBeLessThan(mebibyte)
    }
  }

  // Then somebody reads.
  const reading = server.call<number>('drain', { channel: ends.server, bytes })
  await client.call('end', { channel: ends.client })
  expect(await reading).toBe(first.taken + second.taken)
})

test('a write that waits for room is done when somebody reads', async () => {
  const pair = await startPair()
  const { server, client } = pair
  const ends = await openChannel(pair, { highWaterMark: 100_000 })
  let taken = 0
  // Full once a message was not taken for a while; nothing else can be observed of a reader that does not read.
  const message = Buffer.alloc(bytes, 0x5a)
  for (let waiting = false; !waiting; ) {
    const write = client.call('writeOne', { channel: ends.client, message }).then(() => true)
    const outcome = await Promise.race([write, pause(1_000).then(() => false)])
    taken++
    if (outcome) continue
    waiting = true
    const reading = server.call<number>('drain', { channel: ends.server, bytes })
    await write
    await client.call('end', { channel: ends.client })
    expect(await reading).toBe(taken)
  }
  expect(taken).toBeGreaterThan(100)
})
