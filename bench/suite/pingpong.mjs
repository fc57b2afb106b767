// A message there, the same message back, then the next one.

import { Checker, MessageRing } from './messages.mjs'

export const pingBytes = 64

/** Sends a message and waits for its echo, until `more(n)` says no. Resolves to round trips in microseconds. */
export function pingPong(link, more, listen) {
  const ring = new MessageRing(pingBytes)
  const checker = new Checker(pingBytes)
  const trips = []
  return new Promise((resolve, reject) => {
    let sent
    const ping = () => {
      sent = process.hrtime.bigint()
      link.send(ring.next())
    }
    listen((echo) => {
      trips.push(Number(process.hrtime.bigint() - sent) / 1e3)
      checker.take(echo)
      if (checker.faults() !== '') reject(new Error(`failed its check: ${checker.faults()}`))
      else if (more(trips.length)) ping()
      else resolve(trips)
    })
    ping()
  })
}
