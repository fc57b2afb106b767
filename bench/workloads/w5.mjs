// W5: messages of 1 KiB one way while packets are lost at random: in both directions on "wire", and on "cable", a path of 100 Mbit/s and 50 ms there and back,
// alone and beside a TCP flow.
//
// The congestion control decides what comes out, so the table has the one that the sender's socket has.

import { roles as bulkRoles, driveBulk } from '../suite/bulk.mjs'
import { ownController } from '../suite/congestion.mjs'

export const roles = {
  ...bulkRoles,
  sender: (context) => ({ ...bulkRoles.sender(context), controller: ownController }),
}

const onCable = ['hawser', 'net-batched', 'net-batched-bbr', 'udx', 'secret-stream', 'datachannel']
/** Which controller they have is no other than that of one above. */
const onceOnCable = ['twin', 'tls-batched']
/** With fewer messages, CPU seconds are mostly those of a process that waits. */
const enoughForCpu = 10_000
/** A lossy cable, or one beside BBR, carries little by some controllers; those get more time. */
const slowSeconds = 6

/**
 * Beside a TCP flow with CUBIC and a queue of so many bandwidth-delay products. Shares take long to settle, so there is time for Hawser only.
 */
function besideCubic(queue) {
  const name = `0 %, beside TCP cubic, queue ${queue}`
  return {
    name,
    loss: 0,
    beside: 'cubic',
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
      { name: '1 %', loss: 0.01, slowSeconds, all: true },
      { name: '5 %', loss: 0.05, full: true, slowSeconds },
      { name: '0 %, beside TCP cubic', loss: 0, beside: 'cubic' },
      { name: '0 %, beside TCP bbr', loss: 0, beside: 'bbr', slowSeconds },
      ...[0.5, 1, 4].map(besideCubic),
    ],
  },
  takes({ name, reliable }, variant) {
    if (variant?.only !== undefined && variant.only !== name) return ''
    return reliable ? undefined : 'what is lost stays lost'
  },
  /** On the cable the rate takes longer to find, so one contender of a kind has to do. */
  takesAt: {
    cable({ name }, { all }) {
      if (onCable.includes(name)) return undefined
      if (!onceOnCable.includes(name)) return 'on the cable one contender of a kind is measured'
      return all ? undefined : 'on the cable only with 1 % lost'
    },
  },
  seconds: 1.5,
  overhead: 0.9,
  runsAt: { wire: 2, cable: 1 },
  /** Long enough for a path of 50 ms. */
  secondsAt: { cable: 3 },
  warmUpAt: { cable: 2 },
  metrics: [
    { key: 'megabytes', title: 'MB/s', better: 'more' },
    { key: 'cpuPerGigabyte', title: 'CPU s/GB', better: 'less' },
    { key: 'cpuPerMillion', title: 'CPU s/M msg', better: 'less' },
    { key: 'share', title: 'share beside TCP', scale: 100, unit: '%' },
    { key: 'controller', title: 'TCP' },
  ],
  async drive(pair) {
    const metrics = await driveBulk(pair, { bytes: 1024, first: 256, fills: true })
    const controller = (await pair.sender.ask('controller')) ?? undefined
    const costs = metrics.count < enoughForCpu ? ['cpuPerGigabyte', 'cpuPerMillion'] : []
    const known = Object.entries(metrics).filter(([key]) => !costs.includes(key))
    return { ...Object.fromEntries(known), controller }
  },
}
