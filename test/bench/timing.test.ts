// How the benchmark takes time, on a clock that the test moves: schedules, round trips, and what a check costs.

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { checkingCosts } = bench('suite/checking')
const { bySchedule, clock } = bench('suite/clock')
const { pingPong } = bench('suite/pingpong')

afterEach(() => {
  jest.restoreAllMocks()
  jest.useRealTimers()
})

describe('a schedule', () => {
  const step = 2.5
  const count = 40

  test('sends every message when it is due: not before, and at the next look after', async () => {
    jest.useFakeTimers()
    const start = clock() + 100
    const sentAt: number[] = []
    const { done } = bySchedule({
      start,
      step,
      count,
      send: (n: number) => {
        expect(n).toBe(sentAt.length)
        return sentAt.push(clock()) > 0
      },
    })
    await jest.advanceTimersByTimeAsync(100 + step * (count + 2))
    await done
    expect(sentAt).toHaveLength(count)
    for (const [n, at] of sentAt.entries()) {
      expect(at - start).toBeGreaterThanOrEqual(n * step - 1e-6)
      // It looks every millisecond.
      expect(at - start).toBeLessThan(n * step + 1.001)
    }
  })

  test('waits where there is no room, and then makes up for it at once', async () => {
    jest.useFakeTimers()
    const start = clock()
    let sent = 0
    const schedule = bySchedule({ start, step, count, send: () => ++sent !== 10 })
    await jest.advanceTimersByTimeAsync(step * 30)
    expect(sent).toBe(10)
    schedule.resume()
    expect(sent).toBe(31)
    await jest.advanceTimersByTimeAsync(step * count)
    await schedule.done
    expect(sent).toBe(count)
  })
})

describe('a ping-pong', () => {
  /** A link whose echo takes 250 µs; `change` makes the echo of trip n. */
  function slowEcho(change = (echo: Buffer, _n: number) => echo) {
    let now = 0n
    jest.spyOn(process.hrtime, 'bigint').mockImplementation(() => now)
    let echoed: (echo: Buffer) => void = () => {}
    let trips = 0
    const link = {
      send(message: Buffer) {
        const echo = change(Buffer.from(message), trips++)
        setImmediate(() => {
          now += 250_000n
          echoed(echo)
        })
        return true
      },
    }
    const listen = (handler: typeof echoed) => {
      echoed = handler
    }
    return { link, listen }
  }

  test('times each trip by itself, in microseconds', async () => {
    const { link, listen } = slowEcho()
    expect(await pingPong(link, (done: number) => done < 5, listen)).toEqual(Array(5).fill(250))
  })

  const again = (echo: Buffer, n: number) => {
    if (n === 3) echo.writeUInt32LE(2)
    return echo
  }
  const other = (echo: Buffer, n: number) => {
    if (n === 3) echo[40]! ^= 1
    return echo
  }
  test.each([
    ['changed', other, /1 damaged/],
    ['that of another message', again, /out of order/],
    ['cut', (echo: Buffer, n: number) => (n === 3 ? echo.subarray(4) : echo), /1 damaged/],
  ])('fails when an echo is %s', async (_, change, message) => {
    const { link, listen } = slowEcho(change)
    await expect(pingPong(link, (done: number) => done < 5, listen)).rejects.toThrow(message)
  })
})

test('what a check costs is in nanoseconds a message', () => {
  let now = 0
  // 64 messages are checked between two looks at the clock.
  jest.spyOn(performance, 'now').mockImplementation(() => (now += 1.6))
  expect(checkingCosts()).toEqual(
    [64, 1024, 65_536].map((bytes) => ({ bytes, nanoseconds: expect.closeTo(25_000, 3) })),
  )
})
