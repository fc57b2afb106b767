// How a batch of the native part becomes calls of peers and channels.

import { type ChannelSink, Engine, type HostSink } from '../../lib/engine'
import { EventType } from '../../lib/native_types'
import { FakeNative } from '../support/fake_native'
import { turns } from '../support/peers'

jest.mock('../../lib/native', () => ({ native: () => undefined }))

function start() {
  const fake = new FakeNative()
  return { fake, engine: new Engine(fake.binding, 'auto') }
}

/** A channel that writes down what it is told. */
function sink(log: string[], name: string) {
  return {
    onMessages: jest.fn((messages: Buffer[], shared: boolean) => {
      log.push(`${name}: ${messages.map(String)}${shared ? '' : ' (own)'}`)
    }),
    onAccepted: jest.fn(() => void log.push(`${name} accepted`)),
    onWritable: jest.fn(() => void log.push(`${name} writable`)),
    onAcknowledged: jest.fn((base: number) => void log.push(`${name} acknowledged ${base}`)),
    onEnded: jest.fn(() => void log.push(`${name} ended`)),
    onClosed: jest.fn((_: unknown) => void log.push(`${name} closed`)),
  } satisfies ChannelSink
}

function hostSink() {
  return {
    onSessionIncoming: jest.fn(),
    onSessionOpen: jest.fn(),
    onSessionClosed: jest.fn(),
    onChannelIncoming: jest.fn(),
    onFailed: jest.fn(),
  } satisfies HostSink
}

/** Collects what is thrown with nobody to catch it, instead of ending the test. */
async function uncaught(work: () => Promise<void> | void): Promise<unknown[]> {
  const real = process.nextTick
  const found: unknown[] = []
  jest.spyOn(process, 'nextTick').mockImplementation((call, ...rest) =>
    real(() => {
      try {
        call(...rest)
      } catch (error) {
        found.push(error)
      }
    }),
  )
  try {
    await work()
    await turns(2)
  } finally {
    jest.restoreAllMocks()
  }
  return found
}

test('messages first, then events, each to its own channel', () => {
  const { fake, engine } = start()
  const log: string[] = []
  engine.addChannel(1, sink(log, 'one'))
  engine.addChannel(2, sink(log, 'two'))
  fake
    .event(EventType.Ended, 1)
    .event(EventType.Acknowledged, 2, 77)
    .event(EventType.Writable, 1)
    .event(EventType.ChannelAccepted, 2)
    .event(EventType.ChannelClosed, 1)
    .run(1, ['a', 'b'], 0, 10)
    .run(2, ['c'], 1, 0)
    .run(1, ['d'], -1)
    .deliver()
  expect(log).toEqual([
    'one: a,b',
    'two: c',
    'one: d (own)',
    'one ended',
    'two acknowledged 77',
    'one writable',
    'two accepted',
    'one closed',
  ])
})

test('the native part may spin while a host wants it', () => {
  const { fake, engine } = start()
  const sinks = [hostSink(), hostSink(), hostSink()] as const
  engine.addHost(1, sinks[0])
  expect(fake.callsOf('setSpin')).toEqual([])
  engine.addHost(2, sinks[1], true)
  engine.addHost(3, sinks[2], true)
  engine.removeHost(2)
  engine.removeHost(1)
  expect(fake.callsOf('setSpin')).toEqual([[true], [true]])
  engine.removeHost(3)
  engine.removeHost(3)
  expect(fake.callsOf('setSpin')).toEqual([[true], [true], [false]])
})

test('what is about nobody is passed over', () => {
  const { fake, engine } = start()
  const log: string[] = []
  engine.addChannel(1, sink(log, 'one'))
  fake.run(9, ['x']).run(1, ['a'], 0, 5).event(EventType.Ended, 9).event(EventType.SessionOpen, 9)
  fake.event(99, 1).event(EventType.Writable, 1).deliver()
  expect(log).toEqual(['one: a', 'one writable'])
})

test('one that throws does not stop the others, and is heard of', async () => {
  const { fake, engine } = start()
  const log: string[] = []
  const [bad, good] = [sink(log, 'bad'), sink(log, 'good')]
  bad.onMessages.mockImplementation(() => {
    throw new Error('in messages')
  })
  bad.onClosed.mockImplementation(() => {
    throw new Error('in closed')
  })
  engine.addChannel(1, bad)
  engine.addChannel(2, good)
  const errors = await uncaught(() => {
    fake.run(1, ['a']).run(2, ['b'], 0, 5).event(EventType.ChannelClosed, 1)
    fake.event(EventType.Ended, 2).deliver(2)
  })
  expect(errors).toMatchObject([{ message: 'in messages' }, { message: 'in closed' }])
  expect(log).toEqual(['good: b', 'good ended'])
  expect(fake.callsOf('channelRelease')).toEqual([[1]])
})

