// W5: messages of 1 KiB one way while packets are lost at random: in both directions on "wire", and on "cable", a path of 100 Mbit/s and 50 ms there and back,
// alone and beside a TCP flow.

import { roles as bulkRoles, driveBulk } from '../suite/bulk.mjs'

export const roles = bulkRoles

/**
 * Beside a TCP flow with CUBIC and a queue of so many bandwidth-delay products. Shares take long to settle, so there is time for Hawser only.
 */
function besideCubic(queue) {
  const name = `0 %, beside CUBIC, queue ${queue}`
  return {
    name,
    loss: 0,
    beside: true,
    tcp: 'cubic',
    queue,
    seconds: 10,
    only: 'hawser',
    full: true,
  }
}

export const workload = {
  name: 'w5',
  title: 'W5: 1 KiB one way under loss',
  purpose: 'throughput',
  places: ['wire', 'cable'],
  cases: {
    wire: [
      { name: '1 %', loss: 0.01 },
      { name: '5 %', loss: 0.05 },
    ],
    cable: [
      { name: '0 %', loss: 0, full: true },
      { name: '1 %', loss: 0.01 },
      { name: '5 %', loss: 0.05, full: true },
      { name: '0 %, beside TCP', loss: 0, beside: true },
      ...[0.5, 4].map(besideCubic),
    ],
  },
  takes({ name, reliable }, variant) {
    if (variant?.only !== undefined && variant.only !== name) return ''
    return reliable ? undefined : 'what is lost stays lost'
  },
  /** On the cable the rate takes longer to find, so one contender of a kind has to do. */
  takesAt: {
    cable: ['hawser', 'twin', 'net-batched', 'tls-batched', 'udx', 'secret-stream', 'datachannel'],
  },
  seconds: 1.5,
  overhead: 0.6,
  runsAt: { wire: 2, cable: 1 },
  /** Long enough for a path of 50 ms. */
  secondsAt: { cable: 3 },
  warmUpAt: { cable: 2 },
  metrics: [
    { key: 'megabytes', title: 'MB/s', better: 'more' },
    { key: 'cpuPerGigabyte', title: 'CPU s/GB', better: 'less' },
    { key: 'share', title: 'share beside TCP', scale: 100, unit: '%' },
  ],
  drive: (pair) => driveBulk(pair, { bytes: 1024, first: 256 }),
}
