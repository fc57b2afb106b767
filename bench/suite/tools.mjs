// Programs of the system that parts of the suite need.

import { spawnSync } from 'node:child_process'
import { RunFailure } from './control.mjs'

/** Debian's package of each tool. */
const packages = { ip: 'iproute2', ethtool: 'ethtool', nft: 'nftables', iperf3: 'iperf3' }

export function hasTool(name) {
  return spawnSync('sh', ['-c', 'command -v "$0" >/dev/null', name]).status === 0
}

/** Which of the tools are not there, with how to get them; empty if all are. */
export function missingTools(...names) {
  const missing = names.filter((name) => !hasTool(name))
  if (missing.length === 0) return ''
  return `${missing.join(', ')} (apt-get install ${missing.map((name) => packages[name] ?? name).join(' ')})`
}

/** Runs a program to its end; rejects with what it said if that was not well. */
export function mustRun(command, ...args) {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error || status !== 0) {
    throw new RunFailure(
      `${command} ${args.join(' ')}: ${error?.message ?? stderr.trim().split('\n')[0]}`,
    )
  }
}
