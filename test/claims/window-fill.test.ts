// Claims 2, 26, 46: messages are buffered; when N are buffered, the N are sent.

import { OptionError } from 'hawser'
import { makePair, range } from './support'

test('nothing leaves before the Nth message, then exactly N leave', async () => {
  const pair = await makePair({ window: { size: 8, fill: 'wait', acks: 'counted' } })
  pair.send(1, 7)
  await pair.network.advance(1_000)
  expect(pair.sequences()).toEqual([])
  pair.send(8, 12)
  await pair.network.advance(1)
  expect(pair.sequences()).toEqual(range(1, 8))
})

test('fewer than N leave on a flush, at the end, and after flushAfter', async () => {
  const pair = await makePair({ window: { size: 8, fill: 'wait', acks: 'counted' } })
  pair.send(1, 3)
  await pair.network.advance(1_000)
  const flushed = pair.channel.flush()
  await pair.network.advance(1_000)
  await flushed
  expect(pair.sequences()).toEqual(range(1, 3))
  pair.send(4)
  await pair.network.advance(1_000)
  expect(pair.sequences()).toEqual(range(1, 3))
  const ended = pair.channel.end()
  await pair.network.advance(1_000)
  await ended
  pair.expectReceived(4)

  const timed = await makePair({ window: { size: 8, fill: 'wait', flushAfter: 50 } })
  const start = timed.network.now
  timed.send(1, 2)
  await timed.network.advance(1_000)
  timed.expectReceived(2)
  for (const { time } of timed.sent()) expect(time - start).toBeCloseTo(50, 0)
})

test('a window of fewer than two messages is refused', async () => {
  const { alice, bob } = await makePair()
  await expect(alice.open(bob.address, 'claim', { window: { size: 1 } })).rejects.toThrow(
    OptionError,
  )
})
