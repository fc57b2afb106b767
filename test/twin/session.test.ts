// Sessions and channels of the twin beyond plain transfer: the other suite, windows that count, refusals, and clients that go.

import { connect, type TwinChannel } from '../../bench/twin'
import { makePeer, until } from '../support/peers'
import { dial, lossyPath, messages, startListener, sumOf, twinServer, twinSide } from './support'

jest.setTimeout(30_000)

test.each(['addon', 'twin'] as const)('ChaCha20-Poly1305 with the %s', async (kind) => {
  const listener = await startListener(kind)
  const dialled = await dial('twin', listener, { suite: 2 })
  const taken = await listener.side
  await Promise.all([
    dialled.sendAll(messages(1, [64, 300], [5_000, 10])),
    taken.sendAll(messages(2, [64, 300], [5_000, 10])),
  ])
  expect(await taken.received).toEqual(sumOf(messages(1, [64, 300], [5_000, 10])))
  expect(await dialled.received).toEqual(sumOf(messages(2, [64, 300], [5_000, 10])))
})

test.each([0, 0.05])('a window in counted mode, with a loss of %d', async (loss) => {
  const listener = await startListener('twin')
  const path = await lossyPath(listener, loss, 11)
  const window = { size: 64, ackEvery: 16, ackTimeout: 20, acks: 'counted' } as const
  const dialled = await dial('addon', path, { channel: { window } })
  const taken = await listener.side
  await Promise.all([
    dialled.sendAll(messages(1, [64, 1_000])),
    taken.sendAll(messages(2, [64, 100])),
  ])
  expect(await taken.received).toEqual(sumOf(messages(1, [64, 1_000])))
  expect(await dialled.received).toEqual(sumOf(messages(2, [64, 100])))
  const { acksByCause, countsReceived } = dialled.stats() as unknown as {
    acksByCause: { messages: number }
    countsReceived: number
  }
  expect(acksByCause.messages).toBe(0)
  // M messages each, and not many more: T and what the sender asks for.
  expect(countsReceived).toBeGreaterThanOrEqual(1_000 / 64)
})

test('a message above the credit gets through, one above the limit is refused at once', async () => {
  const server = await twinServer()
  const got = new Promise<Uint8Array>((resolve) => {
    server.onChannel = (channel) => {
      channel.onMessage = resolve
    }
  })
  const channel = await connect({ host: '127.0.0.1', service: 'test', ...at(server) })
  const [message] = messages(5, [5 << 20, 1]) as Iterable<Buffer>
  channel.send(message as Buffer)
  await channel.flush()
  expect(Buffer.compare(await got, message as Buffer)).toBe(0)
  expect(() => channel.send(Buffer.alloc((16 << 20) + 1))).toThrow(RangeError)
  await channel.close()
})

const at = ({ port, id }: { port: number; id: string }) => ({ port, id })

test('send says when there is enough, and onDrain when there is room', async () => {
  const server = await twinServer()
  const channel = await connect({ host: '127.0.0.1', service: 'test', ...at(server) })
  let sent = 0
  while (channel.send(Buffer.alloc(1_000))) sent++
  expect(sent * 1_000).toBeGreaterThan(200_000)
  expect(sent * 1_000).toBeLessThan(400_000)
  await new Promise<void>((resolve) => {
    channel.onDrain = resolve
  })
  await channel.close()
})

test('a server outlives clients that close, that vanish, and that are refused', async () => {
  const server = await twinServer()
  const taken: TwinChannel[] = []
  const ends: unknown[] = []
  server.onChannel = (channel) => {
    taken.push(channel)
    channel.onClose = (error) => ends.push(error)
  }
  const options = { host: '127.0.0.1', service: 'test', ...at(server) }
  const first = await connect(options)
  await first.close()
  await until(() => ends.length === 1)
  expect(ends).toEqual([undefined])
  await expect(first.flush()).rejects.toThrow('closed')

  // This one says goodbye to nobody.
  const peer = await makePeer()
  const lost = await peer.open(`hawser://${server.id}@127.0.0.1:${server.port}`, 'test')
  await lost.write('x')
  await lost.flush()
  peer.destroy()

  const other = await twinServer()
  const wrong = connect({ ...options, id: other.id, timeout: 600 })
  await expect(wrong).rejects.toThrow('nobody has answered')

  const last = twinSide(await connect(options))
  await last.sendAll(messages(1, [64, 10]))
  expect(taken.at(-1)?.stats().messagesReceived).toBe(10)
  await taken.at(-1)?.close()
  expect((await last.received).count).toBe(0)
})

test('the addon refuses services that it does not have, and the twin hears of it', async () => {
  const peer = await makePeer()
  const port = Number(new URL(peer.address).port)
  const options = { host: '127.0.0.1', port, id: peer.id, service: 'missing' }
  await expect(connect(options)).rejects.toThrow('serviceUnknown')
})

test('the twin takes messages in order only', async () => {
  const server = await twinServer()
  const peer = await makePeer()
  const address = `hawser://${server.id}@127.0.0.1:${server.port}`
  await expect(peer.open(address, 'test', { delivery: 'latest' })).rejects.toMatchObject({
    code: 'SERVICE_REFUSED',
  })
})

test('messages that expire are skipped, and the rest is handed over in order', async () => {
  const listener = await startListener('twin')
  const path = await lossyPath(listener, 0.2, 4)
  const dialled = await dial('addon', path, { channel: { expiresAfter: 30 } })
  const taken = await listener.side
  await dialled.sendAll(messages(1, [1_024, 400]))
  const { count } = await taken.received
  expect(count).toBeGreaterThan(0)
  expect(count).toBeLessThanOrEqual(400)
  await taken.close()
})
