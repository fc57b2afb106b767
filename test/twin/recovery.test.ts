// What the twin makes of acknowledgements: round trips without the delay of the peer, losses that cost window, and numbers that were left out.

import { Cubic } from '../../bench/twin/transport/cubic'
import { Fate, Recovery, type SentPacket } from '../../bench/twin/transport/recovery'
import { RoundTrip } from '../../bench/twin/transport/round_trip'
import { Code } from '../../bench/twin/wire/codes'
import { FrameType } from '../../bench/twin/wire/frames'
import { until } from '../support/peers'
import { RawClient } from '../support/raw/client'
import { frame, message, open } from '../support/raw/frames'
import { twinServer } from './support'

jest.setTimeout(30_000)

const packetBytes = 1_200

function packet(number: number, sentAt: number, fate = Fate.inFlight): SentPacket {
  return {
    number,
    sentAt,
    bytes: packetBytes,
    fate,
    piece: undefined,
    outbound: undefined,
    turn: 0,
    controls: undefined,
    acknowledges: -1,
  }
}

function begin() {
  const acknowledged: number[] = []
  const lost: number[] = []
  const recovery = new Recovery(packetBytes, 0, {
    acknowledged: ({ number }) => acknowledged.push(number),
    lost: ({ number }) => lost.push(number),
  })
  /** `delay`: microseconds. */
  const ack = (now: number, ranges: [number, number][], delay = 0) =>
    recovery.onAck({ type: FrameType.ack, delay, ranges }, now, 25)
  return { recovery, acknowledged, lost, ack }
}

describe('the round trip (RFC 9002 §5.3)', () => {
  test('is the first sample, whatever the peer says of its delay', () => {
    const roundTrip = new RoundTrip()
    roundTrip.sample(100, 20)
    expect(roundTrip).toMatchObject({ smoothed: 100, variation: 50 })
  })

  test('is smoothed, without the delay of the peer', () => {
    const roundTrip = new RoundTrip()
    roundTrip.sample(100, 0)
    roundTrip.sample(150, 20)
    expect(roundTrip.variation).toBeCloseTo(0.75 * 50 + 0.25 * 30)
    expect(roundTrip.smoothed).toBeCloseTo(0.875 * 100 + 0.125 * 130)
  })

  test('is never made shorter than the shortest by a delay', () => {
    const roundTrip = new RoundTrip()
    roundTrip.sample(100, 0)
    roundTrip.sample(110, 20)
    expect(roundTrip.smoothed).toBeCloseTo(0.875 * 100 + 0.125 * 110)
  })

  test.each([
    ['said in microseconds', 20_000, 130],
    ['believed up to the agreed limit', 80_000, 125],
  ])('takes off a delay that is %s', (_, delay, adjusted) => {
    const { recovery, ack } = begin()
    recovery.add(packet(0, 0))
    ack(100, [[0, 0]])
    recovery.add(packet(1, 200))
    ack(350, [[1, 1]], delay)
    expect(recovery.roundTrip.smoothed).toBeCloseTo(0.875 * 100 + 0.125 * adjusted)
  })
})

describe('losses', () => {
  test('three packets later are told, and cost 0.3 of the window', () => {
    const { recovery, acknowledged, lost, ack } = begin()
    for (let number = 0; number < 6; number++) recovery.add(packet(number, 10))
    const { window } = recovery.congestion
    ack(60, [
      [4, 4],
      [0, 0],
    ])
    expect(acknowledged).toEqual([4, 0])
    expect(lost).toEqual([1])
    expect(recovery.packetsLost).toBe(1)
    expect(recovery.bytesInFlight).toBe(3 * packetBytes)
    // The two acknowledged ones made it larger before.
    expect(recovery.congestion.window).toBeCloseTo((window + 2 * packetBytes) * 0.7)
    expect(recovery.lossTime).toBeCloseTo(10 + (50 * 9) / 8)
    recovery.detect(recovery.lossTime)
    expect(lost).toEqual([1, 2, 3])
  })

  test('leave room for as much as the window has', () => {
    const { recovery, ack } = begin()
    for (let number = 0; number < 10; number++) recovery.add(packet(number, 10))
    expect(recovery.allows(1)).toBe(false)
    ack(60, [[9, 9]])
    const expected = new Cubic(packetBytes)
    expected.onAcknowledged(packetBytes, 10, 60, 50, true)
    expected.onLost(10, 60)
    expect(recovery.bytesInFlight).toBe(2 * packetBytes)
    expect(recovery.allows(expected.window - 2 * packetBytes)).toBe(true)
    expect(recovery.allows(expected.window - 2 * packetBytes + 1)).toBe(false)
  })
})

describe('a number that was left out', () => {
  afterEach(() => jest.restoreAllMocks())

  /** A server that leaves out every other number, and a client that has packets from both sides of one. */
  async function beginWithGaps() {
    // The choice of what is left out is up to it.
    jest.spyOn(Math, 'random').mockReturnValue(0)
    const server = await twinServer()
    const got: string[] = []
    server.onChannel = (channel) => {
      channel.onMessage = (content) => got.push(String(content))
    }
    const client = await RawClient.connect(server)
    await client.send(open())
    await client.wait(() => client.seen.some(({ type }) => type === FrameType.accept))
    await client.repeat(
      () => client.send(frame(FrameType.ping), frame(FrameType.ackNow)),
      () => client.numbers.size >= 2,
    )
    jest.restoreAllMocks()
    return { client, got, numbers: [...client.numbers].sort((one, other) => other - one) }
  }

  test('may be missing in an ACK', async () => {
    const { client, got, numbers } = await beginWithGaps()
    const [last, ...others] = numbers as [number, ...number[]]
    const gaps = others.flatMap((number, index) => [(numbers[index] as number) - number - 2, 0])
    expect(gaps.filter((_, index) => index % 2 === 0)).toContain(0)
    await client.send(frame(FrameType.ack, last, 0, others.length, 0, ...gaps))
    await client.send(message(1, 1, Buffer.from('on')))
    await until(() => got.length === 1)
    expect(client.seen.some(({ type }) => type === FrameType.close)).toBe(false)
  })

  test('ends the session when an ACK names it', async () => {
    const { client, numbers } = await beginWithGaps()
    const first = numbers.at(-1) as number
    const last = numbers[0] as number
    expect(last - first + 1).toBeGreaterThan(numbers.length)
    await client.send(frame(FrameType.ack, last, 0, 0, last - first))
    expect((await client.expect(FrameType.close)).values).toEqual([Code.ackInvalid])
  })

  test('is refused by the bookkeeping, what surrounds it is not', () => {
    const { recovery, acknowledged, ack } = begin()
    recovery.add(packet(0, 0))
    recovery.add(packet(1, 0, Fate.skipped))
    recovery.add(packet(2, 0))
    expect(() => ack(10, [[1, 1]])).toThrow(expect.objectContaining({ code: Code.ackInvalid }))
    expect(() => ack(10, [[3, 3]])).toThrow(expect.objectContaining({ code: Code.ackInvalid }))
    ack(10, [
      [2, 2],
      [0, 0],
    ])
    expect(acknowledged).toEqual([2, 0])
  })
})
