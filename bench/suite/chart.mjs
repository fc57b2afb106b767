// Bar charts as SVG: one for each workload, place and case. They are readable on light and dark backgrounds, and fit into a README.

import { contenders, ours } from './registry.mjs'
import { figure, inUnit, summarise } from './results.mjs'
import { workloads } from './workloads.mjs'

const titles = new Map(
  contenders.map(({ name, title, protected: sealed }) => [name, { title, sealed }]),
)

const width = 760
const margin = 16
const rowHeight = 24
const barHeight = 14
const headHeight = 58
const footHeight = 26
const footLine = 16
/** The widest glyphs of common sans-serif fonts, in parts of the font's size, so that nothing overlaps whatever font is there. */
const glyph = 0.62
const fontSize = 13

const style = `
  text { font: ${fontSize}px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #424a53 }
  .title { font-size: 16px; font-weight: 600 }
  .small { font-size: 11px; fill: #6e7781 }
  .ours { font-weight: 700; fill: #0a5fb4 }
  .bar { fill: #a8b1bb }
  .bar.ours { fill: #1f7ae0 }
  .spread { stroke: #57606a; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #d0d7de }
    .small { fill: #9aa4af }
    .ours { fill: #79b8ff }
    .bar { fill: #57606a }
    .bar.ours { fill: #388bfd }
    .spread { stroke: #afb8c1 }
  }`

function escaped(text) {
  return text.replace(
    /[&<>"]/g,
    (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign],
  )
}

function textWidth(text, size = fontSize) {
  return text.length * size * glyph
}

/**
 * A chart of horizontal bars. `bars` are `{ label, value, min, max, text, ours }` in the order from top to bottom; `footer` may have several lines.
 */
export function barChart({ title, subtitle, footer, bars }) {
  const labels = Math.max(...bars.map(({ label }) => textWidth(label)))
  const values = Math.max(...bars.map(({ text }) => textWidth(text)))
  const left = margin + labels + 8
  const room = width - left - values - 8 - margin
  const most = Math.max(...bars.map(({ value, max = value }) => Math.max(value, max)))
  const foot = footer.split('\n')
  const footTop = headHeight + bars.length * rowHeight + footHeight - 10
  const height = footTop + (foot.length - 1) * footLine + 10
  const at = (value) => left + Math.max(1, (value / most) * room)
  const parts = bars.map(({ label, value, min, max, text, ours: mine }, index) => {
    const middle = headHeight + index * rowHeight + rowHeight / 2
    const base = middle + fontSize * 0.35
    const kind = mine ? ' ours' : ''
    const end = max === undefined ? at(value) : Math.max(at(value), at(max))
    const spread =
      min === undefined || max === undefined || max - min < most / room
        ? ''
        : `\n  <line class="spread" x1="${px(at(min))}" x2="${px(at(max))}" y1="${px(middle)}" y2="${px(middle)}"/>`
    return `  <text class="label${kind}" x="${px(left - 8)}" y="${px(base)}" text-anchor="end">${escaped(label)}</text>
  <rect class="bar${kind}" x="${px(left)}" y="${px(middle - barHeight / 2)}" width="${px(at(value) - left)}" height="${barHeight}" rx="2"/>${spread}
  <text class="value${kind}" x="${px(end + 8)}" y="${px(base)}">${escaped(text)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
  <style>${style}
  </style>
  <text class="title" x="${margin}" y="24">${escaped(title)}</text>
  <text class="small" x="${margin}" y="44">${escaped(subtitle)}</text>
${parts.join('\n')}
${foot.map((line, index) => `  <text class="small" x="${margin}" y="${px(footTop + index * footLine)}">${escaped(line)}</text>`).join('\n')}
</svg>
`
}

function px(value) {
  return String(Math.round(value * 10) / 10)
}

/** What the bars of a workload show, where it is not the first metric of the table. */
const shown = {
  w6: 'kilobytes',
  w8: 'taken',
}

/** All charts of a run: file name to SVG. */
export function charts(results) {
  const rows = summarise(results.runs)
  const files = {}
  for (const workload of workloads) {
    const groups = new Map()
    for (const row of rows.filter((candidate) => candidate.workload === workload.name)) {
      const key = `${row.place}\0${row.case ?? ''}`
      groups.set(key, [...(groups.get(key) ?? []), row])
    }
    for (const group of groups.values()) {
      const metric = workload.metrics.find(
        ({ key }) => key === (shown[workload.name] ?? workload.metrics[0].key),
      )
      const bars = barsOf(group, metric)
      if (bars.length === 0) continue
      const [{ place, case: variant }] = group
      const file = [workload.name, place, variant].filter(Boolean).join('-')
      files[
        `${file
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, '-')
          .replace(/^-+|-+$/g, '')}.svg`
      ] = barChart({
        title: `${workload.title}, ${place}${variant === undefined ? '' : `, ${variant}`}`,
        subtitle: `${metric.title}: ${metric.better === 'less' ? 'less is better' : 'more is better'}. ● encrypted. ${runsOf(group, metric)}`,
        footer: `hawser ${results.versions.hawser}, Node.js ${results.versions.node}, ${results.date.slice(0, 10)}\n${results.machine.processor}, ${results.machine.processors} processors, ${results.machine.system}`,
        bars,
      })
    }
  }
  return files
}

/** How many runs a bar is the median of, and what its line is if it has one. */
function runsOf(rows, metric) {
  const counts = rows.flatMap((row) => row.metrics[metric.key]?.runs ?? [])
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  if (most === 1) return '1 run each.'
  return `${least === most ? most : `${least} to ${most}`} runs each. Line: smallest to largest run.`
}

function barsOf(rows, metric) {
  const sign = metric.better === 'less' ? 1 : -1
  return rows
    .filter((row) => row.metrics[metric.key] !== undefined)
    .map((row) => {
      const { median, min, max } = row.metrics[metric.key]
      const { title, sealed } = titles.get(row.contender) ?? { title: row.contender }
      const [value, low, high] = [median, min, max].map((number) =>
        Math.max(0, inUnit(metric, number)),
      )
      return {
        label: `${sealed ? '● ' : ''}${title}`,
        value,
        min: low,
        max: high,
        text: `${figure(value)}${metric.unit ?? ''}`,
        ours: row.contender === ours,
      }
    })
    .sort((one, other) => sign * (one.value - other.value))
}
