// The parts of the suite that are not pairs of JavaScript processes: micro-benchmarks, native ceilings.

import fs from 'node:fs'
import { hasController, usualController } from './congestion.mjs'
import { openPlace } from './places.mjs'
import { figure } from './results.mjs'

/** Seconds of one row. */
const ceilingSeconds = 2
const microSeconds = 0.5
const briefSeconds = 0.25

async function load(module, say) {
  const url = new URL(module, import.meta.url)
  if (fs.existsSync(url)) return import(url.href)
  say(
    `${module.split('/').slice(-2, -1)[0]} is left out: ${module.replace('../', 'bench/')} is not there`,
  )
  return undefined
}

export async function runMicro(choice, say) {
  const module = await load('../micro/index.mjs', say)
  const onResult = ({ name, nsPerOp }) => say(`${name}: ${figure(nsPerOp)} ns`)
  const seconds = choice.quick ? briefSeconds : microSeconds
  return module && attempt('micro', () => module.runMicro({ onResult, seconds }), say)
}

export async function runCeilings(choice, places, say) {
  const module = await load('../ceilings/index.mjs', say)
  if (module === undefined) return undefined
  const seconds = choice.seconds ?? (choice.quick ? briefSeconds : ceilingSeconds)
  const rows = []
  for (const name of places.filter((known) => known !== 'cable')) {
    const measured = await attempt(
      `ceilings on ${name}`,
      async () => {
        const place = await openPlace(name)
        try {
          return await module.runCeilings({
            place: place.namespace ?? name,
            seconds,
            controller: hasController(usualController) ? usualController : undefined,
          })
        } finally {
          await place.close()
        }
      },
      say,
    )
    rows.push(...(measured ?? []).map((row) => ceilingRow(name, row)))
  }
  return rows
}

/** As the table has them. */
function ceilingRow(place, { name, bytesPerSecond, packetsPerSecond, cpuSecondsPerGB, lost }) {
  return {
    name: `${name}, on ${place}`,
    'MB/s': bytesPerSecond / 1e6,
    'k packets/s': packetsPerSecond === null ? undefined : packetsPerSecond / 1e3,
    'CPU s/GB': cpuSecondsPerGB,
    lost,
  }
}

/** What cannot be had must not cost what was measured before. */
async function attempt(what, work, say) {
  try {
    return await work()
  } catch (error) {
    say(`${what} failed: ${error.message}`)
    return undefined
  }
}
