#!/usr/bin/env node
// node scripts/lint.mjs [--write] [biome] [format] [tidy]
//
// Checks sources (or, with --write, puts right what can be put right without thought): the list in
// native/sources.json, Biome on TypeScript, JavaScript and JSON, clang-format and clang-tidy 16 on C++.
// clang-tidy looks at a file again only when it, a header or the checks have changed.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { filesBelow, root } from './ensure.mjs'

const args = process.argv.slice(2)
const write = args.includes('--write')
const only = args.filter((arg) => !arg.startsWith('--'))
const cpp = filesBelow(['native'], (file) => /\.(cc|h)$/.test(file) && !/^native.build/.test(file))

/** The tool of version 16: what it says differs from version to version. */
function clangTool(name) {
  for (const command of [`${name}-16`, name]) {
    const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' })
    if (/version 16\./.test(stdout ?? '')) return command
  }
  throw new Error(`${name} 16 is not installed (Debian: ${name}-16)`)
}

function run(command, commandArgs) {
  const result = spawnSync(command, commandArgs, { cwd: root, stdio: 'inherit' })
  if (result.error) throw result.error
  return result.status === 0
}

function biome() {
  const [bin] = [path.join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome')]
  const strict = write ? ['--write'] : []
  return run(process.execPath, [bin, 'check', '--error-on-warnings', ...strict, '.'])
}

function format() {
  const tool = clangTool('clang-format')
  if (cpp.length === 0) return true
  return run(tool, [...(write ? ['-i'] : ['--dry-run', '-Werror']), ...cpp])
}

// --- clang-tidy ----------------------------------------------------------------------------------

const tidyBuild = path.join(root, 'build-tidy')

/** Configures a build with clang, for compile_commands.json only. */
function compileCommands() {
  const include = spawnSync(process.execPath, ['-p', 'require("node-api-headers").include_dir'], {
    cwd: root,
    encoding: 'utf8',
  }).stdout.trim()
  const configured = spawnSync(
    'cmake',
    [
      ...['-S', path.join(root, 'native'), '-B', tidyBuild],
      '-DCMAKE_C_COMPILER=clang-16',
      '-DCMAKE_CXX_COMPILER=clang++-16',
      `-DCMAKE_JS_INC=${include}`,
    ],
    { encoding: 'utf8' },
  )
  if (configured.status !== 0) {
    throw new Error(
      `cmake failed\n${configured.stdout ?? ''}${configured.stderr ?? configured.error}`,
    )
  }
  const commands = JSON.parse(
    fs.readFileSync(path.join(tidyBuild, 'compile_commands.json'), 'utf8'),
  )
  // The addon compiles the core a second time; one look at each file is enough.
  return [...new Map(commands.map((command) => [command.file, command])).values()]
}

function tidyOne(tool, file) {
  return new Promise((resolve) => {
    const child = spawn(tool, ['-p', tidyBuild, '--quiet', file], { cwd: root })
    let output = ''
    child.stdout.on('data', (data) => {
      output += data
    })
    child.stderr.resume() // only counts of suppressed warnings
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

async function tidy() {
  const tool = clangTool('clang-tidy')
  const commands = compileCommands()
  const cacheFile = path.join(root, '.cache', 'tidy.json')
  let cache = {}
  try {
    cache = JSON.parse(fs.readFileSync(cacheFile, 'utf8'))
  } catch {
    // the first run
  }
  const common = createHash('sha256')
  for (const file of [
    '.clang-tidy',
    'native/test/.clang-tidy',
    ...cpp.filter((name) => name.endsWith('.h')),
  ]) {
    common.update(`${file}\0`).update(fs.readFileSync(path.join(root, file)))
  }
  const base = common.digest('hex')
  const queue = commands
    .map(({ file, command }) => {
      const hash = createHash('sha256').update(base).update(command).update(fs.readFileSync(file))
      return { file, hash: hash.digest('hex') }
    })
    .filter(({ file, hash }) => cache[file] !== hash)
  console.log(`clang-tidy: ${queue.length} of ${commands.length} files`)

  let clean = true
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { ok, output } = await tidyOne(tool, next.file)
      if (ok) cache[next.file] = next.hash
      else {
        clean = false
        console.log(`--- ${path.relative(root, next.file)}\n${output.trimEnd()}`)
      }
    }
  }
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker))
  fs.mkdirSync(path.dirname(cacheFile), { recursive: true })
  fs.writeFileSync(cacheFile, JSON.stringify(cache))
  return clean
}

// --------------------------------------------------------------------------------------------------

const steps = {
  sources: () => run(process.execPath, ['scripts/sync-sources.mjs', ...(write ? [] : ['--check'])]),
  biome,
  format,
  tidy,
}
for (const [name, step] of Object.entries(steps)) {
  if (only.length > 0 && !only.includes(name)) continue
  if (write && name === 'tidy') continue
  try {
    if (!(await step())) {
      console.error(`lint: ${name} found something`)
      process.exitCode = 1
    }
  } catch (error) {
    console.error(`lint: ${name}: ${error.message}`)
    process.exitCode = 1
  }
}
