// Whatever becomes of a process that uses the lab, nothing of the lab is left behind.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { run, until } from '../support/processes'
import { describeLab } from './support'

const script = path.join(__dirname, 'children', 'holder.mjs')

interface Held {
  readonly names: string[]
  readonly program: number
  readonly guest: number
}

/** The processes that `parent` has started and whose command line has all of these words. */
function children(parent: number, ...words: string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const written = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
        const status = readFileSync(`/proc/${name}/status`, 'utf8')
        const isChild = new RegExp(`^PPid:\\s+${parent}$`, 'm').test(status)
        return isChild && words.every((word) => written.includes(word))
      } catch {
        return false // it has ended meanwhile
      }
    })
    .map(Number)
}

/** Starts a process that opens a cable, calls `kill` when it has, and resolves when it has ended. */
async function killHolder(kill: (pid: number, held: Held) => number[]): Promise<Held> {
  let held: Held | undefined
  await run(script, {
    onLine: (line, { pid }) => {
      held = JSON.parse(line) as Held
      for (const each of kill(pid as number, held)) process.kill(each, 'SIGKILL')
    },
  })
  if (held === undefined) throw new Error('no cable was opened')
  return held
}

const exists = ({ names }: Held) => names.some((name) => existsSync(`/run/netns/${name}`))
const lives = (pid: number) => existsSync(`/proc/${pid}`)
const isGone = (held: Held) => !exists(held) && !lives(held.program) && !lives(held.guest)

describeLab('a process with a cable', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('gets %s', async (signal) => {
    const held = await killHolder((pid) => {
      process.kill(pid, signal)
      return []
    })
    await until(() => isGone(held), 'the cable is gone')
  })

  test('is killed together with its guard: the next one cleans up', async () => {
    let guards: number[] = []
    const first = await killHolder((pid, { names }) => {
      guards = children(pid, 'hawser-lab', ...names)
      return [...guards, pid]
    })
    expect(guards).toHaveLength(1)
    await until(() => !lives(first.program), 'the program has ended')
    expect(exists(first)).toBe(true)
    expect(lives(first.guest)).toBe(true)
    const second = await killHolder((pid) => [pid])
    await until(() => isGone(first) && isGone(second), 'both cables are gone')
  })
})
