// TCP's congestion control: which ones this kernel has, which one a place uses, and which one a socket has.
//
// A namespace's sysctl refuses what the system does not allow to everybody, so routes name the controller. Both ends of a connection take it from the
// route to the other end.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { hasTool } from './tools.mjs'

/** That of TCP in all workloads: most systems' default. */
export const usualController = 'cubic'

/** Whether there can be network namespaces here, with routes that name a controller. Root in a container may lack the privilege. */
export function canRoute() {
  if (process.platform !== 'linux' || process.getuid() !== 0 || !hasTool('ip')) return false
  return spawnSync('unshare', ['--net', '--mount', 'true']).status === 0
}

const available = '/proc/sys/net/ipv4/tcp_available_congestion_control'

function listed() {
  try {
    return fs.readFileSync(available, 'utf8').trim().split(' ')
  } catch {
    return []
  }
}

/** Whether the kernel has it, or has a module that it loads when asked for it. */
export function hasController(name) {
  if (listed().includes(name)) return true
  return spawnSync('modprobe', ['-n', '-q', `tcp_${name}`]).status === 0
}

/** Why a kernel without it cannot run something; `undefined`: it has it, or none is asked for. */
export function lacksController(name, has = hasController) {
  return name === undefined || has(name) ? undefined : `this kernel's TCP has no ${name}`
}

/**
 * Makes the connections along a namespace's route use a controller from now on; `undefined`, or one that the kernel does not have: the system's. `route` is as
 * `ip route change` wants it.
 */
export function routeWith(namespace, route, name) {
  const wanted = name !== undefined && hasController(name) ? ['congctl', name] : []
  const command = ['-n', namespace, 'route', 'change', ...route, ...wanted]
  const { status, stderr, error } = spawnSync('ip', command, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${command.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

/** The controllers in what `ss -tinpHO` says of the connections of a process. */
export function controllersIn(text, pid) {
  const mine = text.split('\n').filter((line) => line.includes(`pid=${pid},`))
  return [...new Set(mine.map((line) => /(\w+) wscale:/.exec(line)?.[1]).filter(Boolean))]
}

/** What the TCP connections of this process have; `undefined`: it has none, or nothing here can tell. */
export function ownController() {
  const { status, stdout } = spawnSync('ss', ['-tinpHO'], { encoding: 'utf8' })
  if (status !== 0) return undefined
  return controllersIn(stdout, process.pid).join(', ') || undefined
}
