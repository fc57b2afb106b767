// The workloads of the benchmark with a contender whose every cost is known, so that their figures are, too.

import { bench, End, type Links, runHere } from './in_process'

const { MessageRing } = bench('suite/messages')
const { runPair } = bench('suite/pair')
const { contenders } = bench('suite/registry')
const { workloads } = bench('suite/workloads')

afterEach(() => {
  jest.restoreAllMocks()
  jest.useRealTimers()
})

/** Makes this process one that has used 5 s of CPU, and uses what the result is told (microseconds). */
function processor() {
  let used = 5_000_000
  jest.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: used - 1000, system: 1000 }))
  return (microseconds: number) => {
    used += microseconds
  }
}

test('W4 has the CPU time of both sides for a message, of which a trip is two', async () => {
  const use = processor()
  const count = 200
  const metrics = await runHere('w4', {
    settings: { brief: true, count },
    onLinks: (links) => {
      for (const link of links) link.onSend = () => use(3)
    },
  })
  expect(metrics.count).toBe(count)
  // Each of the two counts all that this one process uses: 3 µs a message.
  expect(metrics.cpuPerMillion).toBeCloseTo(2 * 3)
  expect(metrics.p50).toBeGreaterThan(0)
  expect(metrics.p99).toBeGreaterThanOrEqual(metrics.p50)
  expect(metrics.p999).toBeGreaterThanOrEqual(metrics.p99)
})

test('W6 has the memory of sessions, and not that of the process without them', async () => {
  const use = processor()
  const sessions = 20
  let open = 0
  let busy = 0
  jest
    .spyOn(process.memoryUsage, 'rss')
    .mockImplementation(() => 80_000_000 + open * 50_000 + busy * 20_000)
  const metrics = await runHere('w6', {
    settings: { seconds: 0.2, sessions },
    onLinks: ([here]) => {
      open++
      here.onSend = ({ length }) => {
        if (length !== 256) return
        use(4)
        busy = sessions
      }
    },
  })
  expect(metrics).toMatchObject({ count: 2 * sessions, setUp: 0.01 })
  expect(metrics.kilobytes).toBeCloseTo(50)
  expect(metrics.kilobytesBusy).toBeCloseTo(70)
  // Each of the two counts all that this one process uses.
  expect(metrics.cpuPerMillion).toBeCloseTo(2 * 4)
})

test("W7's latest message is late by what the reader is busy", async () => {
  const spot = { host: '127.0.0.1', prefix: [] }
  const metrics = await runPair({
    contender: contenders.find(({ name }: { name: string }) => name === 'net'),
    workload: workloads.find(({ name }: { name: string }) => name === 'w7'),
    spot: { sender: spot, receiver: spot },
    settings: { seconds: 0.4 },
  })
  expect(metrics.count).toBe(15_625)
  // What is due when 50 ms of work begin cannot be handled before they end, however fast the machine is.
  expect(metrics.max).toBeGreaterThan(45)
  expect(metrics.max).toBeGreaterThanOrEqual(metrics.p99)
  expect(metrics.p99).toBeGreaterThanOrEqual(metrics.p50)
  // TCP does not say what it has sent again, nor when it was acknowledged.
  expect(metrics.ackP50).toBeUndefined()
  expect(metrics.resent).toBeUndefined()
})

describe('W8', () => {
  const mostBytes = 512e6

  interface Figures {
    readonly held: number
    readonly taken: number
    readonly count: number
  }

  /** A sender's end that takes up to `room` bytes without a reader; what it took is delivered when somebody reads. */
  class Store extends End {
    taken = 0
    delivered = 0
    reading = false
    // Kept as a number: the contents are known.
    readonly #ring = new MessageRing(1024)
    readonly #room: number

    constructor(room: number) {
      super()
      this.#room = room
    }

    override send({ length }: Buffer): boolean {
      this.taken += length
      return this.taken - this.delivered < this.#room
    }

    deliver(): void {
      while (this.reading && this.delivered < this.taken) {
        this.delivered += 1024
        this.other?.onMessage(this.#ring.next())
      }
      if (this.reading) this.onDrain()
    }
  }

  class Reader extends End {
    readonly #store: Store

    constructor(store: Store) {
      super()
      this.#store = store
    }

    override pause(): void {
      this.#store.reading = false
    }

    override resume(): void {
      this.#store.reading = true
      setImmediate(() => this.#store.deliver())
    }
  }

  /** A run in time that the test moves, by so many milliseconds with each turn of the event loop. */
  async function run(room: number, step: number) {
    const turn = setImmediate
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
    const link = (): Links => {
      const store = new Store(room)
      const reader = new Reader(store)
      store.other = reader
      return [store, reader]
    }
    let metrics: Figures | undefined
    let failure: unknown
    runHere('w8', { settings: { seconds: 7 }, link }).then(
      (value: Figures) => {
        metrics = value
      },
      (error: unknown) => {
        failure = error
      },
    )
    while (metrics === undefined && failure === undefined) {
      await new Promise<void>((resolve) => turn(resolve))
      jest.advanceTimersByTime(step)
    }
    if (failure !== undefined) throw failure
    return metrics as Figures
  }

  test('says that a sender is held when it is, and how much it took', async () => {
    const metrics = await run(1_024_000, 10)
    expect(metrics.held).toBe(1)
    expect(metrics.taken).toBeCloseTo(1.024)
    expect(metrics.count).toBeGreaterThanOrEqual(1000)
  })

  test('does not say so of one that takes on and on', async () => {
    // A thousand messages a turn: 5 s are not enough for all that it may take.
    const metrics = await run(Number.POSITIVE_INFINITY, 20)
    expect(metrics.held).toBe(0)
    expect(metrics.taken).toBeGreaterThan(100)
    expect(metrics.taken).toBeLessThan(mostBytes / 1e6)
  })

  test('nor of one that has taken all there was, and is quiet for that', async () => {
    const metrics = await run(Number.POSITIVE_INFINITY, 2)
    expect(metrics.held).toBe(0)
    expect(metrics.taken).toBeCloseTo(mostBytes / 1e6, 2)
  })
})

test('W9 has the rate of the bulk channel while it is pinged', async () => {
  // 10 µs a message of 1 KiB are 102.4 MB/s; the pings beside it, 2 µs each way, take some hundredths of them.
  let now = 0
  jest.spyOn(performance, 'now').mockImplementation(() => now)
  jest.spyOn(process.hrtime, 'bigint').mockImplementation(() => BigInt(Math.round(now * 1e6)))
  const metrics = await runHere('w9', {
    settings: { seconds: 0.4 },
    onLinks: (links) => {
      for (const link of links) {
        link.onSend = ({ length }) => {
          now += length === 1024 ? 0.01 : 0.002
        }
      }
    },
  })
  expect(metrics.count).toBeGreaterThan(15_000)
  expect(metrics.megabytes).toBeGreaterThan(95)
  expect(metrics.megabytes).toBeLessThan(102.5)
  expect(metrics.channels).toBe(0)
  expect(metrics.idleP50).toBeCloseTo(4)
  expect(metrics.idleP99).toBeCloseTo(4)
  // There are 64 messages in each turn of the event loop.
  expect(metrics.busyP50).toBeGreaterThan(64 * 10)
  expect(metrics.busyP99).toBeGreaterThanOrEqual(metrics.busyP50)
})
