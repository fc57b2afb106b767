#!/usr/bin/env node
// node scripts/linked-openssl.mjs FILE.o
//
// Makes the object file that a prebuilt addon links, so that it has an OpenSSL where the runtime exports none:
// native/crypto/linked/ and the parts of the static libcrypto.a that it needs. One name in it is global,
// hawser_linked_openssl; all others are made local, so that they can neither be found from outside nor be bound
// to what else in the process has the same name.
//
// Needs OpenSSL 3.0's headers and static library (Debian 12: libssl-dev) and binutils. Linux only.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const compiler = process.env.CXX ?? 'g++'

function call(command, args) {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function compilerSays(...args) {
  try {
    return call(compiler, args)
  } catch {
    return ''
  }
}

function libcrypto() {
  return compilerSays('-print-file-name=libcrypto.a').trim()
}

/** Of OpenSSL's headers, as in 3.0.19; empty if there are none. */
function headersVersion() {
  const macros = compilerSays('-E', '-dM', '-x', 'c', '-include', 'openssl/opensslv.h', '/dev/null')
  return /#define OPENSSL_FULL_VERSION_STR "(.*)"|$/.exec(macros)?.[1] ?? ''
}

/** Why the object cannot be made here, or undefined. */
export function linkedMissing() {
  if (process.platform !== 'linux') return 'that is for Linux only'
  // The compiler answers the bare name when it does not find the file.
  if (!path.isAbsolute(libcrypto())) return 'there is no static libcrypto.a (Debian: libssl-dev)'
  const version = headersVersion()
  if (version.startsWith('3.0.')) return undefined
  return `it has to be OpenSSL 3.0, the headers here are of ${version || 'none'}`
}

export function makeLinked(object) {
  const { standard, include_dirs, cflags, addon_cflags } = JSON.parse(
    fs.readFileSync(path.join(root, 'native', 'sources.json'), 'utf8'),
  )
  fs.mkdirSync(path.dirname(object), { recursive: true })
  const folder = path.join(root, 'native', 'crypto', 'linked')
  const sources = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.cc'))
    .sort()
  const ours = sources.map((name) => `${object}.${name}.o`)
  const whole = `${object}.whole`
  try {
    for (const [i, source] of sources.entries()) {
      call(compiler, [
        ...[`-std=${standard}`, '-O2', '-DNDEBUG', '-fPIC', ...cflags],
        ...include_dirs.map((include) => `-I${path.join(root, include)}`),
        ...addon_cflags,
        ...['-c', path.join(folder, source), '-o', ours[i]],
      ])
    }
    // -d: what C leaves to be merged with others of the same name has a place now, and can be local.
    call('ld', ['-r', '-d', ...ours, libcrypto(), '-o', whole])
    call('objcopy', ['--keep-global-symbol=hawser_linked_openssl', whole, object])
  } finally {
    for (const file of [...ours, whole]) fs.rmSync(file, { force: true })
  }
}

if (import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  const object = process.argv[2]
  if (object === undefined) {
    console.error('usage: node scripts/linked-openssl.mjs FILE.o')
    process.exit(2)
  }
  const missing = linkedMissing()
  if (missing !== undefined) {
    console.error(`no OpenSSL to link in: ${missing}`)
    process.exitCode = 1
  } else makeLinked(path.resolve(object))
}
