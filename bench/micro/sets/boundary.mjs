// What crossing from JavaScript to the native part costs: a call, a message copied into the ring, and a batch of messages
// made into Buffers. The batch goes through the package's own Engine, which has the addon in place of the native part.

import assert from 'node:assert/strict'

const slabBytes = 256 * 1024
const channel = 1

/** The Engine of dist/, fed by hand. */
class Deliveries {
  received = 0
  last = []
  #addon
  #callback

  constructor({ addon, Engine }) {
    this.#addon = addon
    const tables = {
      runs: new Int32Array(4 * 64),
      entries: new Int32Array(2 * 1_024),
      events: new Float64Array(4 * 64),
    }
    const engine = new Engine(
      {
        start: ({ slabs, slabBytes: bytes, callback }) => {
          assert.equal(bytes, slabBytes)
          this.#callback = callback
          addon.resetSink(slabs, bytes, tables.runs, tables.entries)
          return { driver: 'hybrid', tables }
        },
        supplySlab: (index, memory) => assert.equal(addon.supplySlab(index, memory), 1),
      },
      'auto',
    )
    engine.addChannel(channel, {
      onMessages: (messages) => {
        this.received += messages.length
        this.last = messages
      },
    })
  }

  /** One batch, and how many messages came of it. */
  batch(count, bytes) {
    const before = this.received
    const runs = this.#addon.deliver(count, bytes)
    this.#callback(runs, 0, undefined, undefined, this.#addon.spent())
    return this.received - before
  }
}

export function boundary({ addon, Engine }) {
  const deliveries = new Deliveries({ addon, Engine })
  const count = 64
  const batch = (bytes, label) => {
    const messages = () => deliveries.last.map((message) => Buffer.from(message))
    return {
      name: `boundary: batch of ${count} x ${label} to views, a message`,
      perCall: count,
      call: () => deliveries.batch(count, bytes),
      work: count,
      check: () =>
        assert.deepEqual(
          messages(),
          Array.from({ length: count }, (_, i) => Buffer.alloc(bytes, i)),
        ),
    }
  }
  const send = (bytes, label) => {
    const message = Buffer.alloc(bytes, label)
    return {
      name: `boundary: send() copies ${label}`,
      perCall: 1,
      call: () => addon.send(channel, message, bytes),
      work: 0,
      check: () => assert.deepEqual(addon.pushed(bytes), message),
    }
  }
  let calls = 0
  return [
    {
      name: 'boundary: call without arguments',
      perCall: 1,
      call: () => addon.nothing(),
      work: undefined,
      prepare: () => {
        calls = addon.callsSoFar()
      },
      check: () => assert.equal(addon.callsSoFar(), calls + 1),
    },
    send(64, '64 B'),
    send(1_024, '1 KiB'),
    batch(64, '64 B'),
    batch(1_024, '1 KiB'),
  ]
}
