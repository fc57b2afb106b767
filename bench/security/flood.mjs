// Floods a peer, in a process of its own, with datagrams over the loopback interface, 50,000 a second, and prints what
// that costs the process, which includes what the kernel charges it for receiving. Meanwhile an honest peer talks to it.
//   node bench/security/flood.mjs [SECONDS]

import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const perSecond = 50_000
const self = fileURLToPath(import.meta.url)
const { createPeer } = createRequire(import.meta.url)('../../dist/index.js')

async function victim() {
  const peer = await createPeer({ listen: '127.0.0.1:0' })
  peer.serve('echo', async (channel) => {
    for await (const message of channel) await channel.write(message)
  })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    const { datagramsReceived, datagramsSent, bytesReceived, bytesSent, dropped } = peer.stats()
    process.send({
      user,
      system,
      rss: process.memoryUsage.rss(),
      datagramsReceived,
      datagramsSent,
      bytesReceived,
      bytesSent,
      notForUs: dropped.notForUs,
      unknownSession: dropped.unknownSession,
    })
  })
  process.send({ address: peer.address })
}

function ask(child) {
  return new Promise((resolve) => {
    child.once('message', resolve)
    child.send('stats')
  })
}

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time))

async function flood(name, make, seconds) {
  const child = fork(self, ['victim'])
  const { address } = await new Promise((resolve) => child.once('message', resolve))
  const port = Number(address.slice(address.lastIndexOf(':') + 1))
  const socket = dgram.createSocket('udp4')
  await new Promise((resolve) => socket.connect(port, '127.0.0.1', resolve))
  const client = await createPeer({ listen: false })
  const channel = await client.open(address, 'echo')
  await sleep(200)
  const before = await ask(child)
  const started = performance.now()
  let sent = 0
  let slowest = 0
  let echoes = 0
  const talking = (async () => {
    while (performance.now() - started < seconds * 1000) {
      const begun = performance.now()
      channel.send('are you there?')
      await channel.receive()
      slowest = Math.max(slowest, performance.now() - begun)
      echoes++
      await sleep(20)
    }
  })()
  while (performance.now() - started < seconds * 1000) {
    const due = ((performance.now() - started) / 1000) * perSecond
    while (sent < due) {
      socket.send(make(sent))
      sent++
    }
    await sleep(2)
  }
  const elapsed = (performance.now() - started) / 1000
  await talking
  const opened = await client.open(address, 'echo')
  const after = await ask(child)
  const share = (what) => `${((after[what] - before[what]) / 1e4 / elapsed).toFixed(1)} %`
  console.log(
    `${name}: ${Math.round(sent / elapsed)} a second, ${Math.round(((after.datagramsReceived - before.datagramsReceived) / sent) * 100)} % received, ` +
      `of a core ${share('user')} in the process and ${share('system')} in the kernel, memory +${Math.round((after.rss - before.rss) / 1024)} KiB, ` +
      `${echoes} echoes, the slowest ${slowest.toFixed(1)} ms`,
  )
  await opened.close()
  await client.close()
  socket.close()
  child.kill()
}

if (process.argv[2] === 'victim') {
  await victim()
} else {
  const seconds = Number(process.argv[2] ?? 5)
  const init = randomBytes(1_200)
  Buffer.from([0x90, 0, 0, 0, 1, 1]).copy(init)
  const inits = Array.from({ length: 64 }, (_, index) => {
    const one = Buffer.from(init)
    one.writeUInt32BE(index, 6)
    return one
  })
  const data = Array.from({ length: 64 }, () => {
    const one = randomBytes(100)
    one[0] = 0x80
    return one
  })
  await flood('INITs whose mac1 does not check', (index) => inits[index % 64], seconds)
  await flood('DATA for no session', (index) => data[index % 64], seconds)
}
