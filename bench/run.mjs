#!/usr/bin/env node
// npm run bench -- [workloads] [options]
//
// Measures Hawser against its rivals. `npm run bench -- --help` says how to run a part; docs/BENCHMARKS.md what each figure is and is not.

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArguments } from './suite/arguments.mjs'
import { charts } from './suite/chart.mjs'
import { checkingCosts } from './suite/checking.mjs'
import { runCeilings, runMicro } from './suite/extras.mjs'
import { SuiteError } from './suite/failure.mjs'
import { machine, versions } from './suite/machine.mjs'
import { lacking } from './suite/places.mjs'
import { makePlan } from './suite/plan.mjs'
import { printer } from './suite/printer.mjs'
import { ours } from './suite/registry.mjs'
import { formatVersion } from './suite/results.mjs'
import { prepareContenders, rivalVersions } from './suite/rivals.mjs'
import { carryOut } from './suite/session.mjs'
import { renderTable } from './suite/table.mjs'
import { hasTool, missingTools } from './suite/tools.mjs'

const folder = fileURLToPath(new URL('results', import.meta.url))

function write(name, contents) {
  const file = path.join(folder, name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, contents)
  return path.relative(process.cwd(), file)
}

/** Leaves out the places and programs that this machine does not have, and says so. */
function available(choice, say) {
  const left = []
  const places = choice.places.filter((name) => {
    const reason = lacking(name)
    if (reason === '') return true
    const wanted = choice.workloads.some(({ places: all }) => all.includes(name))
    if (wanted) {
      left.push({ workload: `place "${name}"`, reason: `needs ${reason}` })
      say(`place "${name}" is left out: needs ${reason}`)
    }
    return false
  })
  let contenders = choice.contenders
  if (contenders.some(({ external }) => external) && !hasTool('iperf3')) {
    const reason = `needs ${missingTools('iperf3')}`
    left.push({ contender: 'iperf3', reason })
    say(`iperf3 is left out: ${reason}`)
    contenders = contenders.filter(({ external }) => !external)
  }
  for (const { name, places: all } of choice.workloads) {
    if (all.some((place) => choice.places.includes(place))) continue
    say(`${name} does not run on ${choice.places.join(', ')}: its places are ${all.join(', ')}`)
  }
  const prepared = prepareContenders(contenders, say)
  for (const { contender, reason } of prepared.left) say(`${contender} is left out: ${reason}`)
  return { places, contenders: prepared.ready, left: [...left, ...prepared.left] }
}

async function measure(choice) {
  const { say, report, begin, end } = printer(choice)
  const started = Date.now()
  // Before anything of the suite's own makes it busy.
  const about = machine()
  const { places, contenders, left } = choice.planOnly
    ? { ...choice, left: [] }
    : available(choice, say)
  const plan = makePlan({ ...choice, places, contenders })
  const total = plan.groups.reduce((sum, { order }) => sum + order.length, 0)
  say(`${total} runs, about ${Math.ceil(plan.seconds / 60)} min`)
  if (choice.planOnly) return undefined
  if (total === 0 && choice.extras.length === 0)
    throw new SuiteError('nothing to run: see what was left out above')
  let stopped = false
  const stop = () => {
    stopped = true
    say('stopping after this run')
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  begin(total)
  const runs = await carryOut({ groups: plan.groups, report, stopped: () => stopped })
  end()
  const extra = async (name, work) =>
    choice.extras.includes(name) && !stopped ? work() : undefined
  const micro = await extra('micro', () => runMicro(choice, say))
  const ceilings = await extra('ceilings', () => runCeilings(choice, places, say))
  process.removeListener('SIGINT', stop)
  process.removeListener('SIGTERM', stop)
  const { configuration } = await import('./contenders/hawser.mjs')
  return {
    format: formatVersion,
    date: new Date(started).toISOString(),
    machine: about,
    versions: {
      ...versions(),
      rivals: contenders.some(({ needs }) => needs === 'rivals') ? rivalVersions() : {},
    },
    configuration,
    checking: checkingCosts(),
    planned: plan.seconds,
    took: (Date.now() - started) / 1000,
    complete: !stopped,
    left: [...left, ...plan.left],
    runs,
    micro,
    ceilings,
  }
}

function load(file) {
  let results
  try {
    results = JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch (error) {
    throw new SuiteError(`--from ${file}: ${error.message}`)
  }
  if (results.format !== formatVersion)
    throw new SuiteError(`--from ${file}: not results of this version of the suite`)
  return results
}

async function main() {
  const choice = parseArguments(process.argv.slice(2))
  if (choice.help) return
  const results = choice.from === undefined ? await measure(choice) : load(choice.from)
  if (results === undefined) return
  const json = `${JSON.stringify(results, undefined, 2)}\n`
  const files = []
  if (choice.from === undefined) files.push(write('latest.json', json))
  if (choice.save !== undefined && results.complete === false) {
    process.stderr.write('bench: --save is for whole runs: kept as latest.json only\n')
  } else if (choice.save !== undefined) {
    files.push(write(`${choice.save}.json`, json))
    for (const [name, svg] of Object.entries(charts(results))) write(path.join('charts', name), svg)
    files.push(path.join(path.relative(process.cwd(), folder), 'charts'))
  }
  process.stdout.write(choice.json ? json : `\n${renderTable(results)}\n`)
  if (files.length > 0) process.stderr.write(`written: ${files.join(', ')}\n`)
  if (results.complete === false) process.exitCode = 130
  else if (
    results.runs.some(({ contender, failure }) => contender === ours && failure !== undefined)
  )
    process.exitCode = 1
}

main().catch((error) => {
  console.error(error instanceof SuiteError ? `bench: ${error.message}` : error)
  process.exitCode = error instanceof SuiteError ? 2 : 1
})
