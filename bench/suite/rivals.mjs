// What contenders need before they can run: the packages of bench/rivals, the compiled twin.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { npmCommand } from '../../scripts/ensure.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = path.join(root, 'bench', 'rivals')

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** True when node_modules holds what the lock file asks for. */
function installed() {
  const wanted = readJson(path.join(folder, 'package-lock.json'))?.packages ?? {}
  const present = readJson(path.join(folder, 'node_modules', '.package-lock.json'))?.packages ?? {}
  return Object.entries(wanted).every(([name, { version, optional }]) => {
    if (name === '') return true
    return present[name] ? present[name].version === version : optional === true
  })
}

/** Installs the rivals if they are not there. Returns what went wrong, or an empty string. Nothing is compiled: all of them bring their binaries. */
function ensureRivals(say) {
  if (installed()) return ''
  say('installing the rivals (bench/rivals)')
  const [npm, args] = npmCommand()
  const { status, stderr, error } = spawnSync(
    npm,
    [...args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'],
    { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  )
  if (status === 0) return ''
  const lines = (error?.message ?? stderr).trim().split('\n')
  const reason = lines.find((line) => /error/i.test(line)) ?? lines.at(-1)
  return `npm ci in bench/rivals failed: ${reason}`
}

/** Compiles the twin if there is one. Returns what is missing, or an empty string. */
function ensureTwin() {
  const twin = path.join(root, 'bench', 'twin')
  if (!fs.existsSync(path.join(twin, 'tsconfig.json'))) return 'bench/twin is not there'
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', twin], { encoding: 'utf8' })
  return status === 0 ? '' : `bench/twin does not compile: ${stdout.trim().split('\n')[0]}`
}

/** Gets ready what these contenders need. Returns those that can run, and why the others cannot. */
export function prepareContenders(contenders, say) {
  const needed = new Set(contenders.map(({ needs }) => needs))
  const missing = {}
  if (needed.has('rivals')) missing.rivals = ensureRivals(say)
  if (needed.has('twin')) missing.twin = ensureTwin()
  const reason = ({ needs }) => missing[needs] ?? ''
  return {
    ready: contenders.filter((contender) => reason(contender) === ''),
    left: contenders
      .filter((contender) => reason(contender) !== '')
      .map((contender) => ({ contender: contender.name, reason: reason(contender) })),
  }
}

/** The installed version of each package of bench/rivals. */
export function rivalVersions() {
  const names = Object.keys(readJson(path.join(folder, 'package.json'))?.dependencies ?? {})
  const version = (name) =>
    readJson(path.join(folder, 'node_modules', name, 'package.json'))?.version
  return Object.fromEntries(names.map((name) => [name, version(name) ?? 'not installed']))
}
