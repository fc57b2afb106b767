// TCP as iperf3 measures it, with a process at each end.

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { at, Running } from './program.mjs'

const attempts = 50

/** iperf3 says only in its text that it listens, and only when it has ended; so it is called until it answers. */
async function call(command) {
  for (let attempt = 1; ; attempt++) {
    try {
      return JSON.parse(await new Running(command).ended)
    } catch (error) {
      if (attempt === attempts || !/unable to connect/.test(error.message)) throw error
      await pause(20)
    }
  }
}

/** What iperf3 tells of one run. On a busy machine its control connection may fail, which it says in the answer only. */
async function measure({ place, seconds, controller }) {
  const port = String(randomInt(20_000, 30_000))
  const server = new Running(at(place, 'iperf3', '-s', '-1', '-p', port))
  try {
    // It measures whole seconds only.
    const time = String(Math.max(1, Math.round(seconds)))
    const client = ['iperf3', '-c', '127.0.0.1', '-p', port, '-t', time, '-J']
    if (controller !== undefined) client.push('-C', controller)
    return await call(at(place, ...client))
  } finally {
    server.kill()
  }
}

const runs = 3

/** A row of the ceilings, or undefined where there is no iperf3. `controller`: TCP's congestion control, by default the system's. */
export async function iperf3({ place, seconds, controller }) {
  if (spawnSync('iperf3', ['--version']).error !== undefined) return undefined
  for (let run = 1; ; run++) {
    const { end, error } = await measure({ place, seconds, controller })
    if (end?.sum_received === undefined) {
      if (run < runs) continue
      throw new Error(`iperf3 failed ${runs} times: ${error ?? 'no result'}`)
    }
    const { bytes, seconds: taken, bits_per_second: rate } = end.sum_received
    const { host_total: local, remote_total: remote } = end.cpu_utilization_percent
    return {
      name: `iperf3 tcp${controller === undefined ? '' : ` ${controller}`}`,
      bytesPerSecond: rate / 8,
      packetsPerSecond: null,
      cpuSecondsPerGB: (((local + remote) / 100) * taken) / (bytes / 1e9),
      lost: end.sum_sent.retransmits,
    }
  }
}
