// The table that a run ends in.

import { contenders, ours } from './registry.mjs'
import { figure, inUnit, ratio, summarise, typicalSpread } from './results.mjs'
import { workloads } from './workloads.mjs'

const titles = new Map(contenders.map(({ name, title }) => [name, title]))

/** Columns are as wide as their longest cell; the first one is flush left, the others flush right. */
export function columns(rows) {
  const widths = []
  for (const row of rows) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length)
    })
  }
  return rows.map((row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[index])))
      .join('  ')
      .trimEnd(),
  )
}

/** A metric of one row: its median, with the smallest and largest run if `spread` is wanted and there are several. */
function cell(metric, values, spread) {
  if (values === undefined) return '–'
  if (metric.kind === 'yesno')
    return values.median >= 1 ? 'yes' : values.median > 0 ? 'partly' : 'no'
  const middle = figure(inUnit(metric, values.median))
  const apart = spread && values.runs > 1 && (values.min !== 0 || values.max !== 0)
  if (!apart) return `${middle}${metric.unit ?? ''}`
  return `${middle} (${figure(inUnit(metric, values.min))}–${figure(inUnit(metric, values.max))})`
}

/** Best first by the first metric; what failed in every run comes last. */
function byFirst(metric) {
  const sign = metric.better === 'less' ? 1 : -1
  return (one, other) => {
    const [a, b] = [one, other].map((row) => row.metrics[metric.key]?.median)
    if (a === undefined || b === undefined)
      return (a === undefined ? 1 : 0) - (b === undefined ? 1 : 0)
    return sign * (a - b)
  }
}

/** Characters of a line that spreads of every metric may take; beyond, the first metric and the 99th percentiles keep theirs. */
const widest = 170

function section(workload, rows, all) {
  const whole = sectionLines(workload, rows, all, () => true)
  if (Math.max(...whole.table.map((line) => line.length)) <= widest)
    return [...whole.table, ...whole.failures]
  const { table, failures } = sectionLines(
    workload,
    rows,
    all,
    (metric, first) => metric === first || /p99$/i.test(metric.key),
  )
  return [...table, ...failures]
}

function sectionLines(workload, rows, all, spread) {
  const used = workload.metrics.filter(({ key, only }) => {
    if (!rows.some((row) => row.metrics[key] !== undefined || row.texts[key] !== undefined))
      return false
    return only !== 'unreliable' || rows.some((row) => row.metrics[key]?.max > 0)
  })
  if (used.length === 0) used.push(workload.metrics[0])
  const [first] = used
  const compared = used
    .filter(({ better, kind }) => better !== undefined && kind === undefined)
    .slice(0, 2)
  const head = [
    '',
    ...used.map(({ title }) => title),
    ...compared.map(({ title }) => `Hawser/it: ${title}`),
    'runs',
  ]
  const lines = [...rows]
    .sort(byFirst(first))
    .map((row) => [
      `${row.contender === ours ? '* ' : '  '}${titles.get(row.contender) ?? row.contender}`,
      ...used.map(
        (metric) =>
          row.texts[metric.key] ?? cell(metric, row.metrics[metric.key], spread(metric, first)),
      ),
      ...compared.map(({ key }) => (row.contender === ours ? '' : figure(ratio(all, row, key)))),
      row.failures.length === 0 ? String(row.runs) : `${row.runs}, ${row.failures.length} FAILED`,
    ])
  const failures = rows.flatMap(({ contender, failures: reasons }) =>
    [...new Set(reasons)].map(
      (reason) => `  FAILED ${titles.get(contender) ?? contender}: ${reason}`,
    ),
  )
  return { table: columns([head, ...lines]), failures }
}

