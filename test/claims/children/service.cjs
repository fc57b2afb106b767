// A process with one peer, for two-process tests: `service.cjs PACKAGE serve` prints its address and sends back what comes;
// `service.cjs PACKAGE call ADDRESS COUNT` sends messages and prints what it saw as JSON.

const [entry, command, address, count] = process.argv.slice(2)
const { createPeer } = require(entry)

async function serve() {
  const peer = await createPeer({ listen: '127.0.0.1:0' })
  peer.serve('echo', { window: { size: 8, acks: 'counted', ackTimeout: 5 } }, async (channel) => {
    let received = 0
    for await (const message of channel) {
      received++
      await channel.write(message)
    }
    await channel.end()
    await channel.closed
    process.stdout.write(`${JSON.stringify({ received, stats: channel.stats() })}\n`)
    await peer.close()
  })
  process.stdout.write(`${peer.address}\n`)
}

async function call() {
  const peer = await createPeer({ listen: '127.0.0.1:0' })
  const window = { size: 8, acks: 'counted', ackTimeout: 5 }
  const channel = await peer.open(address, 'echo', { window })
  const answers = []
  const reading = (async () => {
    for await (const message of channel) answers.push(String(message))
  })()
  for (let number = 1; number <= Number(count); number++) await channel.write(`message ${number}`)
  await channel.end()
  await reading
  await channel.closed
  process.stdout.write(`${JSON.stringify({ answers, stats: channel.stats() })}\n`)
  await peer.close()
}

void (command === 'serve' ? serve() : call())
