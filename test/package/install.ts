// The packed tarball, installed in an empty folder, as a user has it.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export const root = path.resolve(__dirname, '../..')
export const tuple = `${process.platform}-${process.arch}`
export const prebuiltName = `hawser.${fs.existsSync('/etc/alpine-release') ? 'musl' : 'glibc'}.node`

export interface Installed {
  /** Holds everything here. */
  readonly folder: string
  /** Where the package is installed. */
  readonly app: string
  readonly packed: { filename: string; size: number; files: { path: string }[] }
}

/** Without what npm tells the script it runs about this package, and without our own settings. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (
      /^(npm_(package|lifecycle)_|npm_config_(local_prefix|prefix)$|HAWSER_|NODE_PATH$)/.test(name)
    ) {
      continue
    }
    env[name] = value
  }
  return env
}

export function run(command: string, args: string[], cwd: string) {
  const result = spawnSync(command, args, { cwd, env: cleanEnvironment(), encoding: 'utf8' })
  return { ...result, all: `${result.stdout}${result.stderr}` }
}

/** The package as it is published: its files in a folder of their own, and the addon that was built here. */
function stage(folder: string): string {
  const staged = path.join(folder, 'staged')
  fs.mkdirSync(staged)
  for (const name of [
    'package.json',
    'binding.gyp',
    'README.md',
    'LICENSE',
    'LICENSE.openssl',
    'CHANGELOG.md',
    'dist',
    'native',
  ]) {
    const source = path.join(root, name)
    if (fs.existsSync(source)) fs.cpSync(source, path.join(staged, name), { recursive: true })
  }
  const prebuilds = path.join(staged, 'prebuilds', tuple)
  fs.mkdirSync(prebuilds, { recursive: true })
  const prebuilt = path.join(prebuilds, prebuiltName)
  fs.copyFileSync(path.join(root, 'build', 'Release', 'hawser.node'), prebuilt)
  run('strip', ['--strip-all', prebuilt], folder)
  return staged
}

/** Takes a while. */
export function install(): Installed {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-pack-'))
  const staged = stage(folder)
  const pack = run(
    'npm',
    ['pack', '--json', '--ignore-scripts', `--pack-destination=${folder}`],
    staged,
  )
  expect({ status: pack.status, error: pack.status === 0 ? '' : pack.all }).toEqual({
    status: 0,
    error: '',
  })
  const packed = JSON.parse(pack.stdout)[0]

  const app = path.join(folder, 'app')
  fs.mkdirSync(app)
  fs.writeFileSync(path.join(app, 'package.json'), '{"private":true}')
  const installed = run(
    'npm',
    [
      'install',
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      path.join(folder, packed.filename),
    ],
    app,
  )
  expect({
    status: installed.status,
    error: installed.status === 0 ? '' : installed.all,
  }).toEqual({
    status: 0,
    error: '',
  })
  return { folder, app, packed }
}
