// A process with one peer, driven by a test through `Child.call`.

const { createPeer } = require('hawser')
const { readdirSync } = require('node:fs')
const { expose, tale } = require('../../support/children/remote.cjs')
const { Messages, Tally } = require('../../support/children/traffic.cjs')

let peer
/** Channels by number, as both sides of the calls know them. */
const channels = []
/** Channels that others opened and nobody asked for yet, and those who ask. */
const accepted = []
const askers = []

class Traffic {
  constructor(channel) {
    this.channel = channel
    this.sent = new Tally()
    this.received = new Tally()
    this.writing = false
    this.stopped = false
  }

  async send({ traffic, count }) {
    const messages = new Messages(traffic)
    while (this.sent.count < count && !this.stopped) {
      const message = messages.at(this.sent.count + 1)
      this.writing = true
      await this.channel.write(message)
      this.writing = false
      this.sent.add(message)
      // `write` does not wait as long as there is room: let others have their turn.
      if (this.sent.count % 64 === 0) await new Promise(setImmediate)
    }
    await this.channel.end()
    return this.sent.sum()
  }

  async read({ traffic }) {
    const messages = new Messages(traffic)
    for await (const message of this.channel) {
      const number = this.received.count + 1
      if (!messages.at(number).equals(message)) {
        throw new Error(`message ${number} is wrong: ${message.length} bytes`)
      }
      this.received.add(message)
    }
    return this.received.sum()
  }
}

function add(channel) {
  return channels.push(new Traffic(channel)) - 1
}

function block(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Keeps the promise for `outcome`, without a warning when nobody ever asks. */
function keep(promise) {
  promise.catch(() => {})
  return promise
}

expose({
  async create(options) {
    peer = await createPeer(options)
    const { id, address } = peer
    return { id, address, port: Number(/\d+$/.exec(address)?.[0] ?? 0) }
  },
  stats: () => peer.stats(),
  serve({ service = 'test', options = {} } = {}) {
    peer.serve(service, options, (channel) => {
      const number = add(channel)
      const asker = askers.shift()
      if (asker === undefined) accepted.push(number)
      else asker(number)
    })
  },
  /** The next channel that somebody opened. */
  accept: () => accepted.shift() ?? new Promise((resolve) => askers.push(resolve)),
  open: async ({ to, service = 'test', options }) => add(await peer.open(to, service, options)),
  closePeer: () => peer.close(),

  /** Begins to send `count` messages, or without an end, until `stop`. */
  send({ channel, traffic, count = Number.POSITIVE_INFINITY }) {
    channels[channel].sending = keep(channels[channel].send({ traffic, count }))
  },
  read({ channel, traffic }) {
    channels[channel].reading = keep(channels[channel].read({ traffic }))
  },
  /** Takes messages by event, and counts them. */
  listen({ channel }) {
    const { channel: open, received } = channels[channel]
    open.on('message', (message) => received.add(message))
  },
  stop({ channel }) {
    channels[channel].stopped = true
  },
  sent: ({ channel }) => channels[channel].sending,
  received: ({ channel }) => channels[channel].reading,
  progress({ channel }) {
    const { sent, received, writing } = channels[channel]
    return { sent: sent.count, received: received.count, writing }
  },

  // One channel, call by call.
  sendOne: ({ channel, message }) => channels[channel].channel.send(message),
  writeOne: ({ channel, message, options }) => channels[channel].channel.write(message, options),
  flush: ({ channel, options }) => channels[channel].channel.flush(options),
  receiveOne: ({ channel, options }) => channels[channel].channel.receive(options),
  end: ({ channel }) => channels[channel].channel.end(),
  close: ({ channel }) => channels[channel].channel.close(),
  channelStats: ({ channel }) => channels[channel].channel.stats(),
  async closed({ channel }) {
    const { by, error, unacknowledged } = await channels[channel].channel.closed
    return { by, unacknowledged, error: error && tale(error) }
  },

  /**
   * Offers messages in rounds, by `send` until it throws and by `write` with a timeout: until no round took anything for
   * `idleRounds`, and `offered` were offered, and `milliseconds` have passed. Tells how many were taken, and what
   * refused the others.
   */
  async offer({ channel, bytes, idleRounds = 0, offered = 0, milliseconds = 0 }) {
    const { channel: open } = channels[channel]
    const message = Buffer.alloc(bytes, 0x5a)
    const outcome = { offered: 0, taken: 0, refused: {} }
    const refuse = ({ code }) => {
      outcome.refused[code] = (outcome.refused[code] ?? 0) + 1
    }
    const until = performance.now() + milliseconds
    let idle = 0
    while (idle < idleRounds || outcome.offered < offered || performance.now() < until) {
      const before = outcome.taken
      for (let burst = 0; burst < 256; burst++) {
        outcome.offered++
        try {
          open.send(message)
          outcome.taken++
        } catch (error) {
          refuse(error)
        }
      }
      outcome.offered++
      await open.write(message, { timeout: 20 }).then(() => outcome.taken++, refuse)
      idle = outcome.taken === before ? idle + 1 : 0
    }
    return outcome
  },
  /** Reads everything, checks that it is `offer`'s messages, and tells how many they were. */
  async drain({ channel, bytes }) {
    const expected = Buffer.alloc(bytes, 0x5a)
    let count = 0
    for await (const message of channels[channel].channel) {
      count++
      if (!expected.equals(message)) throw new Error(`message ${count} is wrong`)
    }
    return count
  },

  /** Memory of the process without what the collector would free, and what else it holds. */
  usage() {
    for (let round = 0; round < 3; round++) globalThis.gc?.()
    return {
      rss: process.memoryUsage().rss,
      native: peer.stats().memoryBytes,
      threads: readdirSync('/proc/self/task').length,
      files: readdirSync('/proc/self/fd').length,
    }
  },
  /** Lets the event loop turn without anything for it to do. */
  async turn({ turns }) {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
  },
  /** Keeps the event loop from turning. */
  block: ({ milliseconds }) => block(milliseconds),
  /** The same, in a listener, when a message comes. */
  blockOnMessage: ({ milliseconds, channel }) =>
    new Promise((resolve) => {
      channels[channel].channel.once('message', () => {
        block(milliseconds)
        resolve()
      })
    }),
})
