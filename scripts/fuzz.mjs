#!/usr/bin/env node
// npm run fuzz -- [--seconds 60] [target…]
//
// Builds the fuzz targets of native/test/fuzz with clang 16, AddressSanitizer and UndefinedBehaviorSanitizer
// (build-fuzz/), runs all of them or those that are named, two at a time, and says how far each came. A crash, a
// leak, a hang of 10 s or more than 1 GB of memory is a failure: the input stays in build-fuzz/crashes/, and the line
// that replays it is printed.
//
// What a run finds worth keeping goes to build-fuzz/corpus/TARGET and is where the next run begins. Besides, every
// run begins with native/test/fuzz/corpus/TARGET and with the test vectors of native/wire/vectors.

import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { root } from './ensure.mjs'

const atOnce = 2
const rssMegabytes = 1024
const hangSeconds = 10
const build = path.join(root, 'build-fuzz')
const sources = path.join(root, 'native', 'test', 'fuzz')

const all = fs
  .readdirSync(sources)
  .filter((name) => name.endsWith('_fuzz.cc'))
  .map((name) => name.slice(0, -'_fuzz.cc'.length))
  .sort()

class Usage extends Error {}

function parse(args) {
  let seconds = 60
  const targets = []
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--seconds') {
      seconds = Number(args[++i])
      if (!Number.isInteger(seconds) || seconds < 1)
        throw new Usage('--seconds takes a whole number')
    } else if (all.includes(args[i])) {
      targets.push(args[i])
    } else {
      throw new Usage(`no such target: ${args[i]} (there are: ${all.join(', ')})`)
    }
  }
  return { seconds, targets: targets.length > 0 ? targets : all }
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (result.error) throw result.error
  if (result.status !== 0) {
    throw new Error(
      `${command} ${args.slice(0, 4).join(' ')} failed\n${result.stdout}${result.stderr}`,
    )
  }
}

function compile(targets) {
  run('cmake', [
    ...['-S', 'native', '-B', build, '-G', 'Ninja'],
    ...['-DCMAKE_CXX_COMPILER=clang++-16', '-DCMAKE_C_COMPILER=clang-16'],
    ...['-DHAWSER_SANITIZE=address,undefined', '-DHAWSER_FUZZ=ON', '-DHAWSER_TESTS=OFF'],
  ])
  const names = targets.map((target) => `${target}_fuzz`)
  const jobs = String(Math.min(os.availableParallelism(), 4))
  run('cmake', ['--build', build, '-j', jobs, '--target', ...names])
}

// --- Seeds ---------------------------------------------------------------------------------------

/** The bytes of every vector in a file, `list` being the key they stand under. */
function vectors(file, list) {
  const text = fs.readFileSync(path.join(root, 'native', 'wire', 'vectors', file), 'utf8')
  return JSON.parse(text)[list].map(({ hex, zeros }) =>
    Buffer.concat([Buffer.from(hex.replaceAll(' ', ''), 'hex'), Buffer.alloc(Number(zeros ?? 0))]),
  )
}

/**
 * Scripts for `peers`, in a network that can be read and in a protected one: a session, a channel each way, messages;
 * then a packet with the frames of a vector; or what strangers say, before there is a session and afterwards.
 */
function peerScripts(frames) {
  const carry = [0, 0, 4]
  const open = (side) => [8, side, 0, 0, 0, 0]
  const push = (side) => [9, side, 0, 3, 100]
  const raw = (side, bytes) => [22, side, bytes.length, ...bytes, 0]
  const short = frames.filter((bytes) => bytes.length < 256)
  const kinds = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((kind) => [0, 16, 32, 48].map((how) => kind | how))
  const strange = (side, how) => [
    23,
    side,
    how,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
  ]
  return [0x00, 0x20, 0x60, 0xa0].flatMap((first) => {
    const begin = [first, first & 0x80]
    const talk = [...carry, ...open(0), ...open(1), ...carry, ...push(0), ...push(1), ...carry]
    const lies = short.map((bytes) => [
      ...talk,
      ...raw(0, bytes),
      ...carry,
      ...raw(1, bytes),
      ...carry,
    ])
    const strangers = kinds.map((how) => [
      ...strange(1, how),
      ...strange(0, how),
      ...talk,
      ...strange(1, how),
      ...strange(0, how),
      ...carry,
    ])
    return [talk, ...lies, ...strangers].map((script) => Buffer.from([...begin, ...script]))
  })
}

