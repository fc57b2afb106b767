// W4: messages of 64 bytes to and fro, one at a time.

import { cpuSeconds } from '../suite/bulk.mjs'
import { openSessions } from '../suite/pair.mjs'
import { pingPong } from '../suite/pingpong.mjs'
import { latencies } from '../suite/statistics.mjs'

const warmUpTrips = 2000
/** Enough for a p99.9 that stands on 10 values. */
const trips = 10_000

export const roles = {
  sender(context) {
    return {
      async ping({ count }) {
        const [link] = context.links
        const listen = (handler) => {
          link.onMessage = handler
        }
        const cpu = cpuSeconds()
        const taken = await pingPong(link, (done) => done < count, listen)
        return { ...latencies(taken), cpu: cpuSeconds() - cpu }
      },
    }
  },
  receiver() {
    let cpu
    return {
      linked(link) {
        link.onMessage = (message) => link.send(message)
      },
      start() {
        cpu = cpuSeconds()
      },
      stop: () => cpuSeconds() - cpu,
    }
  },
}

export const workload = {
  name: 'w4',
  title: 'W4: 64 B ping-pong',
  purpose: 'latency',
  places: ['lo', 'wire'],
  takes: ({ batched }) => (batched ? 'there is nothing to gather in single messages' : undefined),
  seconds: 0,
  overhead: 2,
  metrics: [
    { key: 'p50', title: 'p50 µs', better: 'less' },
    { key: 'p99', title: 'p99 µs', better: 'less' },
    { key: 'p999', title: 'p99.9 µs', better: 'less' },
    { key: 'cpuPerMillion', title: 'CPU s/M msg', better: 'less' },
  ],
  async drive(pair) {
    const { sender, receiver, settings } = pair
    await openSessions(pair)
    await sender.ask('ping', { count: settings.brief ? 500 : warmUpTrips })
    const count = settings.count ?? (settings.brief ? 2000 : trips)
    await receiver.ask('start')
    const taken = await sender.ask('ping', { count }, 60_000)
    const cpu = taken.cpu + (await receiver.ask('stop'))
    const { p50, p99, p999, max } = taken
    return { count, p50, p99, p999, max, cpuPerMillion: (cpu / (2 * count)) * 1e6 }
  },
}
