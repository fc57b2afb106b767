// Where to measure and test: the loopback interface as a wire, and what this machine lacks for the lab.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { inside, namespaces, prefix } from './namespaces.mjs'

/** Debian's package of each tool. */
const packages = {
  ip: 'iproute2',
  ethtool: 'ethtool',
  nft: 'nftables',
  iperf3: 'iperf3',
  flock: 'util-linux',
  cmake: 'cmake',
  'g++': 'g++',
}

function has(tool) {
  const found = spawnSync('sh', ['-c', 'command -v "$0" >/dev/null', tool])
  return found.status === 0
}

export function missing() {
  const lacking = []
  if (process.platform !== 'linux') return 'Linux'
  if (process.getuid() !== 0) lacking.push('root')
  if (!fs.existsSync('/dev/net/tun')) lacking.push('/dev/net/tun')
  const tools = Object.keys(packages).filter((tool) => !has(tool))
  lacking.push(...tools)
  if (lacking.length === 0) return ''
  const wanted = tools.map((tool) => packages[tool])
  const advice = wanted.length > 0 ? ` (apt-get install ${wanted.join(' ')})` : ''
  return `${lacking.join(', ')}${advice}`
}

/** A namespace of its own for the loopback interface as it is, in which routes may say what they do not say elsewhere. */
export async function loopback() {
  const { names, close } = await namespaces('loopback')
  const [namespace] = names
  try {
    await inside(namespace, 'ip', 'link', 'set', 'lo', 'up')
  } catch (error) {
    await close()
    throw error
  }
  return { namespace, address: '127.0.0.1', exec: prefix(namespace), close }
}

const steps = 1_000_000

export async function wire() {
  const { names, close } = await namespaces('wire')
  const [namespace] = names
  const nft = (script) => inside(namespace, 'nft', '-j', script)
  try {
    await inside(namespace, 'ip', 'link', 'set', 'lo', 'mtu', '1500', 'up')
    // With them, frames of 64 KiB would pass, and a loss would be one of a whole train of packets.
    const offloads = ['tso', 'gso', 'gro', 'tx-udp-segmentation'].flatMap((name) => [name, 'off'])
    await inside(namespace, 'ethtool', '-K', 'lo', ...offloads)
    // Where packets come in: one that is dropped on its way out is an error of its sender.
    const chain = 'chain inet wire in { type filter hook input priority 0; }'
    await nft(`add table inet wire; add counter inet wire lost; add ${chain}`)
  } catch (error) {
    await close()
    throw error
  }
  return {
    namespace,
    address: '127.0.0.1',
    exec: prefix(namespace),
    async loss(fraction) {
      if (!(fraction >= 0 && fraction <= 1)) {
        throw new RangeError(`fraction is ${fraction}; allowed: a number from 0 to 1`)
      }
      const some = Math.round(fraction * steps)
      // Less than all of the steps is all that nftables can compare with.
      const which = some < steps ? `numgen random mod ${steps} < ${some}` : ''
      const rule = `add rule inet wire in ${which} counter name lost drop`
      await nft(`flush chain inet wire in${some > 0 ? `; ${rule}` : ''}`)
    },
    async lost() {
      const { nftables } = JSON.parse(await nft('list counter inet wire lost'))
      return nftables.find(({ counter }) => counter !== undefined).counter.packets
    },
    close,
  }
}
