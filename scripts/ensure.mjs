#!/usr/bin/env node
// Makes sure that a clone can run, then runs it:
//
//   node scripts/ensure.mjs compile          install, compile lib/ to dist/ and build the addon
//   node scripts/ensure.mjs types            install and compile lib/ only
//   node scripts/ensure.mjs addon            install and build the addon only
//   node scripts/ensure.mjs install          install only
//   node scripts/ensure.mjs start [args]     compile, then `hawser demo [args]`
//   node scripts/ensure.mjs test [args]      compile, then jest [args]
//   node scripts/ensure.mjs lab [args]       compile, then the lab's tests, as root
//   node scripts/ensure.mjs clean            remove what was built
//
// Each step is skipped when nothing it depends on has changed: the install by comparing the lock file
// with what npm says it installed, the builds by a hash of their inputs. Needs nothing but Node.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const addonFile = path.join(root, 'build', 'Release', 'hawser.node')

class Failure extends Error {}

function say(text) {
  process.stderr.write(`hawser: ${text}\n`)
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** Runs a command to its end with our terminal; anything but exit code 0 is a failure with `advice`. */
function run(command, args, { advice = '', ...options } = {}) {
  const shown = [path.basename(command), ...args.slice(0, 3)].join(' ')
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.error) throw new Failure(`${shown}: ${result.error.message}\n${advice}`)
  if (result.signal) process.kill(process.pid, result.signal)
  if (result.status !== 0) throw new Failure(`${shown} failed (${result.status})\n${advice}`)
}

/** Every file below the given files and folders, as sorted paths relative to the root. */
export function filesBelow(places, wanted = () => true) {
  const found = []
  for (const place of places) {
    const full = path.join(root, place)
    const stat = fs.statSync(full, { throwIfNoEntry: false })
    if (stat === undefined) continue
    if (stat.isFile()) found.push(place)
    else {
      for (const entry of fs.readdirSync(full, { recursive: true, withFileTypes: true })) {
        const parent = entry.parentPath ?? entry.path
        if (entry.isFile()) found.push(path.relative(root, path.join(parent, entry.name)))
      }
    }
  }
  return found.filter(wanted).sort()
}

function hashOf(files, extra) {
  const hash = createHash('sha256').update(JSON.stringify(extra))
  for (const file of files) {
    hash.update(`\0${file}\0`).update(fs.readFileSync(path.join(root, file)))
  }
  return hash.digest('hex')
}

// --- Install -----------------------------------------------------------------------------------

/** True when node_modules holds what the lock file asks for (optional packages may be absent). */
function installed() {
  const wanted = readJson(path.join(root, 'package-lock.json'))?.packages
  const present = readJson(path.join(root, 'node_modules', '.package-lock.json'))?.packages
  if (wanted === undefined || present === undefined) return false
  return Object.entries(wanted).every(([name, { version, optional }]) => {
    if (name === '') return true
    return present[name] ? present[name].version === version : optional === true
  })
}

/** How to call npm: the one that called us, else the one next to this Node, else the one in PATH. */
export function npmCommand() {
  const caller = process.env.npm_execpath
  if (caller && /npm-cli\.c?js$/.test(caller)) return [process.execPath, [caller]]
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', []]
}

function ensureInstall() {
  if (installed()) return
  say('installing dependencies')
  const [npm, args] = npmCommand()
  run(npm, [...args, 'ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
    advice: 'The install needs the npm registry, or an npm cache that holds the packages.',
  })
}

// --- lib/ to dist/ -----------------------------------------------------------------------------

function ensureTypes() {
  const inputs = filesBelow(['lib', 'tsconfig.json', 'tsconfig.build.json'])
  const typescript = readJson(path.join(root, 'node_modules/typescript/package.json'))?.version
  const state = hashOf(inputs, [typescript])
  const stamp = path.join(root, 'dist', '.stamp')
  if (readJson(stamp) === state && fs.existsSync(path.join(root, 'dist', 'index.js'))) return
  say('compiling lib/')
  fs.rmSync(stamp, { force: true })
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'])
  prune()
  const main = path.join(root, 'dist', 'cli', 'main.js')
  if (fs.existsSync(main)) fs.chmodSync(main, 0o755)
  fs.writeFileSync(stamp, JSON.stringify(state))
}

/** Removes what an earlier compilation left of sources that are gone. */
function prune() {
  for (const file of filesBelow(['dist'])) {
    const match = /^dist[\\/](.+?)(\.d\.ts|\.js|\.d\.mts|\.mjs)$/.exec(file)
    if (match === null) continue
    const source = path.join(root, 'lib', match[1] + (match[2].includes('m') ? '.mts' : '.ts'))
    if (!fs.existsSync(source)) fs.rmSync(path.join(root, file))
  }
}

// --- native/ to build/Release ------------------------------------------------------------------

/**
 * The prefix of this Node's own headers, when they are installed beside it and are of its version. With
 * it node-gyp needs no network.
 */
export function localHeaders() {
  for (const prefix of new Set([
    path.resolve(process.execPath, '..', '..'),
    path.resolve(fs.realpathSync(process.execPath), '..', '..'),
  ])) {
    try {
      const header = fs.readFileSync(path.join(prefix, 'include/node/node_version.h'), 'utf8')
      const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(header)?.[1]
      const version = `v${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`
      const gypi = fs.existsSync(path.join(prefix, 'include/node/common.gypi'))
      if (version === process.version && gypi) return prefix
    } catch {
      // no headers here
    }
  }
  return undefined
}

