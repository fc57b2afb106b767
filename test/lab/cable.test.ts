// The cable does to frames what it was asked for, and counts it. What happens to a frame is known beforehand, from the
// seed, so most of this is exact whatever the load of the machine.

import type { BurstLoss, CableStats } from './cable/index.mjs'
import { numbers, upTo } from './numbers'
import { Datagrams, describeLab, openCable, overtaken } from './support'

const inside = async (namespace: string, ...command: string[]) =>
  (await import('./namespaces.mjs')).inside(namespace, ...command)

/** Round trips in milliseconds. */
async function ping(namespace: string, address: string, count: number): Promise<number[]> {
  const text = await inside(
    namespace,
    ...['ping', '-n', '-c', String(count), '-i', '0.01', '-w', '20', address],
  )
  return [...text.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time))
}

describeLab('a cable', () => {
  test('takes its delay each way, and its jitter around that', async () => {
    const cable = await openCable({ delayMs: 25 })
    const still = await ping(cable.left, cable.rightAddress, 40)
    expect(still).toHaveLength(40)
    // Never too early. Too late by as much as the machine is busy, but not always.
    expect(Math.min(...still)).toBeGreaterThanOrEqual(50)
    expect(Math.min(...still)).toBeLessThan(52)
    await cable.set({ jitterMs: 20 })
    const moving = await ping(cable.left, cable.rightAddress, 150)
    expect(Math.min(...moving)).toBeGreaterThanOrEqual(10)
    expect(Math.min(...moving)).toBeLessThan(48)
    expect(Math.max(...moving)).toBeGreaterThan(52)
  })

  test('carries what its rate says', async () => {
    const rate = 20e6
    // An eighth of a second a frame, until all of them wait.
    const cable = await openCable({ rate: '100kbit', queueBytes: 10_000_000, delayMs: 5 })
    const traffic = await Datagrams.over(cable)
    await traffic.send(1_500, 1_514, { wait: false })
    await cable.set({ rate })
    const progress = async (least: number): Promise<CableStats> => {
      for (;;) {
        const stats = await cable.stats()
        expect(stats.leftToRight.queue.packets).toBeGreaterThan(0)
        if (stats.leftToRight.packetsOut >= least) return stats
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const from = await progress(100)
    const to = await progress(from.leftToRight.packetsOut + 800)
    const bits = (to.leftToRight.bytesOut - from.leftToRight.bytesOut) * 8
    const measured = bits / ((to.timeUs - from.timeUs) / 1e6)
    expect(measured / rate).toBeGreaterThan(0.95)
    expect(measured / rate).toBeLessThan(1.05)
    expect(await traffic.received(1_500)).toEqual(upTo(1_500))
    expect((await cable.stats()).leftToRight).toMatchObject({
      packetsIn: 1_500,
      bytesIn: 1_500 * 1_514,
      packetsOut: 1_500,
      bytesOut: 1_500 * 1_514,
      unread: 0,
    })
  })

  test('drops what does not fit into its queue', async () => {
    // Eight seconds a frame: none of them leaves the bottleneck by itself. The others may overtake the one that is in it.
    const cable = await openCable({ rate: 1_000, queueBytes: 10_000, jitterReorders: true })
    const traffic = await Datagrams.over(cable)
    const { drops, queue, packetsOut } = await traffic.send(50, 1_000, { wait: false })
    expect(drops.queue).toBe(39)
    expect(queue).toEqual({ packets: 10, bytes: 10_000, mostPackets: 10, mostBytes: 10_000 })
    expect(packetsOut).toBe(0)
    await cable.set({ rate: 'unlimited' })
    expect(await traffic.received(10)).toEqual(upTo(11).slice(1))
  })

  test.each([1, 2])(
    'loses the frames that follow from seed %d, in each direction',
    async (seed) => {
      const [count, loss] = [3_000, 0.05]
      const cable = await openCable({ loss, seed })
      const traffic = await Datagrams.over(cable)
      const decide = numbers(seed, 'loss')
      const survivors = upTo(count).filter((frame) => decide(frame) >= loss)
      expect((await traffic.send(count, 200)).drops.loss).toBe(count - survivors.length)
      expect(await traffic.received(survivors.length)).toEqual(survivors)
      // A fifth more or less would be four standard deviations.
      expect(1 - survivors.length / count).toBeGreaterThan(0.034)
      expect(1 - survivors.length / count).toBeLessThan(0.066)
      const back = numbers(seed, 'loss', 'rightToLeft')
      expect(upTo(count).some((frame) => decide(frame) < loss !== back(frame) < loss)).toBe(true)
    },
  )

  test('loses in bursts', async () => {
    const [count, seed] = [3_000, 3]
    const burstLoss: Required<BurstLoss> = { enter: 0.01, leave: 0.2, good: 0.001, bad: 0.9 }
    const cable = await openCable({ burstLoss, seed })
    const traffic = await Datagrams.over(cable)
    const [state, lose] = [numbers(seed, 'burstState'), numbers(seed, 'burstLoss')]
    let bad = false
    const survivors = upTo(count).filter((frame) => {
      bad = bad ? state(frame) >= burstLoss.leave : state(frame) < burstLoss.enter
      return lose(frame) >= (bad ? burstLoss.bad : burstLoss.good)
    })
    expect((await traffic.send(count, 200)).drops.loss).toBe(count - survivors.length)
    const arrived = await traffic.received(survivors.length)
    expect(arrived).toEqual(survivors)
    const gaps = arrived.filter((number, i) => i > 0 && number - (arrived[i - 1] ?? 0) > 1).length
    expect((count - survivors.length) / gaps).toBeGreaterThan(2)
  })

  test('duplicates', async () => {
    const [count, seed, duplicate] = [1_000, 4, 0.1]
    const cable = await openCable({ duplicate, seed })
    const traffic = await Datagrams.over(cable)
    const decide = numbers(seed, 'duplicate')
    const expected = upTo(count).flatMap((n) => (decide(n) < duplicate ? [n, n] : [n]))
    const stats = await traffic.send(count, 200)
    expect(stats.duplicated).toBe(expected.length - count)
    expect(stats.packetsOut).toBe(expected.length)
    expect(await traffic.received(expected.length)).toEqual(expected)
  })

  test('lets some frames come late', async () => {
    const [count, seed, reorder] = [1_000, 5, 0.1]
    const cable = await openCable({ delayMs: 5, reorder, reorderMs: 2_000, seed })
    const traffic = await Datagrams.over(cable)
    const decide = numbers(seed, 'reorder')
    const late = upTo(count).filter((frame) => decide(frame) < reorder)
    const inTime = upTo(count).filter((frame) => decide(frame) >= reorder)
    expect((await traffic.send(count, 200)).reordered).toBe(late.length)
    const arrived = await traffic.received(count)
    expect([...arrived].sort((a, b) => a - b)).toEqual(upTo(count))
    expect(overtaken(arrived)).toBeGreaterThan(0)
    // Each of the two kinds keeps its order.
    const isLate = new Set(late)
    expect(arrived.filter((number) => isLate.has(number))).toEqual(late)
    expect(arrived.filter((number) => !isLate.has(number))).toEqual(inTime)
  })

  test('keeps the order in spite of jitter, unless that may reorder', async () => {
    const cable = await openCable({ delayMs: 10, jitterMs: 10, seed: 6 })
    const traffic = await Datagrams.over(cable)
    await traffic.send(1_000, 200)
    expect(await traffic.received(1_000)).toEqual(upTo(1_000))
    await cable.set({ jitterReorders: true })
    await traffic.send(1_000, 200)
    const arrived = (await traffic.received(2_000)).slice(1_000)
    expect([...arrived].sort((a, b) => a - b)).toEqual(upTo(2_000).slice(1_000))
    expect(overtaken(arrived)).toBeGreaterThan(100)
  })

  test('swallows packets that are too large, and is out when it should be', async () => {
    const cable = await openCable({ mtu: 1_000 })
    const traffic = await Datagrams.over(cable)
    await traffic.send(5, 1_014)
    expect((await traffic.send(5, 1_015)).drops.mtu).toBe(5)
    await cable.set({ down: true })
    expect((await traffic.send(5, 100)).drops.outage).toBe(5)
    await cable.set({ down: false, outage: { everyMs: 1_000, forMs: 1_000 } })
    expect((await traffic.send(5, 100)).drops.outage).toBe(10)
    await cable.set({ outage: { everyMs: 1_000, forMs: 0 } })
    expect((await traffic.send(5, 100)).drops.outage).toBe(10)
    await cable.set({ outage: null, mtu: 1_500 })
    await traffic.send(5, 1_514)
    expect(await traffic.received(15)).toEqual(upTo(30).filter((n) => n < 5 || (n >= 20 && n < 30)))
  })

  test('changes one direction while frames are on their way in it', async () => {
    const cable = await openCable({ delayMs: 1_000 })
    const traffic = await Datagrams.over(cable)
    const { inFlight } = await traffic.send(20, 500, { wait: false })
    expect(inFlight).toBeGreaterThan(0)
    await cable.set({ leftToRight: { loss: 1 } })
    const { drops } = await traffic.send(20, 500, { wait: false })
    expect(drops.loss).toBe(20)
    await expect(cable.set({ loss: 0, jitterMs: 1_001 })).rejects.toThrow('jitterMs is 1001')
    expect((await traffic.send(5, 500, { wait: false })).drops.loss).toBe(25)
    await cable.set({ leftToRight: { loss: 0, delayMs: 0 } })
    await traffic.send(5, 500)
    // What was on its way is not overtaken.
    expect(await traffic.received(25)).toEqual(upTo(50).filter((n) => n < 20 || n >= 45))
    await cable.set({ rightToLeft: { down: true } })
    await expect(
      inside(cable.left, 'ping', '-c', '2', '-i', '0.1', '-W', '1', cable.rightAddress),
    ).rejects.toThrow()
    const { leftToRight, rightToLeft } = await cable.stats()
    expect([leftToRight.drops.outage, rightToLeft.drops.outage]).toEqual([0, 2])
  })

  test('gives its ends the MTU that was asked for', async () => {
    const cable = await openCable({ interfaceMtu: 1_280 })
    expect(await inside(cable.right, 'ip', 'link', 'show', cable.device)).toContain('mtu 1280')
    await expect(
      inside(cable.left, 'ping', '-c', '1', '-M', 'do', '-s', '1253', cable.rightAddress),
    ).rejects.toThrow('local error: message too long')
    expect((await cable.stats()).leftToRight.packetsIn).toBe(0)
  })

  test('is gone when it is closed, and says so', async () => {
    const cable = await openCable()
    await cable.close()
    expect(await call('ip', 'netns', 'list')).not.toContain(cable.left)
    await expect(cable.stats()).rejects.toThrow('the cable is closed')
    await cable.close()
  })
})

const call = async (command: string, ...args: string[]) =>
  (await import('./namespaces.mjs')).call(command, ...args)

describe('options that cannot be', () => {
  const refused: [object, string, string][] = [
    [{ rate: '10 bananas' }, 'rate', "'unlimited', bits a second"],
    [{ rate: 10 }, 'rate', "'unlimited', bits a second"],
    [{ loss: 1.5 }, 'loss', 'a number from 0 to 1'],
    [{ loss: '0.1' }, 'loss', 'a number from 0 to 1'],
    [{ delayMs: -1 }, 'delayMs', 'a number from 0 to 3600000 ms'],
    [{ delayMs: 5, jitterMs: 6 }, 'leftToRight.jitterMs', 'up to delayMs (5)'],
    [{ rightToLeft: { delayMs: 5, jitterMs: 6 } }, 'rightToLeft.jitterMs', 'up to delayMs (5)'],
    [{ rate: '1mbit', queueBytes: 1_513 }, 'leftToRight.queueBytes', 'at least a frame, 1514'],
    [{ burstLoss: { enter: 0.1 } }, 'burstLoss', 'null or an object of enter, leave, good, bad'],
    [{ burstLoss: { enter: 0.1, leave: 2 } }, 'burstLoss.leave', 'a number from 0 to 1'],
    [{ outage: { everyMs: 5, forMs: 6 } }, 'leftToRight.outage.forMs', 'up to everyMs (5)'],
    [{ mtu: 9_001 }, 'mtu', 'an integer from 68 to 9000'],
    [{ seed: 0.5 }, 'seed', 'an integer from 0 to'],
    [{ latency: 3 }, 'latency', 'only the options interfaceMtu, seed, rate'],
    [{ leftToRight: { seed: 3 } }, 'leftToRight.seed', 'only the options rate'],
    [{ down: 1 }, 'down', 'true or false'],
  ]
  test.each(refused)('%j', async (options, option, allowed) => {
    const { cable } = await import('./cable/index.mjs')
    const refusal = expect(cable(options)).rejects
    await refusal.toMatchObject({ name: 'CableOptionError', option })
    await refusal.toThrow(`; allowed: ${allowed}`)
  })
})
