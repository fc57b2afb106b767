// W8: a reader that reads nothing for some seconds, then slowly, then everything, and a sender that sends 1 KiB messages as long as send() does not tell it to
// wait. What both processes then hold in memory is what back-pressure is worth.

import { cpuSeconds } from '../suite/bulk.mjs'
import { RunFailure } from '../suite/control.mjs'
import { Checker, MessageRing } from '../suite/messages.mjs'
import { openSessions } from '../suite/pair.mjs'

const bytes = 1024
/** Whoever takes this much without a reader is not going to say stop. */
const mostBytes = 512e6
const slowBytesPerSecond = 1e6
/** Milliseconds. */
const slice = 10

/** What a process holds and has used so far; collecting garbage is the suite's own doing, and not counted. */
function meter(collect) {
  let collecting = 0
  return () => {
    const before = cpuSeconds()
    const cpu = before - collecting
    collect()
    collecting += cpuSeconds() - before
    return { rss: process.memoryUsage.rss(), cpu }
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, slice))

export const roles = {
  sender(context) {
    let accepted = 0
    let stopped = false
    let lastTaken = 0
    const ring = new MessageRing(bytes)
    const take = meter(context.collect)
    return {
      measure: () => ({ ...take(), accepted: accepted * bytes, lastTaken }),
      start() {
        const [link] = context.links
        const pump = () => {
          // A pause now and then, for those that never say stop.
          for (let sent = 0; !stopped && accepted * bytes < mostBytes; sent++) {
            if (sent === 1000) {
              setImmediate(pump)
              return
            }
            accepted++
            lastTaken = Date.now()
            if (!link.send(ring.next())) return
          }
        }
        link.onDrain = pump
        pump()
      },
      stop() {
        stopped = true
        return accepted
      },
    }
  },

  receiver(context) {
    const checker = new Checker(bytes)
    const take = meter(context.collect)
    let wanted = Number.POSITIVE_INFINITY
    let finished
    let budget = Number.POSITIVE_INFINITY
    let paused = false
    return {
      hold() {
        const [link] = context.links
        link.onMessage = (message) => {
          checker.take(message)
          budget -= bytes
          if (budget <= 0 && !paused) {
            paused = true
            link.pause()
          }
          if (checker.count === wanted) finished?.()
        }
        paused = true
        link.pause()
      },
      measure: () => ({ ...take(), read: checker.count * bytes }),
      async readSlowly({ seconds }) {
        const [link] = context.links
        budget = 0
        const end = performance.now() + seconds * 1000
        for (let last = performance.now(); last < end; ) {
          await turn()
          const now = performance.now()
          budget += ((now - last) / 1000) * slowBytesPerSecond
          last = now
          if (budget > 0 && paused) {
            paused = false
            link.resume()
          }
        }
        if (!paused) link.pause()
        paused = true
      },
      async readAll({ count }) {
        wanted = count
        budget = Number.POSITIVE_INFINITY
        const done = new Promise((resolve) => {
          finished = resolve
        })
        paused = false
        context.links[0].resume()
        if (checker.count < wanted) await done
        return { count: checker.count, faults: checker.faults() }
      },
    }
  },
}

const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

export const workload = {
  name: 'w8',
  title: 'W8: a reader that stops, then reads 1 MB/s, then everything',
  purpose: 'throughput',
  places: ['lo'],
  takes: ({ reliable, pausable, batched }) => {
    if (!reliable) return 'what is not read is lost'
    if (batched) return 'its one-write variant is measured'
    return pausable === false ? 'its API cannot stop reading' : undefined
  },
  seconds: 7,
  overhead: 2,
  runs: 1,
  metrics: [
    { key: 'taken', title: 'taken MB', better: 'less' },
    { key: 'rssSender', title: 'sender RSS +MB', better: 'less' },
    { key: 'rssReceiver', title: 'receiver RSS +MB', better: 'less' },
    { key: 'held', title: 'sender held', kind: 'yesno' },
    { key: 'rssSlow', title: 'both, slow +MB', better: 'less' },
    { key: 'cpuStopped', title: 'CPU s, stopped', better: 'less' },
    { key: 'cpu', title: 'CPU s, in all', better: 'less' },
  ],
  async drive(pair) {
    const { sender, receiver, settings } = pair
    await openSessions(pair)
    const before = { sender: await sender.ask('measure'), receiver: await receiver.ask('measure') }
    await receiver.ask('hold')
    await sender.ask('start', {}, 30_000)
    await wait((settings.seconds * 5) / 7)
    const stopped = { sender: await sender.ask('measure'), receiver: await receiver.ask('measure') }
    const quiet = Date.now() - stopped.sender.lastTaken
    await receiver.ask('readSlowly', { seconds: (settings.seconds * 2) / 7 }, 30_000)
    const slow = { sender: await sender.ask('measure'), receiver: await receiver.ask('measure') }
    const count = await sender.ask('stop')
    const got = await receiver.ask('readAll', { count }, 60_000)
    const last = { sender: await sender.ask('measure'), receiver: await receiver.ask('measure') }
    if (got.faults !== '') throw new RunFailure(`failed its check: ${got.faults}`)
    const used = (now) =>
      now.sender.cpu + now.receiver.cpu - before.sender.cpu - before.receiver.cpu
    const grown = (side, now) => (now[side].rss - before[side].rss) / 1e6
    return {
      count,
      taken: stopped.sender.accepted / 1e6,
      rssSender: grown('sender', stopped),
      rssReceiver: grown('receiver', stopped),
      // Nothing was taken for the last fifth of the time, and not because it was too much already.
      held: quiet > settings.seconds * 1000 * 0.2 && stopped.sender.accepted < mostBytes ? 1 : 0,
      rssSlow: grown('sender', slow) + grown('receiver', slow),
      cpuStopped: used(stopped),
      cpu: used(last),
    }
  },
}
