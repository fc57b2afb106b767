// README's first example, in TypeScript, as an ES module and as CommonJS: each prints the answer, and the process ends.

import fs from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { runScript } from '../support/child'

const root = path.resolve(__dirname, '../..')
const read = (name: string) => fs.readFileSync(path.join(root, name), 'utf8')

/** README's first block of TypeScript. */
const first = /```ts\n(.*?)```/s.exec(read('README.md'))?.[1] ?? ''

/** What matters of an example: its lines without indentation and without what wraps them in a function. */
const gist = (code: string) =>
  code
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(import .*|const \{ createPeer \} = require.*)$/.test(line))
    .filter((line) => !/^(async function main\(\) \{|main\(\))$/.test(line))

function transpiled(code: string, module: ts.ModuleKind): string {
  const compilerOptions = { module, target: ts.ScriptTarget.ES2022 }
  return ts.transpileModule(code, { compilerOptions }).outputText
}

test.each<[string, 'cjs' | 'mjs', () => string]>([
  ['README, TypeScript', 'mjs', () => transpiled(first, ts.ModuleKind.ES2022)],
  ['examples/echo.ts', 'cjs', () => transpiled(read('examples/echo.ts'), ts.ModuleKind.CommonJS)],
  ['examples/echo.mjs', 'mjs', () => read('examples/echo.mjs')],
  ['examples/echo.cjs', 'cjs', () => read('examples/echo.cjs')],
])('%s', async (_, ending, code) => {
  const ended = await runScript(ending, code())
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'hello\n', stderr: '' })
})

/** README's block of TypeScript about testing. */
const testing = /```ts\n(import \{ createTestNetwork \}.*?)```/s.exec(read('README.md'))?.[1] ?? ''

test.each<[string, 'cjs' | 'mjs', string]>([
  ['README', 'mjs', transpiled(testing, ts.ModuleKind.ES2022)],
  ['examples/testing.ts', 'cjs', transpiled(read('examples/testing.ts'), ts.ModuleKind.CommonJS)],
])('%s, on a simulated network', async (_, ending, code) => {
  const ended = await runScript(ending, code)
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'lost\nand\nfound\n1 1\n', stderr: '' })
})

test("examples/testing.ts is README's example", () => {
  const wanted = gist(testing)
  expect(wanted.length).toBeGreaterThan(8)
  const found = gist(read('examples/testing.ts')).filter((line) => !line.startsWith('//'))
  expect(found.slice(0, wanted.length)).toEqual(wanted)
})

test.each(['echo.ts', 'echo.mjs', 'echo.cjs'])("examples/%s is README's example", (name) => {
  const wanted = gist(first)
  expect(wanted.length).toBeGreaterThan(8)
  // Those that wrap it in a function end with a brace more.
  expect(gist(read(`examples/${name}`)).slice(0, wanted.length)).toEqual(wanted)
})
