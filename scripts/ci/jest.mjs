// node scripts/ci/jest.mjs REPORT COMMAND...: runs jest, whose report goes to the file REPORT. Test files that fail
// beside others run once more, alone: on a shared machine that stands still for seconds, waiting can be in vain.
// What passes then is said, with how it failed, and counted as passed; what fails again, or more than `most` files
// at once, has failed. Everything deterministic (the simulator, the unit tests) has one chance.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'

const most = 3

const [report, ...command] = process.argv.slice(2)

function jest(output, ...more) {
  // What an earlier run has left says nothing about this one, which may end without a report.
  fs.rmSync(output, { force: true })
  const [name, ...args] = [...command, '--json', `--outputFile=${output}`, ...more]
  const { status, error } = spawnSync(name, args, { stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}

const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'))

/** The report of all, with what came of those that ran again. */
function merged(all, again, flaky) {
  const testResults = all.testResults.map(
    (result) => again.testResults.find(({ name }) => name === result.name) ?? result,
  )
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const count = (list, status) => list.filter((one) => one.status === status).length
  return {
    ...all,
    testResults,
    success: again.success,
    numTotalTests: tests.length,
    numPassedTests: count(tests, 'passed'),
    numFailedTests: count(tests, 'failed'),
    numPassedTestSuites: count(testResults, 'passed'),
    numFailedTestSuites: count(testResults, 'failed'),
    numRuntimeErrorTestSuites: again.numRuntimeErrorTestSuites,
    numFlakyFiles: flaky,
  }
}

function runAgain(status) {
  if (!fs.existsSync(report)) return status
  const all = read(report)
  const failed = all.testResults.filter((result) => result.status === 'failed')
  if (failed.length === 0 || failed.length > most) return status
  // Or something has failed that is no test.
  if (failed.length !== all.numFailedTestSuites) return status
  console.log(`\n=== ${failed.length} failed, and run again alone`)
  const second = `${report}.again`
  const files = failed.map(({ name }) => name)
  const ended = jest(second, '--runInBand', '--runTestsByPath', ...files)
  if (!fs.existsSync(second)) return status
  const again = read(second)
  fs.rmSync(second)
  const passed = new Set(
    again.testResults.filter((result) => result.status === 'passed').map(({ name }) => name),
  )
  const good = ended === 0 && files.every((name) => passed.has(name))
  fs.writeFileSync(report, JSON.stringify(merged(all, again, good ? files.length : 0)))
  if (!good) return ended === 0 ? status : ended
  for (const { name, message } of failed) {
    console.log(`=== FLAKY, passed when it ran alone: ${name}\n${message}`)
  }
  return 0
}

const status = jest(report)
process.exitCode = status === 0 ? 0 : runAgain(status)
