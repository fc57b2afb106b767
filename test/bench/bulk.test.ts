// Bulk transfer in the benchmark: each of its checks alone, what it counts as lost, whose CPU it takes, and its warm-up. The two processes are played by the
// test.

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { driveBulk, roles, transfer, warmUp } = bench('suite/bulk')
const { digestOf, MessageRing } = bench('suite/messages')

const bytes = 64
const count = 1000
const right = { count, faults: '', received: count, digest: digestOf(bytes, count) }

afterEach(() => jest.restoreAllMocks())

/** What both sides say of `count` messages, in place of two processes. */
function played(said: Partial<typeof right> & { reliable?: boolean }) {
  const { reliable = true, ...rest } = said
  const { count: arrived, faults, received, digest } = { ...right, ...rest }
  const answers = {
    expect: null,
    send: { seconds: 0.5, cpu: 0.3, received, digest },
    report: { count: arrived, faults, cpu: 0.1 },
  }
  const ask = (command: keyof typeof answers) => Promise.resolve(answers[command])
  return { sender: { ask }, receiver: { ask }, contender: { reliable } }
}

describe('a transfer', () => {
  test('with nothing wrong has its figures', async () => {
    expect(await transfer(played({}), { count, bytes })).toEqual({
      seconds: 0.5,
      received: count,
      cpuSender: 0.3,
      cpuReceiver: 0.1,
    })
  })

  test.each([
    ['the receiver found something', { faults: '1 damaged' }, /1 damaged/],
    ['one is missing', { count: count - 1 }, /999 of 1000 arrived/],
    ['one is too many', { count: count + 1 }, /1001 of 1000 arrived/],
    ['the answer has another number', { received: count - 1 }, /digests of both sides differ/],
    ['the digests differ', { digest: right.digest + 1 }, /digests of both sides differ/],
  ])('fails when nothing else is wrong but that %s', async (_, said, message) => {
    await expect(transfer(played(said), { count, bytes })).rejects.toThrow(message)
  })

  test('of an unreliable contender is counted by what arrived', async () => {
    const said = { reliable: false, count: 700, received: 0, digest: 0 }
    expect(await transfer(played(said), { count, bytes })).toMatchObject({ received: 700 })
  })
})

/** Two processes that carry `rate` messages a second, of which the part `lost` gets lost. */
function steady(rate: number, lost = 0) {
  const counts: number[] = []
  const took = () => (counts.at(-1) as number) / rate
  const answers: Record<string, (argument: { count: number }) => unknown> = {
    listen: () => ({}),
    connect: () => 0.01,
    linked: () => null,
    expect: ({ count: wanted }) => {
      counts.push(wanted)
    },
    send: ({ count: wanted }) => ({
      seconds: took(),
      cpu: 2 * took(),
      received: wanted,
      digest: digestOf(1024, wanted),
    }),
    report: () => ({
      count: Math.round((counts.at(-1) as number) * (1 - lost)),
      faults: '',
      cpu: 3 * took(),
    }),
  }
  const ask = async (command: string, argument: { count: number }) => answers[command]?.(argument)
  const end = { ask }
  const contender = { reliable: lost === 0 }
  return {
    counts,
    pair: { sender: end, receiver: end, listener: end, dialler: end, contender, hooks: {} },
  }
}

describe('the warm-up', () => {
  // It ends after some seconds whatever the rates are; here it is the rates that end it.
  beforeEach(() => {
    jest.spyOn(Date, 'now').mockReturnValue(0)
  })

  test('goes on until a transfer takes half of its time and the rate rises no more', async () => {
    const { pair, counts } = steady(100_000)
    expect(await warmUp(pair, { bytes: 1024, seconds: 0.4, first: 64 })).toBeCloseTo(100_000)
    expect(counts[0]).toBe(64)
    expect(counts.at(-1)).toBeGreaterThanOrEqual(100_000 * 0.2)
    // Of at least two, or it would not know.
    expect(counts.length).toBeGreaterThan(1)
  })

  test('goes on while the rate rises', async () => {
    const { pair, counts } = steady(100_000)
    const { ask } = pair.sender
    // The rate doubles with each of the first five.
    pair.sender.ask = async (command, argument) => {
      const answer = (await ask(command, argument)) as { seconds: number }
      return command === 'send'
        ? { ...answer, seconds: answer.seconds * Math.max(1, 2 ** (6 - counts.length)) }
        : answer
    }
    expect(await warmUp(pair, { bytes: 1024, seconds: 0.4, first: 40_000 })).toBeCloseTo(100_000)
    expect(counts.length).toBeGreaterThanOrEqual(7)
  })
})

