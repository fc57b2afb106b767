// The micro-benchmarks measure what they say: each does its work once, and what came of it is counted and compared.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(__dirname, '../..')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hawser-micro-'))
const json = path.join(folder, 'results.json')
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const hasCmake = spawnSync('cmake', ['--version']).status === 0

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['bench/micro/run.mjs', ...args, '--json', json],
    { cwd: root, encoding: 'utf8' },
  )
  const results = status === 0 ? JSON.parse(fs.readFileSync(json, 'utf8')) : []
  return { status, stdout, stderr, results }
}
// The addon is compiled first: cmake is a tool of developers, CI has it.
;(hasCmake ? describe : describe.skip)('the micro-benchmarks', () => {
  test('do their work, all of them', () => {
    const { status, stderr, results } = run('--once')
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const names: string[] = results.map(({ name }: { name: string }) => name)
    expect(new Set(names).size).toBe(names.length)
    const groups: Record<string, number> = {}
    for (const name of names) {
      const group = name.slice(0, name.indexOf(':'))
      groups[group] = (groups[group] ?? 0) + 1
    }
    expect(groups).toEqual({ codec: 4, rings: 4, boundary: 5, aead: 12, timers: 2 })
  }, 240_000)

  test('answer rates, times and margins', () => {
    const { status, stdout, results } = run('timers: arm again', '--seconds', '0.05')
    expect(status).toBe(0)
    expect(results).toEqual([
      {
        name: 'timers: arm again',
        hz: expect.any(Number),
        nsPerOp: expect.any(Number),
        rme: expect.any(Number),
        samples: expect.any(Number),
      },
    ])
    const [{ hz, nsPerOp, samples }] = results
    expect(hz * nsPerOp).toBeCloseTo(1e9, -3)
    expect(samples).toBeGreaterThanOrEqual(5)
    expect(stdout).toMatch(
      /^timers: arm again +[\d,]+ ops\/s +[\d.,]+ ns\/op +±[\d.]+ % +\d+ samples$/m,
    )
  })

  test('say when a filter fits none', () => {
    const { status, stderr } = run('no such thing')
    expect(status).toBe(1)
    expect(stderr).toBe("no micro-benchmark's name contains 'no such thing'\n")
  })
})
