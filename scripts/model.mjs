#!/usr/bin/env node
// npm run model [-- --quick | --mutants | --list]
//
// Checks native/test/model/window.pml exhaustively with Spin (every state is stored in full: no bitstate hashing, no
// hash compaction), in each of the configurations below, and says what it counted. Fails on an error, on a
// search that was not exhaustive, on a statement that was never reached, and on a place of the model that was not.
//   --quick    the configurations marked so, with the places; what CI runs
//   --mutants  breaks the model in the ways below; fails when one of them passes the check
//   --list     prints the names
// Needs spin (Debian: apt-get install spin) and a C compiler (CC, or cc).

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const model = resolve(fileURLToPath(import.meta.url), '../../native/test/model/window.pml')
const memoryLimit = 3000 // MB, of one search
const timeLimit = 600_000 // ms, of one search
const depthLimit = 100_000 // steps; reaching it is a failure

// `cycles`: a search for cycles without progress instead of one for failed assertions and dead ends.
const configurations = [
  { name: 'counted', quick: true },
  { name: 'counted, no endless cycle', quick: true, cycles: true },
  { name: 'counted, fill wait', flags: { WAIT: 1 } },
  { name: 'counted, resend all', flags: { ALL: 1 } },
  { name: 'counted, resend all, no endless cycle', flags: { ALL: 1 }, cycles: true },
  { name: 'counted, M = 1', flags: { M: 1 } },
  { name: 'counted, M = 3', flags: { M: 3 } },
  { name: 'counted, M = N', flags: { M: 4 } },
  { name: 'counted, N = 2, M = 1', flags: { N: 2, M: 1 } },
  { name: 'counted, 4 and 3 packets on the way', flags: { DCAP: 4, ACAP: 3 } },
  { name: 'early', flags: { COUNTED: 0 }, quick: true },
  { name: 'early, no endless cycle', flags: { COUNTED: 0 }, quick: true, cycles: true },
  { name: 'early, fill wait', flags: { COUNTED: 0, WAIT: 1 } },
  { name: 'early, resend all', flags: { COUNTED: 0, ALL: 1 } },
]

// Places REACHED(1) to REACHED(15) of the model, checked in 'counted'; the last one is in fill 'wait'.
const places = Array.from({ length: 15 }, (_, i) => ({
  name: `place ${i + 1}`,
  flags: { REACH: i + 1, ...(i === 14 ? { WAIT: 1 } : {}) },
}))

const mutants = [
  { name: 'duplicates are not acknowledged again', flags: { MUT_NO_REACK: 1 } },
  { name: 'COUNT counts messages above a gap', flags: { MUT_COUNT_HOLES: 1 } },
  { name: 'COUNT is rounded up to a multiple of M', flags: { MUT_ROUND_UP: 1 } },
  { name: 'the base moves one too far', flags: { MUT_BASE_PLUS_ONE: 1 } },
  { name: 'the window is one too large', flags: { MUT_WIDE_WINDOW: 1 } },
  { name: 'N is too large for the wire numbers', flags: { N: 6, OLD: 3, SPAN: 8, TOTAL: 12 } },
  { name: 'packets may be one message too old', flags: { OLD: 8 } },
  { name: 'T is armed only once', flags: { MUT_T_ONCE: 1 } },
  { name: 'T does not start again with a COUNT', flags: { MUT_T_NOT_AGAIN: 1 } },
  { name: 'END is not repeated', flags: { MUT_END_ONCE: 1 } },
  { name: 'messages above a gap are delivered', flags: { MUT_OUT_OF_ORDER: 1 } },
  { name: 'what was acknowledged is sent again', flags: { MUT_RESEND_ACKED: 1 } },
  { name: 'no COUNT_NOW if there is nothing to repeat', flags: { MUT_NO_LONE_ASK: 1 } },
  { name: 'only COUNT moves the base after END', flags: { MUT_COUNT_ALONE: 1 } },
]

function need(command, args, advice) {
  const { error } = spawnSync(command, args, { stdio: 'ignore' })
  if (error !== undefined) {
    console.error(`${command} was not found: ${advice}`)
    process.exit(1)
  }
}

function number(output, pattern) {
  const match = pattern.exec(output)
  return match === null ? Number.NaN : Number(match[1])
}

