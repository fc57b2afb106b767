// 10,000 channels and 1,000 peers come and go, and nothing of them stays.

import path from 'node:path'
import { onLinux, run, sizesMatter } from '../support/processes'

jest.setTimeout(180_000)

interface Holdings {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
  readonly native: number
  readonly threads: number
  readonly files: number
  readonly resources: readonly string[]
}

interface Report {
  readonly start: Holdings
  readonly firstHalf: Holdings
  readonly secondHalf: Holdings
  readonly done: readonly { channels: number; sessions: number }[]
}

/** Compiled code and a large nursery come and go as V8 likes, by more than what is measured here. */
const node = ['--expose-gc', '--max-semi-space-size=2', '--no-opt', '--no-maglev', '--no-sparkplug']
const channels = 10_000
const peers = 1_000
const script = path.join(__dirname, 'children', 'churn.cjs')

const show = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`

test.each(['hybrid', 'thread'])(
  '%s driver: memory, threads and handles are as after the first half',
  async (driver) => {
    if (!onLinux) return
    const ending = await run(script, {
      node,
      args: [driver, String(channels), String(peers)],
    })
    expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' })
    const { start, firstHalf, secondHalf, done }: Report = JSON.parse(ending.stdout)
    for (const [when, held] of Object.entries({ start, firstHalf, secondHalf })) {
      process.stdout.write(
        `churn, ${driver}, ${when}: rss ${show(held.rss)}, heap ${show(held.heapUsed)}, native ${held.native} bytes, ` +
          `${held.threads} threads, ${held.files} files, ${held.resources.join(' ')}\n`,
      )
    }
    // One more channel and session each half, to begin with.
    const half = { channels: (channels + peers) / 2 + 1, sessions: peers / 2 + 1 }
    expect(done).toEqual([half, half])
    for (const { threads, files, resources } of [firstHalf, secondHalf]) {
      expect(threads).toBe(start.threads)
      expect(files).toBe(start.files)
      expect(resources).toEqual(start.resources)
    }
    // Counted, not measured: less than three bytes for each channel that came and went. Blocks and tables that
    // are kept for the next ones depend on how many there were at once; one of them comes with the first handshake
    // that had to show a cookie.
    const ratesOfProven = 24_576
    expect(Math.abs(secondHalf.native - firstHalf.native)).toBeLessThan(16_384 + ratesOfProven)
    if (!sizesMatter) return
    // Pages come and go: on a machine that was busy, the first half has ended with fewer than it began with.
    expect(secondHalf.rss).toBeLessThan(Math.max(start.rss, firstHalf.rss) * 1.05)
    // A better measure of what JavaScript keeps: nothing of it is page size or free lists.
    expect(secondHalf.heapUsed).toBeLessThan(firstHalf.heapUsed + 1e6)
  },
)
