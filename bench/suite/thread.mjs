// How long a thread was on a processor: for what a workload burns itself and must not charge to a contender.

import fs from 'node:fs'

/** Node.js has process.threadCpuUsage() since version 23.9. */
function byNode() {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1e6
}

/** Linux: nanoseconds on a processor come first. */
function bySystem() {
  return Number(fs.readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e9
}

const byClock = () => performance.now() / 1000

function best() {
  if (typeof process.threadCpuUsage === 'function') return byNode
  try {
    // Zero at this point: this kernel keeps no such count.
    return bySystem() > 0 ? bySystem : byClock
  } catch {
    return byClock
  }
}

/**
 * Seconds of CPU of the calling thread. Where nobody says, seconds of the clock, which are the same for a loop that nothing interrupts.
 */
export const threadSeconds = best()
