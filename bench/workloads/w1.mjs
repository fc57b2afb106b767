// W1: messages of 64 bytes one way, one send() each.

import { driveBulk, roles } from '../suite/bulk.mjs'

export { roles }

export const workload = {
  name: 'w1',
  title: 'W1: 64 B one way',
  purpose: 'throughput',
  places: ['lo', 'wire'],
  seconds: 1,
  overhead: 0.6,
  metrics: [
    { key: 'messages', title: 'M msg/s', scale: 1e-6, better: 'more' },
    { key: 'cpuPerMillion', title: 'CPU s/M msg', better: 'less' },
    { key: 'cpuPerGigabyte', title: 'CPU s/GB', better: 'less' },
    { key: 'lost', title: 'lost', scale: 100, unit: '%', only: 'unreliable' },
  ],
  drive: (pair) => driveBulk(pair, { bytes: 64, first: 1024 }),
}