function seeds(target) {
  const frames = () => vectors('frames.json', 'frames')
  if (target === 'packet') {
    const lists = ['packets', 'init_payloads', 'response_payloads']
    return lists.flatMap((list) => vectors('packets.json', list))
  }
  if (target === 'frames') return frames()
  if (target === 'peers') return peerScripts(frames())
  return []
}

/** Folders for libFuzzer, the first being the one that it adds to. */
function corpus(target) {
  const kept = path.join(build, 'corpus', target)
  const made = path.join(build, 'seeds', target)
  const committed = path.join(sources, 'corpus', target)
  fs.mkdirSync(kept, { recursive: true })
  fs.rmSync(made, { recursive: true, force: true })
  fs.mkdirSync(made, { recursive: true })
  for (const [index, bytes] of seeds(target).entries()) {
    fs.writeFileSync(path.join(made, `vector-${index}`), bytes)
  }
  return [kept, made, committed].filter((folder) => fs.existsSync(folder))
}

// --- Running -------------------------------------------------------------------------------------

// A small quarantine, so that the memory that is measured is the target's.
const environment = {
  ...process.env,
  ASAN_OPTIONS: 'detect_leaks=1:quarantine_size_mb=32:detect_stack_use_after_return=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
}

function fuzz(target, seconds) {
  const crashes = path.join(build, 'crashes')
  const logs = path.join(build, 'logs')
  fs.mkdirSync(crashes, { recursive: true })
  fs.mkdirSync(logs, { recursive: true })
  const log = path.join(logs, `${target}.log`)
  const out = fs.openSync(log, 'w')
  const dictionary = path.join(sources, 'corpus', `${target}.dict`)
  const program = path.join(build, `${target}_fuzz`)
  const args = [
    `-max_total_time=${seconds}`,
    `-timeout=${hangSeconds}`,
    `-rss_limit_mb=${rssMegabytes}`,
    `-artifact_prefix=${path.join(crashes, `${target}-`)}`,
    '-len_control=20',
    `-max_len=${target === 'packet' || target === 'frames' ? 1500 : 512}`,
    '-print_final_stats=1',
    ...(fs.existsSync(dictionary) ? [`-dict=${dictionary}`] : []),
    ...corpus(target),
  ]
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: build,
      stdio: ['ignore', out, out],
      env: environment,
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      fs.closeSync(out)
      resolve({
        target,
        program,
        log,
        ok: code === 0 && signal === null,
        text: fs.readFileSync(log, 'utf8'),
      })
    })
  })
}

const last = (text, pattern) => [...text.matchAll(pattern)].at(-1)?.[1]
const columns = [9, 12, 9, 7, 8, 7, 6]
const row = (cells) => cells.map((cell, i) => String(cell).padStart(columns[i])).join('  ')

function report({ target, program, log, ok, text }) {
  const stat = (name) => last(text, new RegExp(`stat::${name}:\\s+(\\d+)`, 'g')) ?? '?'
  console.log(
    row([
      target,
      stat('number_of_executed_units'),
      stat('average_exec_per_sec'),
      last(text, / cov: (\d+)/g) ?? '?',
      last(text, / ft: (\d+)/g) ?? '?',
      stat('new_units_added'),
      stat('peak_rss_mb'),
    ]),
  )
  if (ok) return
  const input = last(text, /Test unit written to (.+)/g)
  const said = text
    .split('\n')
    .filter((line) => /not so: |ERROR: |runtime error: |SUMMARY: /.test(line))
  console.error(`fuzz: ${target} FAILED`)
  for (const line of said) console.error(`  ${line}`)
  console.error(`  log:    ${path.relative(root, log)}`)
  if (input === undefined) return
  console.error(`  input:  ${path.relative(root, input)}`)
  console.error(`  replay: ${path.relative(root, program)} ${path.relative(root, input)}`)
}

async function main() {
  const { seconds, targets } = parse(process.argv.slice(2))
  compile(targets)
  console.log(row(['target', 'executions', 'per s', 'cov', 'ft', 'new', 'MB']))
  const queue = [...targets]
  let failed = 0
  const worker = async () => {
    for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
      const result = await fuzz(target, seconds)
      if (!result.ok) failed++
      report(result)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, targets.length) }, worker))
  console.log(
    `fuzz: ${targets.length - failed} of ${targets.length} targets clean, ${seconds} s each`,
  )
  process.exitCode = failed === 0 ? 0 : 1
}

main().catch((error) => {
  console.error(`fuzz: ${error.message}`)
  process.exitCode = error instanceof Usage ? 2 : 1
})