function heading(results) {
  const { machine, versions, configuration, checking } = results
  const gigabytes = (machine.memoryBytes / 2 ** 30).toFixed(1)
  const rivals = Object.entries(versions.rivals ?? {}).map(
    ([name, version]) => `${name} ${version}`,
  )
  const tools = versions.iperf3 === undefined ? [] : [`iperf3 ${versions.iperf3}`]
  const others = [...rivals, ...tools]
  return [
    ...(results.complete === false
      ? [
          'NOT A WHOLE RUN: it was interrupted, or is still going on. What is missing was not measured.',
        ]
      : []),
    `made by: ${results.choice?.command ?? 'a command that this file does not keep'}`,
    `${machine.processor}, ${machine.processors} processors, ${gigabytes} GiB; ${machine.system}; load ${machine.load.toFixed(2)} before`,
    ...conditions(results),
    `Node.js ${versions.node} (V8 ${versions.v8}, libuv ${versions.uv}, OpenSSL ${versions.openssl}), hawser ${versions.hawser}`,
    ...(others.length > 0 ? [others.join(', ')] : []),
    `sockets: receive buffer up to ${machine.socketBuffers?.receive}, send buffer up to ${machine.socketBuffers?.send} bytes; TCP: ${machine.usualController ?? machine.congestionControl}${machine.usualController ? ` (the system's: ${machine.congestionControl})` : ''}`,
    `Hawser's configuration for everything below: ${configuration}`,
    ...(checking === undefined ? [] : [checkingLine(checking)]),
  ]
}

/** What else had a say in the figures: other guests, sleeping processors, other programs. A line, or nothing for results that do not know. */
function conditions({ machine, steal, groups }) {
  const parts = []
  if (machine.virtual !== undefined)
    parts.push(machine.virtual ? 'a virtual machine' : 'not a virtual machine')
  const { driver, governor } = machine.idle ?? {}
  if (driver !== undefined || governor !== undefined)
    parts.push(`cpuidle driver ${driver ?? '–'}, governor ${governor ?? '–'}`)
  if (typeof steal === 'number')
    parts.push(`${figure(steal * 100)} % of the processors' time stolen by other guests meanwhile`)
  const loads = groups?.map(({ load }) => load) ?? []
  if (loads.length > 0) {
    const [least, most] = [Math.min(...loads), Math.max(...loads)].map((load) => load.toFixed(2))
    parts.push(`load before the groups ${least}–${most}, the suite's own work included`)
  }
  return parts.length > 0 ? [parts.join('; ')] : []
}

function checkingLine(checking) {
  const costs = checking.map(({ bytes, nanoseconds }) => `${figure(nanoseconds)} ns at ${bytes} B`)
  return `checking a message costs the receiver, included in every figure: ${costs.join(', ')}`
}

/** Lines for `left`: who did not take part and why, the reasons that are alike in one. */
function absences(left) {
  const byReason = new Map()
  for (const { contender, workload, reason } of left) {
    const who = byReason.get(reason) ?? new Map()
    byReason.set(reason, who)
    const name = titles.get(contender) ?? contender ?? workload
    who.set(name, [...(who.get(name) ?? []), workload].filter(Boolean))
  }
  return [...byReason].map(([reason, who]) => {
    const names = [...who].map(([name, where]) => {
      const list = [...new Set(where)].filter((item) => item !== name)
      return list.length > 0 ? `${name} (${list.join(', ')})` : name
    })
    return `left out: ${names.join(', ')}: ${reason}`
  })
}

function extraSections(results) {
  const lines = []
  if (results.ceilings?.length > 0) {
    lines.push('', 'Native ceilings: what UDP carries without JavaScript and without a protocol')
    lines.push(...plainTable(results.ceilings))
  }
  if (results.micro?.length > 0) {
    lines.push('', 'Micro-benchmarks')
    const head = ['', 'ns/op', 'op/s', '± %', 'samples']
    const cells = results.micro.map(({ name, nsPerOp, hz, rme, samples }) => [
      name,
      figure(nsPerOp),
      figure(hz),
      figure(rme),
      String(samples?.length ?? samples ?? '–'),
    ])
    lines.push(...columns([head, ...cells]))
  }
  return lines
}

/** A table of rows that name their own columns. */
function plainTable(rows) {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const text = (value) => (typeof value === 'number' ? figure(value) : String(value ?? '–'))
  return columns([keys, ...rows.map((row) => keys.map((key) => text(row[key])))])
}

/** The whole text. */
export function renderTable(results) {
  const rows = summarise(results.runs)
  const lines = heading(results)
  for (const workload of workloads) {
    const mine = rows.filter((row) => row.workload === workload.name)
    const sections = new Map()
    for (const row of mine) {
      const key = `${row.place}\0${row.case ?? ''}`
      sections.set(key, [...(sections.get(key) ?? []), row])
    }
    for (const group of sections.values()) {
      const [{ place, case: variant }] = group
      lines.push('', `${workload.title}, on ${place}${variant === undefined ? '' : `, ${variant}`}`)
      lines.push(...section(workload, group, rows))
    }
  }
  lines.push(...extraSections(results), '')
  lines.push(...absences(results.left))
  const spread = typicalSpread(rows, workloads)
  lines.push(
    `Medians; in brackets the smallest and the largest run. ${Number.isNaN(spread) ? '' : `Half of all rows have runs within ${figure(spread * 100)} % of each other. `}CPU seconds are those of both processes together. Took ${figure(results.took)} s.`,
  )
  const { unexpected = [] } = results
  if (unexpected.length > 0) {
    lines.push('What failed that should not have, and is not in the figures:')
    lines.push(...unexpected.map((words) => `  ${words.split('\n')[0]}`))
  }
  if (results.machine.load > results.machine.processors * 0.25) {
    lines.push(
      `This machine was busy (load ${results.machine.load.toFixed(2)}) before the first run: do not trust these figures.`,
    )
  }
  return lines.join('\n')
}
