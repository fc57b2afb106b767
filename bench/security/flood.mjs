// Floods a peer, in a process of its own, with datagrams over the loopback interface, 50,000 a second from another process,
// and shows what that costs the peer's process, which includes what the kernel charges it for receiving. Meanwhile an honest
// peer talks to it, and another one connects.
//   node bench/security/flood.mjs [SECONDS] [--rows]

import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { aim, asText, limit, table } from './table.mjs'

const perSecond = 50_000
/** What a flood may add to the victim's resident memory, bytes: half-open sessions, and what JavaScript has not collected. */
const mostMemory = 4 * 2 ** 20
const self = fileURLToPath(import.meta.url)
const { createPeer } = createRequire(import.meta.url)('../../dist/index.js')

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time))
const portOf = (address) => Number(address.slice(address.lastIndexOf(':') + 1))
const heard = (child) => new Promise((resolve) => child.once('message', resolve))
const bound = async (...where) => {
  const socket = dgram.createSocket('udp4')
  await new Promise((resolve, reject) => socket.once('error', reject).bind(...where, resolve))
  return socket
}

// --- The peer that is flooded.

async function victim() {
  const peer = await createPeer({ listen: '127.0.0.1:0' })
  peer.serve('echo', async (channel) => {
    for await (const message of channel) await channel.write(message)
  })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    const { datagramsReceived, bytesReceived, bytesSent, cookiesSent, dropped } = peer.stats()
    const rss = process.memoryUsage.rss()
    process.send({
      ...{ user, system, rss, datagramsReceived, bytesReceived, bytesSent, cookiesSent },
      ...{ notForUs: dropped.notForUs, unknownSession: dropped.unknownSession },
    })
  })
  process.send({ address: peer.address })
}

// --- Who floods it.

/** INITs with the right mac1: peers that dial the victim's id are made to send them to us. */
async function recordInits(address, count) {
  const trap = await bound(0, '127.0.0.1')
  const { port } = trap.address()
  const inits = new Map()
  trap.on('message', (datagram, { port: from }) => inits.set(from, Buffer.from(datagram)))
  const target = `${address.slice(0, address.lastIndexOf('@'))}@127.0.0.1:${port}`
  const peers = await Promise.all(
    Array.from({ length: count }, () => createPeer({ listen: false })),
  )
  const dialled = peers.map((peer) =>
    peer.open(target, 'echo', { timeout: 60_000 }).catch(() => {}),
  )
  while (inits.size < count) await sleep(10)
  await Promise.all(peers.map((peer) => peer.destroy()))
  await Promise.all(dialled)
  trap.close()
  return [...inits.values()]
}

const kinds = {
  // Nothing of it is a handshake; as long as one, and read as one up to mac1.
  invalid: () =>
    Array.from({ length: 64 }, () => {
      const init = randomBytes(1_200)
      Buffer.from([0x90, 0, 0, 0, 1, 1]).copy(init)
      return init
    }),
  valid: (address) => recordInits(address, 32),
  unknown: () =>
    Array.from({ length: 64 }, () => {
      const data = randomBytes(100)
      data[0] = 0x80
      return data
    }),
}

/** From so many addresses of 127/8, each with a port of its own. */
async function attacker(kind, address, seconds, addresses) {
  const datagrams = await kinds[kind](address)
  const sockets = await Promise.all(
    Array.from({ length: addresses }, (_, i) => bound(0, `127.1.${i >> 8}.${i & 255 || 255}`)),
  )
  const port = portOf(address)
  await Promise.all(
    sockets.map((socket) => new Promise((done) => socket.connect(port, '127.0.0.1', done))),
  )
  process.send('ready')
  await heard(process)
  const started = performance.now()
  let sent = 0
  while (performance.now() - started < seconds * 1000) {
    const due = ((performance.now() - started) / 1000) * perSecond
    // Each datagram from each address, in the end.
    for (; sent < due; sent++) {
      const socket = sockets[sent % sockets.length]
      socket.send(datagrams[(sent + Math.floor(sent / sockets.length)) % datagrams.length])
    }
    await sleep(2)
  }
  const bytes = Math.round(
    (sent * datagrams.reduce((sum, one) => sum + one.length, 0)) / datagrams.length,
  )
  process.send({ sent, bytes, seconds: (performance.now() - started) / 1000 })
  process.disconnect()
  for (const socket of sockets) socket.close()
}

