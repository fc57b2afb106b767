#!/usr/bin/env node
// npm run bench -- [workloads] [options]
//
// Measures Hawser against its rivals. `npm run bench -- --help` says how to run a part; docs/BENCHMARKS.md what each figure is and is not.

import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArguments } from './suite/arguments.mjs'
import { checkingCosts } from './suite/checking.mjs'
import { choiceOf, reasonsForNothing } from './suite/choice.mjs'
import { runCeilings, runMicro } from './suite/extras.mjs'
import { SuiteError } from './suite/failure.mjs'
import { checkName, keep, keepLatest, load, toJson } from './suite/keeping.mjs'
import { machine, stealBetween, ticks, versions } from './suite/machine.mjs'
import { lacking } from './suite/places.mjs'
import { makePlan } from './suite/plan.mjs'
import { printer } from './suite/printer.mjs'
import { exitCodeOf, formatVersion } from './suite/results.mjs'
import { prepareContenders, rivalVersions } from './suite/rivals.mjs'
import { carryOut, newRecord } from './suite/session.mjs'
import { renderTable } from './suite/table.mjs'
import { hasTool, missingTools } from './suite/tools.mjs'

const usualFolder = fileURLToPath(new URL('results', import.meta.url))

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
  const flowLacks = hasTool('iperf3') ? undefined : `needs ${missingTools('iperf3')}`
  if (contenders.some(({ external }) => external) && flowLacks !== undefined) {
    left.push({ contender: 'iperf3', reason: flowLacks })
    say(`iperf3 is left out: ${flowLacks}`)
    contenders = contenders.filter(({ external }) => !external)
  }
  const prepared = prepareContenders(contenders, say)
  for (const { contender, reason } of prepared.left) say(`${contender} is left out: ${reason}`)
  return { places, contenders: prepared.ready, left: [...left, ...prepared.left], flowLacks }
}

/** Says what of a choice cannot run anywhere that was chosen. */
function sayMisplaced({ workloads, places }, say) {
  for (const { name, places: all } of workloads) {
    if (all.some((place) => places.includes(place))) continue
    say(`${name} does not run on ${places.join(', ')}: its places are ${all.join(', ')}`)
  }
}

async function measure(choice, folder) {
  const { say, report, begin, end } = printer(choice)
  const started = Date.now()
  // Before anything of the suite's own makes it busy.
  const about = machine()
  const ticksBefore = ticks()
  sayMisplaced(choice, say)
  const { places, contenders, left, flowLacks } = choice.planOnly
    ? { ...choice, left: [] }
    : available(choice, say)
  const plan = makePlan({ ...choice, places, contenders, flowLacks })
  const total = plan.groups.reduce((sum, { order }) => sum + order.length, 0)
  if (total === 0 && choice.extras.length === 0) {
    const reasons = reasonsForNothing({ ...choice, places, contenders }, plan)
    throw new SuiteError(['nothing to run', ...reasons].join('\n  '))
  }
  say(`${total} runs, about ${Math.ceil(plan.seconds / 60)} min`)
  if (choice.planOnly) {
    if (choice.extras.length > 0) say(`and ${choice.extras.join(', ')}, about half a minute each`)
    return undefined
  }
  let stopped = false
  const stop = () => {
    stopped = true
    say('stopping after this run')
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  const { configuration } = await import('./contenders/hawser.mjs')
  const fixed = {
    format: formatVersion,
    date: new Date(started).toISOString(),
    choice: choiceOf(choice),
    machine: about,
    versions: {
      ...versions(),
      rivals: contenders.some(({ needs }) => needs === 'rivals') ? rivalVersions() : {},
    },
    configuration,
    checking: checkingCosts(),
    planned: plan.seconds,
  }
  const record = newRecord()
  const results = (rest) => ({
    ...fixed,
    took: (Date.now() - started) / 1000,
    steal: stealBetween(ticksBefore, ticks()),
    ...rest,
    left: [...left, ...plan.left, ...record.left],
    unexpected: record.unexpected,
    groups: record.groups,
    runs: record.runs,
  })
  begin(total)
  await carryOut({
    groups: plan.groups,
    report,
    record,
    stopped: () => stopped,
    keep: () => keepLatest(folder, results({ complete: false })),
  })
  end()
  for (const words of record.unexpected) say(words)
  const extra = async (name, work) =>
    choice.extras.includes(name) && !stopped ? work() : undefined
  const micro = await extra('micro', () => runMicro(choice, say))
  const ceilings = await extra('ceilings', () => runCeilings(choice, places, say))
  process.removeListener('SIGINT', stop)
  process.removeListener('SIGTERM', stop)
  return { ...results({ complete: !stopped }), micro, ceilings }
}

async function main() {
  const choice = parseArguments(process.argv.slice(2))
  if (choice.help) return
  const folder = choice.into ?? usualFolder
  if (choice.save !== undefined && !choice.planOnly) checkName(folder, choice)
  const measured = choice.from === undefined ? await measure(choice, folder) : undefined
  if (measured === undefined && choice.from === undefined) return
  const { results, json } =
    measured === undefined ? load(choice.from) : { results: measured, json: toJson(measured) }
  const files = []
  if (measured !== undefined) files.push(keepLatest(folder, results))
  if (choice.save !== undefined && results.complete === false) {
    process.stderr.write('bench: --save is for whole runs: not kept under that name\n')
  } else if (choice.save !== undefined) {
    files.push(...keep(folder, choice.save, results, json))
  }
  process.stdout.write(choice.json ? json : `\n${renderTable(results)}\n`)
  if (files.length > 0)
    process.stderr.write(`written: ${files.map((file) => path.relative('', file)).join(', ')}\n`)
  if (measured !== undefined) process.exitCode = exitCodeOf(results)
}

main().catch((error) => {
  console.error(error instanceof SuiteError ? `bench: ${error.message}` : error)
  process.exitCode = error instanceof SuiteError ? 2 : 1
})
