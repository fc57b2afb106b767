// Which OpenSSL encrypts. With HAWSER_OPENSSL=linked and a prebuilt addon: the one that is linked into it.

import { native } from '../../lib/native'
import { echo, makePeer } from '../support/peers'

test('is the one of the runtime, or the linked one where that was asked for', () => {
  const linked = process.env.HAWSER_OPENSSL === 'linked'
  expect(native().openssl()).toEqual({ version: expect.stringMatching(/^OpenSSL 3\./), linked })
})

test('protects messages of all sizes', async () => {
  const server = await makePeer()
  server.serve('echo', echo)
  const client = await makePeer()
  const channel = await client.open(server.address, 'echo')
  for (const length of [0, 1, 1_000, 100_000, 1_000_000]) {
    const message = Buffer.alloc(length, length & 255)
    channel.send(message)
    expect((await channel.receive())?.equals(message)).toBe(true)
  }
})
