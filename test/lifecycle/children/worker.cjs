// A worker thread with peers of its own.

const { createPeer } = require('hawser')
const { workerData } = require('node:worker_threads')

const { role, driver, address } = workerData

async function pour(channel) {
  const message = Buffer.alloc(1_000, 1)
  for (;;) {
    for (let count = 0; count < 50; count++) await channel.write(message)
    await new Promise(setImmediate)
  }
}

async function talk(channel) {
  for (let round = 0; round < 100; round++) {
    await channel.write(`round ${round}`)
    const answer = String(await channel.receive())
    if (answer !== `round ${round}`) throw new Error(`round ${round} came back as '${answer}'`)
  }
  await channel.close()
}

async function main() {
  const options = { listen: '127.0.0.1:0', engine: { driver } }
  const peer = await createPeer(options)
  if (role === 'talk') {
    const second = await createPeer(options)
    await Promise.all([
      peer.open(address, 'echo').then(talk),
      second.open(address, 'echo').then(talk),
    ])
    await peer.close()
    await second.close()
    return
  }
  const channel = await peer.open(address, 'test')
  let received = 0
  channel.on('message', () => {
    received++
    if (role === 'pour-and-exit' && received === 500) process.exit(7)
  })
  await pour(channel)
}

main()
