// The benchmark suite: that it counts right, says what is wrong, and takes no figure from a contender that loses or damages anything.

import path from 'node:path'

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { parseArguments } = bench('suite/arguments')
const { barChart, charts } = bench('suite/chart')
const { controllersIn } = bench('suite/congestion')
const { rateBetween, readIperf } = bench('suite/external')
const { runPair } = bench('suite/pair')
const { makePlan } = bench('suite/plan')
const { contenders } = bench('suite/registry')
const { figure, ratio, summarise } = bench('suite/results')
const { carryOut } = bench('suite/session')
const statistics = bench('suite/statistics')
const { columns, renderTable } = bench('suite/table')
const { workloads } = bench('suite/workloads')

const everything = {
  workloads,
  contenders,
  places: ['lo', 'wire', 'cable'],
  seed: 1,
}

describe('statistics', () => {
  test('median of odd, even and no numbers', () => {
    expect(statistics.median([3, 1, 2])).toBe(2)
    expect(statistics.median([4, 1, 3, 2])).toBe(2.5)
    expect(statistics.median([])).toBeNaN()
  })

  test('percentiles by nearest rank', () => {
    const values = Array.from({ length: 1000 }, (_, index) => 1000 - index)
    expect(statistics.latencies(values)).toEqual({ p50: 500, p99: 990, p999: 999, max: 1000 })
    expect(statistics.percentile([7], 0.5)).toBe(7)
    expect(statistics.percentile([], 0.5)).toBeNaN()
  })

  test('a summary has the extremes and the number of runs', () => {
    expect(statistics.summary([5, 1, 9])).toEqual({ median: 5, min: 1, max: 9, runs: 3 })
  })

  test('shuffling keeps all and repeats with the seed', () => {
    const items = Array.from({ length: 20 }, (_, index) => index)
    const once = statistics.shuffled(items, statistics.randomFrom(7))
    expect([...once].sort((a, b) => a - b)).toEqual(items)
    expect(once).not.toEqual(items)
    expect(statistics.shuffled(items, statistics.randomFrom(7))).toEqual(once)
    expect(statistics.shuffled(items, statistics.randomFrom(8))).not.toEqual(once)
  })
})

describe('the command line', () => {
  test('chooses everything by default, and what is named otherwise', () => {
    const all = parseArguments([])
    expect(all.workloads).toHaveLength(9)
    expect(all.extras).toEqual(['micro', 'ceilings'])
    expect(all.places).toEqual(['lo', 'wire', 'cable'])
    const some = parseArguments([
      'w1',
      'W3',
      '--only',
      'hawser,tls',
      '--place',
      'lo',
      '--runs',
      '2',
    ])
    expect(some.workloads.map(({ name }: { name: string }) => name)).toEqual(['w1', 'w3'])
    expect(some.contenders.map(({ name }: { name: string }) => name)).toEqual(['hawser', 'tls'])
    expect(some).toMatchObject({ places: ['lo'], runs: 2, extras: [] })
  })

  test('--quick is what needs no install, unless it is named', () => {
    const quick = parseArguments(['--quick'])
    const needs = new Set(quick.contenders.map((contender: { needs?: string }) => contender.needs))
    expect(needs).toEqual(new Set([undefined, 'twin']))
    const named = parseArguments(['--quick', '--only', 'ws'])
    expect(named.contenders.map(({ name }: { name: string }) => name)).toEqual(['ws'])
  })

  test.each([
    [['w10'], /no workload 'w10'.*w1, w2/],
    [['--only', 'tcp'], /no contender 'tcp'.*hawser, hawser-spin, hawser-counted, twin, net/],
    [['--place', 'moon'], /no place 'moon'.*lo, wire, cable/],
    [['--runs', '0'], /--runs is a whole number from 1 to 100/],
    [['--runs', '1.5'], /--runs is a whole number/],
    [['--seconds', 'x'], /--seconds is a number from 0.05 to 600/],
    [['--save', '../x'], /--save takes a name/],
    [['--fast'], /unknown option '--fast'/],
  ])('refuses %j and says what is allowed', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(message)
  })
})

