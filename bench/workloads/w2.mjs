// W2: messages of 1 KiB one way, one send() each.

import { bulkMetrics, driveBulk, roles } from '../suite/bulk.mjs'

export { roles }

export const workload = {
  name: 'w2',
  title: 'W2: 1 KiB one way',
  purpose: 'throughput',
  places: ['lo', 'wire'],
  seconds: 1,
  overhead: 0.6,
  metrics: bulkMetrics,
  drive: (pair) => driveBulk(pair, { bytes: 1024, first: 256 }),
}
