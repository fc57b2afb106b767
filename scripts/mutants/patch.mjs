// Unified diffs, applied by what they say and not by line number: the lines of a hunk must stand at exactly one place
// of the file. So a patch survives edits elsewhere, and never lands where it was not meant.

/** Reads a patch: `{ says, files: [{ file, hunks: [{ from, to }] }] }`, lines of a hunk before and after. */
export function readPatch(text) {
  const lines = text.split('\n')
  const says = lines[0]
  const files = []
  for (const line of lines.slice(1)) {
    const hunks = files.at(-1)?.hunks
    if (line.startsWith('--- ')) continue
    if (line.startsWith('+++ b/')) {
      files.push({ file: line.slice('+++ b/'.length).trim(), hunks: [] })
    } else if (line.startsWith('@@')) {
      hunks.push({ from: [], to: [] })
    } else if (hunks?.length > 0 && /^[ +-]/.test(line)) {
      if (line[0] !== '+') hunks.at(-1).from.push(line.slice(1))
      if (line[0] !== '-') hunks.at(-1).to.push(line.slice(1))
    }
  }
  if (says.trim() === '' || says.startsWith('---') || files.length === 0) {
    throw new Error('a patch begins with a sentence, and changes a file')
  }
  return { says, files }
}

/** The text with all hunks applied. Throws when one does not stand at exactly one place. */
export function applyPatch(text, hunks, file) {
  let lines = text.split('\n')
  for (const { from, to } of hunks) {
    const places = []
    for (let at = 0; at + from.length <= lines.length; at++) {
      if (from.every((line, i) => lines[at + i] === line)) places.push(at)
    }
    if (places.length !== 1) {
      throw new Error(
        `does not apply any more: ${places.length} places in ${file} read\n${from.join('\n')}`,
      )
    }
    lines = [...lines.slice(0, places[0]), ...to, ...lines.slice(places[0] + from.length)]
  }
  return lines.join('\n')
}
