#!/usr/bin/env node
// npm run coverage -- [--seeds 1000] [--from 0] [--missed]
//
// What of native/transport the seeds of the simulator reach, and nothing else: builds `hawser_sim` with clang 16 and
// source-based coverage (build-coverage/), runs the seeds, and prints lines and branches of each file. --missed also
// lists the branches of which one side was never taken.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { filesBelow, root } from './ensure.mjs'

const build = path.join(root, 'build-coverage')
const wanted = 'native/transport/'

class Usage extends Error {}

function parse(args) {
  const options = { seeds: 1000, from: 0, missed: false }
  for (let i = 0; i < args.length; i++) {
    const key = args[i].replace(/^--/, '')
    if (key === 'missed') {
      options.missed = true
    } else if (key === 'seeds' || key === 'from') {
      options[key] = Number(args[++i])
      if (!Number.isInteger(options[key]) || options[key] < 0) {
        throw new Usage(`--${key} takes a whole number`)
      }
    } else {
      throw new Usage(`unknown option: ${args[i]}`)
    }
  }
  return options
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    ...{ cwd: root, encoding: 'utf8', maxBuffer: 1 << 30 },
    ...options,
  })
  if (result.error) throw result.error
  if (result.status !== 0) {
    throw new Error(`${command} ${args[0]} failed\n${result.stdout}${result.stderr}`)
  }
  return result.stdout
}

function compile() {
  run('cmake', [
    ...['-S', 'native', '-B', build, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=None'],
    ...['-DCMAKE_CXX_COMPILER=clang++-16', '-DCMAKE_C_COMPILER=clang-16', '-DHAWSER_TESTS=OFF'],
    '-DCMAKE_CXX_FLAGS=-O1 -DNDEBUG -fprofile-instr-generate -fcoverage-mapping',
  ])
  const jobs = String(Math.min(os.availableParallelism(), 4))
  run('cmake', ['--build', build, '-j', jobs, '--target', 'hawser_sim'])
}

/** Runs the seeds; returns the profile of them. */
function profile({ seeds, from }) {
  const merged = path.join(build, 'seeds.profdata')
  const raw = path.join(build, 'seeds.profraw')
  const args = ['--seeds', String(seeds), '--from', String(from)]
  const env = { ...process.env, LLVM_PROFILE_FILE: raw }
  console.log(run(path.join(build, 'hawser_sim'), args, { env }).trim())
  run('llvm-profdata-16', ['merge', '-o', merged, raw])
  return merged
}

const percent = ({ covered, count }) =>
  count === 0 ? '' : `${((100 * covered) / count).toFixed(1)} %`

function table(files, totals) {
  const rows = files.map(({ filename, summary }) => [
    path.relative(path.join(root, wanted), filename),
    summary,
  ])
  rows.push(['total', totals])
  console.log('| file | lines | | branches | |\n|---|---|---|---|---|')
  for (const [name, { lines, branches }] of rows) {
    const cells = [lines, branches].flatMap((of) => [`${of.covered} of ${of.count}`, percent(of)])
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

/** A branch stands once for each template it is in: taken is what any of them took. */
function missed(files) {
  for (const { filename, branches } of files) {
    const text = fs.readFileSync(filename, 'utf8').split('\n')
    const places = new Map()
    for (const [line, column, , , yes, no] of branches) {
      const key = `${line}:${column}`
      const before = places.get(key) ?? { line, yes: 0, no: 0 }
      places.set(key, { line, yes: before.yes + yes, no: before.no + no })
    }
    for (const [key, { line, yes, no }] of places) {
      if (yes > 0 && no > 0) continue
      const never = yes + no === 0 ? 'not reached' : yes > 0 ? 'always true' : 'always false'
      console.log(`${path.relative(root, filename)}:${key} ${never}: ${text[line - 1].trim()}`)
    }
  }
}

function main() {
  const options = parse(process.argv.slice(2))
  compile()
  const merged = profile(options)
  const sources = filesBelow([wanted], (file) => /\.(cc|h)$/.test(file))
  const exported = run('llvm-cov-16', [
    ...['export', path.join(build, 'hawser_sim'), `-instr-profile=${merged}`],
    ...['-skip-expansions', ...sources.map((file) => path.join(root, file))],
  ])
  const [{ files, totals }] = JSON.parse(exported).data
  if (options.missed) missed(files)
  table(files, totals)
}

try {
  main()
} catch (error) {
  console.error(error instanceof Usage ? error.message : error)
  process.exitCode = 2
}
