#!/usr/bin/env node
// npm run bench:security
//
// What cryptography, handshakes and strangers cost, and what an idle session keeps. First without sockets (native/test/bench), then over
// the loopback interface with a peer in a process of its own. Exit code 1 when something happened that must not.

import { spawnSync } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
const build = path.join(root, 'build-bench')

function run(command, args, stdio) {
  const result = spawnSync(command, args, { cwd: root, stdio, encoding: 'utf8' })
  if (result.error) throw new Error(`${command}: ${result.error.message}`)
  if (result.status !== 0) {
    if (result.stdout) console.error(result.stdout)
    throw new Error(`${command} failed`)
  }
}

const targets = ['hawser_security_bench', 'hawser_crypto_bench']
console.log(`${os.cpus()[0]?.model ?? 'unknown processor'}, Node.js ${process.version}\n`)
run(
  'cmake',
  ['-S', 'native', '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DHAWSER_TESTS=ON'],
  'pipe',
)
run(
  'cmake',
  ['--build', build, '--target', ...targets, '-j', String(os.availableParallelism())],
  'pipe',
)
for (const target of targets) {
  console.log(`--- ${target}`)
  run(path.join(build, target), [], 'inherit')
}
console.log('--- flood')
run(process.execPath, ['bench/security/flood.mjs'], 'inherit')
