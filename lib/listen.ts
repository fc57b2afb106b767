// Opens the sockets that a peer asked for.

import { randomInt } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { formatPlace } from './address'
import { HawserError } from './errors'
import { disabledFeatures } from './features'
import type { HostError, HostInfo, NativeBinding } from './native_types'
import type { ListenPlace, PeerSettings } from './options/peer'

/** A socket to open. */
interface Wanted {
  address: string
  port: number
  /** One of the pair of wildcard sockets; the other one is enough if this family does not exist here. */
  readonly pair: ListenPlace | undefined
}

/** What the system answers when it lacks an address family. */
const noFamily = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT'])

/** How often another port is tried for a pair of sockets that should share one. */
const portTries = 16
/** Where such ports are looked for: the dynamic ports of RFC 6335. */
const firstDynamicPort = 49_152
const lastPort = 65_535

/** Opens the sockets. Throws `LISTEN_FAILED`. Once for these settings: the network's key in them is wiped. */
export async function openHost(
  native: NativeBinding,
  settings: PeerSettings,
  firstSequence = 1,
): Promise<HostInfo> {
  try {
    return await openSockets(native, settings, firstSequence)
  } finally {
    settings.networkKey?.fill(0)
  }
}

async function openSockets(
  native: NativeBinding,
  settings: PeerSettings,
  firstSequence: number,
): Promise<HostInfo> {
  // Without a place to listen, packets still have to leave from somewhere.
  const places = settings.listen.length > 0 ? settings.listen : [{ host: undefined, port: 0 }]
  let wanted: Wanted[] = []
  for (const place of places) wanted.push(...(await expand(place)))

  for (let tries = 0; ; tries++) {
    if (tries <= portTries) choosePorts(wanted, tries < portTries)
    const made = create(native, settings, wanted, firstSequence)
    if ('handle' in made) return made
    const failed = wanted[made.socket] as Wanted
    const rest = wanted.filter((socket) => socket !== failed)
    if (noFamily.has(made.code) && rest.some(({ pair }) => pair && pair === failed.pair)) {
      wanted = rest
    } else if (!(made.code === 'EADDRINUSE' && failed.pair?.port === 0 && tries < portTries)) {
      throw made.code === 'ENOSYS' ? cannotEncrypt(native, made) : listenFailed(failed, made)
    }
  }
}

async function expand(place: ListenPlace): Promise<Wanted[]> {
  const { host, port } = place
  if (host === undefined) {
    return ['0.0.0.0', '::'].map((address) => ({ address, port, pair: place }))
  }
  if (isIP(host) !== 0) return [{ address: host, port, pair: undefined }]
  try {
    const found = await lookup(host, { all: true })
    const addresses = new Set(found.map(({ address }) => address))
    return [...addresses].map((address) => ({ address, port, pair: undefined }))
  } catch (cause) {
    throw new HawserError('LISTEN_FAILED', `cannot listen on '${host}': ${String(cause)}`, {
      hint: 'give an IP address of this machine, or leave the host out for all of them',
      cause,
    })
  }
}

/** Gives both sockets of a pair the same free-looking port, or lets the system choose one for each. */
function choosePorts(wanted: readonly Wanted[], same: boolean): void {
  const chosen = new Map<ListenPlace, number>()
  for (const socket of wanted) {
    const { pair } = socket
    if (pair === undefined || pair.port !== 0) continue
    const port = chosen.get(pair) ?? (same ? randomInt(firstDynamicPort, lastPort + 1) : 0)
    chosen.set(pair, port)
    socket.port = port
  }
}

function create(
  native: NativeBinding,
  settings: PeerSettings,
  wanted: readonly Wanted[],
  firstSequence: number,
) {
  const { identity, networkKey, limits, impair } = settings
  const seed = identity.seed
  const made = native.hostCreate({
    seed,
    ...(networkKey === undefined ? {} : { networkKey }),
    sockets: wanted.map(({ address, port }) => ({ address, port })),
    maxSessions: limits.sessions,
    maxSessionsPerPeer: limits.sessionsPerPeer,
    maxHalfOpen: limits.halfOpen,
    handshakeRate: limits.handshakeRate,
    cookiesFrom: limits.cookiesFrom,
    unprovenRate: limits.unprovenRate,
    resetRate: limits.resetRate,
    memory: limits.memory,
    maxChannels: limits.channels,
    congestion: settings.congestion === 'bbr' ? 1 : 0,
    idleTimeout: limits.idleTimeout,
    mtu: settings.mtu,
    firstSequence,
    ...(settings.threads === 1 ? {} : { engines: settings.threads }),
    ...(impair === undefined ? {} : { impair }),
    disable: disabledFeatures(),
  })
  seed.fill(0)
  return made
}

function listenFailed({ address, port }: Wanted, { code, errno }: HostError): HawserError {
  const place = formatPlace({ host: address, port })
  const hints: Record<string, string> = {
    EADDRINUSE: 'another socket has this port: choose another one, or 0 for any that is free',
    EACCES: 'ports below 1024 need special rights: choose a higher one',
    EADDRNOTAVAIL: 'this is no address of this machine: leave the host out to listen on all',
    EMFILE: 'the process has too many files open: close peers that are not needed',
  }
  return new HawserError('LISTEN_FAILED', `cannot listen on ${place}: ${code} (${errno})`, {
    hint: hints[code] ?? 'choose another address or port',
  })
}

/** What a host answers when it cannot make its keys. */
function cannotEncrypt(native: NativeBinding, { code, errno }: HostError): HawserError {
  const ssl = native.openssl()
  const found =
    'missing' in ssl ? ssl.missing : `${ssl.version} refuses an algorithm, as in FIPS mode`
  const message = `cannot listen, because nothing would be encrypted: ${found}: ${code} (${errno})`
  return new HawserError('LISTEN_FAILED', message, {
    hint: 'Hawser needs OpenSSL 3: use Node.js 20 or later, or the prebuilt addon, which has its own where the runtime has none',
  })
}