// --- Who looks on.

async function flood(name, kind, seconds, addresses) {
  const child = fork(self, ['victim'])
  const { address } = await heard(child)
  const ask = () => {
    const answer = heard(child)
    child.send('stats')
    return answer
  }
  const attack = fork(self, ['attacker', kind, address, seconds, addresses])
  await heard(attack)
  const client = await createPeer({ listen: false })
  const channel = await client.open(address, 'echo')
  await sleep(200)
  const before = await ask()
  attack.send('go')
  const started = performance.now()
  let over
  const result = heard(attack).then((report) => {
    over = report
  })
  let slowest = 0
  let echoes = 0
  const talking = (async () => {
    while (over === undefined) {
      const begun = performance.now()
      channel.send('are you there?')
      await channel.receive()
      slowest = Math.max(slowest, performance.now() - begun)
      echoes++
      await sleep(20)
    }
  })()
  // In the middle of it, so that there are many half-open sessions already.
  await sleep((seconds * 1000) / 2)
  const newcomer = await createPeer({ listen: false })
  const dialled = performance.now()
  const connected = await newcomer.open(address, 'echo').then(
    (opened) => opened.close().then(() => true),
    (error) => error.message,
  )
  const took = performance.now() - dialled
  const during = performance.now() - started < seconds * 1000
  await talking
  await result
  const after = await ask()
  await newcomer.close()
  await client.close()
  child.kill()
  return judge({ name, before, after, over, echoes, slowest, connected, took, during })
}

function judge({ name, before, after, over, echoes, slowest, connected, took, during }) {
  const more = (what) => after[what] - before[what]
  const received = more('datagramsReceived')
  const share = (what) =>
    (more(what) / 1e4 / over.seconds) * ((perSecond * over.seconds) / received)
  const [user, system] = [share('user'), share('system')]
  const rate = Math.round(received / over.seconds)
  return [
    aim(
      `flood: ${name}`,
      `${user.toFixed(1)} % + kernel ${system.toFixed(1)} % of a core (came: ${rate}/s)`,
      'aim: < 10 % at 50,000/s',
      user + system < 10,
    ),
    limit(
      '  a new peer connects meanwhile',
      connected === true ? `after ${took.toFixed(0)} ms` : connected,
      'it does',
      connected === true && during,
    ),
    limit(
      '  echoes to one that is there',
      `${echoes}, slowest ${slowest.toFixed(0)} ms`,
      '> 0',
      echoes > 0,
    ),
    limit(
      '  bytes out, of bytes in',
      `${((more('bytesSent') / more('bytesReceived')) * 100).toFixed(1)} %, ${more('cookiesSent')} cookies`,
      '<= 100 %',
      more('bytesSent') <= more('bytesReceived'),
    ),
    limit(
      '  memory of the process (JavaScript included)',
      `+${Math.round(more('rss') / 1024)} KiB`,
      `<= ${mostMemory / 1024} KiB`,
      more('rss') <= mostMemory,
    ),
  ]
}

async function main(args) {
  const seconds = Number(args.find((arg) => !arg.startsWith('-')) ?? 5)
  const rows = [
    ...(await flood('INITs with a wrong mac1, one address', 'invalid', seconds, 1)),
    ...(await flood('INITs with the right mac1, 500 addresses', 'valid', seconds, 500)),
    ...(await flood('DATA for no session, one address', 'unknown', seconds, 1)),
  ]
  console.log(args.includes('--rows') ? rows.map(asText).join('\n') : table(rows))
  if (rows.some(({ verdict }) => verdict === 'FAILED')) process.exitCode = 1
}

const [role, ...rest] = process.argv.slice(2)
if (role === 'victim') await victim()
else if (role === 'attacker') await attacker(rest[0], rest[1], Number(rest[2]), Number(rest[3]))
else await main(process.argv.slice(2))
