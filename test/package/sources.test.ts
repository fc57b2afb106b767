import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const root = path.resolve(__dirname, '../..')
// Generators, and what only prebuilt addons have.
const apart = ['vectors', 'linked']
const rooms = ['wire', 'crypto', 'transport', 'net', 'engine', 'binding']

interface SourceList {
  sources: string[]
  defines: string[]
  standard: string
}

const list: SourceList = JSON.parse(
  fs.readFileSync(path.join(root, 'native', 'sources.json'), 'utf8'),
)

function sourcesOnDisk(folder: string): string[] {
  if (!fs.existsSync(path.join(root, folder))) return []
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`
    if (entry.isDirectory()) return apart.includes(entry.name) ? [] : sourcesOnDisk(name)
    return name.endsWith('.cc') ? [name] : []
  })
}

function filesIn(folder: string): string[] {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`
    return entry.isDirectory() ? filesIn(name) : [name]
  })
}

test('native/sources.json lists the files on disk, each once', () => {
  const onDisk = rooms.flatMap((room) => sourcesOnDisk(`native/${room}`))
  expect(onDisk.length).toBeGreaterThan(0)
  expect(list.sources).toEqual(onDisk.sort())
})

test('the OpenSSL of prebuilt addons is in none of what an addon is built from', () => {
  expect(sourcesOnDisk('native/crypto/linked').length).toBeGreaterThan(0)
  expect(list.sources.filter((source) => source.includes('linked'))).toEqual([])
  // No other room may know OpenSSL's headers.
  const headers = rooms
    .flatMap((room) => filesIn(`native/${room}`))
    .filter((file) => /#include <openssl\//.test(fs.readFileSync(path.join(root, file), 'utf8')))
  expect(new Set(headers.map((file) => path.dirname(file)))).toEqual(
    new Set(['native/crypto/linked']),
  )
})

test('sync-sources --check agrees', () => {
  const check = spawnSync(process.execPath, ['scripts/sync-sources.mjs', '--check'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(check.stderr).toBe('')
  expect(check.status).toBe(0)
})

test('binding.gyp takes sources, defines and standard from the list only', () => {
  const gyp = fs.readFileSync(path.join(root, 'binding.gyp'), 'utf8')
  expect(gyp).not.toMatch(/\.cc'/)
  expect(gyp).not.toMatch(/std=c\+\+\d/)
  for (const define of list.defines) expect(gyp).not.toContain(define)
})

test('CMake sees the same list', () => {
  const cmake = spawnSync('cmake', ['--version'])
  if (cmake.error) return // cmake is a tool of developers; CI has it
  const build = fs.mkdtempSync(path.join(root, 'build-cmake-list-'))
  try {
    execFileSync('cmake', ['-S', 'native', '-B', build, '-DHAWSER_TESTS=OFF'], {
      cwd: root,
      stdio: 'pipe',
    })
    const commands: { file: string }[] = JSON.parse(
      fs.readFileSync(path.join(build, 'compile_commands.json'), 'utf8'),
    )
    const compiled = commands.map(({ file }) => path.relative(root, file))
    const core = list.sources.filter((source) => !source.startsWith('native/binding/'))
    // The simulator, the generator of vectors, what measures and what is linked in are targets apart.
    const ofAddon = compiled.filter(
      (file) => !/^native\/(sim|test\/bench|wire\/vectors|crypto\/linked)\//.test(file),
    )
    expect(ofAddon.sort()).toEqual(core)
  } finally {
    fs.rmSync(build, { recursive: true, force: true })
  }
})
