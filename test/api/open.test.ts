// What an OPEN can carry, and memory that cannot be sent.

import { OptionError } from '../../lib'
import { makePair, makePeer } from '../support/peers'

test('metadata that does not fit with the name of the service is refused by name', async () => {
  const server = await makePeer()
  const name = 'n'.repeat(255)
  server.serve(name, () => {})
  const client = await makePeer()
  const most = 1120 - 255
  await expect(
    client.open(server.address, name, { metadata: Buffer.alloc(most + 1) }),
  ).rejects.toMatchObject({
    option: 'metadata',
    allowed: expect.stringContaining(`up to ${most} bytes`),
  })
  const channel = await client.open(server.address, name, { metadata: Buffer.alloc(most, 7) })
  expect(channel.metadata).toEqual(Buffer.alloc(most, 7))
})

test('transferred memory is refused as an option, and nothing is sent', async () => {
  const { channel, accepted } = await makePair()
  const memory = new ArrayBuffer(8)
  const view = new Uint8Array(memory)
  structuredClone(memory, { transfer: [memory] })
  expect(() => channel.send(view)).toThrow(OptionError)
  channel.send('next')
  expect(String(await accepted.receive())).toBe('next')
})

test.each([
  ['a Map', new Map()],
  ['a Date', new Date()],
])('%s is not taken for options', async (_, value) => {
  await expect(makePeer({ limits: value as never })).rejects.toMatchObject({ option: 'limits' })
})
