#!/usr/bin/env node
// npm run sim -- [--seeds 1000] [--from 0] [--jobs N]   runs seeds, spread over the processors
// npm run sim -- --seed 17 [--trace] [--reduce LIST]    runs one seed, twice, and compares the two runs
// npm run sim -- --shrink 17                            finds the least of a failing seed that still fails
//
// Builds the simulator of native/sim (build-sim/, optimised, assertions off) and runs it. A seed decides everything about a run, so
// a failure that it prints can be had again. Exit code 1 when a seed fails.

import { spawn, spawnSync } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { root } from './ensure.mjs'

const build = path.join(root, 'build-sim')
const binary = path.join(build, 'hawser_sim')

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (result.error) throw new Error(`${command}: ${result.error.message}`)
  if (result.status !== 0) throw new Error(`${command} failed\n${result.stdout}${result.stderr}`)
}

function compile() {
  run('cmake', [
    ...['-S', 'native', '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DHAWSER_TESTS=ON'],
  ])
  const jobs = String(os.availableParallelism())
  run('cmake', ['--build', build, '--target', 'hawser_sim', '-j', jobs])
}

/** The value behind an option, taken out of `args`. */
function take(args, name, otherwise) {
  const index = args.indexOf(name)
  if (index < 0) return otherwise
  const [, text = ''] = args.splice(index, 2)
  if (!/^\d+$/.test(text)) throw new Error(`${name} takes a whole number`)
  return Number(text)
}

/** Runs a part of the seeds; answers its counts. */
function part(from, seeds) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, ['--from', String(from), '--seeds', String(seeds)])
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      if (/^seed /m.test(text)) process.stdout.write(text.replace(/^(?!seed ).*\n?/gm, ''))
    })
    child.stderr.pipe(process.stderr)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const last =
        output
          .trimEnd()
          .split('\n')
          .findLast((line) => line.includes(' datagrams, ')) ?? ''
      const [count, failed, messages, datagrams, moves, deadPaths] = (
        last.match(/[\d.]+/g) ?? []
      ).map(Number)
      if (count !== seeds) {
        reject(
          new Error(`seeds from ${from} on: the simulator ended with ${signal ?? code}\n${output}`),
        )
      } else resolve({ code, failed, messages, datagrams, moves, deadPaths })
    })
  })
}

async function runSeeds(args) {
  const seeds = take(args, '--seeds', 1000)
  const from = take(args, '--from', 0)
  const jobs = Math.max(1, Math.min(take(args, '--jobs', os.availableParallelism()), seeds))
  if (args.length > 0) throw new Error(`no such option: ${args[0]}`)
  const started = performance.now()
  const size = Math.ceil(seeds / jobs)
  const parts = []
  for (let begin = 0; begin < seeds; begin += size) {
    parts.push(part(from + begin, Math.min(size, seeds - begin)))
  }
  const results = await Promise.all(parts)
  const sum = (name) => results.reduce((total, result) => total + result[name], 0)
  const seconds = (performance.now() - started) / 1000
  const shown = (number) => number.toLocaleString('en-US')
  process.stdout.write(
    `${shown(seeds)} seeds, ${shown(sum('failed'))} failed, ${shown(sum('messages'))} messages, ` +
      `${shown(sum('datagrams'))} datagrams, ${shown(sum('moves'))} moves, ${shown(sum('deadPaths'))} sessions on dead paths, ` +
      `${(seeds / seconds).toFixed(0)} seeds/s on ${parts.length} cores\n`,
  )
  return results.every(({ code }) => code === 0) ? 0 : 1
}

async function main(args) {
  compile()
  if (args.some((arg) => arg === '--seed' || arg === '--shrink')) {
    return spawnSync(binary, args, { stdio: 'inherit' }).status ?? 1
  }
  return runSeeds([...args])
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    process.stderr.write(`hawser: ${error.message}\n`)
    process.exitCode = 2
  },
)
