// Results as files: the last run, runs that are kept under a name, and reading them again.

import fs from 'node:fs'
import path from 'node:path'
import { charts } from './chart.mjs'
import { SuiteError } from './failure.mjs'
import { formatVersion, oldestFormat } from './results.mjs'
import { renderTable } from './table.mjs'

/** Whole or not at all: what reads the file meanwhile, or finds it after a crash, finds the old contents or the new ones. */
function write(file, contents) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const fresh = `${file}.${process.pid}.new`
  try {
    fs.writeFileSync(fresh, contents)
    fs.renameSync(fresh, file)
  } catch (error) {
    fs.rmSync(fresh, { force: true })
    throw error
  }
  return file
}

export function toJson(results) {
  return `${JSON.stringify(results, undefined, 2)}\n`
}

export function keepLatest(folder, results) {
  return write(path.join(folder, 'latest.json'), toJson(results))
}

/** Throws if keeping `name` would destroy another run. A file that is read by --from may be drawn again under its own name. */
export function checkName(folder, { save: name, force, from }) {
  const file = path.join(folder, `${name}.json`)
  if (force || !fs.existsSync(file)) return
  if (from !== undefined && path.resolve(from) === path.resolve(file)) return
  throw new SuiteError(
    `--save ${name}: ${path.relative('', file)} is there already; another name, or --force to replace it`,
  )
}

/** Keeps NAME.json, its table as NAME.txt and its charts in charts/NAME. `json` is the text of `results`, as it was if it came from a file. */
export function keep(folder, name, results, json) {
  const drawn = path.join(folder, 'charts', name)
  const files = [
    write(path.join(folder, `${name}.json`), json),
    write(path.join(folder, `${name}.txt`), `${renderTable(results)}\n`),
  ]
  const images = Object.entries(charts(results))
  for (const [image, svg] of images) write(path.join(drawn, image), svg)
  if (!fs.existsSync(drawn)) return files
  // A run that is replaced may have had other workloads.
  const kept = new Set(images.map(([image]) => image))
  for (const image of fs.readdirSync(drawn)) {
    if (image.endsWith('.svg') && !kept.has(image)) fs.rmSync(path.join(drawn, image))
  }
  return [...files, drawn]
}

/** Reads results that were kept: `{ results, json }`. */
export function load(file) {
  const refuse = (why) => {
    throw new SuiteError(`--from ${file}: ${why}`)
  }
  let json
  let results
  try {
    json = fs.readFileSync(file, 'utf8')
    results = JSON.parse(json)
  } catch (error) {
    refuse(error.message)
  }
  if (typeof results?.format !== 'number') refuse('not results of the suite')
  const { format, runs, machine, versions, left } = results
  if (!(format >= oldestFormat && format <= formatVersion))
    refuse(`format ${format}; this suite reads ${oldestFormat} to ${formatVersion}`)
  const parts = { runs: Array.isArray(runs), left: Array.isArray(left) }
  for (const [name, value] of Object.entries({ machine, versions }))
    parts[name] = typeof value === 'object' && value !== null
  const missing = Object.keys(parts).filter((name) => !parts[name])
  if (missing.length > 0) refuse(`not results of the suite: it lacks ${missing.join(', ')}`)
  return { results, json }
}
