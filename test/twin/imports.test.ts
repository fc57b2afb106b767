// The twin is to share nothing with what it is compared with: it imports node: modules and its own files, and nothing else.

import fs from 'node:fs'
import { builtinModules } from 'node:module'
import path from 'node:path'

const root = path.join(__dirname, '..', '..', 'bench', 'twin')

const files = fs
  .readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('dist'))

/** What a file's import and export declarations, import() and require() name. */
function importsOf(text: string): string[] {
  const declared = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]/g,
  )
  const called = text.matchAll(/\b(?:import|require|resolve)\s*\(\s*['"`]([^'"`]+)['"`]/g)
  return [...declared, ...called].map((match) => match[1] as string)
}

/** Where a name leads, if that is no file of the twin. */
function foreign(file: string, name: string): boolean {
  if (name.startsWith('node:')) return !builtinModules.includes(name.slice('node:'.length))
  if (!name.startsWith('.')) return true
  const target = path.resolve(root, path.dirname(file), name)
  return !files.includes(path.relative(root, `${target}.ts`))
}

test.each(files)('%s imports node: modules and files of the twin', (file) => {
  const names = importsOf(fs.readFileSync(path.join(root, file), 'utf8'))
  expect(names.filter((name) => foreign(file, name))).toEqual([])
})

test('every file is reached from index.ts', () => {
  const reached = new Set<string>()
  const waiting = ['index.ts']
  for (const file of waiting) {
    if (reached.has(file)) continue
    reached.add(file)
    for (const name of importsOf(fs.readFileSync(path.join(root, file), 'utf8'))) {
      if (!name.startsWith('.')) continue
      const target = path.resolve(root, path.dirname(file), name)
      waiting.push(path.relative(root, `${target}.ts`))
    }
  }
  expect([...reached].sort()).toEqual([...files].sort())
})

test('an import of the library would be found', () => {
  const samples = [
    "import { native } from '../../lib/native'",
    "import type { Peer } from 'hawser'",
    "import {\n  a,\n  b,\n} from '../../../dist'",
    "export * from '../security/flood'",
    "const addon = require('node-gyp-build')",
    "const { x } = await import('../../lib')",
    "import 'udx-native'",
  ]
  for (const sample of samples) {
    expect(importsOf(sample).filter((name) => foreign('index.ts', name))).toHaveLength(1)
  }
})
