// Every option: what is taken, what is refused and how the refusal reads.

import path from 'node:path'
import { createPeer, Identity, OptionError } from '../../lib'
import {
  type ChannelSettings,
  openOptions,
  serveOptions,
  serviceName,
} from '../../lib/options/channel'
import { type PeerSettings, peerOptions } from '../../lib/options/peer'
import { waiting } from '../../lib/options/waiting'

function refusal(work: () => unknown): OptionError {
  try {
    work()
  } catch (error) {
    if (error instanceof OptionError) return error
    throw error
  }
  throw new Error('was not refused')
}

/** An object with one property at a path like `window.size`. */
function nested(path: string, value: unknown): Record<string, unknown> {
  const [first = '', ...rest] = path.split('.')
  return { [first]: rest.length === 0 ? value : nested(rest.join('.'), value) }
}

const notNumbers = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  '5',
  null,
  {},
  true,
  5n,
]

describe('options of a peer', () => {
  test('defaults', () => {
    const settings = peerOptions(undefined)
    expect(settings).toMatchObject<Partial<PeerSettings>>({
      listen: [{ host: undefined, port: 0 }],
      limits: {
        sessions: 65_536,
        sessionsPerPeer: 64,
        halfOpen: 4_096,
        cookiesFrom: 64,
        handshakeRate: 100,
        unprovenRate: 250,
        resetRate: 100,
        channels: 65_536,
        memory: 1_073_741_824,
        idleTimeout: 30_000,
      },
      networkKey: undefined,
      mtu: 16_376,
      impair: undefined,
      signal: undefined,
      driver: 'auto',
      spin: false,
      threads: 1,
      congestion: 'bbr',
    })
    expect(settings.identity).toBeInstanceOf(Identity)
    expect(peerOptions({}).identity).not.toBe(settings.identity)
  })

  test.each<[unknown, PeerSettings['listen']]>([
    [undefined, [{ host: undefined, port: 0 }]],
    [false, []],
    [0, [{ host: undefined, port: 0 }]],
    [65_535, [{ host: undefined, port: 65_535 }]],
    ['4433', [{ host: undefined, port: 4433 }]],
    ['127.0.0.1:0', [{ host: '127.0.0.1', port: 0 }]],
    ['[::1]:4433', [{ host: '::1', port: 4433 }]],
    ['localhost:1', [{ host: 'localhost', port: 1 }]],
    [[{}], [{ host: undefined, port: 0 }]],
    [
      [{ host: '127.0.0.1', port: 5 }, { host: '::1' }],
      [
        { host: '127.0.0.1', port: 5 },
        { host: '::1', port: 0 },
      ],
    ],
  ])('listen: %j is taken', (listen, expected) => {
    expect(peerOptions({ listen }).listen).toEqual(expected)
  })

  test.each<[unknown, string]>([
    [-1, 'listen'],
    [65_536, 'listen'],
    [1.5, 'listen'],
    [Number.NaN, 'listen'],
    [true, 'listen'],
    [null, 'listen'],
    ['', 'listen'],
    ['70000', 'listen'],
    ['localhost', 'listen'],
    ['::1:5', 'listen'],
    ['[::1]', 'listen'],
    ['1.2.3:5', 'listen'],
    ['a b:5', 'listen'],
    [[], 'listen'],
    [[undefined], 'listen[0]'],
    [[4433], 'listen[0]'],
    [[{ port: -1 }], 'listen[0].port'],
    [[{ port: '5' }], 'listen[0].port'],
    [[{}, { host: '[::1]' }], 'listen[1].host'],
    [[{ host: '' }], 'listen[0].host'],
    [[{ host: 5 }], 'listen[0].host'],
    [[{ address: '::1' }], 'listen[0].address'],
  ])('listen: %p is refused', (listen, option) => {
    const error = refusal(() => peerOptions({ listen }))
    expect(error.option).toBe(option)
  })

  test.each(['sessions', 'sessionsPerPeer', 'halfOpen', 'channels'])('limits.%s', (name) => {
    for (const value of [1, 1_048_576]) {
      expect(peerOptions({ limits: { [name]: value } }).limits).toMatchObject({ [name]: value })
    }
    for (const value of [0, -1, 1.5, 1_048_577, ...notNumbers]) {
      const error = refusal(() => peerOptions({ limits: { [name]: value } }))
      expect(error).toMatchObject({ option: `limits.${name}`, value })
      expect(error.allowed).toBe('a whole number from 1 to 1,048,576')
    }
  })

  test.each<[string, number, number]>([
    ['handshakeRate', 1, 1_000_000],
    ['memory', 1_048_576, 9_007_199_254_740_991],
  ])('limits.%s', (name, minimum, maximum) => {
    for (const value of [minimum, maximum]) {
      expect(peerOptions({ limits: { [name]: value } }).limits).toMatchObject({ [name]: value })
    }
    for (const value of [0, -1, minimum - 1, minimum + 0.5, maximum + 1, ...notNumbers]) {
      const error = refusal(() => peerOptions({ limits: { [name]: value } }))
      expect(error).toMatchObject({ option: `limits.${name}`, value })
      expect(error.allowed).toContain(maximum.toLocaleString('en-US'))
    }
  })

  test.each<[string, number]>([
    ['cookiesFrom', 1_048_576],
    ['unprovenRate', 1_000_000],
    ['resetRate', 1_000_000],
  ])('limits.%s, of which there may be none', (name, maximum) => {
    for (const value of [0, 1, maximum]) {
      expect(peerOptions({ limits: { [name]: value } }).limits).toMatchObject({ [name]: value })
    }
    for (const value of [-1, 0.5, maximum + 1, ...notNumbers]) {
      const error = refusal(() => peerOptions({ limits: { [name]: value } }))
      expect(error).toMatchObject({ option: `limits.${name}`, value })
      expect(error.allowed).toBe(`a whole number from 0 to ${maximum.toLocaleString('en-US')}`)
    }
  })

  test('mtu', () => {
    for (const mtu of [1_200, 65_507]) expect(peerOptions({ mtu })).toMatchObject({ mtu })
    for (const value of [0, 1_199, 1_200.5, 65_508, -1_200, ...notNumbers]) {
      const error = refusal(() => peerOptions({ mtu: value }))
      expect(error).toMatchObject({ option: 'mtu', value })
      expect(error.allowed).toBe('a whole number of bytes from 1,200 to 65,507')
    }
  })

  test('limits.idleTimeout', () => {
    for (const idleTimeout of [1_000, 2_147_483_647]) {
      expect(peerOptions({ limits: { idleTimeout } }).limits).toMatchObject({ idleTimeout })
    }
    for (const value of [0, 999, -5, 2 ** 31, 1000.5, ...notNumbers]) {
      const error = refusal(() => peerOptions({ limits: { idleTimeout: value } }))
      expect(error.option).toBe('limits.idleTimeout')
    }
  })

  test.each(['loss', 'duplicate', 'reorder', 'corrupt'])('impair.%s', (name) => {
    for (const value of [0, 0.05, 1]) {
      expect(peerOptions({ impair: { [name]: value } }).impair).toMatchObject({ [name]: value })
    }
    for (const value of [-0.1, 1.1, ...notNumbers]) {
      const error = refusal(() => peerOptions({ impair: { [name]: value } }))
      expect(error.option).toBe(`impair.${name}`)
      expect(error.allowed).toBe('a number from 0 to 1')
    }
  })

  test.each(['delay', 'jitter'])('impair.%s', (name) => {
    for (const value of [0, 2.5, 60_000]) {
      expect(peerOptions({ impair: { [name]: value } }).impair).toMatchObject({ [name]: value })
    }
    for (const value of [-1, 60_001, ...notNumbers]) {
      expect(refusal(() => peerOptions({ impair: { [name]: value } })).option).toBe(
        `impair.${name}`,
      )
    }
  })

  test('impair.seed', () => {
    expect(peerOptions({ impair: {} }).impair?.seed).toBe(1)
    expect(peerOptions({ impair: { seed: 2 ** 32 - 1 } }).impair?.seed).toBe(2 ** 32 - 1)
    for (const seed of [-1, 0.5, 2 ** 32, ...notNumbers]) {
      expect(refusal(() => peerOptions({ impair: { seed } })).option).toBe('impair.seed')
    }
  })

  test('identity', () => {
    const identity = Identity.generate()
    expect(peerOptions({ identity }).identity).toBe(identity)
    expect(peerOptions({ identity: './key.pem' }).identity).toBe(path.resolve('key.pem'))
    for (const value of [5, null, {}, { id: identity.id }, '', 'a\0b', new URL('file:///key')]) {
      expect(refusal(() => peerOptions({ identity: value })).option).toBe('identity')
    }
    const error = refusal(() => peerOptions({ identity: identity.id }))
    expect(error.allowed).toMatch(/; this is a peer id$/)
  })

  test('signal', () => {
    const { signal } = new AbortController()
    expect(peerOptions({ signal }).signal).toBe(signal)
    for (const value of [5, null, {}, 'signal', { aborted: false }]) {
      expect(refusal(() => peerOptions({ signal: value })).option).toBe('signal')
    }
  })

  test('engine', () => {
    for (const driver of ['auto', 'hybrid', 'thread'] as const) {
      expect(peerOptions({ engine: { driver, threads: 1, spin: false } }).driver).toBe(driver)
    }
    expect(refusal(() => peerOptions({ engine: { driver: 'fast' } }))).toMatchObject({
      option: 'engine.driver',
      value: 'fast',
      allowed: "'auto', 'hybrid', 'thread'",
    })
    expect(refusal(() => peerOptions({ engine: 'thread' })).option).toBe('engine')
    for (const driver of ['auto', 'thread', undefined] as const) {
      expect(peerOptions({ engine: { driver, threads: 64 } }).threads).toBe(64)
    }
    for (const threads of [0, 65, 1.5, -1, '2', null, Number.NaN]) {
      expect(refusal(() => peerOptions({ engine: { threads } }))).toMatchObject({
        option: 'engine.threads',
        value: threads,
        allowed: 'a whole number from 1 to 64',
      })
    }
    expect(refusal(() => peerOptions({ engine: { threads: 2, driver: 'hybrid' } }))).toMatchObject({
      option: 'engine.driver',
      value: 'hybrid',
      allowed: expect.stringMatching(/^'auto', 'thread'; /),
    })
    for (const congestion of ['cubic', 'bbr'] as const) {
      expect(peerOptions({ engine: { congestion } }).congestion).toBe(congestion)
    }
    for (const spin of [true, false]) expect(peerOptions({ engine: { spin } }).spin).toBe(spin)
    for (const spin of [1, 50, 'yes', null]) {
      expect(refusal(() => peerOptions({ engine: { spin } }))).toMatchObject({
        option: 'engine.spin',
        value: spin,
        allowed: 'true or false',
      })
    }
    for (const congestion of ['reno', 'BBR', 1, null]) {
      expect(refusal(() => peerOptions({ engine: { congestion } }))).toMatchObject({
        option: 'engine.congestion',
        value: congestion,
        allowed: "'cubic', 'bbr'",
      })
    }
  })

  test.each<[string, unknown]>([
    ['discovery', ['lan']],
    ['discovery', []],
  ])('%s is not available: %j', (option, value) => {
    const error = refusal(() => peerOptions(nested(option, value)))
    expect(error).toMatchObject({ option, value })
    expect(error.allowed).toMatch(/not available in this version/)
  })

  test('createPeer refuses before it does anything', async () => {
    await expect(createPeer({ limits: { sessions: 0 } })).rejects.toBeInstanceOf(OptionError)
    await expect(createPeer(5 as never)).rejects.toMatchObject({ option: 'options', value: 5 })
  })
})

