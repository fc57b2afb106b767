// W7: 40 MB/s of 1 KiB messages to a receiver whose JavaScript thread is busy for 50 of every 100 ms.
//
// ACK delay is the time from asking to knowing that the other side's protocol has acknowledged everything sent so far, every 5 ms, where the contender's API
// tells: Hawser's flush(), udx's flush(). TCP's is not visible to an application. Lateness is that of every message, from when it was due to its handler: half
// of the time nothing can be handled, so about 50 ms is the least that the latest one has. CPU seconds are without those that the busy thread burns.

import { cpuSeconds } from '../suite/bulk.mjs'
import { bySchedule, clock } from '../suite/clock.mjs'
import { RunFailure } from '../suite/control.mjs'
import { Checker, MessageRing } from '../suite/messages.mjs'
import { openSessions } from '../suite/pair.mjs'
import { latencies } from '../suite/statistics.mjs'
import { threadSeconds } from '../suite/thread.mjs'

const bytes = 1024
const bytesPerSecond = 40e6
const step = (bytes / bytesPerSecond) * 1000
/** Milliseconds. */
const period = 100
const busy = 50
const askEvery = 5
const lead = 200

export const roles = {
  sender(context) {
    return {
      async send({ start, count }) {
        const [link] = context.links
        const ring = new MessageRing(bytes)
        const before = link.repeats()
        const delays = []
        const cpu = cpuSeconds()
        const schedule = bySchedule({ start, step, count, send: () => link.send(ring.next()) })
        link.onDrain = () => schedule.resume()
        let asking
        if (link.acknowledged !== undefined) {
          asking = setInterval(() => {
            const asked = clock()
            if (asked < start) return
            link.acknowledged().then(
              () => delays.push(clock() - asked),
              () => {},
            )
          }, askEvery)
        }
        await schedule.done
        clearInterval(asking)
        const after = link.repeats()
        const difference = (key) =>
          after[key] === undefined ? undefined : after[key] - before[key]
        return {
          cpu,
          ack: delays.length === 0 ? undefined : latencies(delays),
          resent: difference('resent'),
          spurious: difference('spurious'),
        }
      },

      cpuSince: ({ cpu }) => cpuSeconds() - cpu,
    }
  },

  receiver(context) {
    const checker = new Checker(bytes)
    let plan
    let late
    let arrived = 0
    let finished
    let blocking
    let cpu
    let burnt = 0
    let used
    return {
      expect({ start, count }) {
        plan = { start, count }
        late = new Float64Array(count)
        context.links[0].onMessage = (message) => {
          const sequence = checker.take(message)
          late[arrived++] = clock() - (start + sequence * step)
          if (arrived === count) {
            used = cpuSeconds() - cpu - burnt
            finished?.()
          }
        }
        cpu = cpuSeconds()
        blocking = setInterval(() => {
          const before = threadSeconds()
          for (const end = clock() + busy; clock() < end; );
          burnt += threadSeconds() - before
        }, period)
      },
      async finish() {
        if (arrived < plan.count) {
          await new Promise((resolve) => {
            finished = resolve
          })
        }
        clearInterval(blocking)
        return { cpu: used, faults: checker.faults(), ...latencies(late) }
      },
    }
  },
}

export const workload = {
  name: 'w7',
  title: 'W7: 40 MB/s of 1 KiB to a JavaScript thread that is busy half of the time',
  purpose: 'latency',
  places: ['lo'],
  takes: ({ reliable, batched }) => {
    if (!reliable) return 'acknowledges nothing'
    return batched ? 'its one-write variant is measured' : undefined
  },
  seconds: 3,
  overhead: 1.5,
  runs: 2,
  metrics: [
    { key: 'ackP50', title: 'ACK p50 ms', better: 'less' },
    { key: 'ackP99', title: 'ACK p99 ms', better: 'less' },
    { key: 'p99', title: 'late p99 ms', better: 'less' },
    { key: 'max', title: 'late max ms', better: 'less' },
    { key: 'cpuPerGigabyte', title: 'CPU s/GB', better: 'less' },
    { key: 'resent', title: 'sent again' },
    { key: 'spurious', title: 'in vain' },
  ],
  async drive(pair) {
    const { sender, receiver, settings } = pair
    await openSessions(pair)
    const count = settings.count ?? Math.round((settings.seconds * 1000) / step)
    const plan = { start: clock() + lead, count }
    await receiver.ask('expect', plan)
    const sent = await sender.ask('send', plan, 60_000)
    const got = await receiver.ask('finish', {}, 60_000)
    const cpuSender = await sender.ask('cpuSince', { cpu: sent.cpu })
    if (got.faults !== '') throw new RunFailure(`failed its check: ${got.faults}`)
    return {
      count,
      ackP50: sent.ack?.p50,
      ackP99: sent.ack?.p99,
      ackMax: sent.ack?.max,
      p50: got.p50,
      p99: got.p99,
      max: got.max,
      resent: sent.resent,
      spurious: sent.spurious,
      cpuPerGigabyte: ((cpuSender + got.cpu) / (count * bytes)) * 1e9,
      cpuSender,
      cpuReceiver: got.cpu,
    }
  },
}
