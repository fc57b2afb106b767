#!/usr/bin/env node
// Builds prebuilds/<platform>-<arch>/ with prebuildify, away from build/ (which stays as it is), and checks
// that the result reaches down to the floor. Where OpenSSL's static library is at hand, it is linked in for
// runtimes that have none (scripts/linked-openssl.mjs); --linked fails where it is not.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { checkFloor } from './check-floor.mjs'
import { localHeaders, root } from './ensure.mjs'
import { linkedMissing, makeLinked } from './linked-openssl.mjs'

function run(args, options = {}) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.status !== 0) throw new Error(`${path.basename(args[0])} failed`)
}

function prebuild(staging) {
  for (const part of ['package.json', 'binding.gyp', 'native']) {
    fs.cpSync(path.join(root, part), path.join(staging, part), {
      recursive: true,
      filter: (source) => !/native[\\/](test|build)$/.test(source),
    })
  }
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(staging, 'node_modules'), 'junction')
  const object = path.join(staging, 'linked', 'openssl.o')
  const missing = linkedMissing()
  if (missing === undefined) makeLinked(object)
  else if (process.argv.includes('--linked')) throw new Error(`no OpenSSL to link in: ${missing}`)
  else console.log(`prebuild: without an OpenSSL of its own: ${missing}`)
  const headers = localHeaders()
  const prebuildify = path.join(root, 'node_modules', 'prebuildify', 'bin.js')
  run([prebuildify, '--napi', `--target=${process.versions.node}`, '--tag-libc', '--strip'], {
    cwd: staging,
    env: {
      ...process.env,
      JOBS: String(os.availableParallelism()),
      ...(missing === undefined
        ? { GYP_DEFINES: `${process.env.GYP_DEFINES ?? ''} linked_openssl=${object}` }
        : {}),
      // node-gyp's own way to be told where headers are; without it it downloads them
      ...(headers === undefined ? {} : { npm_config_nodedir: headers }),
    },
  })

  const tuple = `${process.platform}-${process.arch}`
  const target = path.join(root, 'prebuilds', tuple)
  fs.mkdirSync(target, { recursive: true })
  for (const name of fs.readdirSync(path.join(staging, 'prebuilds', tuple))) {
    const file = path.join(target, name)
    fs.copyFileSync(path.join(staging, 'prebuilds', tuple, name), file)
    console.log(`${path.relative(root, file)}: ${fs.statSync(file).size} bytes`)
    if (process.platform !== 'linux') continue
    const { problems } = checkFloor(file)
    if (problems.length > 0) throw new Error(problems.join('\n'))
  }
}

const staging = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-prebuild-'))
try {
  run(['scripts/ensure.mjs', 'install'])
  prebuild(staging)
} catch (error) {
  console.error(`prebuild: ${error.message}`)
  process.exitCode = 1
} finally {
  fs.rmSync(staging, { recursive: true, force: true })
}
