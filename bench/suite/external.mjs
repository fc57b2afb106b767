// iperf3: how fast TCP is without JavaScript. Also the TCP flow that others have to share the cable with.
//
// Its documentation (https://software.es.net/iperf/invoking.html): `-s -1` serves one client, `-J` prints JSON, `-O` leaves the first seconds out. The length of a
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

/** One client and one server. Resolves to what the client reported. */
export async function runIperf(spot, seconds) {
  const port = String(basePort + (runs++ % 100))
  const { sender, receiver } = spot
  const server = start(receiver.prefix, ['-s', '-1', '-B', receiver.host, '-p', port])
  try {
    await new Promise((resolve) => setTimeout(resolve, 200))
    const options = [
      '-c',
      receiver.host,
      '-B',
      sender.host,
      '-p',
      port,
      '-t',
      String(seconds),
      '-J',
    ]
    const client = start(sender.prefix, options)
    const limit = setTimeout(() => client.process.kill(), seconds * 1000 + 15_000)
    const text = await client.ended
    clearTimeout(limit)
    return readIperf(text)
  } finally {
    server.process.kill()
    await server.ended.catch(() => {})
  }
}

/** The metrics in iperf3's JSON. Its CPU figures are percent of one processor. */
export function readIperf(text) {
  let report
  try {
    report = JSON.parse(text)
  } catch {
    throw new RunFailure('iperf3 printed no JSON')
  }
  if (report.error) throw new RunFailure(`iperf3: ${report.error}`)
  const { bytes, seconds } = report.end.sum_received
  const { host_total: here, remote_total: there } = report.end.cpu_utilization_percent
  const cpu = ((here + there) / 100) * seconds
  return { seconds, megabytes: bytes / seconds / 1e6, cpuPerGigabyte: (cpu / bytes) * 1e9 }
}
