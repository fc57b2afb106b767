// W3: messages of 64 KiB one way, one send() each.

import { bulkMetrics, driveBulk, roles } from '../suite/bulk.mjs'

export { roles }

export const workload = {
  name: 'w3',
  title: 'W3: 64 KiB one way',
  purpose: 'throughput',
  places: ['lo', 'wire'],
  takes: ({ batched, maxBytes }) => {
    if (batched) return 'there is nothing to gather in 64 KiB'
    return maxBytes === undefined ? undefined : `carries ${maxBytes} bytes at most`
  },
  seconds: 1,
  overhead: 0.6,
  metrics: bulkMetrics,
  drive: (pair) => driveBulk(pair, { bytes: 65_536, first: 16 }),
}
