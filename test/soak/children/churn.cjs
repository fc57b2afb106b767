// Opens and closes channels and peers by the thousand, each of which carries a message both ways, and prints what the
// process holds at the start, after the first half and after the second:
//   node --expose-gc churn.cjs DRIVER CHANNELS PEERS

const { createPeer } = require('hawser')
const { readdirSync } = require('node:fs')

const [driver, channels, peers] = [
  process.argv[2],
  Number(process.argv[3]),
  Number(process.argv[4]),
]
const options = { listen: '127.0.0.1:0', engine: { driver } }
/** Tasks at once. */
const width = 40

async function echo(channel) {
  for await (const message of channel) await channel.write(message)
  await channel.end()
}

async function talk(channel, text) {
  await channel.write(text)
  const answer = String(await channel.receive())
  if (answer !== text) throw new Error(`'${text}' came back as '${answer}'`)
  await channel.end()
  const { error, unacknowledged } = await channel.closed
  if (error !== undefined || unacknowledged !== null) throw error ?? new Error('not acknowledged')
}

/** Runs `work` for 0 to `count` − 1, `width` of them at once. */
async function spread(count, work) {
  let next = 0
  const lane = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

async function half(hub, channels, peers) {
  const before = hub.stats()
  const client = await createPeer(options)
  // Every other channel is opened by the other side.
  client.serve('echo', echo)
  const back = await client.open(hub.address, 'echo')
  await talk(back, 'here I am')
  await spread(channels, async (index) => {
    const [from, to] = index % 2 === 0 ? [client, hub] : [hub, client]
    await talk(await from.open(to.address, 'echo'), `channel ${index}`)
  })
  await client.close()
  await spread(peers, async (index) => {
    const peer = await createPeer(options)
    await talk(await peer.open(hub.address, 'echo'), `peer ${index}`)
    await peer.close()
  })
  const { channelsOpened, channelsAccepted, sessionsOpened } = hub.stats()
  return {
    channels: channelsOpened + channelsAccepted - before.channelsOpened - before.channelsAccepted,
    sessions: sessionsOpened - before.sessionsOpened,
  }
}

const count = (folder) => readdirSync(folder).length

/** What the process holds once everything has settled. */
async function holdings(hub) {
  for (;;) {
    const { sessions, channels: open } = hub.stats()
    if (sessions.length === 0 && open === 0) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  let native = -1
  // The collector finishes what it frees in turns of its own, and memory that was kept warm goes after a while.
  for (let still = 0; still < 10; ) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    globalThis.gc()
    const now = hub.stats().memoryBytes
    still = now === native ? still + 1 : 0
    native = now
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    rss,
    heapUsed,
    external,
    native,
    threads: count('/proc/self/task'),
    files: count('/proc/self/fd'),
    resources: process.getActiveResourcesInfo().sort(),
  }
}

async function main() {
  const hub = await createPeer(options)
  hub.serve('echo', echo)
  // What is loaded, compiled and kept warm once belongs to the start.
  await half(hub, channels / 10, peers / 10)
  const start = await holdings(hub)
  const done = [await half(hub, channels / 2, peers / 2)]
  const firstHalf = await holdings(hub)
  done.push(await half(hub, channels / 2, peers / 2))
  const secondHalf = await holdings(hub)
  await hub.close()
  process.stdout.write(JSON.stringify({ start, firstHalf, secondHalf, done }))
}

main()
