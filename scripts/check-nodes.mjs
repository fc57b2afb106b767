#!/usr/bin/env node
// node scripts/check-nodes.mjs [--rebuild] [22 24 26]
//
// Packs the package with its prebuild, installs it in an empty folder together with other versions of Node,
// and lets this Node and each of those exchange messages through it (scripts/smoke.cjs). With --rebuild it
// then takes the prebuild away, runs `npx hawser rebuild` as the error message says, and tries again.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { npmCommand, root } from './ensure.mjs'

const args = process.argv.slice(2)
const asked = args.filter((arg) => !arg.startsWith('--'))
const versions = asked.length > 0 ? asked : ['22', '24', '26']
const tuple = `${process.platform}-${process.arch}`
const prebuilds = path.join(root, 'prebuilds', tuple)
if (!fs.existsSync(prebuilds) || fs.readdirSync(prebuilds).length === 0) {
  console.error(`there is no prebuilds/${tuple}/; make it with: npm run prebuild`)
  process.exit(1)
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-nodes-'))

function npm(...args) {
  const [command, first] = npmCommand()
  const result = spawnSync(command, [...first, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (result.status !== 0) throw new Error(`npm ${args[0]} failed (${result.status})`)
  return result.stdout
}

function run(command, commandArgs, timeout) {
  const { HAWSER_ADDON: _, ...env } = process.env
  const result = spawnSync(command, commandArgs, {
    cwd: folder,
    env,
    stdio: 'inherit',
    timeout,
    killSignal: 'SIGKILL',
  })
  if (result.status !== 0) {
    throw new Error(`${command}: ${result.error ?? result.signal ?? `exit code ${result.status}`}`)
  }
}

try {
  const packed = npm('pack', root, '--json', '--silent', `--pack-destination=${folder}`)
  const tarball = path.join(folder, JSON.parse(packed.slice(packed.indexOf('[')))[0].filename)
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}')
  const aliases = versions.map((version) => `node-${version}@npm:node-${tuple}@${version}`)
  npm('install', `--prefix=${folder}`, '--prefer-offline', '--ignore-scripts', tarball, ...aliases)
  fs.copyFileSync(path.join(root, 'scripts', 'smoke.cjs'), path.join(folder, 'smoke.cjs'))

  const nodes = versions.map((version) =>
    path.join(folder, `node_modules/node-${version}/bin/node`),
  )
  for (const node of [process.execPath, ...nodes]) run(node, ['smoke.cjs'], 60_000)

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
