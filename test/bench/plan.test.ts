// The plan of the benchmark, point by point: how often, which cases, and who is not compared with itself.

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { makePlan } = bench('suite/plan')

interface Named {
  readonly name: string
}

interface Group {
  readonly variant?: Named
  readonly order: { readonly contender: Named; readonly run: number }[]
  readonly planned: number
  readonly settings: { readonly seconds: number }
}

const plain = { name: 'plain', places: ['lo'], seconds: 2, overhead: 1 }
const varied = {
  ...plain,
  cases: {
    lo: [
      { name: 'alone', loss: 0 },
      { name: 'long', loss: 0, full: true },
      { name: 'beside TCP', loss: 0, beside: 'cubic' },
    ],
  },
}
const some = { name: 'some', reliable: true }
const native = { name: 'native', reliable: true, external: true }

/** The groups of one workload. */
function planned(workload: object, more = {}): Group[] {
  const choice = { contenders: [some], places: ['lo'], hasController: () => true, ...more }
  return makePlan({ ...choice, workloads: [workload] }).groups
}

const runs = (groups: Group[]) => groups[0]?.order.map(({ run }) => run)
const cases = (groups: Group[]) => groups.map(({ variant }) => variant?.name)

test('everyone runs three times, unless the workload or the caller says otherwise', () => {
  expect(runs(planned(plain))).toEqual([0, 1, 2])
  expect(runs(planned({ ...plain, runs: 1 }))).toEqual([0])
  expect(runs(planned({ ...plain, runs: 4, runsAt: { lo: 2 } }))).toEqual([0, 1])
  expect(runs(planned({ ...plain, runs: 1 }, { runs: 5 }))).toEqual([0, 1, 2, 3, 4])
  expect(runs(planned(plain, { quick: true }))).toEqual([0])
})

test('some cases are for --full only', () => {
  expect(cases(planned(varied))).toEqual(['alone', 'beside TCP'])
  expect(cases(planned(varied, { full: true }))).toEqual(['alone', 'long', 'beside TCP'])
})

test('--quick runs the first case, for a quarter of the time', () => {
  const groups = planned(varied, { quick: true })
  expect(cases(groups)).toEqual(['alone'])
  expect(groups[0]?.settings.seconds).toBe(0.5)
  expect(planned(varied)[0]?.settings.seconds).toBe(2)
})

test('a TCP flow is not measured beside itself', () => {
  const groups = planned(varied, { contenders: [some, native], full: true })
  const who = groups.map(({ variant, order }) => [
    variant?.name,
    [...new Set(order.map(({ contender }) => contender.name))].sort(),
  ])
  expect(who).toEqual([
    ['alone', ['native', 'some']],
    ['long', ['native', 'some']],
    ['beside TCP', ['some']],
  ])
})

test('without a program for the TCP flow, what runs beside it is left out, with the reason', () => {
  const flowLacks = 'needs iperf3'
  expect(cases(planned(varied, { flowLacks }))).toEqual(['alone'])
  const choice = { contenders: [some], places: ['lo'], hasController: () => true, flowLacks }
  expect(makePlan({ ...choice, workloads: [varied] }).left).toEqual([
    { workload: 'plain', place: 'lo', contender: 'some', reason: flowLacks, case: 'beside TCP' },
  ])
})

test('the TCP flow beside it takes its time, which counts', () => {
  const [alone, long, beside] = planned(varied, { full: true, runs: 1 }) as [Group, Group, Group]
  // The flow has 2 s to itself.
  expect(beside.planned - alone.planned).toBeGreaterThanOrEqual(2)
  expect(long.planned).toBe(alone.planned)
})
