// iperf3: how fast TCP is without JavaScript. Also the TCP flow that others have to share the cable with.
//
// Its documentation (https://software.es.net/iperf/invoking.html): `-s -1` serves one client, `-J` prints JSON, `-C` names the congestion control. The length of a
// write is its default, 128 KiB: it knows no messages, so that this is a ceiling.

import { spawn } from 'node:child_process'
import { RunFailure } from './control.mjs'

const basePort = 5300
let runs = 0

function start(prefix, args) {
  const [command, ...rest] = [...prefix, 'iperf3', ...args]
  const process = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  process.stdout.on('data', (chunk) => {
    text += chunk
  })
  const ended = new Promise((resolve, reject) => {
    process.on('error', reject)
    process.on('close', () => resolve(text))
  })
  return { process, ended }
}

async function startPair({ sender, receiver }, options) {
  const port = String(basePort + (runs++ % 100))
  const server = start(receiver.prefix, ['-s', '-1', '-B', receiver.host, '-p', port])
  await new Promise((resolve) => setTimeout(resolve, 200))
  const ends = ['-c', receiver.host, '-B', sender.host, '-p', port]
  const client = start(sender.prefix, [...ends, ...options, '-J'])
  return {
    client,
    async end() {
      client.process.kill()
      server.process.kill()
      await Promise.all([client.ended, server.ended].map((ended) => ended.catch(() => {})))
    },
  }
}

/** `undefined`: the system's. */
const withController = (name) => (name === undefined ? [] : ['-C', name])

/** One client and one server, with a congestion control. Resolves to what the client reported. */
export async function runIperf(spot, seconds, controller) {
  const options = ['-t', String(Math.ceil(seconds)), ...withController(controller)]
  const { client, end } = await startPair(spot, options)
  const limit = setTimeout(() => client.process.kill(), seconds * 1000 + 15_000)
  try {
    return readIperf(await client.ended)
  } finally {
    clearTimeout(limit)
    await end()
  }
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    throw new RunFailure('iperf3 printed no JSON')
  }
}

/** With fewer bytes, CPU seconds are mostly those of a process that waits: as many as W5 wants of others, 10,000 messages of 1 KiB. */
const enoughForCpu = 10_000 * 1024

/** The metrics in iperf3's JSON. Its CPU figures are percent of one processor. */
export function readIperf(text) {
  const report = parse(text)
  if (report.error) throw new RunFailure(`iperf3: ${report.error}`)
  const { bytes, seconds } = report.end.sum_received
  const { host_total: here, remote_total: there } = report.end.cpu_utilization_percent
  const cpu = ((here + there) / 100) * seconds
  return {
    seconds,
    megabytes: bytes / seconds / 1e6,
    cpuPerGigabyte: bytes < enoughForCpu ? undefined : (cpu / bytes) * 1e9,
    controller: report.end.sender_tcp_congestion,
  }
}

/** Megabytes a second in those intervals of a report that overlap a window, in seconds since the start; each counts by its part inside. */
export function rateBetween(text, from, to) {
  let bytes = 0
  let covered = 0
  for (const { sum } of parse(text).intervals) {
    const inside = Math.min(sum.end, to) - Math.max(sum.start, from)
    if (inside <= 0) continue
    bytes += (sum.bytes * inside) / (sum.end - sum.start)
    covered += inside
  }
  if (covered < (to - from) / 2)
    throw new RunFailure('the TCP flow did not last as long as the run')
  return bytes / covered / 1e6
}

/**
 * A flow with a congestion control for others to share the path with, for up to `seconds`. `mark()` begins a window and returns a function that ends it, ends the flow, and resolves to the flow's
 * megabytes a second in it.
 */
export async function startFlow(spot, seconds, controller) {
  const lasts = ['-t', String(Math.ceil(seconds)), '-i', '0.25']
  const { client, end } = await startPair(spot, [...lasts, ...withController(controller)])
  const started = performance.now()
  const now = () => (performance.now() - started) / 1000
  return {
    mark() {
      const from = now()
      return async () => {
        const to = now()
        // Told so, it reports what there was until now.
        client.process.kill('SIGINT')
        return rateBetween(await client.ended, from, to)
      }
    },
    end,
  }
}
