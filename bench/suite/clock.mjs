// A clock that both processes share, and sending by a schedule.
//
// Where latency is measured one way, message n is due at a time that both sides can compute, and its latency counts from there: a sender that falls behind
// its schedule cannot hide it.

/** Milliseconds of the machine's monotonic clock, the same in all its processes. */
export function clock() {
  return Number(process.hrtime.bigint()) / 1e6
}

/**
 * Sends `count` messages, number n at `start + n * step` (milliseconds of `clock`). `send(n)` says whether there is room for more; without room the
 * schedule waits until `resume()` of the returned object is called. `done` resolves after the last one.
 */
export function bySchedule({ start, step, count, send }) {
  let next = 0
  let held = false
  let finished
  const done = new Promise((resolve) => {
    finished = resolve
  })
  const tick = () => {
    if (held) return
    const due = Math.min(count, Math.floor((clock() - start) / step) + 1)
    while (next < due) {
      if (!send(next++)) {
        held = true
        break
      }
    }
    if (next >= count) finished()
    else if (!held) setTimeout(tick, 1)
  }
  setTimeout(tick, Math.max(0, start - clock()))
  return {
    done,
    resume() {
      if (!held) return
      held = false
      tick()
    },
  }
}
