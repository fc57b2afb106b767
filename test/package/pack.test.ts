// What a user gets: the packed tarball, installed in an empty folder, with a prebuilt addon and without.

import fs from 'node:fs'
import path from 'node:path'
import { type Installed, install, prebuiltName, root, run, tuple } from './install'

let folder = ''
let app = ''
let packed: Installed['packed']

beforeAll(() => {
  ;({ folder, app, packed } = install())
}, 180_000)

function node(...args: string[]) {
  return run(process.execPath, args, app)
}

afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true })
})

test('the tarball holds what is needed and nothing else', () => {
  const files = packed.files.map((file) => file.path)
  for (const needed of [
    'package.json',
    'LICENSE',
    'LICENSE.openssl',
    'README.md',
    'CHANGELOG.md',
    'binding.gyp',
    'native/sources.json',
    'dist/index.js',
    'dist/index.mjs',
    'dist/index.d.ts',
    'dist/index.d.mts',
    'dist/testing/index.js',
    'dist/testing/index.mjs',
    'dist/testing/index.d.ts',
    'dist/testing/index.d.mts',
    'dist/cli/main.js',
    `prebuilds/${tuple}/${prebuiltName}`,
  ]) {
    expect(files).toContain(needed)
  }
  const list = JSON.parse(fs.readFileSync(path.join(root, 'native', 'sources.json'), 'utf8'))
  expect(files).toEqual(expect.arrayContaining(list.sources))
  const allowed =
    /^(package\.json|LICENSE(\.openssl)?|README\.md|CHANGELOG\.md|binding\.gyp|native\/sources\.json|prebuilds\/.+\.node|dist\/.+\.(js|mjs|d\.ts|d\.mts)|native\/(wire|crypto|transport|net|engine|binding)\/.+\.(cc|h))$/
  expect(files.filter((file) => !allowed.test(file))).toEqual([])
  expect(files.filter((file) => /(^|\/)(vectors|tests?)(\/|$)/.test(path.dirname(file)))).toEqual(
    [],
  )
  expect(packed.size).toBeLessThan(2_000_000)
})

test('the package runs no script when it is installed', () => {
  const { scripts, gypfile } = JSON.parse(
    fs.readFileSync(path.join(app, 'node_modules/hawser/package.json'), 'utf8'),
  )
  expect(gypfile).toBe(false)
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) {
    expect(scripts).not.toHaveProperty(name)
  }
})

test('require and import give one instance, with the same names', () => {
  const script = `
    const required = require('hawser')
    const ours = (name) => name !== '__esModule' && name !== 'module.exports'
    import('hawser').then((imported) => {
      const names = Object.keys(required).filter(ours).sort()
      console.log(JSON.stringify({
        names,
        imported: Object.keys(imported).filter(ours).sort(),
        same: names.every((name) => imported[name] === required[name]),
      }))
    })`
  const result = node('-e', script)
  expect(result.stderr).toBe('')
  const { names, imported, same } = JSON.parse(result.stdout)
  expect(names).toEqual(expect.arrayContaining(['createPeer', 'HawserError']))
  expect(imported).toEqual(names)
  expect(same).toBe(true)
})

test('hawser/testing is there for both kinds of modules, and only when it is asked for', () => {
  const script = `
    require('hawser')
    const loaded = () => Object.keys(require.cache).some((file) => /dist.testing/.test(file))
    const before = loaded()
    const { createTestNetwork } = require('hawser/testing')
    import('hawser/testing').then((imported) => {
      console.log(JSON.stringify({
        before,
        after: loaded(),
        same: imported.createTestNetwork === createTestNetwork,
      }))
    })`
  const result = node('-e', script)
  expect(result.stderr).toBe('')
  expect(JSON.parse(result.stdout)).toEqual({ before: false, after: true, same: true })
})

test('an installed package simulates with its prebuilt addon', () => {
  fs.writeFileSync(
    path.join(app, 'simulated.mjs'),
    `import { createTestNetwork } from 'hawser/testing'
     const network = createTestNetwork({ seed: 3 })
     const [alice, bob] = [await network.createPeer(), await network.createPeer()]
     bob.serve('one', (channel) => { channel.send('simulated') })
     const channel = await alice.open(bob.address, 'one')
     console.log(String(await channel.receive()))
     await network.close()`,
  )
  const result = node('simulated.mjs')
  expect(result.all).toBe('simulated\n')
  expect(result.status).toBe(0)
})

test('an installed package makes a peer with its prebuilt addon', () => {
  fs.writeFileSync(
    path.join(app, 'peer.mjs'),
    `import { createPeer } from 'hawser'
     const peer = await createPeer()
     console.log(typeof peer.address)
     await peer.close()`,
  )
  const result = node('peer.mjs')
  expect(result.all).toBe('string\n')
  expect(result.status).toBe(0)
})

test('without an OpenSSL the error says so', () => {
  const script = `
    // What is built here has none linked in.
    process.env.HAWSER_OPENSSL = 'linked'
    const { createPeer } = require('hawser')
    createPeer().catch(({ code, message, hint }) => {
      console.log(JSON.stringify({ code, message, hint }))
    })`
  const result = node('-e', script)
  expect(result.stderr).toBe('')
  expect(JSON.parse(result.stdout)).toEqual({
    code: 'LISTEN_FAILED',
    message: expect.stringMatching(/encrypted: this addon has no libcrypto linked in: ENOSYS/),
    hint: expect.stringContaining('needs OpenSSL 3'),
  })
})

test('hawser --help works from the installed package', () => {
  const result = run(path.join(app, 'node_modules/.bin/hawser'), ['--help'], app)
  expect(result.stdout).toContain('rebuild')
  expect(result.status).toBe(0)
})

test('the types serve CommonJS and ES modules', () => {
  const example = path.join(__dirname, 'consumer', 'example.ts')
  fs.copyFileSync(example, path.join(app, 'example.ts'))
  fs.copyFileSync(example, path.join(app, 'example.mts'))
  fs.writeFileSync(
    path.join(app, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        types: ['node'],
        typeRoots: [path.join(root, 'node_modules', '@types')],
      },
      files: ['example.ts', 'example.mts'],
    }),
  )
  const checked = node(path.join(root, 'node_modules/typescript/bin/tsc'), '-p', '.')
  expect(checked.stdout).toBe('')
  expect(checked.status).toBe(0)
}, 60_000)

test('without an addon the error names the platform and what to do', () => {
  const prebuilds = path.join(app, 'node_modules/hawser/prebuilds')
  const aside = path.join(app, 'node_modules/hawser/prebuilds-aside')
  fs.renameSync(prebuilds, aside)
  try {
    const script = `
      const { createPeer, HawserError } = require('hawser')
      createPeer().catch((error) => {
        console.log(JSON.stringify([error instanceof HawserError, error.code, error.message, error.hint]))
      })`
    const result = node('-e', script)
    const [isHawserError, code, message, hint] = JSON.parse(result.stdout)
    expect(isHawserError).toBe(true)
    expect(code).toBe('NATIVE_MISSING')
    expect(message).toContain(tuple)
    expect(`${message} ${hint}`).toContain('npx hawser rebuild')
    expect(result.status).toBe(0)
  } finally {
    fs.renameSync(aside, prebuilds)
  }
})
