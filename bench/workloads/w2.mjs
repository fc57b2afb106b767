// W2: messages of 1 KiB one way, one send() each.

import { driveBulk, roles } from '../suite/bulk.mjs'

export { roles }

export const workload = {
  name: 'w2',
  title: 'W2: 1 KiB one way',
  purpose: 'throughput',
  places: ['lo', 'wire'],
  seconds: 1,
  overhead: 1,
  metrics: [
    { key: 'megabytes', title: 'MB/s', better: 'more' },
    { key: 'cpuPerGigabyte', title: 'CPU s/GB', better: 'less' },
    { key: 'cpuPerMillion', title: 'CPU s/M msg', better: 'less' },
    { key: 'lost', title: 'lost', scale: 100, unit: '%', only: 'unreliable' },
  ],
  drive: (pair) => driveBulk(pair, { bytes: 1024, first: 256 }),
}
