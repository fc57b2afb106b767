#!/usr/bin/env node
// node scripts/check-floor.mjs FILE.node
//
// Reads an addon's dynamic symbols (with nm) and fails when it would not load on the oldest systems we
// name, or would disturb the process that loads it:
//  - a symbol version above the floor: glibc 2.28, GLIBCXX 3.4.25, CXXABI 1.3.11, as Node's own binaries;
//  - an unversioned symbol other than Node-API: OpenSSL and libuv must be looked up at run time, because
//    Bun, Deno and Electron do not export them;
//  - an exported symbol other than Node-API's two entry points;
//  - a shared library other than those a C++ program has anyway.

import { execFileSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'

const floor = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '4.3.0' }
const entryPoints = /^(napi_register_module_v1|node_api_module_get_api_version_v1)$/
const libraries = /^(libc|libm|libdl|libpthread|libstdc\+\+|libgcc_s|ld-linux[\w-]*)\.so\.\d+$/

function above(version, limit) {
  const [a, b] = [version, limit].map((text) => text.split('.').map(Number))
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0)
  }
  return false
}

/** Returns what was found wrong, one line each, and the highest version of each kind. */
export function checkFloor(file) {
  const problems = []
  const highest = {}
  const symbols = execFileSync('nm', ['--dynamic', '--with-symbol-versions', file], {
    encoding: 'utf8',
  })
  for (const line of symbols.trim().split('\n')) {
    const match = /^\s*(?:[0-9a-f]+\s+)?(\w)\s+([^@\s]+)(?:@+(\w+?)_([\d.]+))?/.exec(line)
    if (match === null) {
      problems.push(`not understood: ${line.trim()}`)
      continue
    }
    const [, type, name, kind, version] = match
    if (kind !== undefined) {
      if (highest[kind] === undefined || above(version, highest[kind])) highest[kind] = version
      if (floor[kind] === undefined) problems.push(`${name}: unknown version ${kind}_${version}`)
      else if (above(version, floor[kind])) {
        problems.push(`${name} needs ${kind}_${version}, the floor is ${floor[kind]}`)
      }
    } else if (type === 'U' && !/^(napi|node_api)_/.test(name)) {
      problems.push(`${name}: undefined, and neither versioned nor Node-API`)
    } else if (!'Uwv'.includes(type) && !entryPoints.test(name)) {
      problems.push(`${name}: exported`)
    }
  }
  const needed = execFileSync('objdump', ['--private-headers', file], { encoding: 'utf8' })
  for (const [, library] of needed.matchAll(/^\s*NEEDED\s+(\S+)/gm)) {
    if (!libraries.test(library)) problems.push(`links to ${library}`)
  }
  return { problems, highest }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = process.argv[2]
  if (file === undefined) {
    console.error('usage: node scripts/check-floor.mjs FILE.node')
    process.exit(2)
  }
  const { problems, highest } = checkFloor(file)
  for (const problem of problems) console.error(`${file}: ${problem}`)
  const summary = Object.entries(highest).map(([kind, version]) => `${kind} ${version}`)
  console.log(`${file}: needs ${summary.join(', ')}`)
  process.exitCode = problems.length > 0 ? 1 : 0
}
