// From runs to what is printed, drawn and kept.

import { ours } from './registry.mjs'
import { median, summary } from './statistics.mjs'

/** 2: `choice`, `groups`, `unexpected`, `steal`, and what `machine` says about idle processors and virtual machines. */
export const formatVersion = 2
export const oldestFormat = 1

/** One row for each workload, place, case and contender: the summary of each metric, and what failed. */
export function summarise(runs) {
  const rows = new Map()
  for (const { workload, place, case: variant, contender, metrics, failure } of runs) {
    const key = JSON.stringify([workload, place, variant, contender])
    if (!rows.has(key)) {
      rows.set(key, {
        workload,
        place,
        case: variant,
        contender,
        values: {},
        texts: {},
        failures: [],
        runs: 0,
      })
    }
    const row = rows.get(key)
    if (failure !== undefined) {
      row.failures.push(failure)
      continue
    }
    row.runs++
    for (const [name, value] of Object.entries(metrics)) {
      if (typeof value === 'string') row.texts[name] ??= value
      if (typeof value !== 'number' || Number.isNaN(value)) continue
      row.values[name] ??= []
      row.values[name].push(value)
    }
  }
  return [...rows.values()].map(({ values, ...row }) => ({
    ...row,
    metrics: Object.fromEntries(
      Object.entries(values).map(([name, list]) => [name, summary(list)]),
    ),
  }))
}

/** How often a contender's median fits into Hawser's. `undefined` where one of them has none. */
export function ratio(rows, row, metric) {
  const same = (other) =>
    other.workload === row.workload && other.place === row.place && other.case === row.case
  const mine = rows.find((other) => other.contender === ours && same(other))?.metrics[metric]
    ?.median
  const theirs = row.metrics[metric]?.median
  if (mine === undefined || theirs === undefined || theirs === 0) return undefined
  return mine / theirs
}

/**
 * The part of a cable that is taken beside a TCP flow: the contender's rate divided by the sum of both. A run's `tcpMegabytes` is that of the flow.
 */
export function shareOf({ megabytes, tcpMegabytes }) {
  return megabytes / (megabytes + tcpMegabytes)
}

/** The process's exit code after these results were measured. */
export function exitCodeOf({ complete, unexpected = [], runs }) {
  if (complete === false) return 130
  const failed = runs.some(({ contender, failure }) => contender === ours && failure !== undefined)
  return failed || unexpected.length > 0 ? 1 : 0
}

/** Three significant digits, without an exponent. */
export function figure(value) {
  if (value === undefined || Number.isNaN(value)) return '–'
  const size = Math.abs(value)
  if (size >= 1e5) return Math.round(value).toLocaleString('en-US')
  if (size >= 100) return String(Math.round(value))
  if (size === 0) return '0'
  const digits = size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4
  return value.toFixed(digits)
}

/** A metric's value in its unit. */
export function inUnit(metric, value) {
  return value === undefined ? undefined : value * (metric.scale ?? 1)
}

/** The middle of how far runs of one kind are apart: (max − min) / median over all rows with more than one run. */
export function typicalSpread(rows, workloads) {
  const spreads = []
  for (const row of rows) {
    const first = workloads.find(({ name }) => name === row.workload)?.metrics[0]
    const values = row.metrics[first?.key]
    if (values !== undefined && values.runs > 1)
      spreads.push((values.max - values.min) / values.median)
  }
  return median(spreads)
}
