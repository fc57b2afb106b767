// `hawser rebuild`: builds the addon from the sources in the package, where no prebuilt one fits.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import type { Command } from 'commander'
import { packageRoot } from '../native'

export function addRebuildCommand(program: Command): void {
  program
    .command('rebuild')
    .description('build the native part from source, where no prebuilt one fits')
    .action(() => {
      process.exitCode = rebuild()
    })
}

/** Returns the exit code of the command. */
export function rebuild(): number {
  const nodeGyp = findNodeGyp()
  if (nodeGyp === undefined) {
    console.error('hawser rebuild: node-gyp was found neither in this project nor in npm.')
    console.error('Install it and try again: npm install --save-dev node-gyp@12')
    return 1
  }
  const headers = localHeaders()
  const built = spawnSync(
    process.execPath,
    [
      nodeGyp,
      'rebuild',
      '--release',
      `--jobs=${os.availableParallelism()}`,
      ...(headers === undefined ? [] : [`--nodedir=${headers}`]),
    ],
    { cwd: packageRoot, stdio: 'inherit' },
  )
  if (built.status !== 0) {
    console.error('hawser rebuild: the build failed.')
    console.error('It needs python3, make and a C++20 compiler (g++ 10 or clang 12, or later).')
    return built.status ?? 1
  }
  const addon = path.join(packageRoot, 'build', 'Release', 'hawser.node')
  try {
    require(addon)
  } catch (error) {
    console.error(`hawser rebuild: ${addon} was built but does not load: ${error}`)
    return 1
  }
  console.log(`built ${addon}`)
  return 0
}

/** node-gyp's script: this project's own, else the one npm has inside, else Debian's. */
function findNodeGyp(): string | undefined {
  const inNpm = path.join('node_modules', 'node-gyp', 'bin', 'node-gyp.js')
  const besideNode = path.dirname(realpathSync(process.execPath))
  const candidates = [process.env.npm_config_node_gyp]
  for (const from of [process.cwd(), packageRoot]) {
    try {
      const gypPackage = createRequire(path.join(from, 'x')).resolve('node-gyp/package.json')
      candidates.push(path.join(path.dirname(gypPackage), 'bin', 'node-gyp.js'))
    } catch {
      // not installed there
    }
  }
  const npm = process.env.npm_execpath ?? findInPath('npm')
  if (npm !== undefined) {
    // .../npm/bin/npm-cli.js
    candidates.push(path.join(path.dirname(path.dirname(realpathSync(npm))), inNpm))
  }
  candidates.push(
    path.join(besideNode, '..', 'lib', 'node_modules', 'npm', inNpm),
    path.join(besideNode, 'node_modules', 'npm', inNpm),
    '/usr/share/nodejs/node-gyp/bin/node-gyp.js',
  )
  return candidates.find((file) => file !== undefined && existsSync(file))
}

function findInPath(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, name)
    if (folder !== '' && existsSync(file)) return file
  }
  return undefined
}

/** The prefix of this Node's headers when they are installed beside it: saves node-gyp the download. */
function localHeaders(): string | undefined {
  const prefix = path.resolve(realpathSync(process.execPath), '..', '..')
  try {
    const header = readFileSync(path.join(prefix, 'include/node/node_version.h'), 'utf8')
    const part = (name: string) =>
      new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(header)?.[1]
    const version = `v${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`
    const complete = existsSync(path.join(prefix, 'include/node/common.gypi'))
    return version === process.version && complete ? prefix : undefined
  } catch {
    return undefined
  }
}
