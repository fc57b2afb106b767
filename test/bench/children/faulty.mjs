// A contender that damages what it carries, in the way that HAWSER_BENCH_FAULT names: node:net under a sender that is not to be trusted.

import { adapters as net } from '../../../bench/contenders/net.mjs'

/** How each fault sends message number n of a run. */
const faults = {
  lose: (n, message, send) => (n === 40 ? true : send(message)),
  repeat: (n, message, send) => (n === 40 ? send(message) && send(message) : send(message)),
  corrupt(n, message, send) {
    if (n !== 40) return send(message)
    const wrong = Buffer.from(message)
    wrong[wrong.length - 1] ^= 1
    return send(wrong)
  },
  cut: (n, message, send) => send(n === 40 ? message.subarray(0, -4) : message),
  reorder: reorder(),
  none: (_n, message, send) => send(message),
}

function reorder() {
  let held
  return (n, message, send) => {
    if (n === 40) {
      held = Buffer.from(message)
      return true
    }
    if (n === 41) return send(message) && send(held)
    return send(message)
  }
}

function adapter(fault) {
  return {
    listen: net.net.listen,
    async connect(options) {
      const link = await net.net.connect(options)
      const send = link.send
      let sent = 0
      link.send = (message) => faults[fault](sent++, message, send)
      return link
    },
  }
}

export const adapters = Object.fromEntries(Object.keys(faults).map((name) => [name, adapter(name)]))
