// Which runs there are, in what order, and how long they take.

import { lacksController, usualController } from './congestion.mjs'
import { randomFrom, shuffled } from './statistics.mjs'

/** Seconds to start and end two processes. */
const startUp = 0.25
/** iperf3 has no warm-up and starts at once. */
const externalOverhead = 0.5

/** How many runs of each contender, unless told otherwise. */
export const defaultRuns = 3

/** `--quick`: one short run each. */
export const quick = { runs: 1, seconds: 0.25, warmUp: 0.1 }
const warmUp = 0.4

/**
 * The runs, in groups of one workload, place and case. In a group all contenders run once in a random order, then all of them again in another one, so that what changes on the machine
 * meanwhile meets all of them alike.
 *
 * `choice` has `workloads`, `contenders`, `places` (names), `runs`, `seconds`, `quick`, `full`, `seed`, and `hasController`, by default that of
 * this kernel.
 */
export function makePlan(choice) {
  const random = randomFrom(choice.seed ?? 1)
  const groups = []
  const left = []
  for (const workload of choice.workloads) {
    for (const place of workload.places.filter((name) => choice.places.includes(name))) {
      for (const variant of casesOf(workload, place, choice)) {
        const contenders = choice.contenders.filter((contender) => {
          const reason = refusal(workload, place, variant, contender, choice)
          const about = { workload: workload.name, place, contender: contender.name, reason }
          if (reason) left.push(variant === undefined ? about : { ...about, case: variant.name })
          return reason === undefined
        })
        if (contenders.length > 0)
          groups.push(group(workload, place, variant, contenders, choice, random))
      }
    }
  }
  const seconds = groups.reduce((sum, { planned }) => sum + planned, 0)
  // Not fitting a workload by its nature is no news, and said in the documentation.
  return { groups, left: left.filter(({ reason }) => reason !== ''), seconds }
}

function casesOf(workload, place, { full, quick: brief }) {
  const cases = workload.cases?.[place]
  if (cases === undefined) return [undefined]
  const wanted = cases.filter((variant) => full || !variant.full)
  return brief ? wanted.slice(0, 1) : wanted
}

/** Why a contender is left out; `undefined`: it takes part. */
function refusal(workload, place, variant, contender, choice) {
  if (contender.workloads !== undefined && !contender.workloads.includes(workload.name)) return ''
  const lacks = (name) => lacksController(name, choice.hasController)
  const missing = lacks(contender.tcp) ?? lacks(variant?.beside)
  if (missing !== undefined) return missing
  if (variant?.beside && choice.flowLacks !== undefined) return choice.flowLacks
  // Beside a TCP flow, iperf3 is that flow.
  if (contender.external) return variant?.beside ? '' : undefined
  return (
    workload.takes?.(contender, variant, choice) ?? workload.takesAt?.[place]?.(contender, variant)
  )
}

function group(workload, place, variant, contenders, choice, random) {
  const runs =
    choice.runs ??
    (choice.quick
      ? quick.runs
      : (variant?.runs ?? workload.runsAt?.[place] ?? workload.runs ?? defaultRuns))
  const brief = choice.quick === true
  const usual = variant?.seconds ?? workload.secondsAt?.[place] ?? workload.seconds
  const seconds = choice.seconds ?? (brief ? usual * quick.seconds : usual)
  const warm = brief ? quick.warmUp : (workload.warmUpAt?.[place] ?? warmUp)
  const settings = { ...variant, tcp: usualController, seconds, warmUp: warm, brief }
  // Whoever says how long a run takes means all of them.
  if (choice.seconds !== undefined || brief) delete settings.slowSeconds
  const slow = settings.slowSeconds
  const order = []
  for (let run = 0; run < runs; run++) {
    for (const contender of shuffled(contenders, random)) order.push({ contender, run })
  }
  // A TCP flow beside it takes its time to start.
  const beside = variant?.beside ? 3 : 0
  const overhead =
    (variant?.overhead ?? workload.overhead) * (brief ? 0.5 : 1) +
    startUp +
    beside +
    (warm > warmUp ? warm : 0)
  const planned = order.reduce(
    (sum, { contender }) =>
      contender.external
        ? sum + (slow ?? seconds) + externalOverhead
        : sum + (slow === undefined ? seconds : (seconds + slow) / 2) + overhead,
    0,
  )
  return { workload, place, variant, runs, settings, order, planned }
}
