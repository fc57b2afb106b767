// node scripts/ci/count.mjs RESULTS STATUS: sums up the reports in a folder (jest's and GoogleTest's JSON) and
// prints the line that ends CI. What had to run again stands before it. A run that failed without a failed test (lint, a build) counts one.

import fs from 'node:fs'
import path from 'node:path'

const [folder, status] = process.argv.slice(2)
let passed = 0
let failed = 0
let flaky = 0
for (const name of fs.readdirSync(folder)) {
  const report = JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'))
  if (report.numTotalTests !== undefined) {
    passed += report.numPassedTests
    failed += report.numFailedTests + report.numRuntimeErrorTestSuites
    flaky += report.numFlakyFiles ?? 0
  } else {
    const bad = report.failures + (report.errors ?? 0)
    const cases = report.testsuites.flatMap((suite) => suite.testsuite)
    passed += cases.filter((test) => test.result === 'COMPLETED').length - bad
    failed += bad
  }
}
if (status !== '0' && failed === 0) failed = 1
if (flaky > 0) console.log(`${flaky} test files passed only when they ran again, alone`)
console.log(`${passed} passed, ${failed} failed`)