describe('options of a channel', () => {
  test('defaults', () => {
    expect(openOptions(undefined)).toEqual({
      channel: {
        config: {
          maxMessageBytes: 16_777_216,
          window: 0,
          ackEvery: 0,
          ackTimeout: 0,
          windowMin: 0,
          windowMax: 0,
          counted: false,
          fill: false,
          flushAfter: 0,
          resendTimeout: 0,
          resendAll: false,
          delivery: 0,
          expiresAfter: 0,
          priority: 3,
          weight: 16,
          highWaterMark: 1_048_576,
          maxBuffered: 16_777_216,
          idleTimeout: 0,
        },
        codec: undefined,
        copy: false,
        metadata: undefined,
      },
      wait: { signal: undefined, timeout: 10_000 },
    })
    expect(serveOptions(undefined)).toEqual({
      ...openOptions(undefined).channel,
      allow: undefined,
      allowTimeout: 10_000,
    })
  })

  test.each<[string, keyof ChannelSettings['config'], number, number]>([
    ['maxMessageBytes', 'maxMessageBytes', 1, 2 ** 30 - 1],
    ['highWaterMark', 'highWaterMark', 1, 2 ** 30],
    ['idleTimeout', 'idleTimeout', 1, 2 ** 31 - 1],
    ['window.ackTimeout', 'ackTimeout', 1, 60_000],
    ['window.min', 'windowMin', 2, 65_536],
    ['window.max', 'windowMax', 2, 65_536],
    ['window.resendTimeout', 'resendTimeout', 1, 600_000],
    ['expiresAfter', 'expiresAfter', 1, 2 ** 31 - 1],
    ['priority', 'priority', 0, 7],
    ['weight', 'weight', 1, 256],
  ])('%s', (option, field, minimum, maximum) => {
    for (const value of [minimum, maximum]) {
      expect(serveOptions(nested(option, value)).config[field]).toBe(value)
    }
    for (const value of [minimum - 1, -1, maximum + 1, minimum + 0.5, ...notNumbers]) {
      const error = refusal(() => serveOptions(nested(option, value)))
      expect(error).toMatchObject({ option, value })
      expect(error.allowed).toContain(maximum.toLocaleString('en-US'))
    }
  })

  test('maxBuffered is at least highWaterMark, 16 times that by default', () => {
    expect(serveOptions({ highWaterMark: 10 }).config.maxBuffered).toBe(160)
    expect(serveOptions({ highWaterMark: 2 ** 30 }).config.maxBuffered).toBe(2 ** 30)
    expect(serveOptions({ highWaterMark: 10, maxBuffered: 10 }).config.maxBuffered).toBe(10)
    for (const maxBuffered of [9, 2 ** 30 + 1, 10.5, ...notNumbers]) {
      expect(refusal(() => serveOptions({ highWaterMark: 10, maxBuffered })).option).toBe(
        'maxBuffered',
      )
    }
  })

  test.each<[object, { window: number; ackEvery: number }]>([
    [{}, { window: 0, ackEvery: 0 }],
    [
      { size: 'auto', ackEvery: 'auto' },
      { window: 0, ackEvery: 0 },
    ],
    [{ size: 2 }, { window: 2, ackEvery: 0 }],
    [{ size: 65_536 }, { window: 65_536, ackEvery: 0 }],
    [
      { size: 7, ackEvery: 3 },
      { window: 7, ackEvery: 3 },
    ],
    [
      { size: 8, ackEvery: 8 },
      { window: 8, ackEvery: 8 },
    ],
    [{ ackEvery: 65_536 }, { window: 0, ackEvery: 65_536 }],
    [
      { fill: 'send', acks: 'early', resend: 'missing', resendTimeout: 'auto' },
      { window: 0, ackEvery: 0 },
    ],
  ])('window: %j is taken', (window, expected) => {
    expect(serveOptions({ window }).config).toMatchObject(expected)
  })

  test.each<[object, string]>([
    [{ size: 1 }, 'window.size'],
    [{ size: 0 }, 'window.size'],
    [{ size: 65_537 }, 'window.size'],
    [{ size: 4.5 }, 'window.size'],
    [{ size: Number.NaN }, 'window.size'],
    [{ size: 'big' }, 'window.size'],
    [{ size: 7 }, 'window.size'],
    [{ size: 7, ackEvery: 'auto' }, 'window.size'],
    [{ size: 8, ackEvery: 9 }, 'window.ackEvery'],
    [{ size: 8, ackEvery: 0 }, 'window.ackEvery'],
    [{ ackEvery: 65_537 }, 'window.ackEvery'],
    [{ fill: 'later' }, 'window.fill'],
    [{ acks: 'late' }, 'window.acks'],
    [{ resend: 'some' }, 'window.resend'],
  ])('window: %j is refused', (window, option) => {
    expect(refusal(() => serveOptions({ window })).option).toBe(option)
  })

  test('an odd size without ackEvery says why', () => {
    expect(refusal(() => serveOptions({ window: { size: 7 } })).message).toBe(
      'invalid window.size: got 7, allowed: an even number, or an odd one together with ackEvery ' +
        '(by default half of size)',
    )
  })

  test.each<[object, Partial<ChannelSettings['config']>]>([
    [{ min: 8 }, { window: 0, windowMin: 8, windowMax: 0 }],
    [
      { min: 8, max: 8 },
      { windowMin: 8, windowMax: 8 },
    ],
    [{ fill: 'wait' }, { fill: true, flushAfter: 0 }],
    [
      { fill: 'wait', flushAfter: 5 },
      { fill: true, flushAfter: 5 },
    ],
    [{ acks: 'counted' }, { counted: true, resendAll: false }],
    [
      { acks: 'counted', resend: 'all' },
      { counted: true, resendAll: true },
    ],
    [{ resendTimeout: 200 }, { resendTimeout: 200 }],
  ])('window: %j means', (window, expected) => {
    expect(serveOptions({ window }).config).toMatchObject(expected)
  })

  test.each<[object, string, string]>([
    [{ window: { size: 8, min: 8 } }, 'window.min', "left out, or size 'auto'"],
    [{ window: { size: 8, max: 8 } }, 'window.max', "left out, or size 'auto'"],
    [{ window: { min: 8, max: 7 } }, 'window.max', 'a whole number from 8 to 65,536'],
    [{ window: { flushAfter: 5 } }, 'window.flushAfter', "left out, or fill 'wait'"],
    [
      { window: { fill: 'wait', flushAfter: 0 } },
      'window.flushAfter',
      'a whole number of milliseconds from 1 to 60,000',
    ],
    [{ window: { resend: 'all' } }, 'window.resend', "'missing', or 'all' with acks 'counted'"],
    [
      { window: { resend: 'all', acks: 'counted' }, delivery: 'latest' },
      'window.resend',
      "'missing' with delivery 'latest'",
    ],
    [
      { window: { fill: 'wait' }, delivery: 'latest' },
      'window.fill',
      "'send' with delivery 'latest'",
    ],
  ])('%j contradicts itself', (given, option, allowed) => {
    for (const read of [openOptions, serveOptions]) {
      expect(refusal(() => read(given))).toMatchObject({ option, allowed, code: 'INVALID_OPTION' })
    }
  })

  test('delivery', () => {
    const modes = ['ordered', 'unordered', 'latest', 'unreliable']
    expect(modes.map((delivery) => serveOptions({ delivery }).config.delivery)).toEqual([
      0, 1, 2, 3,
    ])
    expect(refusal(() => serveOptions({ delivery: 'fast' }))).toMatchObject({
      option: 'delivery',
      value: 'fast',
      allowed: "'ordered', 'unordered', 'latest', 'unreliable'",
    })
  })

  test('codec', () => {
    const codec = { encode: String, decode: String }
    expect(serveOptions({ codec }).codec).toBe(codec)
    for (const value of [null, {}, 'json', { encode: String }, { decode: String }]) {
      expect(refusal(() => serveOptions({ codec: value })).option).toBe('codec')
    }
  })

  test('copy', () => {
    expect(serveOptions({ copy: true }).copy).toBe(true)
    for (const value of [1, 'yes', null]) {
      expect(refusal(() => serveOptions({ copy: value })).option).toBe('copy')
    }
  })

  test('metadata, only for open', () => {
    const metadata = new Uint8Array(1024)
    expect(openOptions({ metadata }).channel.metadata).toBe(metadata)
    for (const value of [new Uint8Array(1025), 'text', [1], new ArrayBuffer(4)]) {
      expect(refusal(() => openOptions({ metadata: value })).option).toBe('metadata')
    }
    expect(refusal(() => serveOptions({ metadata })).option).toBe('metadata')
  })

  test('allow', () => {
    const decide = () => true
    expect(serveOptions({}).allow).toBeUndefined()
    expect(serveOptions({ allow: decide }).allow).toBe(decide)
    expect(serveOptions({ allow: [] }).allow?.({ id: Identity.generate().id, address: '' })).toBe(
      false,
    )
    const { id } = Identity.generate()
    for (const value of [id, null, true, {}, new Set([id])]) {
      const error = refusal(() => serveOptions({ allow: value }))
      expect(error).toMatchObject({ option: 'allow', value })
      expect(error.allowed).toMatch(/^an array of peer ids, or a function/)
    }
    const holes = [id]
    holes[2] = id
    for (const [value, index] of [
      [[id, 'y'.repeat(51)], 1],
      [[undefined], 0],
      [holes, 1],
      [[id, id, { id }], 2],
    ] as const) {
      expect(refusal(() => serveOptions({ allow: value }))).toMatchObject({
        option: `allow[${index}]`,
        value: value[index],
        allowed: 'a peer id, 52 characters of z-base-32',
      })
    }
    expect(refusal(() => openOptions({ allow: [] })).option).toBe('allow')
  })

  test('name of a service', () => {
    expect(serviceName('x')).toBe('x')
    expect(serviceName('é'.repeat(127))).toHaveLength(127)
    for (const value of ['', 'é'.repeat(128), 'x'.repeat(256), 'a\ud800', 5, null, undefined]) {
      expect(refusal(() => serviceName(value))).toMatchObject({ option: 'service', value })
    }
  })
})

