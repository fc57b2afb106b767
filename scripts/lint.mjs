#!/usr/bin/env node
// node scripts/lint.mjs [--write] [biome] [format] [tidy]
//
// Checks sources (or, with --write, puts right what can be put right without thought): the list in
// native/sources.json, Biome on TypeScript, JavaScript and JSON, clang-format and clang-tidy 16 on C++.
// clang-tidy looks at a file again only when it, a header or the checks have changed, and at many files in one go.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { filesBelow, root } from './ensure.mjs'

const args = process.argv.slice(2)
const write = args.includes('--write')
const only = args.filter((arg) => !arg.startsWith('--'))
/** What has a CMakeLists.txt of its own. The first ones compile files of the last one again; how that does it counts. */
const projects = ['bench/micro/addon', 'bench/ceilings', 'test/lab/cable', 'native']
const cpp = filesBelow(projects, (file) => /\.(cc|h)$/.test(file) && !/^native.build/.test(file))

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
const maximumGroup = 40

/** Configures a build with clang, for compile_commands.json only. */
function compileCommands() {
  const include = spawnSync(process.execPath, ['-p', 'require("node-api-headers").include_dir'], {
    cwd: root,
    encoding: 'utf8',
  }).stdout.trim()
  const commands = projects.flatMap((project) => {
    const build = path.join(tidyBuild, project)
    const configured = spawnSync(
      'cmake',
      [
        ...['-S', path.join(root, project), '-B', build, '--no-warn-unused-cli'],
        '-DCMAKE_C_COMPILER=clang-16',
        '-DCMAKE_CXX_COMPILER=clang++-16',
        '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON',
        `-DCMAKE_JS_INC=${include}`,
        `-DNODE_API_HEADERS=${include}`,
        `-DNODE_ADDON_API=${path.join(root, 'node_modules', 'node-addon-api')}`,
      ],
      { encoding: 'utf8' },
    )
    if (configured.status !== 0) {
      throw new Error(
        `cmake failed\n${configured.stdout ?? ''}${configured.stderr ?? configured.error}`,
      )
    }
    return JSON.parse(fs.readFileSync(path.join(build, 'compile_commands.json'), 'utf8'))
  })
  fs.writeFileSync(path.join(tidyBuild, 'compile_commands.json'), JSON.stringify(commands))
  // The addon compiles the core a second time; one look at each file is enough.
  return [...new Map(commands.map((command) => [command.file, command])).values()]
}

