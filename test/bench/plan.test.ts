// The plan of the benchmark, point by point: how often, which cases, and who is not compared with itself.

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { makePlan } = bench('suite/plan')
const { contenders } = bench('suite/registry')
const { workloads } = bench('suite/workloads')

interface Named {
  readonly name: string
}

interface Group {
  readonly workload: Named
  readonly variant?: Named
  readonly order: { readonly contender: Named; readonly run: number }[]
  readonly planned: number
  readonly settings: { readonly seconds: number }
}

const named = <T extends Named>(list: T[], ...names: string[]): T[] =>
  list.filter(({ name }) => names.includes(name))

/** The groups of some workloads and contenders at one place. */
function planned(workload: string, place: string, who: string[], more = {}): Group[] {
  return makePlan({
    workloads: named(workloads, workload),
    contenders: named(contenders, ...who),
    places: [place],
    ...more,
  }).groups
}

const cases = (groups: Group[]) => groups.map(({ variant }) => variant?.name)

test('everyone runs three times, unless the workload or the caller says otherwise', () => {
  const runs = (groups: Group[]) => groups[0]?.order.map(({ run }) => run)
  expect(runs(planned('w1', 'lo', ['net']))).toEqual([0, 1, 2])
  expect(runs(planned('w8', 'lo', ['net']))).toEqual([0])
  expect(runs(planned('w1', 'lo', ['net'], { runs: 5 }))).toEqual([0, 1, 2, 3, 4])
  expect(runs(planned('w1', 'lo', ['net'], { quick: true }))).toEqual([0])
})

test('some cases are for --full only', () => {
  expect(cases(planned('w6', 'lo', ['net']))).toEqual(['1,000'])
  expect(cases(planned('w6', 'lo', ['net'], { full: true }))).toEqual(['1,000', '10,000'])
  expect(cases(planned('w5', 'cable', ['udx']))).toEqual(['1 %', '0 %, beside TCP'])
  expect(cases(planned('w5', 'cable', ['udx'], { full: true }))).toHaveLength(4)
})

test('--quick runs the first case, for a quarter of the time', () => {
  const [whole] = planned('w5', 'wire', ['net']) as [Group]
  const quick = planned('w5', 'wire', ['net'], { quick: true }) as [Group]
  expect(cases(quick)).toEqual(['1 %'])
  expect(quick[0].settings.seconds).toBeCloseTo(whole.settings.seconds / 4)
})

test('iperf3 is not measured beside itself', () => {
  const groups = planned('w5', 'cable', ['udx', 'iperf3'], { full: true })
  const who = Object.fromEntries(
    groups.map(({ variant, order }) => [
      variant?.name,
      order.map(({ contender }) => contender.name).sort(),
    ]),
  )
  expect(who).toEqual({
    '0 %': ['iperf3', 'udx'],
    '1 %': ['iperf3', 'udx'],
    '5 %': ['iperf3', 'udx'],
    '0 %, beside TCP': ['udx'],
  })
})

test('a TCP flow beside it takes its time, which counts', () => {
  const groups = planned('w5', 'cable', ['udx'], { full: true })
  const time = (name: string) => groups.find(({ variant }) => variant?.name === name)?.planned ?? 0
  // The flow has 2 s to itself.
  expect(time('0 %, beside TCP') - time('0 %')).toBeGreaterThanOrEqual(2)
  expect(time('0 %')).toBe(time('5 %'))
})