describe('the plan', () => {
  test.each([{ full: false }, { full: true }])(
    'of all runs takes under 30 minutes %j',
    (options) => {
      const { seconds } = makePlan({ ...everything, ...options })
      // Half a minute for each of micro-benchmarks and ceilings.
      expect(seconds + 60).toBeLessThan(30 * 60)
    },
  )

  test('of --quick takes under 2 minutes', () => {
    const { contenders: few, workloads: some, places } = parseArguments(['--quick'])
    const plan = makePlan({ workloads: some, contenders: few, places, quick: true, seed: 1 })
    expect(plan.seconds).toBeLessThan(120)
  })

  test('alternates all contenders in each round, in another order', () => {
    const { groups } = makePlan({ ...everything, workloads: [workloads[0]], places: ['lo'] })
    const [{ order, runs }] = groups
    const rounds = Array.from({ length: runs }, (_, round) =>
      order
        .filter(({ run }: { run: number }) => run === round)
        .map(({ contender }: { contender: { name: string } }) => contender.name),
    )
    expect(order.map(({ run }: { run: number }) => run)).toEqual(
      rounds.flatMap((round, index) => round.map(() => index)),
    )
    for (const round of rounds) expect([...round].sort()).toEqual([...rounds[0]!].sort())
    expect(rounds[0]).not.toEqual(rounds[1])
  })

  test('says who is left out and why', () => {
    const { left } = makePlan({ ...everything, workloads: [workloads[2]], places: ['lo'] })
    expect(left).toContainEqual({
      workload: 'w3',
      place: 'lo',
      contender: 'dgram',
      reason: 'carries 65507 bytes at most',
    })
  })

  const lossy = (hasController: (name: string) => boolean) =>
    makePlan({ ...everything, full: true, workloads: [workloads[4]], hasController })
  const takingPart = (plan: ReturnType<typeof lossy>, place: string, name: string) => {
    const group = plan.groups.find(
      (one: { place: string; variant: { name: string } }) =>
        one.place === place && one.variant.name === name,
    )
    return group?.order.map(({ contender }: { contender: { name: string } }) => contender.name)
  }

  test('measures TCP with either congestion control under loss', () => {
    const plan = lossy(() => true)
    for (const place of ['wire', 'cable']) {
      expect(takingPart(plan, place, '1 %')).toEqual(
        expect.arrayContaining(['net-batched', 'net-batched-bbr', 'iperf3-cubic', 'iperf3-bbr']),
      )
    }
    const flows = plan.groups.map(
      ({ settings }: { settings: { beside?: string } }) => settings.beside,
    )
    expect(flows).toEqual(expect.arrayContaining(['cubic', 'bbr']))
  })

  test('leaves out what needs a congestion control that the kernel has not', () => {
    const plan = lossy((name) => name === 'cubic')
    expect(takingPart(plan, 'cable', '1 %')).toContain('iperf3-cubic')
    expect(takingPart(plan, 'cable', '1 %')).not.toContain('iperf3-bbr')
    expect(takingPart(plan, 'cable', '1 %')).not.toContain('net-batched-bbr')
    expect(takingPart(plan, 'cable', '0 %, beside TCP bbr')).toBeUndefined()
    expect(plan.left).toContainEqual({
      workload: 'w5',
      place: 'cable',
      case: '0 %, beside TCP bbr',
      contender: 'hawser',
      reason: "this kernel's TCP has no bbr",
    })
  })

  test('has everybody on the cable or a reason why not', () => {
    const plan = lossy(() => true)
    const variants: { name: string; only?: string }[] = workloads[4].cases.cable
    for (const { name, only } of variants) {
      if (only !== undefined) expect(takingPart(plan, 'cable', name)).toEqual([only])
    }
    const cases = variants.filter(({ only }) => only === undefined).map(({ name }) => name)
    const able = contenders.filter(
      ({ workloads: only, external }: { workloads?: string[]; external?: boolean }) =>
        !external && (only?.includes('w5') ?? true),
    )
    for (const name of cases) {
      const absent = plan.left.filter(
        (entry: { place: string; case: string }) => entry.place === 'cable' && entry.case === name,
      )
      const absentNames = absent.map(({ contender }: { contender: string }) => contender)
      const present = takingPart(plan, 'cable', name)?.filter(
        (one: string) => !one.startsWith('iperf3'),
      )
      expect([...absentNames, ...new Set(present)].sort()).toEqual(
        able.map((contender: { name: string }) => contender.name).sort(),
      )
    }
  })
})

/** Results of two contenders, one of which failed once and one always. */
function someResults() {
  const run = (contender: string, number: number, messages?: number) => ({
    workload: 'w1',
    place: 'lo',
    contender,
    run: number,
    ...(messages === undefined
      ? { failure: 'failed its check: 1 damaged' }
      : { metrics: { messages, cpuPerMillion: 0.5, cpuPerGigabyte: 8, lost: 0 } }),
  })
  return {
    format: 1,
    date: '2026-01-02T03:04:05.000Z',
    machine: {
      processor: 'Some <Processor>',
      processors: 2,
      memoryBytes: 2 ** 33,
      system: 'Linux 6',
      load: 0.1,
      socketBuffers: { receive: '1', send: '2' },
      congestionControl: 'cubic',
    },
    versions: { hawser: '1', node: '20', v8: '11', uv: '1', openssl: '3', rivals: { ws: '8' } },
    configuration: 'createPeer({})',
    checking: [{ bytes: 64, nanoseconds: 20 }],
    took: 12,
    left: [{ contender: 'udx', reason: 'npm ci in bench/rivals failed: no network' }],
    runs: [
      run('hawser', 0, 4e6),
      run('hawser', 1, 2e6),
      run('hawser', 2, 3e6),
      run('net', 0, 1.5e6),
      run('net', 1),
      run('tls', 0),
      run('tls', 1),
    ],
  }
}

