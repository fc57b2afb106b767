// scripts/ci/jest.mjs: a test that fails twice has failed, whatever ran beside it.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const script = path.join(__dirname, '../../scripts/ci/jest.mjs')

/** Stands in for jest: of each call it takes what to report from plan.json. */
const standIn = `
  const fs = require('node:fs')
  const [folder, ...args] = process.argv.slice(2)
  const calls = fs.existsSync(folder + '/calls.json') ? JSON.parse(fs.readFileSync(folder + '/calls.json')) : []
  const failing = JSON.parse(fs.readFileSync(folder + '/plan.json'))[calls.length]
  const at = args.indexOf('--runTestsByPath')
  const files = at < 0 ? ['a', 'b', 'c', 'd', 'e'] : args.slice(at + 1)
  fs.writeFileSync(folder + '/calls.json', JSON.stringify([...calls, files]))
  const testResults = files.map((name) => {
    const status = failing.includes(name) ? 'failed' : 'passed'
    return { name, status, message: 'how ' + name + ' failed', assertionResults: [{ status }] }
  })
  if (failing.includes('crash')) process.exit(1)
  const numFailedTests = testResults.filter(({ status }) => status === 'failed').length
  const numPassedTests = files.length - numFailedTests
  const output = args.find((arg) => arg.startsWith('--outputFile=')).slice(13)
  fs.writeFileSync(output, JSON.stringify({
    testResults, numFailedTests, numPassedTests, numTotalTests: files.length, numRuntimeErrorTestSuites: 0,
    numFailedTestSuites: numFailedTests, success: numFailedTests === 0,
  }))
  process.exitCode = numFailedTests > 0 ? 1 : 0
`

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'hawser-ci-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

function start() {
  writeFileSync(path.join(folder, 'jest.cjs'), standIn)
  const report = path.join(folder, 'report.json')
  const command = [process.execPath, path.join(folder, 'jest.cjs'), folder]
  const ended = spawnSync(process.execPath, [script, report, ...command], { encoding: 'utf8' })
  expect(existsSync(`${report}.again`)).toBe(false)
  return ended
}

/** Which files fail in the first run, and in the second. */
function run(...plan: string[][]) {
  writeFileSync(path.join(folder, 'plan.json'), JSON.stringify(plan))
  const { status, stdout } = start()
  const read = (name: string) => JSON.parse(readFileSync(path.join(folder, name), 'utf8'))
  return { status, stdout, report: read('report.json'), calls: read('calls.json') }
}

const all = ['a', 'b', 'c', 'd', 'e']

test('all pass: they run once', () => {
  const { status, report, calls } = run([])
  expect(status).toBe(0)
  expect(calls).toEqual([all])
  expect(report).toMatchObject({ numPassedTests: 5, numFailedTests: 0 })
})

test('what passes alone is said, with how it failed, and counts once', () => {
  const { status, stdout, report, calls } = run(['b', 'd'], [])
  expect(status).toBe(0)
  expect(calls).toEqual([all, ['b', 'd']])
  expect(stdout).toContain('FLAKY, passed when it ran alone: b\nhow b failed')
  expect(stdout).toContain('FLAKY, passed when it ran alone: d\nhow d failed')
  expect(report).toMatchObject({ numPassedTests: 5, numFailedTests: 0, numFlakyFiles: 2 })
})

test('a run that ends without a report has failed, whatever an earlier one has left', () => {
  writeFileSync(path.join(folder, 'plan.json'), JSON.stringify([['b'], ['crash']]))
  writeFileSync(
    path.join(folder, 'report.json'),
    JSON.stringify({ testResults: [{ name: 'b', status: 'failed' }], numFailedTestSuites: 1 }),
  )
  writeFileSync(path.join(folder, 'calls.json'), JSON.stringify([all]))
  const { status, stdout } = start()
  expect(status).toBe(1)
  expect(stdout).not.toContain('FLAKY')
})

test('what fails again has failed', () => {
  const { status, stdout, report, calls } = run(['b', 'd'], ['d'])
  expect(status).toBe(1)
  expect(calls).toEqual([all, ['b', 'd']])
  expect(stdout).not.toContain('FLAKY')
  expect(report).toMatchObject({ numPassedTests: 4, numFailedTests: 1, numFlakyFiles: 0 })
})

test('four files that fail at once are no chance', () => {
  const { status, report, calls } = run(['a', 'b', 'c', 'd'], [])
  expect(status).toBe(1)
  expect(calls).toEqual([all])
  expect(report).toMatchObject({ numPassedTests: 1, numFailedTests: 4 })
})
