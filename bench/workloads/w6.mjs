// W6: many sessions to one server, each with 256 bytes ten times a second.

import { cpuSeconds } from '../suite/bulk.mjs'
import { bySchedule, clock } from '../suite/clock.mjs'
import { RunFailure } from '../suite/control.mjs'
import { Checker, MessageRing } from '../suite/messages.mjs'
import { openSessions } from '../suite/pair.mjs'
import { latencies } from '../suite/statistics.mjs'
import { openFiles } from '../suite/tools.mjs'

const bytes = 256
const perSecond = 10
const helloBytes = 8
/** What a process has open besides its sessions, at most. */
const spareFiles = 200
/** Handshakes under way at once. */
const concurrency = 64
/** Before the first message, for the schedule to be known on both sides. Milliseconds. */
const lead = 200

export const roles = {
  sender(context) {
    let greeted = 0
    let waiting
    return {
      /** Says on each link which session it is, and waits until all have answered. */
      greet() {
        return new Promise((resolve) => {
          waiting = resolve
          context.links.forEach((link, index) => {
            link.onMessage = () => {
              greeted++
              if (greeted === context.links.length) waiting()
            }
            const hello = Buffer.alloc(helloBytes)
            hello.writeUInt32LE(index, 0)
            link.send(hello)
          })
        })
      },

      async send({ start, rounds }) {
        const { links } = context
        const sessions = links.length
        const ring = new MessageRing(bytes)
        const cpu = cpuSeconds()
        let message
        const schedule = bySchedule({
          start,
          step: 1000 / perSecond / sessions,
          count: rounds * sessions,
          send(number) {
            const session = number % sessions
            if (session === 0) message = ring.next()
            // One slow session does not hold up the others: at this rate none is ever full unless the machine is.
            links[session].send(message)
            return true
          },
        })
        await schedule.done
        return { cpu, sent: rounds * sessions }
      },

      cpuSince: ({ cpu }) => cpuSeconds() - cpu,
    }
  },

  receiver(context) {
    const sessions = new Map()
    let plan
    let cpu
    let late
    let arrived = 0
    let finished
    let rss
    return {
      measure() {
        context.collect()
        context.collect()
        return process.memoryUsage.rss()
      },

      linked(link) {
        link.onMessage = (message) => {
          if (message.length === helloBytes) {
            const index = message.readUInt32LE(0)
            sessions.set(link, { index, checker: new Checker(bytes) })
            link.send(message)
            return
          }
          const { index, checker } = sessions.get(link)
          const sequence = checker.take(message)
          late[arrived++] = clock() - (plan.start + (sequence * plan.sessions + index) * plan.step)
          if (arrived === plan.count) {
            rss = process.memoryUsage.rss()
            cpu = cpuSeconds() - cpu
            finished?.()
          }
        }
      },

      expect({ start, rounds, sessions: count }) {
        plan = { start, sessions: count, step: 1000 / perSecond / count, count: rounds * count }
        late = new Float64Array(plan.count)
        arrived = 0
        context.collect()
        cpu = cpuSeconds()
      },

      async finish() {
        if (arrived < plan.count) {
          await new Promise((resolve) => {
            finished = resolve
          })
        }
        let faults = 0
        for (const { checker } of sessions.values()) if (checker.faults() !== '') faults++
        return { faults, arrived, cpu, rss, ...latencies(late) }
      },
    }
  },
}

export const workload = {
  name: 'w6',
  title: 'W6: many sessions to one server, each 256 B ten times a second',
  purpose: 'latency',
  places: ['lo'],
  receiverListens: true,
  cases: {
    lo: [
      { name: '1,000', sessions: 1000 },
      { name: '10,000', sessions: 10_000, full: true, seconds: 2, overhead: 14 },
    ],
  },
  takes: ({ sessions, batched }, variant) => {
    if (batched) return 'its one-write variant is measured'
    if (sessions === 0) return 'its adapter holds one session'
    const wanted = variant?.sessions ?? 0
    if (wanted > sessions) return `takes ${sessions} sessions`
    const limit = openFiles()
    return wanted + spareFiles > limit
      ? `needs more open files than ulimit -n allows, ${limit}`
      : undefined
  },
  seconds: 5,
  overhead: 4,
  runs: 1,
  metrics: [
    { key: 'setUp', title: 'set-up s', better: 'less' },
    { key: 'kilobytes', title: 'RSS kB a session', better: 'less' },
    { key: 'kilobytesBusy', title: 'RSS kB, busy', better: 'less' },
    { key: 'p50', title: 'p50 ms', better: 'less' },
    { key: 'p99', title: 'p99 ms', better: 'less' },
    { key: 'cpuPerMillion', title: 'CPU s/M msg', better: 'less' },
  ],
  async drive(pair) {
    const { sender, receiver, settings } = pair
    const { sessions } = settings
    const empty = await receiver.ask('measure')
    const setUp = await openSessions(pair, sessions, concurrency, 120_000)
    await sender.ask('greet', {}, 60_000)
    const idle = await receiver.ask('measure')
    const rounds = Math.max(1, Math.round(settings.seconds * perSecond))
    const plan = { start: clock() + lead, rounds, sessions }
    await receiver.ask('expect', plan)
    const started = await sender.ask('send', plan, 120_000)
    const got = await receiver.ask('finish', {}, 60_000)
    const cpuSender = await sender.ask('cpuSince', { cpu: started.cpu })
    if (got.faults > 0) throw new RunFailure(`failed its check in ${got.faults} sessions`)
    return {
      count: started.sent,
      setUp,
      kilobytes: (idle - empty) / sessions / 1000,
      kilobytesBusy: (got.rss - empty) / sessions / 1000,
      p50: got.p50,
      p99: got.p99,
      max: got.max,
      cpuPerMillion: ((cpuSender + got.cpu) / started.sent) * 1e6,
    }
  },
}
