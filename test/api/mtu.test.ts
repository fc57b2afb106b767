// How long the datagrams of a path become, over real sockets.

import { makePair } from '../support/peers'

/** From nothing to several of the longest datagrams, around every size that datagrams may have. */
const sizes = [
  0, 1, 63, 64, 1_100, 1_171, 1_172, 1_443, 8_900, 16_300, 16_347, 16_376, 32_753,
].concat([60_000, 65_478, 65_507, 65_536, 200_000])

async function exchange(mtu: number | undefined, host = '127.0.0.1') {
  const options = { listen: [{ host }], ...(mtu === undefined ? {} : { mtu }) }
  const { channel, accepted } = await makePair({ client: options, server: options })
  const messages = sizes.flatMap((size) => [Buffer.alloc(size, size & 255), Buffer.alloc(size, 3)])
  // The first ones go while datagrams are short, the last ones when they are as long as they get.
  for (let round = 0; round < 5; round++) {
    for (const message of messages) channel.send(message)
    for (const message of messages) {
      const received = await accepted.receive()
      expect(received?.equals(message)).toBe(true)
      await accepted.write(received ?? '')
      expect((await channel.receive())?.equals(message)).toBe(true)
    }
  }
  return [channel, accepted].map((side) => side.stats().path.mtu)
}

test('on loopback both directions grow to the default bound', async () => {
  expect(await exchange(undefined)).toEqual([16_376, 16_376])
})

test('and to whatever `mtu` says', async () => {
  expect(await exchange(65_507)).toEqual([65_507, 65_507])
  expect(await exchange(1_472)).toEqual([1_472, 1_472])
})

// The longest datagram over IPv4 is too long for the interface: the system refuses it.
test('over IPv6 loopback takes 20 bytes less', async () => {
  expect(await exchange(65_507, '::1')).toEqual([65_487, 65_487])
})

test('mtu: 1200 leaves them as they begin', async () => {
  expect(await exchange(1_200)).toEqual([1_200, 1_200])
})

test('each side has its own bound', async () => {
  const { channel, accepted } = await makePair({ client: { mtu: 3_000 }, server: { mtu: 1_200 } })
  for (let round = 0; round < 5; round++) {
    await channel.write(Buffer.alloc(5_000))
    await accepted.receive()
    await accepted.write(Buffer.alloc(5_000))
    await channel.receive()
  }
  expect(channel.stats().path.mtu).toBe(3_000)
  expect(accepted.stats().path.mtu).toBe(1_200)
})