/** Generates, compiles and runs one search; returns what it counted and what was wrong. */
function search(configuration, directory, optimize = '-O2') {
  const flags = Object.entries(configuration.flags ?? {}).map(([key, value]) => `-D${key}=${value}`)
  const cwd = mkdtempSync(join(directory, 'run-'))
  execFileSync('spin', ['-a', ...flags, model], { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
  const mode = configuration.cycles ? '-DNP' : '-DSAFETY'
  const options = [optimize, '-w', mode, `-DMEMLIM=${memoryLimit}`, '-o', 'pan', 'pan.c']
  execFileSync(process.env.CC ?? 'cc', options, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
  const args = [`-m${depthLimit}`, '-w24', ...(configuration.cycles ? ['-l'] : [])]
  const run = spawnSync('./pan', args, { cwd, encoding: 'utf8', timeout: timeLimit })
  const output = run.stdout + run.stderr

  const problems = []
  const errors = number(output, /errors: (\d+)/)
  const violated = [...output.matchAll(/^pan:\d+: (.*) \(at depth/gm)].map((match) => match[1])
  if (errors !== 0) problems.push(...(violated.length > 0 ? violated : ['no result']))
  for (const [text] of output.matchAll(
    /max search depth too small|reached -DMEMLIM|out of memory/g,
  )) {
    problems.push(`not exhaustive: ${text}`)
  }
  if (run.error !== undefined) problems.push(`not exhaustive: ${run.error.message}`)
  if (errors === 0) {
    if (/Search not completed/.test(output)) problems.push('not exhaustive: search not completed')
    // The receiver's end is not reached, and need not be: it waits for ever.
    for (const [, process, lines] of output.matchAll(
      /unreached in proctype (\w+)\n((?:\t.*\n)*)/g,
    )) {
      for (const [text] of lines.matchAll(/^\t\S+:\d+, state.*$/gm)) {
        if (process !== 'Receiver' || !text.endsWith('"-end-"')) {
          problems.push(`never reached in ${process}: ${text.trim().replace(/^.*\//, '')}`)
        }
      }
    }
  }
  return {
    problems,
    errors,
    violated,
    cwd,
    states: number(output, /(\d+(?:\.\d+)?(?:e\+\d+)?) states, stored/),
    transitions: number(output, /(\d+(?:\.\d+)?(?:e\+\d+)?) transitions/),
    depth: number(output, /depth reached (\d+)/),
    memory: number(output, /([\d.]+)\s+total actual memory usage/),
    seconds: number(output, /elapsed time ([\d.]+) seconds/),
  }
}

function row(name, cells) {
  console.log(`${name.padEnd(42)}${cells.map((cell) => String(cell).padStart(13)).join('')}`)
}

function check(list, directory) {
  row('', ['states', 'transitions', 'depth', 'errors', 'MB', 'seconds'])
  let failed = 0
  for (const configuration of list) {
    const found = search(configuration, directory)
    const { states, transitions, depth, errors, memory, seconds } = found
    row(configuration.name, [states, transitions, depth, errors, Math.round(memory), seconds])
    for (const problem of found.problems) console.log(`  ${problem}`)
    if (found.problems.length === 0) continue
    failed++
    if (errors > 0) console.log(`  the trace: cd ${found.cwd} && ./pan -r`)
  }
  return failed
}

/** Every one of `list` must violate an assertion or run into a dead end. These end soon: compiling is what takes time. */
function mustFail(list, directory, say) {
  let survivors = 0
  for (const changed of list) {
    const { violated, problems } = search(changed, directory, '-O0')
    if (violated.length === 0) survivors++
    say(changed.name, violated[0], problems)
  }
  return survivors
}

function sayMutant(name, violated, problems) {
  console.log(`${name}\n  ${violated ?? `NOT FOUND ${problems.join('; ')}`}`)
}

function sayPlace(name, violated) {
  if (violated === undefined) console.log(`never reached in the model: ${name}`)
}

const known = ['--quick', '--mutants', '--list']
const options = process.argv.slice(2)
if (options.some((option) => !known.includes(option)) || options.length > 1) {
  console.error(`usage: npm run model [-- ${known.join(' | ')}]`)
  process.exit(2)
}
if (options[0] === '--list') {
  for (const { name, quick } of configurations) console.log(quick ? `${name} (quick)` : name)
  for (const { name } of mutants) console.log(`mutant: ${name}`)
  process.exit(0)
}
need('spin', ['-V'], 'install the Debian package spin, or build it from https://spinroot.com')
need(process.env.CC ?? 'cc', ['--version'], 'install the Debian package gcc, or set CC')

const directory = mkdtempSync(join(tmpdir(), 'hawser-model-'))
let failed = 0
if (options[0] === '--mutants') {
  failed = mustFail(mutants, directory, sayMutant)
  console.log(`${mutants.length - failed} of ${mutants.length} mutants found`)
} else {
  const chosen = configurations.filter(({ quick }) => quick || options[0] !== '--quick')
  failed = check(chosen, directory)
  const unreached = mustFail(places, directory, sayPlace)
  console.log(`\n${places.length - unreached} of ${places.length} places reached`)
  failed += unreached
  console.log(failed === 0 ? 'the model holds' : `${failed} failed`)
}
if (failed === 0) rmSync(directory, { recursive: true })
else process.exitCode = 1
