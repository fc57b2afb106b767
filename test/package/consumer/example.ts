// What a TypeScript user writes. Type-checked against the installed package, both as CommonJS and, under the
// name example.mts, as an ES module; never run.
import { type Channel, createPeer, HawserError, type Peer } from 'hawser'
import { createTestNetwork, type Frame, type TestNetwork } from 'hawser/testing'

export async function example(): Promise<string> {
  const server: Peer = await createPeer()
  server.serve('echo', async (channel) => {
    for await (const message of channel) await channel.write(message)
  })
  const client = await createPeer({ listen: 0 })
  const channel: Channel = await client.open(server.address, 'echo', { timeout: 1_000 })
  const room: boolean = channel.send('hello')
  const answer: Buffer | undefined = await channel.receive()
  try {
    await channel.flush()
  } catch (error) {
    if (error instanceof HawserError) return `${error.code}: ${error.hint}`
    throw error
  }
  // @ts-expect-error an option that does not exist
  await createPeer({ colour: 'red' })
  // @ts-expect-error a message is bytes or text
  channel.send(42)
  await client.close()
  await server.close()
  return `${room} ${answer?.toString()}`
}

export async function simulated(): Promise<readonly Frame[]> {
  const network: TestNetwork = createTestNetwork({ seed: 7 })
  const alice: Peer = await network.createPeer()
  const bob = await network.createPeer({ limits: { idleTimeout: 5_000 } })
  network.link(alice, bob, { delay: 20, burst: { enter: 0.01, leave: 0.5 } })
  const rule = network.hold({ from: alice, frame: 'MESSAGE', sequence: 3n, attempt: 1 })
  network.on('packet', ({ fate, frames }) => console.log(fate, frames.length))
  // @ts-expect-error not on a simulated network
  await network.createPeer({ listen: 0 })
  rule.release()
  await network.advance(10)
  return network.packets.flatMap(({ frames }) => frames)
}
