// Two processes that send to each other, over IPv4 and IPv6, by both drivers, and over bad networks.

import { networkInterfaces } from 'node:os'
import type { ImpairOptions, PeerStats } from '../../lib'
import { exchange, startPair } from './pair'

jest.setTimeout(120_000)

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((item) => item?.address === '::1')

test.each([
  ['IPv4', 'hybrid', '127.0.0.1'],
  ['IPv4', 'thread', '127.0.0.1'],
  ['IPv6', 'hybrid', '[::1]'],
  ['IPv6', 'thread', '[::1]'],
] as const)(
  '%s, %s driver: each message arrives once, in order and whole, both ways',
  async (family, driver, host) => {
    if (family === 'IPv6' && !hasIpv6) {
      console.warn('no IPv6 here, not tested')
      return
    }
    const pair = await startPair({ host, driver })
    expect(pair.address).toMatch(/^hawser:\/\/[a-z0-9]{52}@(127\.0\.0\.1|\[::1\]):\d+$/)
    await exchange(pair, { up: { seed: 1, count: 5_000 }, down: { seed: 2, count: 4_000 } })
    // From empty messages in one packet to some that take hundreds.
    await exchange(pair, {
      up: { seed: 3, count: 20, maxBytes: 3_000_000 },
      down: { seed: 4, count: 20, maxBytes: 3_000_000 },
    })
  },
)

test.each([
  ['loses a fifth', 'hybrid', { loss: 0.2 }],
  ['loses a fifth', 'thread', { loss: 0.2 }],
  [
    'loses, delays, reorders and duplicates',
    'hybrid',
    { loss: 0.05, delay: 4, jitter: 3, reorder: 0.1, duplicate: 0.1 },
  ],
] as const)(
  'a network that %s, %s driver: nothing is lost',
  async (_, driver, impair: ImpairOptions) => {
    const pair = await startPair({
      driver,
      // Short datagrams, so that there are enough of them to lose some.
      server: { mtu: 1200, impair: { ...impair, seed: 11 } },
      client: { mtu: 1200, impair: { ...impair, seed: 12 } },
    })
    await exchange(pair, { up: { seed: 5, count: 2_500 }, down: { seed: 6, count: 1_500 } })
    for (const side of [pair.server, pair.client]) {
      const { dropped, datagramsSent, sessions } = await side.call<PeerStats>('stats')
      // The network was as bad as it should be.
      const offered = datagramsSent + dropped.impaired
      expect(dropped.impaired / offered).toBeGreaterThan((impair.loss ?? 0) / 2)
      expect(sessions[0]?.path.packetsLost).toBeGreaterThan(0)
      if (impair.duplicate !== undefined) expect(dropped.duplicates).toBeGreaterThan(0)
    }
  },
)