test('tables are read before anybody is called', () => {
  const { fake, engine } = start()
  const log: string[] = []
  const first = sink(log, 'first')
  first.onMessages.mockImplementation(() => {
    fake.tables.runs.fill(0)
    fake.tables.entries.fill(0)
    fake.tables.events.fill(0)
  })
  engine.addChannel(1, first)
  engine.addChannel(2, sink(log, 'second'))
  fake.run(1, ['a']).run(2, ['b', 'c'], 0, 5).event(EventType.Ended, 2).deliver()
  expect(log).toEqual(['second: b,c', 'second ended'])
})

test('slabs are supplied in turn, before anybody is called, and old ones stay as they are', () => {
  const { fake, engine } = start()
  const kept: Buffer[] = []
  const supplied: unknown[][] = []
  const channel = sink([], 'one')
  channel.onMessages.mockImplementation((messages: Buffer[]) => {
    kept.push(...messages)
    supplied.push(...fake.callsOf('supplySlab'))
  })
  engine.addChannel(1, channel)
  expect(fake.callsOf('supplySlab')).toEqual([[0], [1], [2], [3]])
  const before = [...fake.slabs]
  fake.calls.length = 0
  fake.run(1, ['first'], 0, 0).run(1, ['second'], 1, 0).deliver(3)
  expect(supplied.slice(0, 3)).toEqual([[0], [1], [2]])
  fake.calls.length = 0
  fake.run(1, ['third'], 3, 0).run(1, ['fourth'], 0, 0).deliver(2)
  expect(fake.callsOf('supplySlab')).toEqual([[3], [0]])
  expect(kept.map(String)).toEqual(['first', 'second', 'third', 'fourth'])
  expect(fake.slabs[0]).not.toBe(before[0])
})

test('a channel that is told of its end has no handle after that', () => {
  const { fake, engine } = start()
  const log: string[] = []
  const first = sink(log, 'first')
  const second = sink(log, 'second')
  // Opens another channel at once: its handle must not be the one that just ended.
  first.onClosed.mockImplementation(() => {
    expect(fake.callsOf('channelRelease')).toEqual([])
    engine.removeChannel(1, first)
    expect(fake.callsOf('channelRelease')).toEqual([])
  })
  engine.addChannel(1, first)
  fake.event(EventType.ChannelClosed, 1, 0x10, 2, 'reason').deliver()
  expect(first.onClosed).toHaveBeenCalledWith({
    code: 0x10,
    by: 2,
    timedOut: false,
    detail: 'reason',
  })
  expect(fake.callsOf('channelRelease')).toEqual([[1]])
  engine.addChannel(1, second)
  engine.removeChannel(1, first)
  fake.run(1, ['a']).deliver()
  expect(log).toEqual(['second: a'])
})

test('sessions and channels find their peer', () => {
  const { fake, engine } = start()
  const [a, b] = [hostSink(), hostSink()]
  engine.addHost(1, a)
  engine.addHost(2, b)
  engine.hold(a, true)
  engine.hold(b, true)
  engine.addSession(5, 1)
  const detail = { service: 'echo', metadata: Buffer.alloc(0) }
  fake
    .event(EventType.SessionOpen, 5)
    .event(EventType.SessionIncoming, 6, 2)
    .event(EventType.ChannelIncoming, 9, 2, 6, detail)
    .event(EventType.SessionClosed, 6, 3, 3 + 16, 'silence')
    .event(EventType.HostFailed, 1, 111)
    .deliver()
  expect(a.onSessionOpen).toHaveBeenCalledWith(5)
  expect(b.onSessionIncoming).toHaveBeenCalledWith(6)
  expect(b.onChannelIncoming).toHaveBeenCalledWith(9, 6, detail)
  expect(b.onSessionClosed).toHaveBeenCalledWith(6, {
    code: 3,
    by: 3,
    timedOut: true,
    detail: 'silence',
  })
  expect(a.onFailed).toHaveBeenCalledWith(111)
  expect(fake.callsOf('sessionRelease')).toEqual([[6]])
  engine.removeHost(1)
  fake.event(EventType.SessionOpen, 5).event(EventType.ChannelIncoming, 10, 1, 5, detail).deliver()
  expect(a.onSessionOpen).toHaveBeenCalledTimes(1)
  expect(fake.callsOf('channelRelease')).toEqual([[10]])
})

test('what is sent in a tick, and in the promises behind it, leaves together', async () => {
  const { fake, engine } = start()
  engine.flushSoon()
  engine.flushSoon()
  await turns(1)
  expect(fake.callsOf('flush')).toHaveLength(1)
  const during: number[] = []
  await new Promise<void>((resolve) => {
    setImmediate(async () => {
      for (let count = 0; count < 50; count++) {
        engine.flushSoon()
        await Promise.resolve()
        during.push(fake.callsOf('flush').length)
      }
      resolve()
    })
  })
  expect(during).toEqual(Array(50).fill(1))
  await turns(1)
  expect(fake.callsOf('flush')).toHaveLength(2)
})
