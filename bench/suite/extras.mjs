// The parts of the suite that are not pairs of JavaScript processes: micro-benchmarks, native ceilings.

import fs from 'node:fs'

/** Seconds of one ceiling. */
const ceilingSeconds = 1.5

async function load(module, say) {
  const url = new URL(module, import.meta.url)
  if (fs.existsSync(url)) return import(url.href)
  say(
    `${module.split('/').slice(-2, -1)[0]} is left out: ${module.replace('../', 'bench/')} is not there`,
  )
  return undefined
}

export async function runMicro(_choice, say) {
  const module = await load('../micro/index.mjs', say)
  return module?.runMicro({
    onResult: ({ name, nsPerOp }) => say(`${name}: ${Math.round(nsPerOp)} ns`),
  })
}

export async function runCeilings(choice, places, say) {
  const module = await load('../ceilings/index.mjs', say)
  if (module === undefined) return undefined
  const rows = []
  for (const place of places.filter((name) => name !== 'cable')) {
    rows.push(...(await module.runCeilings({ place, seconds: choice.seconds ?? ceilingSeconds })))
  }
  return rows
}
