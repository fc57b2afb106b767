// What the machine can do at most, without a protocol: the ceilings that a protocol's figures are compared with.

import { availableParallelism } from 'node:os'
import { iperf3 } from './iperf3.mjs'
import { pair } from './program.mjs'

export { build } from './program.mjs'

const streams = [
  ['udp gso plain', []],
  ['udp gso sealed', ['--sealed']],
  ['udp plain no gso', ['--no-gso']],
]

async function stream(name, flags, { place, seconds, bytes }) {
  const size = ['--bytes', String(bytes)]
  const { listener, caller } = await pair({
    place,
    listen: ['recv', ...size, ...flags],
    call: ['send', ...size, ...flags, '--seconds', String(seconds)],
  })
  return {
    name,
    bytesPerSecond: listener.bytes / listener.seconds,
    packetsPerSecond: listener.packets / listener.seconds,
    cpuSecondsPerGB: (listener.cpuSeconds + caller.cpuSeconds) / (listener.bytes / 1e9),
    lost: listener.lost,
    sent: caller.packets,
    received: listener.packets,
    gso: caller.gso,
  }
}

/** The types and what each number means are in index.d.mts. */
export async function runCeilings({
  place = 'lo',
  seconds = 2,
  bytes = 1472,
  controller = undefined,
} = {}) {
  const rows = []
  for (const [name, flags] of streams) {
    rows.push(await stream(name, flags, { place, seconds, bytes }))
  }
  const tcp = await iperf3({ place, seconds, controller })
  if (tcp !== undefined) rows.push(tcp)
  return rows
}

export async function runPingCeilings({ place = 'lo', seconds = 1, bytes = 64 } = {}) {
  const rows = []
  for (const [name, flags] of [
    ['udp ping blocking', []],
    ['udp ping spinning', ['--spin']],
  ]) {
    // Two that spin must not have to take turns.
    const apart = flags.length > 0 && availableParallelism() > 1
    const { caller } = await pair({
      place,
      listen: ['echo', ...flags, ...(apart ? ['--cpu', '1'] : [])],
      call: [
        'ping',
        ...flags,
        ...(apart ? ['--cpu', '0'] : []),
        ...['--bytes', String(bytes), '--seconds', String(seconds)],
      ],
    })
    const { packets, lost, p50Us, p99Us, p999Us } = caller
    rows.push({ name, p50Us, p99Us, p999Us, packets, lost })
  }
  return rows
}
