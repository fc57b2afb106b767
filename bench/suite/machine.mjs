// What was measured on, and with what.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

function output(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Nothing here names the machine or its user. */
export function machine() {
  const cpus = os.cpus()
  return {
    processor: cpus[0]?.model ?? 'unknown',
    processors: cpus.length,
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()}`,
    kernel: os.version(),
    load: os.loadavg()[0],
    socketBuffers: {
      receive: read('/proc/sys/net/core/rmem_max'),
      send: read('/proc/sys/net/core/wmem_max'),
    },
    congestionControl: read('/proc/sys/net/ipv4/tcp_congestion_control'),
  }
}

export function versions() {
  const { version } = JSON.parse(fs.readFileSync(new URL('../../package.json', import.meta.url)))
  const commit = output('git', 'rev-parse', '--short=12', 'HEAD')
  const changed = output('git', 'status', '--porcelain', '--untracked-files=no')
  const { node, v8, uv, openssl } = process.versions
  const iperf3 = output('iperf3', '--version')?.split('\n')[0]
  return {
    hawser: `${version}${commit ? ` (${commit}${changed ? ', changed' : ''})` : ''}`,
    node,
    v8,
    uv,
    openssl,
    ...(iperf3 ? { iperf3: iperf3.replace('iperf ', '') } : {}),
  }
}
