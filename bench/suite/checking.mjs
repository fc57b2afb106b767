// What checking a message costs its receiver.

import { Checker, MessageRing } from './messages.mjs'

const sizes = [64, 1024, 65_536]
const milliseconds = 40

function cost(bytes) {
  const ring = new MessageRing(bytes)
  const checker = new Checker(bytes)
  const round = 64
  let best = Number.POSITIVE_INFINITY
  for (const end = performance.now() + milliseconds; performance.now() < end; ) {
    const started = performance.now()
    for (let count = 0; count < round; count++) checker.take(ring.next())
    best = Math.min(best, (performance.now() - started) / round)
  }
  return best * 1e6
}

/** Nanoseconds a message, for each length that the workloads have: the best of many rounds. */
export function checkingCosts() {
  return sizes.map((bytes) => ({ bytes, nanoseconds: cost(bytes) }))
}
