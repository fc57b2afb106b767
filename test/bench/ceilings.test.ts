// The ceilings' figures follow from what was counted, and the counts of both sides agree.

import { spawnSync } from 'node:child_process'
import path from 'node:path'
import type { Ceiling, PingCeiling } from '../../bench/ceilings/index.mjs'
import { run } from '../support/processes'

const script = path.join(__dirname, '..', '..', 'bench', 'ceilings', 'run.mjs')

/** Where its program can be built; CI has what that needs. Under a sanitizer there is nothing of ours to look at. */
const canBuild =
  process.platform === 'linux' &&
  (process.env.HAWSER_SANITIZER ?? '') === '' &&
  (process.env.CI === 'true' ||
    ['cmake --version', 'pkg-config --exists libcrypto'].every((command) => {
      return spawnSync('sh', ['-c', command], { stdio: 'ignore' }).status === 0
    }))
const whereBuilt = canBuild ? test : test.skip

interface Ceilings {
  readonly streams: Ceiling[]
  readonly pings: PingCeiling[]
}

async function measure(...args: string[]): Promise<Ceilings> {
  const { code, stdout, stderr } = await run(script, { args: ['--json', ...args] })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

// The program is built first.
jest.setTimeout(120_000)

whereBuilt('counts what was sent, received and lost, and derives the rest from that', async () => {
  const { streams, pings } = await measure('--seconds', '0.2', '--bytes', '1200')
  const hasIperf = spawnSync('iperf3', ['--version']).error === undefined
  expect(streams.map(({ name }) => name)).toEqual([
    'udp gso plain',
    'udp gso sealed',
    'udp plain no gso',
    ...(hasIperf ? ['iperf3 tcp'] : []),
  ])
  for (const row of streams) {
    expect(row.bytesPerSecond).toBeGreaterThan(0)
    expect(row.cpuSecondsPerGB).toBeGreaterThan(0)
    if (row.name === 'iperf3 tcp') continue
    const { sent = 0, received = 0 } = row
    expect(received).toBeGreaterThan(0)
    expect(sent).toBe(received + row.lost)
    // A number of 8 bytes in each packet, and a tag of 16 where it is sealed.
    const data = row.name === 'udp gso sealed' ? 1_176 : 1_192
    expect(row.bytesPerSecond / (row.packetsPerSecond ?? 0)).toBeCloseTo(data, 6)
    expect(row.gso).toBe(row.name !== 'udp plain no gso')
  }
  expect(pings.map(({ name }) => name)).toEqual(['udp ping blocking', 'udp ping spinning'])
  for (const { packets, lost, p50Us, p99Us, p999Us } of pings) {
    expect(packets).toBeGreaterThan(lost)
    expect(p50Us).toBeGreaterThan(0)
    expect(p99Us).toBeGreaterThanOrEqual(p50Us)
    expect(p999Us).toBeGreaterThanOrEqual(p99Us)
  }
})
