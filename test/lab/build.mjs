// The lab's own programs, built on first use.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const root = fileURLToPath(new URL('../..', import.meta.url))

async function step(command, ...args) {
  try {
    await run(command, args)
  } catch (error) {
    const why = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim() || error.message
    throw new Error(`${command} ${args.join(' ')} failed\n${why}`, { cause: error })
  }
}

/** When the youngest of the files below a folder was changed. */
function changedAt(folder) {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !/\.(d\.mts|mjs)$/.test(entry.name))
  return Math.max(
    ...files.map(
      (entry) => fs.statSync(path.join(entry.parentPath ?? entry.path, entry.name)).mtimeMs,
    ),
  )
}

/**
 * Builds a CMake project, if something has changed.
 * @param {{ source: string, build: string, target: string }} project Folders relative to the repository.
 * @returns {Promise<string>} The path of the program.
 */
export async function built({ source, build, target }) {
  const [from, to] = [path.join(root, source), path.join(root, build)]
  const program = path.join(to, target)
  const before = fs.statSync(program, { throwIfNoEntry: false })
  if (before !== undefined && before.mtimeMs > changedAt(from)) return program
  fs.mkdirSync(to, { recursive: true })
  // One builder at a time, also among processes: the lock goes with the process that holds it. What was up to date
  // for CMake is made to look so here as well.
  const script =
    'cmake -S "$0" -B "$1" >/dev/null && cmake --build "$1" --target "$2" -j 2 && touch "$1/$2"'
  await step('flock', path.join(to, '.lock'), 'sh', '-c', script, from, to, target)
  return program
}