function ensureAddon() {
  const rooms =
    /^native[\\/](sources\.json|(wire|crypto|transport|net|engine|binding)[\\/].*\.(cc|h|inc))$/
  // Prebuilt addons alone have what is in linked/.
  const isInput = (file) =>
    (rooms.test(file) && !/^native[\\/]crypto[\\/]linked/.test(file)) || !file.startsWith('native')
  const inputs = filesBelow(['native', 'binding.gyp', 'node_modules/node-addon-api/package.json'])
  const tools = [process.version, process.arch, process.execPath, process.env.CC, process.env.CXX]
  const state = hashOf(
    inputs.filter((file) => isInput(file)),
    tools,
  )
  const setup = hashOf(['binding.gyp', 'native/sources.json'], tools)
  const stamp = path.join(root, 'build', '.stamp')
  const before = readJson(stamp)
  if (before?.state === state && fs.existsSync(addonFile)) return
  say('building the addon')
  fs.rmSync(stamp, { force: true })
  const headers = localHeaders()
  const gyp = (...args) =>
    run(process.execPath, ['node_modules/node-gyp/bin/node-gyp.js', ...args, '--loglevel=warn'], {
      advice: 'Building the addon needs python3, make and a C++20 compiler (g++ 10 or clang 12).',
    })
  if (before?.setup !== setup || !fs.existsSync(path.join(root, 'build', 'Makefile'))) {
    gyp('configure', '--release', ...(headers ? [`--nodedir=${headers}`] : []))
  }
  gyp('build', '--release', `--jobs=${os.availableParallelism()}`)
  fs.writeFileSync(stamp, JSON.stringify({ state, setup }))
}

// --- One builder at a time ---------------------------------------------------------------------

/** Holds .cache/ensure.lock while `work` runs, waiting for another live holder. */
async function locked(work) {
  const lock = path.join(root, '.cache', 'ensure.lock')
  fs.mkdirSync(path.dirname(lock), { recursive: true })
  for (let told = false; ; ) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (!alive(lock)) {
        fs.rmSync(lock, { force: true })
        continue
      }
      if (!told) say(`another build is running here, waiting for it (${lock})`)
      told = true
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
  try {
    work()
  } finally {
    fs.rmSync(lock, { force: true })
  }
}

function alive(lock) {
  try {
    const pid = Number(fs.readFileSync(lock, 'utf8'))
    if (pid > 0) process.kill(pid, 0)
    return true // an empty file is a holder about to write its pid
  } catch (error) {
    return error.code === 'EPERM'
  }
}

// --- Running the program -----------------------------------------------------------------------

/**
 * Runs a program to its end and ends as it did.
 *
 * Ctrl-C in a terminal reaches this process twice: from the terminal, and again from npm, which passes on
 * what it gets. With `ownGroup` the program runs in a process group of its own and gets each signal once,
 * from here: what arrives within a moment of the same signal is the same key stroke.
 */
function become(args, { cwd, ownGroup }) {
  const child = spawn(process.execPath, args, { cwd, stdio: 'inherit', detached: ownGroup })
  const passedOn = new Map()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      const now = performance.now()
      if (now - (passedOn.get(signal) ?? -Infinity) < 500) return
      passedOn.set(signal, now)
      child.kill(signal)
    })
  }
  if (ownGroup) {
    // A terminal speaks to its foreground group only.
    process.on('SIGWINCH', () => child.kill('SIGWINCH'))
    process.on('SIGCONT', () => child.kill('SIGCONT'))
    process.on('SIGTSTP', () => {
      child.kill('SIGTSTP')
      process.kill(process.pid, 'SIGSTOP')
    })
  }
  child.on('error', (error) => {
    say(error.message)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

async function main([what, ...args]) {
  const steps = {
    install: [ensureInstall],
    compile: [ensureInstall, ensureTypes, ensureAddon],
    types: [ensureInstall, ensureTypes],
    addon: [ensureInstall, ensureAddon],
  }
  steps.start = steps.compile
  steps.test = steps.compile
  steps.lab = steps.compile
  if (what === 'clean') {
    for (const place of ['build', 'dist', 'prebuilds']) {
      fs.rmSync(path.join(root, place), { recursive: true, force: true })
    }
    return
  }
  if (!Object.hasOwn(steps, what)) throw new Failure(`no such step: ${what ?? '(none)'}`)
  await locked(() => {
    for (const step of steps[what]) step()
  })
  if (what === 'start') {
    // A file name given to `npm start` is relative to where the user stands, not to this folder.
    const cwd = process.env.npm_lifecycle_event === 'start' ? process.env.INIT_CWD : undefined
    become([path.join(root, 'dist', 'cli', 'main.js'), 'demo', ...args], { cwd, ownGroup: true })
  }
  const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js')
  if (what === 'test') {
    become([jest, '--config', path.join(root, 'jest.config.cjs'), ...args], { cwd: root })
  }
  if (what === 'lab') {
    // The lab is ES modules, which jest loads only with this.
    const config = path.join(root, 'test', 'lab', 'jest.config.cjs')
    become(['--experimental-vm-modules', jest, '--config', config, ...args], { cwd: root })
  }
}

if (import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  main(process.argv.slice(2)).catch((error) => {
    say(error instanceof Failure ? error.message : error.stack)
    process.exitCode = 1
  })
}
