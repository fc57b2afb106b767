// A ping-pong of two peers that spin, in one process; then the process has to end by itself. Arguments: the driver, and
// whether the peers are closed or left open without a reference.

const { createPeer } = require('hawser')

const [driver, ending] = process.argv.slice(2)
const rounds = 500

async function main() {
  const options = { listen: '127.0.0.1:0', engine: { driver, spin: true } }
  const [server, client] = [await createPeer(options), await createPeer(options)]
  server.serve('echo', (channel) => {
    channel.on('message', (message) => channel.send(message))
  })
  const channel = await client.open(server.address, 'echo')
  // The other work of the event loop goes on meanwhile.
  const turns = { timers: 0, immediates: 0 }
  const timer = setInterval(() => turns.timers++, 1)
  let immediate = setImmediate(function again() {
    turns.immediates++
    immediate = setTimeout(() => {
      immediate = setImmediate(again)
    }, 1)
  })
  let round = 0
  await new Promise((resolve) => {
    channel.on('message', (message) => {
      if (String(message) !== `ping ${round}`) throw new Error(`${message} in round ${round}`)
      if (++round >= rounds && turns.timers > 2 && turns.immediates > 2) resolve()
      else channel.send(`ping ${round}`)
    })
    channel.send(`ping ${round}`)
  })
  clearInterval(timer)
  clearTimeout(immediate)
  clearImmediate(immediate)
  if (client.stats().spins === 0) throw new Error('it did not spin')
  console.log('done')
  if (ending === 'close') await Promise.all([client.close(), server.close()])
  else for (const peer of [client, server]) peer.unref()
}

main()
