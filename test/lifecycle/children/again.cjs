// The same again and again, several peers, and threads.

const { Worker } = require('node:worker_threads')
const {
  driver,
  workerScript,
  check,
  makePeer,
  pour,
  atMessage,
  echo,
  talk,
} = require('./common.cjs')

module.exports = {
  async 'create-and-close'() {
    for (let round = 0; round < 200; round++) {
      const peer = await makePeer()
      peer.serve('test', () => {})
      await peer.close()
    }
    for (let round = 0; round < 200; round++) {
      const peer = await makePeer()
      peer.destroy()
    }
  },
  async 'several-peers'() {
    const peers = await Promise.all(Array.from({ length: 8 }, () => makePeer()))
    for (const peer of peers) peer.serve('echo', echo)
    await Promise.all(
      peers.flatMap((from) =>
        peers.map(async (to) => {
          if (from === to) return
          const channel = await from.open(to.address, 'echo')
          for (let round = 0; round < 10; round++) await talk(channel, `${from.id} ${round}`)
        }),
      ),
    )
    await Promise.all(peers.map((peer) => peer.close()))
  },

  async 'workers-end-by-themselves'() {
    const server = await makePeer()
    server.serve('echo', echo)
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        const worker = new Worker(workerScript, {
          workerData: { role: 'talk', driver, address: server.address },
        })
        const code = await new Promise((resolve, reject) => {
          worker.once('error', reject)
          worker.once('exit', resolve)
        })
        check(code === 0, `the worker ended with ${code}`)
      }),
    )
    check(server.stats().channelsAccepted === 8, 'each worker opened two channels')
    await server.close()
  },
  async 'worker-terminated-in-transfer'() {
    for (let round = 0; round < 10; round++) {
      const server = await makePeer()
      const accepted = new Promise((resolve) => server.serve('test', resolve))
      const worker = new Worker(workerScript, {
        workerData: { role: 'pour', driver, address: server.address },
      })
      const failed = new Promise((_, reject) => worker.once('error', reject))
      const channel = await Promise.race([accepted, failed])
      pour(channel)
      await Promise.race([new Promise((resolve) => atMessage(channel, 500, resolve)), failed])
      await worker.terminate()
      server.destroy()
    }
  },
  async 'worker-exits-in-transfer'() {
    const server = await makePeer()
    const accepted = new Promise((resolve) => server.serve('test', resolve))
    const worker = new Worker(workerScript, {
      workerData: { role: 'pour-and-exit', driver, address: server.address },
    })
    const ended = new Promise((resolve, reject) => {
      worker.once('error', reject)
      worker.once('exit', resolve)
    })
    const channel = await Promise.race([accepted, ended])
    channel.on('message', () => {})
    pour(channel)
    check((await ended) === 7, 'the exit code of the worker')
    server.destroy()
  },
  async 'exit-with-workers'() {
    const server = await makePeer()
    let talking = 0
    server.serve('test', (channel) => {
      pour(channel)
      // Once all of them are in the middle of it.
      atMessage(channel, 500, () => {
        if (++talking === 3) process.exit(0)
      })
    })
    for (let index = 0; index < 3; index++) {
      new Worker(workerScript, { workerData: { role: 'pour', driver, address: server.address } })
    }
    await new Promise(() => {})
  },
}
