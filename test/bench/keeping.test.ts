// What a run of the benchmark leaves behind: that a part that breaks costs nothing else, that no kept run is lost, and that results say how they were made.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { parseArguments } = bench('suite/arguments')
const { charts } = bench('suite/chart')
const { choiceOf, reasonsForNothing } = bench('suite/choice')
const { RunFailure } = bench('suite/control')
const { checkName, keep, load } = bench('suite/keeping')
const { isVirtual, stealBetween, ticks } = bench('suite/machine')
const { makePlan } = bench('suite/plan')
const { exitCodeOf } = bench('suite/results')
const { carryOut, newRecord } = bench('suite/session')
const { renderTable } = bench('suite/table')
const { workloads } = bench('suite/workloads')

const root = path.join(__dirname, '..', '..')
const committed = path.join(root, 'bench', 'results')

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-bench-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

function command(...args: string[]) {
  const file = path.join(root, 'bench', 'run.mjs')
  return spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' })
}

function results(more: object = {}) {
  const run = (number: number, p50: number) => ({
    workload: 'w4',
    place: 'lo',
    contender: 'hawser',
    run: number,
    metrics: { p50, p99: p50 * 2, p999: p50 * 3, cpuPerMillion: 1 },
  })
  return {
    format: 2,
    date: '2026-01-02T03:04:05.000Z',
    machine: { processor: 'P', processors: 2, memoryBytes: 2 ** 33, system: 'Linux', load: 0.1 },
    versions: { hawser: '1 (abcdef)', node: '20', iperf3: '3.12' },
    left: [],
    took: 1,
    runs: [run(0, 100), run(1, 120)],
    ...more,
  }
}

