#!/usr/bin/env node
// node bench/ceilings/run.mjs [--place lo | wire | NAMESPACE] [--seconds S] [--bytes B] [--json]
//
// Measures the ceilings and prints them. `wire` is a namespace of its own, with an MTU of 1,500 bytes and without
// offloads; it needs root.

import { parseArgs } from 'node:util'
import { wire } from '../../test/lab/places.mjs'
import { runCeilings, runPingCeilings } from './index.mjs'

const { values } = parseArgs({
  options: {
    place: { type: 'string', default: 'lo' },
    seconds: { type: 'string', default: '2' },
    bytes: { type: 'string', default: '1472' },
    json: { type: 'boolean', default: false },
  },
})
const own = values.place === 'wire' ? await wire() : undefined
try {
  const place = own?.namespace ?? values.place
  const seconds = Number(values.seconds)
  const streams = await runCeilings({ place, seconds, bytes: Number(values.bytes) })
  const pings = await runPingCeilings({ place, seconds })
  if (values.json) console.log(JSON.stringify({ streams, pings }))
  else {
    console.table(
      streams.map(({ name, bytesPerSecond, packetsPerSecond, cpuSecondsPerGB, lost }) => ({
        name,
        'MB/s': Math.round(bytesPerSecond / 1e6),
        'packets/s': packetsPerSecond === null ? '' : Math.round(packetsPerSecond),
        'CPU s/GB': Number(cpuSecondsPerGB.toFixed(2)),
        lost,
      })),
    )
    console.table(pings)
  }
} finally {
  await own?.close()
}
