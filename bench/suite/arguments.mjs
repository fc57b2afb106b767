// The command line.

import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { SuiteError } from './failure.mjs'
import { placeNames } from './places.mjs'
import { contenders } from './registry.mjs'
import { extras, workloads } from './workloads.mjs'

const workloadNames = [...workloads, ...extras].map(({ name }) => name)
const contenderNames = contenders.map(({ name }) => name)

/** What `--quick` runs unless told otherwise: a glance, on loopback. */
const quickWorkloads = ['w1', 'w2', 'w3', 'w4', 'w7', 'w9']

function oneOf(kind, allowed) {
  return (text) => {
    const names = text.toLowerCase().split(',').filter(Boolean)
    for (const name of names) {
      if (!allowed.includes(name)) {
        throw new InvalidArgumentError(
          `there is no ${kind} '${name}'; there are: ${allowed.join(', ')}`,
        )
      }
    }
    if (names.length === 0)
      throw new InvalidArgumentError(`name at least one of: ${allowed.join(', ')}`)
    return names
  }
}

function number(kind, least, most, whole) {
  return (text) => {
    const value = Number(text)
    const fits = text.trim() !== '' && value >= least && value <= most
    if (!fits || (whole && !Number.isInteger(value))) {
      const what = whole ? 'a whole number' : 'a number'
      throw new InvalidArgumentError(`${kind} is ${what} from ${least} to ${most}`)
    }
    return value
  }
}

function command() {
  const parseWorkload = oneOf('workload', workloadNames)
  return new Command('npm run bench --')
    .description('Measures Hawser against its rivals, in the same run and under the same rules.')
    .argument(
      '[workloads...]',
      `which: ${workloadNames.join(', ')} (default: all)`,
      (text, before = []) => [...before, ...parseWorkload(text)],
    )
    .option(
      '--only <contenders>',
      `which: ${contenderNames.join(', ')}`,
      oneOf('contender', contenderNames),
    )
    .option(
      '--place <places>',
      `where: ${placeNames.join(', ')} (default: all)`,
      oneOf('place', placeNames),
    )
    .option('--runs <n>', 'runs of each contender', number('--runs', 1, 100, true))
    .option('--seconds <s>', 'seconds of one run', number('--seconds', 0.05, 600, false))
    .option('--seed <n>', 'of the order of the runs', number('--seed', 0, 2 ** 32 - 1, true))
    .option('--quick', 'a glance: few contenders, short runs, loopback; under 2 minutes')
    .option(
      '--full',
      'also 10,000 sessions in w6, and w5 on "cable" with no and with 5 % of packets lost, and more shares beside TCP',
    )
    .option('--json', 'print the results as JSON instead of a table')
    .option(
      '--save <name>',
      'keep the results as bench/results/NAME.json, the table as NAME.txt, and charts/NAME',
      fileName,
    )
    .option('--force', 'with --save: replace results of that name')
    .option('--into <folder>', 'keep results there instead of in bench/results')
    .option(
      '--from <file>',
      'measure nothing: print these results, all of them; with --save, draw them',
    )
    .option('--plan', 'measure nothing: say what would run and how long it takes')
    .helpOption('-h, --help', 'print this')
    .configureOutput({ writeErr: () => {} })
    .exitOverride()
}

function fileName(text) {
  if (text.toLowerCase() === 'latest')
    throw new InvalidArgumentError('latest.json is always the last run: take another name')
  if (/^[a-z0-9][a-z0-9-]*$/i.test(text)) return text
  throw new InvalidArgumentError('--save takes a name of letters, digits and hyphens')
}

/** Options that say what to measure; with --from there is nothing to measure. */
const measuring = ['only', 'place', 'runs', 'seconds', 'seed', 'quick', 'full', 'plan']

function checkTogether(options, named) {
  if (options.force && options.save === undefined) throw new SuiteError('--force goes with --save')
  if (options.from === undefined) return
  const useless = measuring.filter((name) => options[name] !== undefined).map((name) => `--${name}`)
  if (named.length > 0) useless.unshift(...named)
  if (useless.length > 0)
    throw new SuiteError(`--from prints all of a file: it does not go with ${useless.join(', ')}`)
}

/** Reads the arguments. Throws a SuiteError that says what is allowed; `{ help }` if help was asked for. */
export function parseArguments(argv) {
  const parser = command()
  try {
    parser.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') return { help: true }
    throw new SuiteError(error.message.replace(/^error: /, ''))
  }
  const options = parser.opts()
  const named = parser.processedArgs[0] ?? []
  checkTogether(options, named)
  const wanted = named.length > 0 ? named : options.quick ? quickWorkloads : workloadNames
  const names = options.only ?? contenderNames
  return {
    workloads: workloads.filter(({ name }) => wanted.includes(name)),
    extras: extras.map(({ name }) => name).filter((name) => wanted.includes(name)),
    // What was asked for by name runs also with --quick.
    contenders: contenders.filter(
      ({ name, quick }) => names.includes(name) && (options.only || !options.quick || quick),
    ),
    only: options.only,
    places: options.place ?? (options.quick ? ['lo'] : placeNames),
    // As they were typed, for the command that the results keep.
    named,
    placesNamed: options.place,
    seedNamed: options.seed,
    runs: options.runs,
    seconds: options.seconds,
    seed: options.seed ?? 1,
    quick: options.quick === true,
    full: options.full === true,
    json: options.json === true,
    save: options.save,
    force: options.force === true,
    into: options.into,
    from: options.from,
    planOnly: options.plan === true,
  }
}
