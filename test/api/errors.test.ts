// What the errors carry.

import { ChannelError, ConnectError, HawserError, OptionError } from '../../lib'

test('HawserError', () => {
  const cause = new Error('behind it')
  const error = new HawserError('BUFFER_FULL', 'no room', { hint: 'wait', cause })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ code: 'BUFFER_FULL', message: 'no room', hint: 'wait', cause })
  expect(error.name).toBe('HawserError')
  expect(String(error)).toBe('HawserError: no room')
  expect(error.stack).toMatch(/^HawserError: no room/)
  expect(new HawserError('BUFFER_FULL', 'x').hint).toBe('')
  expect('cause' in new HawserError('BUFFER_FULL', 'x')).toBe(false)
})

test('ConnectError', () => {
  const attempts = [{ address: '192.0.2.1:5', outcome: 'no answer', elapsed: 10 }]
  const error = new ConnectError('CONNECT_TIMEOUT', 'nobody', { attempts })
  expect(error).toBeInstanceOf(HawserError)
  expect(error.name).toBe('ConnectError')
  expect(error.attempts).toEqual(attempts)
  expect(new ConnectError('CONNECT_FAILED', 'x').attempts).toEqual([])
})

test('ChannelError says how the channel ended, and is part of that itself', () => {
  const unacknowledged = { first: 3, count: 2 }
  const error = new ChannelError('PEER_LOST', 'gone', { info: { by: 'failure', unacknowledged } })
  expect(error).toBeInstanceOf(HawserError)
  expect(error.name).toBe('ChannelError')
  expect(error.info).toEqual({ by: 'failure', unacknowledged, error })
})

test('OptionError', () => {
  const error = new OptionError('window.size', 1, 'a whole number')
  expect(error).toBeInstanceOf(RangeError)
  expect(error).toMatchObject({
    name: 'OptionError',
    code: 'INVALID_OPTION',
    option: 'window.size',
    value: 1,
    allowed: 'a whole number',
    message: 'invalid window.size: got 1, allowed: a whole number',
  })
})

test('OptionError keeps its message short', () => {
  const { message } = new OptionError('x', { long: 'y'.repeat(10_000), more: [1, 2, 3] }, 'less')
  expect(message.length).toBeLessThan(200)
  expect(message).not.toContain('\n')
})
