// What test networks do not take, and what they say about it.

import { OptionError } from '../../lib'
import { createTestNetwork, type Packet, type TestNetwork } from '../../lib/testing'
import { makeNetwork, makePair } from './support'

/** Calls with values that the types forbid. */
type Loose = Record<string, (...values: unknown[]) => unknown>
const loose = (network: TestNetwork) => network as unknown as Loose

test.each<[string, unknown, string]>([
  ['a negative seed', { seed: -1 }, 'seed'],
  ['a broken seed', { seed: 1.5 }, 'seed'],
  ['paused as a number', { paused: 1 }, 'paused'],
  ['an unknown option', { sead: 1 }, 'sead'],
  ['a link that is wrong', { link: { loss: 2 } }, 'link.loss'],
  ['a default for one direction', { link: { oneWay: true } }, 'link.oneWay'],
  ['a negative number of packets', { keepPackets: -1 }, 'keepPackets'],
])('createTestNetwork: %s', (_, options, option) => {
  expect(() => createTestNetwork(options as object)).toThrow(OptionError)
  expect(() => createTestNetwork(options as object)).toThrow(expect.objectContaining({ option }))
})

test.each<[string, (network: Loose, alice: unknown, bob: unknown) => unknown, string]>([
  ['link: loss above 1', (n, a, b) => n.link?.(a, b, { loss: 1.01 }), 'loss'],
  ['link: a delay below 0', (n, a, b) => n.link?.(a, b, { delay: -1 }), 'delay'],
  ['link: a text as jitter', (n, a, b) => n.link?.(a, b, { jitter: '5' }), 'jitter'],
  ['link: a slow rate', (n, a, b) => n.link?.(a, b, { rate: 10 }), 'rate'],
  ['link: an empty queue', (n, a, b) => n.link?.(a, b, { queue: 0 }), 'queue'],
  ['link: an MTU of 0', (n, a, b) => n.link?.(a, b, { mtu: 0 }), 'mtu'],
  [
    'link: a burst that never ends',
    (n, a, b) => n.link?.(a, b, { burst: { enter: 0.1, leave: 0 } }),
    'burst.leave',
  ],
  [
    'link: a burst without a beginning',
    (n, a, b) => n.link?.(a, b, { burst: { leave: 0.1 } }),
    'burst.enter',
  ],
  ['link: a typing error', (n, a, b) => n.link?.(a, b, { dealy: 1 }), 'dealy'],
  ['link: with itself', (n, a) => n.link?.(a, a), 'b'],
  ['link: with nobody', (n, a) => n.link?.(a, undefined), 'b'],
  ['partition: by id', (n, a, b) => n.partition?.(a, (b as { id: string }).id), 'b'],
  ['readdress: nobody', (n) => n.readdress?.(undefined), 'peer'],
  ['drop: an unknown frame', (n) => n.drop?.({ frame: 'MESAGE' }), 'frame'],
  ['drop: an unknown kind', (n) => n.drop?.({ kind: 'data' }), 'kind'],
  ['drop: sequence 0', (n) => n.drop?.({ sequence: 0 }), 'sequence'],
  ['drop: a broken attempt', (n) => n.drop?.({ attempt: 0.5 }), 'attempt'],
  ['drop: a stranger', (n) => n.drop?.({ from: {} }), 'from'],
  ['drop: where is no function', (n) => n.drop?.({ where: true }), 'where'],
  ['hold: count 0', (n) => n.hold?.({ count: 0 }), 'count'],
  ['delay: no time', (n) => n.delay?.({}), 'milliseconds'],
  ['duplicate: no copies', (n) => n.duplicate?.({}, { copies: 0 }), 'copies'],
  ['inject: a text', (n, a, b) => n.inject?.(a, b, 'PING'), 'content'],
  ['inject: nothing', (n, a, b) => n.inject?.(a, b, []), 'content'],
  ['inject: an unknown frame', (n, a, b) => n.inject?.(a, b, [{ type: 'PONG' }]), 'frames'],
])('%s', async (_, call, option) => {
  const { network, alice, bob } = await makePair(makeNetwork())
  expect(() => call(loose(network), alice, bob)).toThrow(OptionError)
  expect(() => call(loose(network), alice, bob)).toThrow(expect.objectContaining({ option }))
})

test.each([
  ['listen', { listen: 0 }],
  ['impair', { impair: { loss: 0.5 } }],
  ['engine', { engine: { driver: 'thread' } }],
  ['limits.session', { limits: { session: 1 } }],
  ['mtu', { mtu: 1_199 }],
])('createPeer: %s', async (option, options) => {
  const network = makeNetwork()
  await expect(loose(network).createPeer?.(options)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    option,
  })
})

test.each([
  ['advance', -1, 'milliseconds'],
  ['advance', Number.NaN, 'milliseconds'],
  ['settle', { within: -1 }, 'within'],
])('%s: %p', async (method, value, option) => {
  await expect(loose(makeNetwork())[method]?.(value)).rejects.toMatchObject({ option })
})

test('a peer of another network is none of this one', async () => {
  const [here, there] = [makeNetwork(), makeNetwork()]
  const alice = await here.createPeer()
  const bob = await there.createPeer()
  expect(() => here.link(alice, bob)).toThrow(OptionError)
})

test('packets are told as they go, and kept as many as wanted', async () => {
  const network = makeNetwork({ keepPackets: 3 })
  const told: Packet[] = []
  network.on('packet', (packet) => told.push(packet))
  const { channel, accepted } = await makePair(network)
  for (let index = 0; index < 100; index++) {
    channel.send('x')
    await accepted.receive()
  }
  expect(told.map(({ index }) => index)).toEqual(told.map((_, index) => index))
  expect(told.length).toBeGreaterThan(100)
  expect(network.packets.length).toBeLessThan(20)
  expect(network.packets.at(-1)).toBe(told.at(-1))
  network.clearPackets()
  expect(network.packets).toHaveLength(0)
})