describe('waiting', () => {
  test('what is taken', () => {
    const { signal } = new AbortController()
    expect(waiting(undefined)).toEqual({ signal: undefined, timeout: Number.POSITIVE_INFINITY })
    expect(waiting(undefined, 5)).toEqual({ signal: undefined, timeout: 5 })
    expect(waiting({ signal, timeout: 0 }, 5)).toEqual({ signal, timeout: 0 })
    expect(waiting({ timeout: Number.POSITIVE_INFINITY }, 5).timeout).toBe(Number.POSITIVE_INFINITY)
    expect(openOptions({ timeout: 7 }).wait.timeout).toBe(7)
  })

  test('what is refused', () => {
    for (const timeout of [-1, Number.NaN, 2 ** 31, '5', null, Number.NEGATIVE_INFINITY]) {
      expect(refusal(() => waiting({ timeout }))).toMatchObject({
        option: 'timeout',
        value: timeout,
      })
    }
    expect(refusal(() => waiting({ signal: 5 })).option).toBe('signal')
    expect(refusal(() => waiting(5)).option).toBe('options')
  })
})

describe('unknown options', () => {
  test.each<[(value: unknown) => unknown, object, string, string]>([
    [peerOptions, { lisen: 5 }, 'lisen', 'listen'],
    [peerOptions, { limits: { session: 5 } }, 'limits.session', 'limits.sessions'],
    [peerOptions, { impair: { los: 1 } }, 'impair.los', 'impair.loss'],
    [openOptions, { highWatermark: 5 }, 'highWatermark', 'highWaterMark'],
    [openOptions, { timeOut: 5 }, 'timeOut', 'timeout'],
    [serveOptions, { window: { ackevery: 5 } }, 'window.ackevery', 'window.ackEvery'],
    [waiting, { time: 5 }, 'time', 'timeout'],
  ])('%# are refused, and the nearest one is named', (read, given, option, meant) => {
    const error = refusal(() => read(given))
    if (meant !== 'timeout' || option !== 'time') {
      expect(error.allowed).toMatch(`did you mean ${meant}?`)
    }
    expect(error.option).toBe(option)
  })

  test('one that resembles nothing gets the list', () => {
    const error = refusal(() => peerOptions({ colour: 'red' }))
    expect(error.message).toMatch(
      /^invalid colour: got 'red', allowed: no such option; there are: /,
    )
    expect(error.allowed).toContain('identity, listen')
  })

  test('an object is expected', () => {
    for (const value of [null, [], 'x', 5]) {
      expect(refusal(() => peerOptions(value))).toMatchObject({ option: 'options', value })
      expect(refusal(() => peerOptions({ limits: value })).option).toBe('limits')
      expect(refusal(() => serveOptions({ window: value })).option).toBe('window')
    }
  })
})
