#!/usr/bin/env node
// npm run mutants [-- name… | --list] [--jobs 2] [--seeds 1000]
//
// Proof that the proof works. Every file in native/test/mutations is a small patch that puts one bug into
// native/transport, native/wire or native/crypto; its first line says which. For each of them: the bug goes into a
// copy of native/ (build-mutants/, never this tree), the simulator is built, and
// - a transfer over a path that loses nothing must still pass (`hawser_sim --lossless`), or the bug is not subtle;
// - the seeds of the simulator must find it, or else the unit tests, which are built only if that is needed.
// A bug that nothing finds SURVIVES, and the run fails.
//
// The build folders stay, so that a later run compiles only what has changed.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { filesBelow, root } from './ensure.mjs'
import { applyPatch, readPatch } from './mutants/patch.mjs'

const folder = path.join(root, 'native', 'test', 'mutations')
const build = path.join(root, 'build-mutants')
// Of one seed, and of one unit test run: whoever takes longer hangs.
const seedSeconds = 15
const unitSeconds = 240
// Memory that a broken core may take, in KiB.
const memoryLimit = 4 << 20
// What the copies do without: fuzz targets, and the tests of rooms of which no patch is made.
const leftOut = /^native\/test\/(fuzz|mutations|model|unit\/(engine|net|binding)_)/

const fromOutside = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'])

class Usage extends Error {}

function parse(args) {
  const options = { jobs: 2, seeds: 1000, list: false, names: [] }
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--list') {
      options.list = true
    } else if (args[i] === '--jobs' || args[i] === '--seeds') {
      const key = args[i].slice(2)
      options[key] = Number(args[++i])
      if (!Number.isInteger(options[key]) || options[key] < 1) {
        throw new Usage(`--${key} takes a whole number`)
      }
    } else {
      options.names.push(path.basename(args[i], '.patch'))
    }
  }
  return options
}

function load(names) {
  const all = fs
    .readdirSync(folder)
    .filter((file) => file.endsWith('.patch'))
    .map((file) => path.basename(file, '.patch'))
    .sort()
  for (const name of names) {
    if (!all.includes(name)) throw new Usage(`no such mutant: ${name}`)
  }
  return (names.length > 0 ? names : all).map((name) => ({
    name,
    ...readPatch(fs.readFileSync(path.join(folder, `${name}.patch`), 'utf8')),
  }))
}

