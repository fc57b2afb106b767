#!/usr/bin/env node
// npm run bench:micro -- [FILTER] [--seconds 1] [--json FILE] [--once]
//
// The micro-benchmarks whose name contains FILTER, one line each. --json also writes them to a file; --once does each
// of them a single time, only to see that what is measured is done.

import fs from 'node:fs'
import { parseArgs } from 'node:util'
import { checkMicro, runMicro } from './index.mjs'

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

function shown({ name, hz, nsPerOp, rme, samples }) {
  const time = nsPerOp >= 100 ? whole.format(nsPerOp) : nsPerOp.toFixed(1)
  return [
    name.padEnd(64),
    `${whole.format(hz).padStart(14)} ops/s`,
    `${time.padStart(9)} ns/op`,
    `±${rme.toFixed(1)} %`.padStart(8),
    `${String(samples).padStart(4)} samples`,
  ].join('  ')
}

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '1' },
      json: { type: 'string' },
      once: { type: 'boolean', default: false },
    },
  })
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new Error('--seconds takes a number above 0')
  if (positionals.length > 1) throw new Error('one filter at most')
  return { ...values, seconds, filter: positionals[0] }
}

try {
  const { filter, seconds, json, once } = options()
  const results = once
    ? checkMicro({ filter })
    : await runMicro({ filter, seconds, onResult: (result) => console.log(shown(result)) })
  if (once) for (const { name } of results) console.log(`${name}: done`)
  if (json !== undefined) fs.writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