describe('a run', () => {
  const settings = { seconds: 0.5, warmUp: 0.1 }

  test('is as long as wanted, at the rate of the warm-up', async () => {
    const { pair } = steady(50_000)
    const metrics = await driveBulk({ ...pair, settings }, { bytes: 1024 })
    expect(metrics.count).toBe(25_000)
    expect(metrics).toMatchObject({ lost: 0, messages: expect.closeTo(50_000) })
    expect(metrics.megabytes).toBeCloseTo(51.2)
    // Both sides, 2 and 3 seconds each second.
    expect(metrics.cpuPerMillion).toBeCloseTo(5 / 0.05)
    expect(metrics.cpuPerGigabyte).toBeCloseTo(5 / 0.0512)
  })

  test('has what did not arrive as lost, and no rate from it', async () => {
    const { pair } = steady(50_000, 0.25)
    const metrics = await driveBulk({ ...pair, settings: { ...settings, count } }, { bytes: 1024 })
    expect(metrics.count).toBe(count)
    expect(metrics.lost).toBeCloseTo(0.25)
    expect(metrics.messages).toBeCloseTo(37_500)
    expect(metrics.megabytes).toBeCloseTo(38.4)
  })

  test('calls its hooks around what is timed', async () => {
    const { pair, counts } = steady(50_000)
    const seen: [string, number][] = []
    const note = (name: string) => () => seen.push([name, counts.length])
    const hooks = { before: note('before'), start: note('start'), after: note('after') }
    await driveBulk({ ...pair, hooks, settings }, { bytes: 1024 })
    const all = counts.length
    expect(all).toBeGreaterThan(1)
    expect(seen).toEqual([
      ['before', 0],
      ['start', all - 1],
      ['after', all],
    ])
  })
})

describe('CPU time', () => {
  /** A process that has used 5 s already, and uses what `use` is told (microseconds). */
  function processor() {
    let used = 5_000_000
    jest.spyOn(process, 'cpuUsage').mockImplementation(() => ({
      user: Math.round(used * 0.75),
      system: Math.round(used * 0.25),
    }))
    return (microseconds: number) => {
      used += microseconds
    }
  }

  function context(send: (message: Buffer) => boolean) {
    const link = { send, onMessage: (_message: Buffer) => {}, onDrain: () => {} }
    return { links: [link], contender: { reliable: true }, complain: () => {}, link }
  }

  test('of the sender is what it used from its first message to the answer', async () => {
    const use = processor()
    const answer = Buffer.alloc(16)
    answer.writeUInt32LE(count, 0)
    answer.writeInt32LE(right.digest, 4)
    let sent = 0
    const about = context(() => {
      use(12)
      if (++sent === count) setImmediate(() => about.link.onMessage(answer))
      return true
    })
    const role = roles.sender(about)
    for (let run = 0; run < 2; run++) {
      sent = 0
      const { cpu, received, digest } = await role.send({ count, bytes })
      expect(cpu).toBeCloseTo(0.012)
      expect({ received, digest }).toEqual({ received: count, digest: right.digest })
    }
  })

  test('of the receiver is what it used until all were there', () => {
    const use = processor()
    const answers: Buffer[] = []
    const about = context((message) => answers.push(message) > 0)
    const role = roles.receiver(about)
    role.expect({ count, bytes })
    const ring = new MessageRing(bytes)
    for (let n = 0; n < count; n++) {
      use(8)
      about.link.onMessage(ring.next())
    }
    use(1_000_000)
    expect(role.report()).toMatchObject({ cpu: expect.closeTo(0.008), count, faults: '' })
    expect(answers).toHaveLength(1)
    expect(answers[0]?.readUInt32LE(0)).toBe(count)
    expect(answers[0]?.readInt32LE(4)).toBe(right.digest)
  })
})
