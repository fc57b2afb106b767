// As many messages of one length as go through, in one direction: W1, W2, W3 and W5, and the load in W9.
//
// The number of messages is fixed before the clock starts. The receiver counts and checks, and answers on the same link when all are there; the
// sender's clock stops when that answer has arrived. An unreliable contender is asked for its answer again and again after the last message, and is
// counted by what arrived.

import { RunFailure } from './control.mjs'
import { Checker, digestOf, MessageRing } from './messages.mjs'
import { openSessions } from './pair.mjs'

/** What is shown of messages that are long enough to count bytes. */
export const bulkMetrics = [
  { key: 'megabytes', title: 'MB/s', better: 'more' },
  { key: 'cpuPerGigabyte', title: 'CPU s/GB', better: 'less' },
  { key: 'cpuPerMillion', title: 'CPU s/M msg', better: 'less' },
  { key: 'lost', title: 'lost', scale: 100, unit: '%', only: 'unreliable' },
]

/** Asks an unreliable receiver for its answer. Shorter than any message of a workload. */
const finish = Buffer.alloc(12, 'finish')
const answerBytes = 16
const askAgain = 5

/** Seconds of CPU that this process has used, in all its threads. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

export const roles = {
  sender(context) {
    let ring
    let length
    return {
      /** Sends `count` messages; resolves when the receiver's answer is here. */
      send({ count, bytes }) {
        const [link] = context.links
        if (length !== bytes) {
          length = bytes
          ring = new MessageRing(bytes)
        }
        ring.restart()
        const { reliable } = context.contender
        let left = count
        let again
        return new Promise((resolve) => {
          const cpu = cpuSeconds()
          const started = performance.now()
          link.onMessage = (answer) => {
            if (answer.length !== answerBytes || left > 0) return
            const seconds = (performance.now() - started) / 1000
            const used = cpuSeconds() - cpu
            clearInterval(again)
            link.onMessage = () => {}
            link.onDrain = () => {}
            const fields = Buffer.from(answer)
            const received = fields.readUInt32LE(0)
            resolve({ seconds, cpu: used, received, digest: fields.readInt32LE(4) })
          }
          const pump = () => {
            while (left > 0) {
              left--
              if (!link.send(ring.next())) break
            }
            if (left === 0 && !reliable) again ??= setInterval(() => link.send(finish), askAgain)
          }
          link.onDrain = pump
          pump()
        })
      },
    }
  },

  receiver(context) {
    let checker
    let cpu
    let used
    return {
      /** Makes ready for `count` messages. */
      expect({ count, bytes }) {
        const [link] = context.links
        const { reliable } = context.contender
        checker = new Checker(bytes)
        used = undefined
        let told = false
        const respond = () => {
          used = cpuSeconds() - cpu
          const answer = Buffer.alloc(answerBytes)
          answer.writeUInt32LE(checker.count, 0)
          answer.writeInt32LE(checker.digest, 4)
          link.send(answer)
        }
        link.onMessage = (message) => {
          if (!reliable && message.length === finish.length) return respond()
          checker.take(message)
          // Said at once: with a message lost, the last one may never be counted.
          if (reliable && checker.misplaced + checker.damaged > 0 && !told) {
            told = true
            context.complain(checker.faults())
          }
          if (reliable && checker.count === count) respond()
        }
        cpu = cpuSeconds()
      },

      report() {
        const { count, misplaced, damaged } = checker
        const { reliable } = context.contender
        return { cpu: used, count, misplaced, damaged, faults: checker.faults(reliable) }
      },

      repeats: () => context.links[0].repeats(),
    }
  },
}

/** Sends `count` messages and checks what came of it. */
export async function transfer({ sender, receiver, contender }, { count, bytes, timeout }) {
  await receiver.ask('expect', { count, bytes })
  const sent = await sender.ask('send', { count, bytes }, timeout)
  const got = await receiver.ask('report')
  if (got.faults !== '') throw new RunFailure(`failed its check: ${got.faults}`)
  if (contender.reliable) {
    if (got.count !== count)
      throw new RunFailure(`failed its check: ${got.count} of ${count} arrived`)
    if (sent.received !== count || sent.digest !== digestOf(bytes, count)) {
      throw new RunFailure('failed its check: the digests of both sides differ')
    }
  }
  return {
    seconds: sent.seconds,
    received: contender.reliable ? count : got.count,
    cpuSender: sent.cpu,
    cpuReceiver: got.cpu,
  }
}

/** The rate no longer rises when it is less than this many times the one before. */
const settled = 1.25

/**
 * Warms both sides up, until a transfer takes half of `seconds` or more and the rate no longer rises, three times `seconds` at most. Resolves to messages a
 * second.
 */
export async function warmUp(pair, { bytes, seconds, first }) {
  let count = first
  let before = 0
  for (const started = Date.now(); ; ) {
    const { seconds: took, received } = await transfer(pair, { count, bytes, timeout: 30_000 })
    const rate = Math.max(1, received) / took
    if (took >= seconds / 2 && rate < before * settled) return rate
    if (Date.now() - started > seconds * 3000) return rate
    before = rate
    count = Math.ceil(Math.min(count * 16, Math.max(count, rate * seconds * 0.7)))
  }
}

/**
 * Transfers once, for about `seconds` by the rate of the warm-up; with `fills` again and again until they are full, and where less than `slowBelow` bytes a
 * second go through until `slowSeconds` are. Resolves to the sum of all transfers. The rate of a slow one is known badly, so it begins with a third.
 */
async function transfers(pair, { bytes, rate, fills }) {
  const { seconds, slowSeconds, count } = pair.settings
  const slow = (now) => slowSeconds !== undefined && now * bytes < slowBelow
  const sum = { count: 0, seconds: 0, received: 0, cpuSender: 0, cpuReceiver: 0 }
  const add = async (some) => {
    const timeout = 20_000 + (slowSeconds ?? seconds) * 10_000
    const got = await transfer(pair, { count: some, bytes, timeout })
    sum.count += some
    for (const [key, value] of Object.entries(got)) sum[key] += value
  }
  const first = slow(rate) ? slowSeconds / 3 : seconds
  await add(count ?? Math.max(16, Math.round(rate * first)))
  while (count === undefined) {
    const now = Math.max(1, sum.received) / sum.seconds
    if (!fills && !slow(now)) break
    const wanted = slow(now) ? slowSeconds : seconds
    const left = wanted - sum.seconds
    if (left <= wanted * littleLeft) break
    await add(Math.max(16, Math.ceil(now * left)))
  }
  return sum
}

/** Not worth a transfer of its own. */
const littleLeft = 0.1
/** Bytes a second. */
const slowBelow = 1e6

/** A workload's `drive`. */
export async function driveBulk(pair, { bytes, first = 64, fills = false }) {
  const { settings, hooks } = pair
  await openSessions(pair)
  await hooks.before?.()
  const rate = await warmUp(pair, { bytes, seconds: settings.warmUp, first })
  hooks.start?.()
  const sum = await transfers(pair, { bytes, rate, fills })
  const { count, seconds, received, cpuSender, cpuReceiver } = sum
  hooks.after?.()
  const cpu = cpuSender + cpuReceiver
  return {
    count,
    seconds,
    messages: received / seconds,
    megabytes: (received * bytes) / seconds / 1e6,
    cpuPerMillion: (cpu / received) * 1e6,
    cpuPerGigabyte: (cpu / (received * bytes)) * 1e9,
    cpuSender,
    cpuReceiver,
    lost: 1 - received / count,
  }
}
