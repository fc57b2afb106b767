// A test of an application on a bad network, without sockets and in no time. Prints what was received.
import { createTestNetwork } from 'hawser/testing'

async function main() {
  const network = createTestNetwork({ seed: 7 })
  const alice = await network.createPeer()
  const bob = await network.createPeer()
  network.link(alice, bob, { delay: 20, jitter: 5, loss: 0.05 })
  const rule = network.drop({ from: alice, channel: 1, sequence: 2, attempt: 1 })

  bob.serve('echo', async (channel) => {
    for await (const message of channel) await channel.write(message)
  })
  const channel = await alice.open(bob.address, 'echo')
  for (const word of ['lost', 'and', 'found']) {
    channel.send(word)
    console.log(String(await channel.receive({ timeout: 10_000 })))
  }
  console.log(rule.dropped, network.packets.filter(({ fate }) => fate === 'dropped').length)
  await network.close()
}

main()
