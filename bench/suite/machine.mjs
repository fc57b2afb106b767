// What was measured on, and with what.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { canRoute, hasController, usualController } from './congestion.mjs'

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

/** Whether processors are virtual: x86 says so in their flags. `undefined` where there are no flags to read. */
export function isVirtual(cpuinfo) {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo ?? '')?.[1]
  return flags?.split(/\s+/).includes('hypervisor')
}

/** What the kernel does with a processor that has nothing to do; waking it up again is part of every latency. */
function idling() {
  const folder = '/sys/devices/system/cpu/cpuidle'
  return {
    driver: read(`${folder}/current_driver`),
    governor: read(`${folder}/current_governor`) ?? read(`${folder}/current_governor_ro`),
  }
}

/** Ticks of all processors since the start of the system, and those among them that another guest had. `undefined` without /proc/stat. */
export function ticks(stat = read('/proc/stat')) {
  const line = /^cpu +(.*)$/m.exec(stat ?? '')?.[1]
  // user, nice, system, idle, iowait, irq, softirq, steal; what follows is contained in user and nice.
  const values = line?.split(' ').slice(0, 8).map(Number)
  if (values?.length !== 8) return undefined
  return { all: values.reduce((sum, value) => sum + value, 0), stolen: values[7] }
}

/** The part of the processors' time between two `ticks()` that another guest had. */
export function stealBetween(before, after) {
  if (before === undefined || after === undefined || after.all <= before.all) return undefined
  return (after.stolen - before.stolen) / (after.all - before.all)
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
    virtual: isVirtual(read('/proc/cpuinfo')),
    idle: idling(),
    socketBuffers: {
      receive: read('/proc/sys/net/core/rmem_max'),
      send: read('/proc/sys/net/core/wmem_max'),
    },
    congestionControl: read('/proc/sys/net/ipv4/tcp_congestion_control'),
    /** That of all places; `null`: the system's. */
    usualController: canRoute() && hasController(usualController) ? usualController : null,
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
