// What the codes of the protocol mean to an application.

import { explain } from '../../lib/codes'
import { ClosedBy } from '../../lib/native_types'

const closed = (code: number, by: ClosedBy) =>
  explain({ code, by, timedOut: false, detail: 'why' }, 30_000)

test('a handshake within the session that does not check is a protocol error', () => {
  expect(closed(0x09, ClosedBy.Remote)).toMatchObject({
    code: 'PROTOCOL_ERROR',
    message: 'the peer found a protocol error: why',
  })
  expect(closed(0x09, ClosedBy.Failure)).toMatchObject({
    code: 'PROTOCOL_ERROR',
    message: 'the peer sent what the protocol forbids: why',
  })
})

test('used up keys are told alike on both sides', () => {
  const wanted = {
    code: 'PEER_FAILED',
    message: "the session's keys were used as often as they may be: why",
    hint: expect.stringContaining('open a new channel'),
  }
  expect(closed(0x0a, ClosedBy.Remote)).toEqual(wanted)
  expect(closed(0x0a, ClosedBy.Failure)).toEqual(wanted)
})

test('a peer that takes no more sessions', () => {
  expect(closed(0x0b, ClosedBy.Remote)).toMatchObject({
    code: 'LIMIT_REACHED',
    message: 'the peer takes no more sessions, or no more from this peer: why',
  })
})

test('a code without a meaning is a failure', () => {
  expect(closed(0x0c, ClosedBy.Remote)).toMatchObject({ code: 'PEER_FAILED' })
})