function runTidy(tool, build, file) {
  return new Promise((resolve) => {
    const child = spawn(tool, ['-p', build, '--quiet', file], { cwd: root })
    let output = ''
    child.stdout.on('data', (data) => {
      output += data
    })
    child.stderr.resume() // only counts of suppressed warnings
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

const isTest = ({ file }) => file.startsWith(path.join(root, 'native', 'test'))

/** How a file is compiled, but for its name. */
const flags = ({ command }) => command.slice(0, command.indexOf(' -o '))

/** What a file declares at the left margin: names, and what each stands for, the file's own unless it is `using`. */
function declared({ file }) {
  const text = fs.readFileSync(file, 'utf8')
  const things = text.matchAll(/^(constexpr|struct|class|enum|using) (.*?)(\w+)(?: =| \{|;)/gm)
  const functions = text.matchAll(/^[a-z].*?[ *&](\w+)\(/gim)
  return [
    ...[...things].map(([, kind, what, name]) => {
      if (what === 'namespace ') return [what, name]
      return [name, kind === 'using' ? what : file]
    }),
    ...[...functions].map(([, name]) => [name, file]),
  ]
}

/**
 * Divides files into groups of one folder that are compiled alike. Nearly all the time that clang-tidy needs for one
 * file goes into the headers of the standard library, GoogleTest and Node-API; a group pays for them once. Files that
 * give one name to different things are not put together.
 */
function grouped(files) {
  const size = Math.min(maximumGroup, Math.ceil(files.length / os.availableParallelism()))
  const groups = []
  for (const each of files) {
    const key = `${path.dirname(each.file)} ${flags(each)}`
    const names = declared(each)
    const fits = ({ members, meaning }) =>
      members.length < size && names.every(([name, what]) => (meaning.get(name) ?? what) === what)
    let group = groups.find((one) => one.key === key && fits(one))
    if (group === undefined) {
      group = { key, members: [], meaning: new Map() }
      groups.push(group)
    }
    group.members.push(each)
    for (const [name, what] of names) group.meaning.set(name, what)
  }
  return groups.map(({ members }) => members).sort((a, b) => b.length - a.length)
}

/**
 * Runs clang-tidy on the text of all files of a group, one after the other in one file. Returns null if nothing was
 * found, or else the files in which something was, of which there are none if it was in headers.
 */
async function suspects(tool, group, folder) {
  const joined = path.join(folder, 'joined.cc')
  const ends = []
  let text = ''
  let lines = 0
  for (const { file } of group) {
    // A macro's definition also begins a new list of what was included before (readability-duplicate-include).
    const part = `#define HAWSER_LINT_FILE_${ends.length}\n${fs.readFileSync(file, 'utf8')}\n`
    text += part
    lines += part.split('\n').length - 1
    ends.push(lines)
  }
  const beside = JSON.stringify(path.dirname(group[0].file))
  const command = `${flags(group[0])} -iquote ${beside} -ferror-limit=0 -o joined.o -c ${JSON.stringify(joined)}`
  const checks = path.join(root, ...(isTest(group[0]) ? ['native', 'test'] : []), '.clang-tidy')
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(joined, text)
  fs.copyFileSync(checks, path.join(folder, '.clang-tidy'))
  fs.writeFileSync(
    path.join(folder, 'compile_commands.json'),
    JSON.stringify([{ directory: folder, command, file: joined }]),
  )
  const { ok, output } = await runTidy(tool, folder, joined)
  if (ok) return null
  const found = [...output.matchAll(/joined\.cc:(\d+):\d+: (?:error|warning):/g)]
  const numbers = new Set(found.map(([, line]) => ends.findIndex((end) => Number(line) <= end)))
  return group.filter((_, i) => numbers.has(i))
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
      return { file, command, hash: hash.digest('hex') }
    })
    .filter(({ file, hash }) => cache[file] !== hash)
  console.log(`clang-tidy: ${queue.length} of ${commands.length} files`)

  const folders = path.join(tidyBuild, 'groups')
  fs.rmSync(folders, { recursive: true, force: true })
  const groups = grouped(queue)
  let clean = true
  let made = 0

  // What is said of a file is what clang-tidy says of it alone. A group in which nothing is found spares that.
  const alone = async ({ file, hash }) => {
    const { ok, output } = await runTidy(tool, tidyBuild, file)
    if (ok) cache[file] = hash
    else {
      clean = false
      console.log(`--- ${path.relative(root, file)}\n${output.trimEnd()}`)
    }
    return ok
  }
  const check = async (group) => {
    if (group.length === 1) return alone(group[0])
    const apart = await suspects(tool, group, path.join(folders, String(made++)))
    if (apart === null) {
      for (const { file, hash } of group) cache[file] = hash
    } else if (apart.length > 0) {
      const names = apart.map(({ file }) => path.relative(root, file))
      console.log(`clang-tidy: by itself: ${names.join(', ')}`)
      const others = group.filter((each) => !apart.includes(each))
      groups.push(...apart.map((each) => [each]), ...(others.length > 0 ? [others] : []))
    } else {
      // Something in a header: one file that shows it is enough.
      for (const each of group) if (!(await alone(each))) break
    }
  }
  const worker = async () => {
    for (let next = groups.shift(); next !== undefined; next = groups.shift()) await check(next)
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
