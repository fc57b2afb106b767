#!/usr/bin/env node
// Writes the list of C++ sources in native/sources.json from what is on disk; with --check only compares.
// Folders named vectors hold generators, which are programs of their own; those named linked what only prebuilt addons have
// (scripts/linked-openssl.mjs).

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const file = path.join(root, 'native', 'sources.json')
const apart = ['vectors', 'linked']
const rooms = ['wire', 'crypto', 'transport', 'net', 'engine', 'binding']

const onDisk = rooms
  .flatMap((room) => {
    const folder = path.join(root, 'native', room)
    if (!fs.existsSync(folder)) return []
    return fs
      .readdirSync(folder, { recursive: true })
      .filter(
        (name) =>
          name.endsWith('.cc') && !apart.some((part) => name.split(path.sep).includes(part)),
      )
      .map((name) => `native/${room}/${name.split(path.sep).join('/')}`)
  })
  .sort()

const config = JSON.parse(fs.readFileSync(file, 'utf8'))
const listed = new Set(config.sources)
const missing = onDisk.filter((name) => !listed.has(name))
const gone = config.sources.filter((name) => !onDisk.includes(name))

if (process.argv.includes('--check')) {
  for (const name of missing) console.error(`not in native/sources.json: ${name}`)
  for (const name of gone) console.error(`in native/sources.json but not on disk: ${name}`)
  if (missing.length + gone.length > 0) {
    console.error('run: npm run sources')
    process.exitCode = 1
  }
} else {
  // One line a source, so that additions merge; the short lists stay on their lines.
  const { sources: _, ...rest } = config
  const lines = Object.entries(rest).map(([key, value]) => {
    const text = Array.isArray(value)
      ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
      : JSON.stringify(value)
    return `  ${JSON.stringify(key)}: ${text},`
  })
  const list = onDisk.map((name) => `    ${JSON.stringify(name)}`).join(',\n')
  const text = `{\n${lines.join('\n')}\n  "sources": [\n${list}\n  ]\n}\n`
  if (fs.readFileSync(file, 'utf8') !== text) fs.writeFileSync(file, text)
  console.log(
    `native/sources.json: ${onDisk.length} sources, ${missing.length} added, ${gone.length} removed`,
  )
}