describe('results', () => {
  test('are medians with their spread, and ratios of medians', () => {
    const rows = summarise(someResults().runs)
    const [hawser, net, tls] = rows
    expect(hawser.metrics.messages).toEqual({ median: 3e6, min: 2e6, max: 4e6, runs: 3 })
    expect(net).toMatchObject({ runs: 1, failures: ['failed its check: 1 damaged'] })
    expect(ratio(rows, net, 'messages')).toBe(2)
    expect(tls.metrics).toEqual({})
    expect(ratio(rows, tls, 'messages')).toBeUndefined()
  })

  test('figures have three digits', () => {
    expect([0.01234, 0.1234, 1.234, 12.34, 123.4, 12_345.6, 1_234_567].map(figure)).toEqual([
      '0.0123',
      '0.123',
      '1.23',
      '12.3',
      '123',
      '12346',
      '1,234,567',
    ])
    expect(figure(undefined)).toBe('–')
  })

  test('the table has all of it, and a failure has no figure', () => {
    const text: string = renderTable(someResults())
    const line = (start: string) =>
      text.split('\n').find((candidate) => candidate.startsWith(start))
    expect(line('* Hawser')).toMatch(/3\.00 \(2\.00–4\.00\) .* 3$/)
    expect(line('  TCP, one write')).toMatch(/1\.50 .* 2\.00 .* 1, 1 FAILED$/)
    expect(line('  TLS, one write')).toMatch(/message +– +– +– +– +– +0, 2 FAILED$/)
    expect(text).toContain('FAILED TLS, one write a message: failed its check: 1 damaged')
    expect(text).toContain('left out: udx, one write a message: npm ci in bench/rivals failed')
    expect(text).toContain('createPeer({})')
    expect(text).toContain('20.0 ns at 64 B')
    expect(text).not.toContain('busy')
  })

  test('columns are as wide as their widest cell', () => {
    expect(
      columns([
        ['a', 'bb'],
        ['aaa', 'b'],
      ]),
    ).toEqual(['a    bb', 'aaa   b'])
  })

  test('charts leave out what failed, and are XML', () => {
    const files = charts(someResults())
    expect(Object.keys(files)).toEqual(['w1-lo.svg'])
    const svg: string = files['w1-lo.svg']
    expect(svg.match(/class="bar/g)).toHaveLength(2)
    expect(svg).toContain('class="bar ours"')
    expect(svg).toContain('Some &lt;Processor&gt;')
  })

  test('bars are as long as their values, and no text is over another', () => {
    const bars = ['a', 'a label that is quite long'].map((label, index) => ({
      label,
      value: 10 * (index + 1),
      text: `${index}`,
    }))
    const svg: string = barChart({ title: 't', subtitle: 's', footer: 'f', bars })
    const numbers = (pattern: RegExp) =>
      [...svg.matchAll(pattern)].map(([, value]) => Number(value))
    const widths = numbers(/<rect class="bar" .*? width="([\d.]+)"/g)
    expect(widths[1]! / widths[0]!).toBeCloseTo(2, 1)
    const lines = numbers(/<text [^>]*?y="([\d.]+)"/g)
    const rows = [...new Set(lines)].sort((one, other) => one - other)
    for (let index = 1; index < rows.length; index++) {
      expect(rows[index]! - rows[index - 1]!).toBeGreaterThan(14)
    }
  })

  test("a process's congestion controls are read from what ss says", () => {
    const line = (pid: number, rest: string) =>
      `ESTAB 0 0 127.0.0.1:1 127.0.0.1:2 users:(("node",pid=${pid},fd=20)) ${rest} rto:204 rtt:0.2/0.3`
    const text = [
      line(12, 'ts sack cubic wscale:10,10'),
      line(123, 'bbr wscale:7,7'),
      line(12, 'cubic wscale:7,7'),
    ].join('\n')
    expect(controllersIn(text, 12)).toEqual(['cubic'])
    expect(controllersIn(text, 123)).toEqual(['bbr'])
    expect(controllersIn(text, 1)).toEqual([])
  })

  test('the table has what sockets said of their congestion control', () => {
    const run = (contender: string, controller?: string) => ({
      workload: 'w5',
      place: 'cable',
      case: '1 %',
      contender,
      run: 0,
      metrics: { megabytes: 1, ...(controller ? { controller } : {}) },
    })
    const runs = [run('hawser'), run('net-batched', 'cubic'), run('net-batched-bbr', 'bbr')]
    const text: string = renderTable({ ...someResults(), runs })
    expect(text).toMatch(/\* Hawser +1\.00 +– +1$/m)
    expect(text).toMatch(/ TCP, hand-batched +1\.00 +cubic +1\.00 +1$/m)
    expect(text).toMatch(/ TCP \(bbr\), hand-batched +1\.00 +bbr +1\.00 +1$/m)
  })

  test('iperf3 is read', () => {
    const end = {
      sum_received: { bytes: 2e9, seconds: 2 },
      cpu_utilization_percent: { host_total: 50, remote_total: 100 },
      sender_tcp_congestion: 'cubic',
    }
    expect(readIperf(JSON.stringify({ end }))).toEqual({
      seconds: 2,
      megabytes: 1000,
      cpuPerGigabyte: 1.5,
      controller: 'cubic',
    })
    const few = { ...end, sum_received: { bytes: 1e6, seconds: 2 } }
    expect(readIperf(JSON.stringify({ end: few }))).toMatchObject({ megabytes: 0.5 })
    expect(readIperf(JSON.stringify({ end: few })).cpuPerGigabyte).toBeUndefined()
    expect(() => readIperf('{"error":"unable to connect"}')).toThrow(/unable to connect/)
    expect(() => readIperf('')).toThrow(/no JSON/)
    const intervals = [0, 1, 2, 3].map((start) => ({
      sum: { start, end: start + 1, bytes: start * 1e6 },
    }))
    expect(rateBetween(JSON.stringify({ intervals }), 1.5, 3)).toBeCloseTo((0.5 + 2) / 1.5)
    expect(() => rateBetween(JSON.stringify({ intervals }), 3, 9)).toThrow(/did not last/)
  })
})

describe('a run', () => {
  const spot = { host: '127.0.0.1', prefix: [] }
  const here = { sender: spot, receiver: spot }
  const named = (list: { name: string }[], name: string) => list.find((item) => item.name === name)
  const w1 = named(workloads, 'w1')
  const settings = { seconds: 0.1, warmUp: 0.05, count: 5000 }
  const faulty = (name: string) => ({
    name,
    reliable: true,
    file: path.join(__dirname, 'children', 'faulty.mjs'),
  })
  const group = (contender: unknown) => ({
    workload: w1,
    place: 'lo',
    settings,
    order: [{ contender, run: 0 }],
  })
  const quiet = { run: () => {}, place: () => {} }

  test.each(['hawser', 'net'])('of %s with 5,000 messages has its figures', async (name) => {
    const contender = named(contenders, name)
    const metrics = await runPair({ contender, workload: w1, spot: here, settings })
    expect(metrics.count).toBe(5000)
    expect(metrics.lost).toBe(0)
    expect(metrics.messages).toBeCloseTo(5000 / metrics.seconds)
    expect(metrics.megabytes).toBeCloseTo((metrics.messages * 64) / 1e6)
    const cpu = metrics.cpuSender + metrics.cpuReceiver
    expect(metrics.cpuSender).toBeGreaterThan(0)
    expect(metrics.cpuReceiver).toBeGreaterThan(0)
    expect(metrics.cpuPerMillion).toBeCloseTo(cpu * 200)
    expect(metrics.cpuPerGigabyte).toBeCloseTo((cpu / (5000 * 64)) * 1e9)
  })

  test('of a contender that does nothing wrong passes', async () => {
    const [run] = await carryOut({ groups: [group(faulty('none'))], report: quiet })
    expect(run.failure).toBeUndefined()
    expect(run.metrics.count).toBe(5000)
  })

  test.each([
    ['lose', 'lost, repeated or out of order'],
    ['repeat', 'lost, repeated or out of order'],
    ['reorder', 'lost, repeated or out of order'],
    ['corrupt', 'damaged'],
    ['cut', 'damaged'],
  ])(
    'of a contender that can %s messages is a failure without a figure',
    async (fault, message) => {
      const [run] = await carryOut({ groups: [group(faulty(fault))], report: quiet })
      expect(run.metrics).toBeUndefined()
      expect(run.failure).toContain(message)
      const text = renderTable({ ...someResults(), runs: [{ ...run, contender: 'net' }] })
      expect(text).toMatch(/TCP, one write a message +– +– +0, 1 FAILED/)
    },
  )

  test('of a contender that cannot be loaded is a failure', async () => {
    const contender = { ...faulty('none'), file: path.join(__dirname, 'children', 'none.mjs') }
    const [run] = await carryOut({ groups: [group(contender)], report: quiet })
    expect(run.failure).toMatch(/none\.mjs/)
  })
})
