// The acceptance tests of the claims, run against the packed tarball installed in an empty folder (claims 45 in part, 46 to 59, 63
// and 64: the system as software that is installed).

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { cleanEnvironment, type Installed, install, root } from './install'

let installed: Installed

beforeAll(() => {
  installed = install()
}, 180_000)

afterAll(() => {
  fs.rmSync(installed.folder, { recursive: true, force: true })
})

function runClaims(...args: string[]) {
  const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js')
  return spawnSync(process.execPath, [jest, '--silent', ...args], {
    cwd: root,
    env: { ...cleanEnvironment(), HAWSER_PACKAGE: installed.app },
    encoding: 'utf8',
  })
}

test('every claim holds for the installed package', () => {
  const report = path.join(installed.folder, 'claims.json')
  const result = runClaims('test/claims', '--json', `--outputFile=${report}`)
  expect({ status: result.status, errors: result.status === 0 ? '' : result.stderr }).toEqual({
    status: 0,
    errors: '',
  })
  const { numPassedTests, numTotalTests, testResults } = JSON.parse(fs.readFileSync(report, 'utf8'))
  expect(numPassedTests).toBe(numTotalTests)
  const files = fs
    .readdirSync(path.join(root, 'test', 'claims'))
    .filter((name) => name.endsWith('.test.ts'))
  expect(testResults).toHaveLength(files.length)
}, 300_000)

// Or the test above could have tested the source tree.
test('the claims fail without the installed package', () => {
  const where = path.join(installed.app, 'node_modules', 'hawser')
  fs.renameSync(where, `${where}-away`)
  try {
    const result = runClaims('test/claims/order.test.ts')
    expect(result.status).toBe(1)
    expect(result.stderr).toContain('Cannot find module')
  } finally {
    fs.renameSync(`${where}-away`, where)
  }
}, 120_000)
