// Addresses as text: `hawser://ID@host:port`, with an IPv6 host in brackets.

import { isIP, isIPv6 } from 'node:net'
import { OptionError } from './errors'
import { isPeerId, type PeerId } from './identity'

/**
 * Whom to open a channel to: an address (`hawser://ID@host:port`) as text or `URL`, a peer id, or a peer id with
 * addresses, each of them `hawser://ID@host:port` or just `host:port`. With several addresses all are tried and the
 * first that answers is used. An id alone works while there is a session with that peer.
 */
export type Target =
  | PeerId
  | string
  | URL
  | { readonly id: PeerId; readonly addresses?: readonly string[] }

/** A place on the network. */
export interface Place {
  /** A host name, or an IPv4 or IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

/** A {@link Target}, taken apart. */
export interface ParsedTarget {
  readonly id: PeerId
  readonly places: readonly Place[]
}

/** More addresses than this are more than a connection attempt tries. */
export const maxPlaces = 8

const scheme = 'hawser://'
const targetForms =
  "'hawser://ID@host:port' (an IPv6 host in brackets), the same as a URL, a peer id, or { id, addresses }"
const placeForms = "'host:port' or 'hawser://ID@host:port' with the same id"

/** `host:port`, with brackets where the host needs them. */
export function formatPlace({ host, port }: Place): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** The address of a peer at a place. */
export function formatAddress(id: PeerId, place: Place): string {
  return `${scheme}${id}@${formatPlace(place)}`
}

/**
 * Reads `host:port`; `undefined` if it is nothing of the kind. `host` is a name, an IPv4 address or an IPv6 address in
 * brackets; `port` is in `minimumPort` to 65,535.
 */
export function parsePlace(text: string, minimumPort = 1): Place | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, bracketed, plain, digits] = match
  const host = bracketed ?? plain ?? ''
  const port = Number(digits)
  if (port < minimumPort || port > 65_535) return undefined
  if (bracketed !== undefined ? !isIPv6(host) : !isHost(host)) return undefined
  return { host, port }
}

/** Reads `hawser://ID@host:port`; `undefined` if it is nothing of the kind. */
export function parseAddress(text: string): { id: PeerId; place: Place } | undefined {
  if (!text.startsWith(scheme)) return undefined
  const rest = text.slice(scheme.length).replace(/\/$/, '')
  const at = rest.indexOf('@')
  const id = rest.slice(0, at)
  const place = parsePlace(rest.slice(at + 1))
  return at > 0 && isPeerId(id) && place !== undefined ? { id, place } : undefined
}

/** Takes a target apart. Throws {@link OptionError} for what is none. */
export function parseTarget(target: unknown): ParsedTarget {
  if (typeof target === 'string' || target instanceof URL) {
    const text = String(target)
    if (isPeerId(text)) return { id: text, places: [] }
    const address = parseAddress(text)
    if (address === undefined) throw new OptionError('to', text, targetForms)
    return { id: address.id, places: [address.place] }
  }
  if (typeof target !== 'object' || target === null)
    throw new OptionError('to', target, targetForms)
  const { id, addresses = [] } = target as { id?: unknown; addresses?: unknown }
  if (!isPeerId(id)) throw new OptionError('to.id', id, 'a peer id, 52 characters of z-base-32')
  if (!Array.isArray(addresses) || addresses.length > maxPlaces) {
    throw new OptionError('to.addresses', addresses, `up to ${maxPlaces} addresses in an array`)
  }
  return { id, places: addresses.map((text, index) => placeOf(text, index, id)) }
}

function placeOf(text: unknown, index: number, id: PeerId): Place {
  if (typeof text === 'string') {
    const address = parseAddress(text)
    if (address !== undefined && address.id === id) return address.place
    const place = address === undefined ? parsePlace(text) : undefined
    if (place !== undefined) return place
  }
  throw new OptionError(`to.addresses[${index}]`, text, placeForms)
}

/** A name as in DNS, or an IPv4 address. */
export function isHost(text: string): boolean {
  if (isIP(text) === 4) return true
  // What looks like an IPv4 address and is none is a typing error, not a name.
  if (/^[\d.]+$/.test(text)) return false
  return text.length <= 253 && /^[\p{L}\p{N}_]([\p{L}\p{N}_.-]*[\p{L}\p{N}_.])?$/u.test(text)
}
