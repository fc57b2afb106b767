#!/usr/bin/env node
// npm run bench:security
//
// What cryptography, handshakes and strangers cost, and what an idle session keeps. First without sockets (native/test/bench), then over
// the loopback interface with a peer in a process of its own. In the end one table; exit code 1 when a limit in it is broken. An aim
// that is missed is no failure: what a processor does in a second is not ours.

import { spawn, spawnSync } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { fromText, limit, table } from './table.mjs'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
const build = path.join(root, 'build-bench')
const unproven = 1_000 // thousand

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'pipe', encoding: 'utf8' })
  if (result.error) throw new Error(`${command}: ${result.error.message}`)
  if (result.status !== 0) {
    throw new Error(`${command} failed\n${result.stdout ?? ''}${result.stderr ?? ''}`)
  }
}

/** Runs a program to its end, shows what it says, and collects its rows. */
async function measure(command, args, { onLine = (line) => console.log(line), env = {} } = {}) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const rows = []
  const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) {
    const row = fromText(line)
    if (row) rows.push(row)
    else onLine(line)
  }
  const code = await ended
  const broken = rows.some(({ verdict }) => verdict === 'FAILED')
  if (code !== 0 && !broken) {
    rows.push(limit(path.basename(args[0] ?? command), `ended with ${code}`, 'exit code 0', false))
  }
  return rows
}

/** A mixture of all that a stranger can send, by the unit test that judges it at every moment. */
async function strangers() {
  let said = ''
  const rows = await measure(
    path.join(build, 'hawser_unproven'),
    ['--gtest_filter=*MoreTraffic*'],
    {
      env: { HAWSER_UNPROVEN: String(unproven) },
      onLine: (line) => {
        if (/datagrams in/.test(line)) said = line
      },
    },
  )
  const [, datagrams, bytesIn, bytesOut] =
    /^(\d+) datagrams in, (\d+) bytes; (\d+) bytes out/.exec(said) ?? []
  return [
    ...rows,
    limit(
      `${datagrams ?? 'no'} unproven inputs: bytes out, of bytes in at every moment`,
      `${((bytesOut / bytesIn) * 100).toFixed(1)} %`,
      '<= 100 %',
      rows.length === 0 && Number(datagrams) === unproven * 1_000,
    ),
  ]
}

const targets = ['hawser_security_bench', 'hawser_crypto_bench', 'hawser_unproven']
console.log(`${os.cpus()[0]?.model ?? 'unknown processor'}, Node.js ${process.version}\n`)
run('cmake', ['-S', 'native', '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DHAWSER_TESTS=ON'])
run('cmake', ['--build', build, '--target', ...targets, '-j', String(os.availableParallelism())])
console.log('--- cryptography, best of 15 runs')
const rows = await measure(path.join(build, 'hawser_crypto_bench'), [])
console.log('\n--- strangers, without sockets ...')
rows.push(...(await measure(path.join(build, 'hawser_security_bench'), ['--rows'])))
rows.push(...(await strangers()))
console.log('--- strangers, over sockets ...\n')
rows.push(...(await measure(process.execPath, ['bench/security/flood.mjs', '--rows'])))
console.log(table(rows))
if (rows.some(({ verdict }) => verdict === 'FAILED')) process.exitCode = 1
