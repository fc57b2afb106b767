// Which of this host's addresses to give to others.

import { isIPv4, isIPv6 } from 'node:net'
import type { Place } from './address'
import type { NativeBinding, SocketConfig } from './native_types'

type Interface = ReturnType<NativeBinding['interfaces']>[number]

/** How useful an address is to others, best first. */
const enum Rank {
  Ordinary4,
  Ordinary6,
  /** Leads into containers or virtual machines of this host, or is made up for want of a better one. */
  Inner,
  Loopback,
}

/** Bridges and tunnels that lead into this host's own containers and virtual machines. */
const innerNames =
  /^(docker|br-|veth|virbr|vmnet|vboxnet|lxc|lxd|incusbr|podman|cni|flannel|cali|cilium|kube|nodelocaldns|dummy)/

/**
 * The places where others may find sockets that are bound as `sockets` says, best first, loopback last. Never a
 * wildcard address; container bridges only when there is nothing better.
 */
export function reachablePlaces(
  sockets: readonly SocketConfig[],
  interfaces: readonly Interface[],
): Place[] {
  const ranked: { rank: Rank; place: Place }[] = []
  for (const { address, port } of sockets) {
    if (!isWildcard(address)) {
      ranked.push({
        rank: rankOf(address, isLoopback(address), ''),
        place: { host: address, port },
      })
      continue
    }
    const sameFamily = isIPv4(address) ? isIPv4 : isIPv6
    for (const item of interfaces) {
      const host = item.address
      // A link-local IPv6 address means nothing without the name of the reader's own interface.
      if (!item.up || !sameFamily(host) || isWildcard(host) || isLinkLocal6(host)) continue
      const loopback = item.loopback || isLoopback(host)
      ranked.push({ rank: rankOf(host, loopback, item.name), place: { host, port } })
    }
  }
  const ordinary = ranked.some(({ rank }) => rank < Rank.Inner)
  return ranked
    .filter(({ rank }) => rank !== Rank.Inner || !ordinary)
    .sort((a, b) => a.rank - b.rank)
    .map(({ place }) => place)
}

/** True for the addresses that stand for "every interface". */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::' || address === '0:0:0:0:0:0:0:0'
}

function rankOf(address: string, loopback: boolean, interfaceName: string): Rank {
  if (loopback) return Rank.Loopback
  if (innerNames.test(interfaceName) || address.startsWith('169.254.')) return Rank.Inner
  return isIPv4(address) ? Rank.Ordinary4 : Rank.Ordinary6
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

function isLinkLocal6(address: string): boolean {
  return /^fe[89ab]/i.test(address) || address.includes('%')
}
