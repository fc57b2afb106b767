// Rows of the security bench: a line, its figure, its limit or aim, and what became of it: 'ok', 'missed' (an aim), 'FAILED'
// (a limit), or '' for what is only told. Programs pass them on as lines that begin with `row` and a tab.

const mark = 'row\t'
// What is longer sticks out.
const widest = 64

/** What `holds` means for a limit, and `met` for an aim. */
export const limit = (line, figure, limit, holds) => ({
  ...{ line, figure, limit },
  verdict: holds ? 'ok' : 'FAILED',
})
export const aim = (line, figure, limit, met) => ({
  ...{ line, figure, limit },
  verdict: met ? 'ok' : 'missed',
})

export const asText = ({ line, figure, limit, verdict }) =>
  `${mark}${[line, figure, limit, verdict].join('\t')}`

/** The row that a line of output holds, or `undefined`. */
export function fromText(text) {
  if (!text.startsWith(mark)) return undefined
  const [line, figure, limit, verdict] = text.slice(mark.length).split('\t')
  return { line, figure, limit, verdict }
}

/** The rows as one table, columns as wide as they have to be, within reason. */
export function table(rows) {
  const all = [['', 'measured', 'limit or aim', ''], ...rows.map((row) => Object.values(row))]
  const fits = (cells, column) => Math.min(cells[column].length, widest)
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((cells) => fits(cells, column))))
  return all
    .map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((text) => text.trimEnd())
    .join('\n')
}