/** Runs a program; ends it after `seconds`. */
function run(command, args, { seconds = 0, limit = false } = {}) {
  return new Promise((resolve, reject) => {
    const [file, list] = limit
      ? ['sh', ['-c', `ulimit -v ${memoryLimit}; exec "$0" "$@"`, command, ...args]]
      : [command, args]
    const child = spawn(file, list, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let hung = false
    const keep = (data) => {
      output = (output + data).slice(-100_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const timer =
      seconds > 0 &&
      setTimeout(() => {
        hung = true
        child.kill('SIGKILL')
      }, seconds * 1000)
    child.on('error', reject)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      resolve({ status, signal, hung, output })
    })
  })
}

async function must(command, args) {
  const result = await run(command, args)
  if (result.status !== 0) throw new Error(`${command} ${args[0]} failed\n${result.output}`)
}

/** One copy of native/ with its build folder. */
class Worker {
  constructor(index) {
    this.copy = path.join(build, `copy-${index}`)
    this.out = path.join(build, `out-${index}`)
    this.changed = new Set()
  }

  /** Makes the copy equal to the tree; only what differs gets a new time. */
  sync() {
    const files = filesBelow(['native'], (file) => !leftOut.test(file))
    const wanted = new Set(files)
    for (const file of files) this.write(file, fs.readFileSync(path.join(root, file)))
    for (const file of fs.readdirSync(this.copy, { recursive: true })) {
      const full = path.join(this.copy, file)
      if (!wanted.has(file) && fs.statSync(full).isFile()) fs.rmSync(full)
    }
  }

  write(file, bytes) {
    const target = path.join(this.copy, file)
    if (fs.existsSync(target) && fs.readFileSync(target).equals(bytes)) return
    fs.mkdirSync(path.dirname(target), { recursive: true })
    fs.writeFileSync(target, bytes)
  }

  async prepare() {
    fs.mkdirSync(this.copy, { recursive: true })
    this.sync()
    await must('cmake', [
      ...['-S', path.join(this.copy, 'native'), '-B', this.out, '-G', 'Ninja'],
      ...['-DCMAKE_BUILD_TYPE=None', '-DCMAKE_CXX_FLAGS=-O1', '-DHAWSER_WERROR=OFF'],
    ])
    const built = await this.make(1, 'hawser_sim')
    if (built.status !== 0) throw new Error(`the tree does not build\n${built.output}`)
  }

  make(jobs, target) {
    return run('cmake', ['--build', this.out, '-j', String(jobs), '--target', target])
  }

  sim(...args) {
    const watchdog = ['--watchdog', String(seedSeconds)]
    return run(path.join(this.out, 'hawser_sim'), [...watchdog, ...args], { limit: true })
  }

  /** Calls `judge()` with the patch applied. */
  async with(mutant, judge) {
    try {
      for (const { file, hunks } of mutant.files) {
        const text = fs.readFileSync(path.join(root, file), 'utf8')
        this.changed.add(file)
        this.write(file, Buffer.from(applyPatch(text, hunks, file)))
      }
      return await judge()
    } finally {
      for (const file of this.changed) this.write(file, fs.readFileSync(path.join(root, file)))
      this.changed.clear()
    }
  }

  /** What the simulator says of it: `problem`, `caught`, or neither. */
  async judgeBySeeds(seeds) {
    const built = await this.make(1, 'hawser_sim')
    if (built.status !== 0) return { problem: `does not build\n${built.output}` }
    const lossless = await this.sim('--lossless')
    if (lossless.status !== 0) return { problem: lastLine(lossless) }
    const result = await this.sim('--seeds', String(seeds), '--stop')
    if (result.status === 0) return {}
    // Someone ended the run: that says nothing about the bug.
    if (fromOutside.has(result.signal)) return { problem: `ended by ${result.signal}` }
    return { caught: seedOf(result) }
  }

  async judgeByUnitTests(jobs) {
    const built = await this.make(jobs, 'hawser_unit')
    if (built.status !== 0) return { problem: `the unit tests do not build\n${built.output}` }
    const result = await run(path.join(this.out, 'hawser_unit'), ['--gtest_fail_fast'], {
      seconds: unitSeconds,
      limit: true,
    })
    if (result.status === 0) return {}
    if (!result.hung && fromOutside.has(result.signal))
      return { problem: `ended by ${result.signal}` }
    const failed = /\[ {2}FAILED {2}\] (\w[\w/]*\.[\w/]+)/.exec(result.output)
    const started = [...result.output.matchAll(/\[ RUN {6}\] ([\w/.]+)/g)].at(-1)
    const test = failed?.[1] ?? `${started?.[1]} (${result.hung ? 'hangs' : result.signal})`
    return { caught: `unit test ${test}` }
  }
}

function lastLine({ output, signal }) {
  return output.trim().split('\n').at(-1) || `${signal}`
}

function seedOf({ output, signal, status }) {
  const line = output.split('\n').find((text) => /^seed \d+/.test(text))
  if (line) return line.replace(/^seed 0*(?=\d)/, 'seed ')
  return lastLine({ output, signal: signal ?? `crash, status ${status}` })
}

async function main() {
  const options = parse(process.argv.slice(2))
  const mutants = load(options.names)
  if (options.list) {
    for (const { name, says } of mutants) console.log(`${name}: ${says}`)
    return 0
  }
  const began = Date.now()
  // Before anything is built.
  let failed = 0
  const queue = []
  for (const mutant of mutants) {
    try {
      for (const { file, hunks } of mutant.files) {
        applyPatch(fs.readFileSync(path.join(root, file), 'utf8'), hunks, file)
      }
      queue.push(mutant)
    } catch (error) {
      failed++
      console.log(`${mutant.name}: ${error.message}`)
    }
  }
  // One after the other what touches the same file: it is compiled anyway.
  queue.sort((a, b) => a.files[0].file.localeCompare(b.files[0].file))
  const tally = { seeds: 0, tests: 0, survived: 0, useless: 0 }
  const tell = (mutant, { problem, caught }, start) => {
    const seconds = `${((Date.now() - start) / 1000).toFixed(0)} s`
    if (problem) {
      tally.useless++
      console.log(`${mutant.name}: ${problem} (${seconds})`)
    } else if (caught) {
      tally[caught.startsWith('unit test') ? 'tests' : 'seeds']++
      console.log(`${mutant.name}: lossless ok, caught by ${caught} (${seconds})`)
    } else {
      tally.survived++
      console.log(`${mutant.name}: lossless ok, SURVIVED (${seconds})`)
      console.log(`  ${mutant.says}`)
    }
  }
  const left = []
  const workers = []
  const work = async (index) => {
    const worker = new Worker(index)
    workers.push(worker)
    await worker.prepare()
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const start = Date.now()
      const verdict = await worker.with(mutant, () => worker.judgeBySeeds(options.seeds))
      if (verdict.problem || verdict.caught) {
        tell(mutant, verdict, start)
      } else {
        left.push(mutant)
        console.log(`${mutant.name}: lossless ok, not caught by ${options.seeds} seeds`)
      }
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, (_, index) => work(index + 1)))
  // One copy only: the tests take longer to build than to run.
  if (left.length > 0) {
    const { problem, caught } = await workers[0].judgeByUnitTests(options.jobs)
    if (problem || caught) throw new Error(`without a mutant, too: ${problem ?? caught}`)
  }
  for (const mutant of left) {
    const start = Date.now()
    const worker = workers[0]
    tell(mutant, await worker.with(mutant, () => worker.judgeByUnitTests(options.jobs)), start)
  }
  failed += tally.survived + tally.useless
  console.log(
    `${mutants.length} mutants: ${tally.seeds} caught by seeds, ${tally.tests} by unit tests, ` +
      `${tally.survived} survived, ${failed - tally.survived} without a verdict; ` +
      `${((Date.now() - began) / 1000).toFixed(0)} s`,
  )
  return failed === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Usage ? error.message : error)
  process.exitCode = 2
}
