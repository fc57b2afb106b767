// Finds and loads the addon, when it is first needed: importing the package never fails, and the command line
// can offer `hawser rebuild` when there is no addon.

import { accessSync } from 'node:fs'
import path from 'node:path'
import { HawserError } from './errors'
import type { NativeBinding } from './native_types'

/** The package's own folder: this file is lib/native.ts or dist/native.js in it. */
export const packageRoot = path.resolve(__dirname, '..')

let loaded: NativeBinding | undefined

/** The addon. Throws `HawserError` with code `NATIVE_MISSING` when there is none that loads here. */
export function native(): NativeBinding {
  loaded ??= load()
  return loaded
}

function load(): NativeBinding {
  try {
    // A build elsewhere, for instance one with a sanitizer.
    const chosen = process.env.HAWSER_ADDON
    if (chosen !== undefined && chosen !== '') return require(path.resolve(chosen))
    // build/Release (rebuilt here) comes before prebuilds/<platform>-<arch>/.
    return require('node-gyp-build')(packageRoot)
  } catch (cause) {
    throw missing(cause)
  }
}

function missing(cause: unknown): HawserError {
  const text = (cause as { message?: unknown } | null)?.message ?? cause
  const reason = String(text).split('\n')[0] ?? ''
  return new HawserError(
    'NATIVE_MISSING',
    `the native part of hawser cannot be loaded on ${describePlatform()}: ${reason}`,
    {
      hint: 'run `npx hawser rebuild` to build it here; that needs python3, make and a C++20 compiler',
      cause,
    },
  )
}

/** Platform, processor and C library, as in `linux-x64-glibc`. */
export function describePlatform(): string {
  const parts: string[] = [process.platform, process.arch]
  if (process.platform === 'linux') parts.push(isMusl() ? 'musl' : 'glibc')
  return parts.join('-')
}

/** The test node-gyp-build makes when it picks a prebuild. */
function isMusl(): boolean {
  try {
    accessSync('/etc/alpine-release')
    return true
  } catch {
    return false
  }
}
