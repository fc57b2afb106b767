// Path MTU discovery over simulated links: what the core does on the way is in native/test/unit/sim_mtu_test.cc.

import type { Channel, Peer } from '../../lib'
import type { TestNetwork } from '../../lib/testing'
import { makeNetwork } from './support'

async function makeWide(network: TestNetwork, mtu?: number) {
  const options = mtu === undefined ? {} : { mtu }
  const alice = await network.createPeer(options)
  const bob = await network.createPeer(options)
  const accepted = new Promise<Channel>((resolve) => {
    bob.serve('test', resolve)
  })
  return {
    alice,
    bob,
    open: async () => [await alice.open(bob.address, 'test'), await accepted] as const,
  }
}

async function exchange(channel: Channel, accepted: Channel, count: number) {
  for (let number = 0; number < count; number++) {
    channel.send(Buffer.alloc(20_000, number))
    expect((await accepted.receive())?.equals(Buffer.alloc(20_000, number))).toBe(true)
  }
}

const longest = (network: TestNetwork, from: Peer) =>
  Math.max(
    ...network.packets.filter((packet) => packet.from === from).map(({ bytes }) => bytes.length),
  )

test('datagrams grow to what the link carries, and shrink with it', async () => {
  const network = makeNetwork()
  const { alice, bob, open } = await makeWide(network)
  network.link(alice, bob, { delay: 10, mtu: 8_972 })
  const [channel, accepted] = await open()
  expect(channel.stats().path.mtu).toBe(1_200)
  await exchange(channel, accepted, 20)
  expect(channel.stats().path).toMatchObject({ mtu: 8_972, mtuReductions: 0, packetsLost: 0 })

  network.link(alice, bob, { delay: 10, mtu: 1_500 })
  await exchange(channel, accepted, 40)
  expect(channel.stats().path).toMatchObject({ mtu: 1_472, mtuReductions: 1 })
})

test('mtu bounds them', async () => {
  const network = makeNetwork()
  const { alice, open } = await makeWide(network, 1_200)
  const [channel, accepted] = await open()
  await exchange(channel, accepted, 20)
  expect(channel.stats().path.mtu).toBe(1_200)
  expect(longest(network, alice)).toBe(1_200)
})
