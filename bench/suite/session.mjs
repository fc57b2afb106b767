// Carries a plan out: opens the places, runs pair after pair, and keeps what came of each.

import os from 'node:os'
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

/** What a session has come to: filled as it goes on, so that it can be kept meanwhile. */
export function newRecord() {
  return {
    runs: [],
    /** Places that could not be had, as in the plan's `left`. */
    left: [],
    /** The system's load before each group. The suite's own processes of the group before are part of it. */
    groups: [],
    /** What failed that is no contender's failure, in words. */
    unexpected: [],
  }
}

/**
 * Runs all groups of a plan. `report` is told of each run as it ends, and of places that cannot be had. `stopped()` true ends it after the run that is under way.
 * A place that cannot be opened, or made ready for a run, takes part no further; the others go on. `keep(record)` is called after each group.
 * Resolves to the runs; places are closed again whatever happens.
 */
export async function carryOut({
  groups,
  report,
  stopped = () => false,
  run = runOne,
  open = openPlace,
  record = newRecord(),
  keep = () => {},
}) {
  const { runs } = record
  const opened = new Map()
  const lost = new Set()
  const close = async (name) => {
    const place = opened.get(name)
    opened.delete(name)
    try {
      await place?.close()
    } catch (error) {
      record.unexpected.push(`place "${name}" cannot be closed: ${error.message}`)
      report.place(name, `not closed: ${error.message}`)
    }
  }
  const lose = async (name, error) => {
    lost.add(name)
    record.left.push({ workload: `place "${name}"`, reason: error.message })
    record.unexpected.push(`place "${name}": ${error.message}`)
    report.place(name, error.message)
    await close(name)
  }

  try {
    for (const { workload, place: name, variant, settings, order } of groups) {
      if (stopped()) break
      if (lost.has(name)) continue
      try {
        if (!opened.has(name)) opened.set(name, await open(name))
      } catch (error) {
        if (stopped()) break
        await lose(name, error)
        keep(record)
        continue
      }
      const place = opened.get(name)
      const kind = { workload: workload.name, place: name }
      if (variant !== undefined) kind.case = variant.name
      record.groups.push({ ...kind, load: os.loadavg()[0] })
      for (const { contender, run: number } of order) {
        if (stopped()) break
        try {
          await place.prepare(settings)
        } catch (error) {
          if (!stopped()) await lose(name, error)
          break
        }
        const about = { ...kind, contender: contender.name, run: number }
        try {
          const metrics = await run({ contender, place, workload, settings })
          runs.push({ ...about, metrics })
        } catch (error) {
          if (stopped()) break
          if (error instanceof RunFailure) {
            runs.push({ ...about, failure: error.message })
          } else {
            // A mistake of the suite's own: the run has no figure, but the others keep theirs.
            const words = String(error?.message ?? error)
            runs.push({ ...about, failure: `not the contender's doing: ${words}` })
            record.unexpected.push(
              `${[...Object.values(kind), contender.name].join(' ')}: ${error?.stack ?? words}`,
            )
          }
        }
        report.run(runs.at(-1))
      }
      keep(record)
    }
  } finally {
    for (const name of [...opened.keys()]) await close(name)
  }
  return runs
}
