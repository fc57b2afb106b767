#!/usr/bin/env node
// node scripts/check-nodes.mjs [--rebuild] [22 24 26]
//
// Packs the package with its prebuild, installs it in an empty folder together with other versions of Node,
// and lets this Node and each of those exchange messages through it (scripts/smoke.cjs). Then a process of this
// Node and one of Bun, and of Deno, reach each other in both directions (scripts/exchange.cjs), with the OpenSSL
// that is linked into the prebuild; without that, or if npm cannot get them, it says so and leaves them out, unless CI is
// set: there nothing may be left out. With
// --rebuild it then takes the prebuild away, runs `npx hawser rebuild` as the error message says, and tries again.

import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { npmCommand, root } from './ensure.mjs'

const args = process.argv.slice(2)
const asked = args.filter((arg) => !arg.startsWith('--'))
const versions = asked.length > 0 ? asked : ['22', '24', '26']
const tuple = `${process.platform}-${process.arch}`
const mustHaveAll = process.env.CI !== undefined && !['', '0', 'false'].includes(process.env.CI)
const prebuilds = path.join(root, 'prebuilds', tuple)
if (!fs.existsSync(prebuilds) || fs.readdirSync(prebuilds).length === 0) {
  console.error(`there is no prebuilds/${tuple}/; make it with: npm run prebuild`)
  process.exit(1)
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-nodes-'))

function npm(...args) {
  const [command, first] = npmCommand()
  const result = spawnSync(command, [...first, ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (result.status !== 0) throw new Error(`npm ${args[0]} failed (${result.status})`)
  return result.stdout
}

function leaveOut(what) {
  if (mustHaveAll) throw new Error(`left out, which CI does not allow: ${what}`)
  console.log(`left out: ${what}`)
}

// Without our own settings, which are for tests.
function environment(settings = {}) {
  const ours = (name) => name.startsWith('HAWSER_')
  const kept = Object.entries(process.env).filter(([name]) => !ours(name))
  return { ...Object.fromEntries(kept), ...settings }
}

function run(command, commandArgs, timeout, settings) {
  const result = spawnSync(command, commandArgs, {
    cwd: folder,
    env: environment(settings),
    stdio: 'inherit',
    timeout,
    killSignal: 'SIGKILL',
  })
  if (result.status !== 0) {
    throw new Error(`${command}: ${result.error ?? result.signal ?? `exit code ${result.status}`}`)
  }
}

/** Lets the one process call the other; each is how the runtime is called to run a file. */
async function exchange(server, client) {
  const [command, ...args] = [...server, 'exchange.cjs', 'serve']
  const serving = spawn(command, args, {
    cwd: folder,
    env: environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise((resolve) => serving.once('close', resolve))
  const address = await new Promise((resolve) => {
    serving.stdout.once('data', (line) => resolve(String(line).trim()))
    ended.then(resolve)
  })
  try {
    run(client[0], [...client.slice(1), 'exchange.cjs', 'call', String(address)], 60_000)
  } finally {
    serving.stdin.end()
  }
  const status = await ended
  if (status !== 0) throw new Error(`${command}: exit code ${status}`)
}

/** How each other runtime runs a file; none if npm cannot get it. Their packages for a platform hold the binary. */
function otherRuntimes() {
  const wanted = [
    { name: 'bun', binary: /^@oven\/bun-[^/]+\/bin\/bun$|^bun\/bin\/bun\.exe$/, args: [] },
    { name: 'deno', binary: /^@deno\/[^/]+\/deno$/, args: ['run', '--allow-all'] },
  ]
  const found = []
  for (const { name, binary, args } of wanted) {
    try {
      const prefix = path.join(folder, `runtime-${name}`)
      fs.mkdirSync(prefix)
      npm('install', `--prefix=${prefix}`, '--prefer-offline', '--ignore-scripts', name)
      const modules = path.join(prefix, 'node_modules')
      const file = fs
        .readdirSync(modules, { recursive: true })
        .map((entry) => path.join(modules, entry))
        .find(
          (entry) =>
            binary.test(path.relative(modules, entry)) && fs.statSync(entry).size > 1_000_000,
        )
      if (file === undefined) throw new Error('its package has no binary for this platform')
      fs.chmodSync(file, 0o755)
      run(file, ['--version'], 60_000)
      found.push([file, ...args])
    } catch (error) {
      leaveOut(`${name}: ${error.message}`)
    }
  }
  return found
}

async function checkOthers() {
  const linked = spawnSync(process.execPath, ['smoke.cjs'], {
    cwd: folder,
    env: environment({ HAWSER_OPENSSL: 'linked' }),
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (/no libcrypto linked in/.test(linked.stderr)) {
    leaveOut('bun and deno: this prebuild has no OpenSSL linked in')
    return
  }
  if (linked.status !== 0) throw new Error(`with the linked OpenSSL: ${linked.stderr}`)
  const node = [process.execPath]
  run(process.execPath, ['exchange.cjs', 'keys'], 60_000)
  for (const other of otherRuntimes()) {
    await exchange(node, other)
    await exchange(other, node)
  }
}

try {
  const packed = npm('pack', root, '--json', '--silent', `--pack-destination=${folder}`)
  const tarball = path.join(folder, JSON.parse(packed.slice(packed.indexOf('[')))[0].filename)
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}')
  const aliases = versions.map((version) => `node-${version}@npm:node-${tuple}@${version}`)
  npm('install', `--prefix=${folder}`, '--prefer-offline', '--ignore-scripts', tarball, ...aliases)
  for (const script of ['smoke.cjs', 'exchange.cjs']) {
    fs.copyFileSync(path.join(root, 'scripts', script), path.join(folder, script))
  }

  const nodes = versions.map((version) =>
    path.join(folder, `node_modules/node-${version}/bin/node`),
  )
  for (const node of [process.execPath, ...nodes]) run(node, ['smoke.cjs'], 60_000)
  await checkOthers()

  if (args.includes('--rebuild')) {
    fs.rmSync(path.join(folder, 'node_modules', 'hawser', 'prebuilds'), { recursive: true })
    run(path.join(folder, 'node_modules', '.bin', 'hawser'), ['rebuild'], 600_000)
    run(process.execPath, ['smoke.cjs'], 60_000)
  }
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}