describe('a session', () => {
  const group = (place: string) => ({
    workload: workloads[0],
    place,
    settings: {},
    order: [
      { contender: { name: 'net' }, run: 0 },
      { contender: { name: 'net' }, run: 1 },
    ],
  })
  const good = { prepare: async () => {}, close: async () => {} }
  const run = async () => ({ messages: 1 })
  const silent = { run: () => {}, place: () => {} }

  test.each(['open', 'prepare'])('goes on when a place fails to %s', async (step) => {
    let closed = 0
    const broken = {
      prepare: async () => {
        throw new Error('no compiler')
      },
      close: async () => {
        closed++
      },
    }
    const open = async (name: string) => {
      if (name !== 'cable') return good
      if (step === 'open') throw new Error('no compiler')
      return broken
    }
    const record = newRecord()
    const kept: number[] = []
    const said: string[] = []
    const groups = [group('lo'), group('cable'), group('cable'), group('lo')]
    const runs = await carryOut({
      groups,
      open,
      run,
      record,
      report: { run: () => {}, place: (...words: string[]) => said.push(words.join(': ')) },
      keep: () => kept.push(record.runs.length),
    })
    expect(runs.map(({ place }: { place: string }) => place)).toEqual(['lo', 'lo', 'lo', 'lo'])
    expect(record.left).toEqual([{ workload: 'place "cable"', reason: 'no compiler' }])
    expect(said).toEqual(['cable: no compiler'])
    expect(kept).toEqual([2, 2, 4])
    expect(closed).toBe(step === 'open' ? 0 : 1)
    expect(exitCodeOf(record)).toBe(1)
    expect(renderTable(results(record))).toContain('left out: place "cable": no compiler')
  })

  test('keeps the other runs when one meets a mistake of the suite, or a place does not close', async () => {
    const record = newRecord()
    let count = 0
    await carryOut({
      groups: [group('lo')],
      open: async () => ({
        ...good,
        close: async () => {
          throw new Error('busy')
        },
      }),
      run: async () => {
        if (count++ === 0) throw new TypeError('x is not a function')
        return { messages: 1 }
      },
      report: silent,
      record,
    })
    expect(record.runs[0].failure).toMatch(/not the contender's doing: x is not a function/)
    expect(record.runs[1].metrics).toEqual({ messages: 1 })
    expect(record.unexpected).toHaveLength(2)
    expect(exitCodeOf(record)).toBe(1)
  })

  test("takes a rival's failure as expected, and knows the load before each group", async () => {
    const record = newRecord()
    const fail = async () => {
      throw new RunFailure('lost a message')
    }
    await carryOut({
      groups: [group('lo')],
      open: async () => good,
      run: fail,
      report: silent,
      record,
    })
    expect(record.runs).toHaveLength(2)
    expect(exitCodeOf(record)).toBe(0)
    expect(exitCodeOf({ ...record, complete: false })).toBe(130)
    expect(record.groups).toEqual([{ workload: 'w1', place: 'lo', load: expect.any(Number) }])
  })
})

describe('kept results', () => {
  test('are not replaced unasked, nor mixed with the charts of others', () => {
    const file = path.join(folder, 'one.json')
    keep(folder, 'one', results(), 'first')
    keep(folder, 'two', results(), 'second')
    expect(() => checkName(folder, { save: 'one' })).toThrow(/is there already.*--force/)
    expect(() => checkName(folder, { save: 'one', from: path.join(folder, 'two.json') })).toThrow()
    checkName(folder, { save: 'one', from: file })
    checkName(folder, { save: 'one', force: true })
    checkName(folder, { save: 'three' })
    const other = results({ runs: results().runs.map((run) => ({ ...run, place: 'wire' })) })
    keep(folder, 'one', other, 'third')
    expect(fs.readFileSync(file, 'utf8')).toBe('third')
    expect(fs.readdirSync(path.join(folder, 'charts', 'one'))).toEqual(['w4-wire.svg'])
    expect(fs.readdirSync(path.join(folder, 'charts', 'two'))).toEqual(['w4-lo.svg'])
    expect(fs.readFileSync(path.join(folder, 'one.txt'), 'utf8')).toBe(`${renderTable(other)}\n`)
    expect(fs.readdirSync(folder).sort()).toEqual(
      ['charts', 'one.json', 'one.txt', 'two.json', 'two.txt'].sort(),
    )
  })

  test.each([
    ['[]', /not results/],
    ['null', /not results/],
    ['{"format":2}', /lacks runs, left, machine, versions/],
    ['{"format":99}', /format 99; this suite reads 1 to 2/],
    ['{', /JSON/],
  ])('that are none, as %s, are an error that says so', (text, message) => {
    const file = path.join(folder, 'x.json')
    fs.writeFileSync(file, text)
    expect(() => load(file)).toThrow(message)
  })

  // Not word by word: what is kept shows how the suite of its day put it.
  test('of the baseline have a table and all charts', () => {
    const name = 'baseline'
    const { results: kept } = load(path.join(committed, `${name}.json`))
    const table = fs.readFileSync(path.join(committed, `${name}.txt`), 'utf8')
    expect(table).toContain(`hawser ${kept.versions.hawser}`)
    const drawn = fs.readdirSync(path.join(committed, 'charts', name))
    expect(drawn.sort()).toEqual(Object.keys(charts(kept)).sort())
  })

  test('come from a real run, with its command; a second one of that name measures nothing', () => {
    const args = ['w1', '--only', 'net', '--place', 'lo', '--quick', '--into', folder]
    const first = command(...args, '--save', 'x')
    expect(first.stderr).toContain('1 runs')
    expect(first.status).toBe(0)
    const { results: kept } = load(path.join(folder, 'x.json'))
    expect(kept.choice).toMatchObject({ workloads: ['w1'], only: ['net'], quick: true, seed: 1 })
    expect(kept).toMatchObject({ complete: true, unexpected: [] })
    expect(first.stdout).toContain('made by: npm run bench -- w1 --only net --place lo --quick')
    expect(fs.existsSync(path.join(folder, 'charts', 'x', 'w1-lo.svg'))).toBe(true)
    const before = fs.readFileSync(path.join(folder, 'latest.json'), 'utf8')
    const second = command(...args, '--save', 'x')
    expect(second.status).toBe(2)
    expect(second.stderr).toMatch(/^bench: --save x: .* is there already/)
    expect(fs.readFileSync(path.join(folder, 'latest.json'), 'utf8')).toBe(before)
  })
})

describe('the command line', () => {
  test('is kept as it was typed, but for where results go', () => {
    const typed = 'w5 micro --only hawser,net --place wire --runs 2 --seconds 1 --seed 7 --full'
    const choice = choiceOf(parseArguments([...typed.split(' '), '--save', 'x', '--json']))
    expect(choice.command).toBe(`npm run bench -- ${typed}`)
    expect(choice.workloads).toEqual(['w5', 'micro'])
    expect(choiceOf(parseArguments([])).command).toBe('npm run bench')
  })

  test.each([
    [['--from', 'x', 'w1'], /does not go with w1/],
    [['--from', 'x', '--runs', '2', '--quick'], /does not go with --runs, --quick/],
    [['--force'], /goes with --save/],
    [['--save', 'latest'], /always the last run/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(message)
  })

  test.each([
    ['w3 --only dgram --place lo', 'w3 on lo: dgram carries 65507 bytes at most'],
    ['w5 --place lo', 'w5 runs on wire, cable only'],
    ['w1 --only iperf3 --place lo', 'w1 on lo: iperf3 takes no part there'],
  ])('%s has a reason for nothing', (typed, reason) => {
    const choice = parseArguments(typed.split(' '))
    expect(reasonsForNothing(choice, makePlan(choice))).toEqual([reason])
    const { status, stderr } = command(...typed.split(' '), '--plan')
    expect(stderr).toContain(reason)
    expect(status).toBe(2)
  })
})

describe('the table', () => {
  test('says under which conditions it was made, and whether it is whole', () => {
    const text: string = renderTable(
      results({
        complete: false,
        choice: { command: 'npm run bench -- w4' },
        steal: 0.0123,
        groups: [{ load: 0.25 }, { load: 1.5 }],
        machine: { ...results().machine, virtual: true, idle: { driver: 'd', governor: 'g' } },
      }),
    )
    expect(text).toMatch(/^NOT A WHOLE RUN/)
    expect(text).toContain('made by: npm run bench -- w4\n')
    expect(text).toContain('iperf3 3.12')
    expect(text).toContain('a virtual machine; cpuidle driver d, governor g; 1.23 % of')
    expect(text).toContain('load before the groups 0.25–1.50')
    expect(renderTable(results())).not.toMatch(/NOT A WHOLE|virtual|undefined %/)
  })

  test('shows how far runs are apart, and charts how many there were', () => {
    expect(renderTable(results())).toMatch(/110 \(100–120\) +220 \(200–240\) +330 \(300–360\)/)
    const two: string = charts(results())['w4-lo.svg']
    expect(two).toContain('2 runs each. Line: smallest to largest run.')
    expect(two).toContain('hawser 1 (abcdef)')
    const one: string = charts(results({ runs: results().runs.slice(0, 1) }))['w4-lo.svg']
    expect(one).toContain('1 run each.')
    expect(one).not.toContain('Line:')
  })

  test('what /proc says is read', () => {
    expect(isVirtual('processor: 0\nflags\t\t: fpu hypervisor aes\n')).toBe(true)
    expect(isVirtual('flags : fpu aes')).toBe(false)
    expect(isVirtual('Features : fp asimd')).toBeUndefined()
    const before = ticks('cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 1')
    const after = ticks('cpu  20 0 20 150 0 0 0 10 0 0\ncpu0 1')
    expect(stealBetween(before, after)).toBeCloseTo(0.1)
    expect(stealBetween(undefined, after)).toBeUndefined()
    expect(ticks('nothing')).toBeUndefined()
  })
})
