// Micro-benchmarks: what the small steps cost of which a message's way consists. Driven by the npm library benchmark; the
// native ones are loops over the code of native/ in an addon of their own (bench/micro/addon), which is built when it is needed.

import { createRequire } from 'node:module'
import { setImmediate } from 'node:timers/promises'
import { loadAddon } from './addon.mjs'
import { aead } from './sets/aead.mjs'
import { boundary } from './sets/boundary.mjs'
import { codec } from './sets/codec.mjs'
import { rings } from './sets/rings.mjs'
import { timers } from './sets/timers.mjs'

const require = createRequire(import.meta.url)
const Benchmark = require('benchmark')

/**
 * One thing that is measured. `call()` does it `perCall` times and answers `work`; `check()` looks at what came of a call,
 * `prepare()` comes before that.
 *
 * @typedef {{ name: string, perCall: number, call: () => unknown, work: unknown, prepare?: () => void, check?: () => void }} Micro
 */

let loaded

/** @returns {Micro[]} those whose name contains `filter`. Throws when there is none, or when the addon cannot be built. */
function micros(filter = '') {
  if (loaded === undefined) {
    const { Engine } = require('../../dist/engine.js')
    const { decodeFrames } = require('../../dist/testing/index.js')
    const parts = { addon: loadAddon(), Engine, decodeFrames }
    loaded = [codec, rings, boundary, aead, timers].flatMap((set) => set(parts))
  }
  const chosen = loaded.filter(({ name }) => name.includes(filter))
  if (chosen.length === 0) throw new Error(`no micro-benchmark's name contains '${filter}'`)
  return chosen
}

function once({ name, call, work, prepare, check }) {
  prepare?.()
  const done = call()
  if (done !== work) throw new Error(`${name}: ${done} was done, and not ${work}`)
  check?.()
}

/**
 * Does everything once and looks whether it was done: the right number of messages, bytes or timers, and the right bytes.
 * Throws where it was not. Answers what was looked at, by name.
 */
export function checkMicro({ filter } = {}) {
  return micros(filter).map((micro) => {
    once(micro)
    return { name: micro.name, perCall: micro.perCall }
  })
}

/**
 * Measures what `filter` (a part of the name) chooses, everything by default, each for about `seconds` (1 by default),
 * after it has been checked as by {@link checkMicro}.
 *
 * A result is `{ name, hz, nsPerOp, rme, samples }`: operations a second, nanoseconds for one, the relative margin of
 * error in per cent (95 % confidence), and the number of samples. `onResult` gets each as soon as it is there.
 */
export async function runMicro({ filter, onResult, seconds = 1 } = {}) {
  const results = []
  for (const micro of micros(filter)) {
    once(micro)
    // Between two, garbage and timers have their turn.
    await setImmediate()
    const bench = new Benchmark(micro.name, micro.call, { maxTime: seconds, minSamples: 5 })
    bench.run({ async: false })
    if (bench.error !== undefined) throw bench.error
    const hz = bench.hz * micro.perCall
    const result = {
      name: micro.name,
      hz,
      nsPerOp: 1e9 / hz,
      rme: bench.stats.rme,
      samples: bench.stats.sample.length,
    }
    results.push(result)
    onResult?.(result)
  }
  return results
}
