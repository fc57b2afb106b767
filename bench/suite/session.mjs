// Carries a plan out: opens the places, runs pair after pair, and keeps what came of each.

import { RunFailure } from './control.mjs'
import { runIperf, startFlow } from './external.mjs'
import { runPair } from './pair.mjs'
import { openPlace } from './places.mjs'
import { shareOf } from './results.mjs'

/** Seconds that a TCP flow has to itself before the contender begins to warm up. */
const flowLead = 2
/** How many times as long as the contender's timed part the flow lasts at most; it ends with the contender. */
const flowLasts = 10

/** One entry of the plan. Resolves to metrics; rejects with a RunFailure. */
async function runOne({ contender, place, workload, settings }) {
  const { spot } = place
  const controller = contender.tcp ?? settings.tcp
  if (contender.external) {
    return runIperf(spot, settings.slowSeconds ?? settings.seconds, controller)
  }
  place.useController(controller)
  const about = { contender, workload, spot, settings }
  if (settings.beside === undefined) return runPair(about)
  const longest = settings.slowSeconds ?? settings.seconds
  let flow
  let megabytesBetween
  try {
    const metrics = await runPair({
      ...about,
      hooks: {
        async before() {
          flow = await startFlow(spot, flowLead + longest * flowLasts, settings.beside)
          await new Promise((resolve) => setTimeout(resolve, flowLead * 1000))
        },
        start() {
          megabytesBetween = flow.mark()
        },
        after() {
          megabytesBetween = megabytesBetween()
        },
      },
    })
    const tcpMegabytes = await megabytesBetween
    const share = shareOf({ megabytes: metrics.megabytes, tcpMegabytes })
    return { ...metrics, tcpMegabytes, share }
  } finally {
    await flow?.end()
  }
}

/**
 * Runs all groups of a plan. `report` is told of each run as it ends, and of places that cannot be had. `stopped()` true ends it after the run that is under way.
 * Resolves to the runs; places are closed again whatever happens.
 */
export async function carryOut({
  groups,
  report,
  stopped = () => false,
  run = runOne,
  open = openPlace,
}) {
  const runs = []
  const opened = new Map()
  const closed = []
  try {
    for (const { workload, place: name, variant, settings, order } of groups) {
      if (stopped()) break
      if (closed.includes(name)) continue
      let place = opened.get(name)
      try {
        place ??= await open(name)
        opened.set(name, place)
      } catch (error) {
        closed.push(name)
        report.place(name, error.message)
        continue
      }
      for (const { contender, run: number } of order) {
        if (stopped()) break
        const about = {
          workload: workload.name,
          place: name,
          contender: contender.name,
          run: number,
        }
        if (variant !== undefined) about.case = variant.name
        try {
          await place.prepare(settings)
          const metrics = await run({ contender, place, workload, settings })
          runs.push({ ...about, metrics })
        } catch (error) {
          // Anything but a failed run is a mistake of the suite's own.
          if (!(error instanceof RunFailure)) throw error
          if (stopped()) break
          runs.push({ ...about, failure: error.message })
        }
        report.run(runs.at(-1))
      }
    }
  } finally {
    for (const place of opened.values()) await place.close()
  }
  return runs
}
