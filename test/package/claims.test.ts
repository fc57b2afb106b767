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

test('every claim holds for the installed package', () => {
  const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js')
  const report = path.join(installed.folder, 'claims.json')
  const result = spawnSync(
    process.execPath,
    [jest, 'test/claims', '--json', `--outputFile=${report}`, '--silent'],
    {
      cwd: root,
      env: { ...cleanEnvironment(), HAWSER_PACKAGE: installed.app },
      encoding: 'utf8',
    },
  )
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
  // It was the installed one that was tested.
  expect(fs.existsSync(path.join(installed.app, 'node_modules', 'hawser', 'package.json'))).toBe(
    true,
  )
}, 300_000)
