// W9: a bulk channel and a ping-pong channel in one session: what a ping of 64 bytes takes alone, and beside as many 1 KiB messages as go through.
//
// Contenders whose sessions have one channel only carry both in it, the ping behind what is queued. They could open a second connection; that would be a second
// session, with a handshake and a congestion window of its own.

import { cpuSeconds } from '../suite/bulk.mjs'
import { clock } from '../suite/clock.mjs'
import { RunFailure } from '../suite/control.mjs'
import { Checker, digestOf, MessageRing } from '../suite/messages.mjs'
import { openSessions } from '../suite/pair.mjs'
import { pingBytes, pingPong } from '../suite/pingpong.mjs'
import { latencies } from '../suite/statistics.mjs'

const bytes = 1024
const burstMessages = 64

export const roles = {
  sender(context) {
    let pingLink
    const listen = (handler) => {
      pingLink.onMessage = handler
    }
    return {
      async openSecond() {
        const [link] = context.links
        pingLink = link.openSecond === undefined ? link : await link.openSecond()
        return pingLink !== link
      },
      async ping({ seconds }) {
        const end = performance.now() + seconds * 1000
        return latencies(await pingPong(pingLink, () => performance.now() < end, listen))
      },
      /** Pings for `seconds` while the bulk channel is kept full. */
      async both({ seconds }) {
        const [link] = context.links
        const ring = new MessageRing(bytes)
        let stopped = false
        let sent = 0
        // Every so often the event loop gets its turn, or echoes could not be read where send() never says stop.
        const pump = () => {
          for (let burst = 0; burst < burstMessages && !stopped; burst++) {
            sent++
            if (!link.send(ring.next())) return
          }
          if (!stopped) setImmediate(pump)
        }
        link.onDrain = pump
        const cpu = cpuSeconds()
        const started = clock()
        pump()
        const end = started + seconds * 1000
        const taken = await pingPong(pingLink, () => clock() < end, listen)
        stopped = true
        return { ...latencies(taken), sent, started, cpu }
      },

      cpuSince: ({ cpu }) => cpuSeconds() - cpu,
    }
  },

  receiver() {
    const checker = new Checker(bytes)
    let cpu
    let wanted
    let finished
    const listenTo = (link) => {
      link.onMessage = (message) => {
        if (message.length === pingBytes) {
          link.send(message)
          return
        }
        checker.take(message)
        if (checker.count === wanted) finished()
      }
    }
    return {
      linked: listenTo,
      start() {
        cpu = cpuSeconds()
      },
      async finish({ count }) {
        wanted = count
        if (checker.count < wanted) {
          await new Promise((resolve) => {
            finished = resolve
          })
        }
        return { cpu: cpuSeconds() - cpu, faults: checker.faults(), digest: checker.digest }
      },
    }
  },
}

export const workload = {
  name: 'w9',
  title: 'W9: 64 B ping-pong beside a bulk channel of 1 KiB messages in one session',
  purpose: 'latency',
  places: ['lo', 'wire'],
  /** The pinging side sends the bulk, too. */
  receiverListens: true,
  takes: ({ reliable, batched }) => {
    if (!reliable) return 'has no sessions'
    return batched ? 'its one-write variant is measured' : undefined
  },
  seconds: 2,
  overhead: 0.2,
  runs: 3,
  metrics: [
    { key: 'busyP50', title: 'beside bulk p50 µs', better: 'less' },
    { key: 'busyP99', title: 'beside bulk p99 µs', better: 'less' },
    { key: 'idleP50', title: 'alone p50 µs', better: 'less' },
    { key: 'idleP99', title: 'alone p99 µs', better: 'less' },
    { key: 'megabytes', title: 'bulk MB/s', better: 'more' },
    { key: 'cpuPerGigabyte', title: 'CPU s/GB', better: 'less' },
    { key: 'channels', title: 'own channel', kind: 'yesno' },
  ],
  async drive(pair) {
    const { sender, receiver, settings } = pair
    await openSessions(pair)
    const own = await sender.ask('openSecond')
    if (own) await receiver.ask('linked', { count: 1, seconds: 1 })
    await sender.ask('ping', { seconds: settings.seconds * 0.15 })
    const idle = await sender.ask('ping', { seconds: settings.seconds * 0.35 })
    const timeout = 20_000 + settings.seconds * 5000
    await receiver.ask('start')
    const both = await sender.ask('both', { seconds: settings.seconds / 2 }, timeout)
    const got = await receiver.ask('finish', { count: both.sent }, timeout)
    // What is still in buffers when the last ping is back counts only with the time it takes to arrive.
    const seconds = (clock() - both.started) / 1000
    const cpu = got.cpu + (await sender.ask('cpuSince', { cpu: both.cpu }))
    if (got.faults !== '') throw new RunFailure(`failed its check: ${got.faults}`)
    if (got.digest !== digestOf(bytes, both.sent)) {
      throw new RunFailure('failed its check: the digests of both sides differ')
    }
    return {
      count: both.sent,
      busyP50: both.p50,
      busyP99: both.p99,
      idleP50: idle.p50,
      idleP99: idle.p99,
      megabytes: (both.sent * bytes) / seconds / 1e6,
      cpuPerGigabyte: (cpu / (both.sent * bytes)) * 1e9,
      channels: own ? 1 : 0,
    }
  },
}
