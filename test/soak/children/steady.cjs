// Two peers that send to each other over sockets of which each loses a hundredth of what it sends, and how often memory
// is asked for meanwhile:
//   LD_PRELOAD=HOOKS node steady.cjs DRIVER MESSAGES HOOKS ADDON
// HOOKS: what native/test/allocations was compiled to. ADDON: the end of the path of the addon that is watched.

const { createPeer } = require('hawser')

const [driver, count, hooksFile, addon] = process.argv.slice(2)
const hooks = require(hooksFile)
/** One way. */
const measured = Number(count) / 2
/** One way, a round. */
const warmUp = 100_000
const mostRounds = 20
// How much waits at once, for a message that was lost or for a thread that sleeps, has no bound but the window: now and
// then there is more of it than ever before, and room is made for that. What asks for memory by the message never stops.
const mostWindows = 10
const mostCalls = 100
const sizes = [64, 1024]

/** One end of the channel: sends numbered messages, and checks those that come. */
class End {
  sent = 0
  received = 0
  full = false
  #channel
  #limit = 0
  #wanted = 0
  #reached
  #messages = sizes.map((size) => Buffer.alloc(size))
  #read = (message) => {
    const number = this.received++
    if (message.length !== sizes[number % 2] || message.readUInt32LE(0) !== number) {
      throw new Error(`message ${number} is not what was sent`)
    }
    if (this.received === this.#wanted) this.#reached()
  }

  constructor(channel) {
    this.#channel = channel
    channel.on('message', this.#read)
    channel.on('drain', () => {
      this.full = false
      this.#pump()
    })
  }

  sendUntil(limit) {
    this.#limit = limit
    this.#pump()
  }

  #pump() {
    // Not all at once: the event loop has its turn in between.
    for (let i = 0; i < 2000 && this.sent < this.#limit && !this.full; i++) {
      const message = this.#messages[this.sent % 2]
      message.writeUInt32LE(this.sent++, 0)
      this.full = !this.#channel.send(message)
    }
    if (this.sent < this.#limit && !this.full) setImmediate(() => this.#pump())
  }

  receiveUntil(wanted) {
    return new Promise((resolve) => {
      this.#wanted = wanted
      this.#reached = resolve
      if (this.received >= wanted) resolve()
    })
  }

  pause() {
    this.#channel.off('message', this.#read)
  }

  resume() {
    this.#channel.on('message', this.#read)
  }

  /** Nothing of what was sent is on its way. */
  get still() {
    const { messagesInFlight } = this.#channel.stats()
    return this.full && messagesInFlight === 0
  }
}

async function exchange(ends, each) {
  const [a, b] = ends
  const end = Math.max(a.sent, b.sent) + each
  const done = Promise.all(ends.map((one) => one.receiveUntil(end)))
  for (const one of ends) one.sendUntil(end)
  await done
}

/** Until both ends have as much waiting as there can be. */
async function stopReading(ends) {
  for (const one of ends) one.pause()
  for (const one of ends) one.sendUntil(Number.POSITIVE_INFINITY)
  while (!ends.every((one) => one.still)) await new Promise((resolve) => setTimeout(resolve, 10))
  for (const one of ends) one.sendUntil(one.sent)
  for (const one of ends) one.resume()
}

function goesOn(windows) {
  const { ours } = windows.at(-1)
  return ours > 0 && ours <= mostCalls && windows.length < mostWindows
}

async function main() {
  const options = (seed) => ({
    listen: '127.0.0.1:0',
    impair: { loss: 0.01, seed },
    engine: { driver },
  })
  const [server, client] = [await createPeer(options(1)), await createPeer(options(2))]
  const accepted = new Promise((resolve) => server.serve('steady', resolve))
  const ends = [new End(await client.open(server.address, 'steady')), new End(await accepted)]
  await exchange(ends, warmUp)
  await stopReading(ends)
  // Rings grow by doubling; how far depends on what is lost when.
  for (let round = 0, calls = 1; round < mostRounds && calls > 0; round++) {
    hooks.start(addon)
    await exchange(ends, warmUp)
    calls = JSON.parse(hooks.stop()).ours
  }

  const lostByNow = () => server.stats().dropped.impaired + client.stats().dropped.impaired
  const windows = []
  do {
    const before = ends.map(({ received }) => received)
    const lost = lostByNow()
    hooks.start(addon)
    await exchange(ends, measured)
    const allocations = JSON.parse(hooks.stop())
    const messages = ends.reduce((sum, { received }, i) => sum + received - before[i], 0)
    windows.push({ messages, lost: lostByNow() - lost, ...allocations })
  } while (goesOn(windows))
  process.stdout.write(JSON.stringify(windows))
  server.destroy()
  client.destroy()
}

main()
