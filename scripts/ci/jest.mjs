// node scripts/ci/jest.mjs REPORT COMMAND...: runs jest, whose report goes to the file REPORT. Test files that fail
// beside others run once more, alone: on a shared machine that stands still for seconds, waiting can be in vain.
// What passes then is said, with how it failed, and counted as passed; what fails again, or more than `most` files
// at once, has failed. Everything deterministic (the simulator, the unit tests) has one chance.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'

const most = 3

const [report, ...command] = process.argv.slice(2)

function jest(output, ...more) {
  const [name, ...args] = [...command, '--json', `--outputFile=${output}`, ...more]
  const { status, error } = spawnSync(name, args, { stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}

const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'))

/** The report of all, with what came of those that ran again. */
function merged(all, again) {
  const testResults = all.testResults.map(
    (result) => again.testResults.find(({ name }) => name === result.name) ?? result,
  )
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const count = (status) => tests.filter((test) => test.status === status).length
  return {
    ...all,
    testResults,
    success: again.success,
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numRuntimeErrorTestSuites: again.numRuntimeErrorTestSuites,
    numFailedTestSuites: again.numFailedTestSuites,
  }
}

function runAgain(status) {
  if (!fs.existsSync(report)) return status
  const all = read(report)
  const failed = all.testResults.filter((result) => result.status === 'failed')
  if (failed.length === 0 || failed.length > most) return status
  console.log(`\n=== ${failed.length} failed, and run again alone`)
  const second = `${report}.again`
  const files = failed.map(({ name }) => name)
  const ended = jest(second, '--runInBand', '--runTestsByPath', ...files)
  if (!fs.existsSync(second)) return status
  fs.writeFileSync(report, JSON.stringify(merged(all, read(second))))
  fs.rmSync(second)
  if (ended !== 0) return ended
  for (const { name, message } of failed) {
    console.log(`=== FLAKY, passed when it ran alone: ${name}\n${message}`)
  }
  return 0
}

const status = jest(report)
process.exitCode = status === 0 ? 0 : runAgain(status)
