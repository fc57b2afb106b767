// What a peer keeps of sessions that are gone. In a process of its own, whose objects can be counted.

import { spawnSync } from 'node:child_process'
import path from 'node:path'
import v8 from 'node:v8'

const root = path.join(__dirname, '..', '..')
// Node.js 20.13 and later.
const countable = 'queryObjects' in v8
const testWithCount = countable ? test : test.skip

testWithCount('nothing, however often a peer comes back before its last session is gone', () => {
  const child = path.join(__dirname, 'children', 'sessions.cjs')
  const { stdout } = spawnSync(process.execPath, [child, root], { encoding: 'utf8' })
  const left = Number(stdout)
  // The one that is open, on both sides, and a few that a promise of the last round still holds.
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(10)
})
