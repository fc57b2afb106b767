// Builds the micro-benchmarks' addon (bench/micro/addon) into build-bench/micro, and loads it.

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const here = path.dirname(fileURLToPath(import.meta.url))
const build = path.join(here, '..', '..', 'build-bench', 'micro')

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8' })
  if (result.error) throw new Error(`${command}: ${result.error.message}`)
  if (result.status !== 0) {
    throw new Error(`${command} failed\n${result.stdout ?? ''}${result.stderr ?? ''}`)
  }
}

/** The addon, built first if it is not there or its sources have changed. Throws when it cannot be built. */
export function loadAddon() {
  const nodeAddonApi = path.dirname(require.resolve('node-addon-api/package.json'))
  run('cmake', [
    ...['-S', path.join(here, 'addon'), '-B', build],
    `-DNODE_API_HEADERS=${require('node-api-headers').include_dir}`,
    `-DNODE_ADDON_API=${nodeAddonApi}`,
  ])
  run('cmake', ['--build', build, '-j', String(os.availableParallelism())])
  return require(path.join(build, 'hawser_micro.node'))
}
