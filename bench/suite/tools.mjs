// Programs of the system that parts of the suite need.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'

/** Debian's package of each tool. */
const packages = { ip: 'iproute2', nft: 'nftables', flock: 'util-linux' }

export function hasTool(name) {
  return spawnSync('sh', ['-c', 'command -v "$0" >/dev/null', name]).status === 0
}

/** Which of the tools are not there, with how to get them; empty if all are. */
export function missingTools(...names) {
  const missing = names.filter((name) => !hasTool(name))
  if (missing.length === 0) return ''
  return `${missing.join(', ')} (apt-get install ${missing.map((name) => packages[name] ?? name).join(' ')})`
}

/** How many files and sockets a process may have open: the hard limit, to which Node.js raises its own. */
export function openFiles() {
  try {
    const limits = fs.readFileSync('/proc/self/limits', 'utf8')
    return Number(/^Max open files +\S+ +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
