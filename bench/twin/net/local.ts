// What both sides say of themselves in the handshake.

import { randomBytes } from 'node:crypto'
import { aes, chacha, type Suite } from '../crypto/suites'
import { defaultParameters, type Parameters } from '../wire/parameters'

/** Channels that a peer may have open at once. */
const maxChannels = 64

export const ownParameters: Parameters = { ...defaultParameters, maxChannels }

export const suites: ReadonlyMap<number, Suite> = new Map([
  [aes.number, aes],
  [chacha.number, chacha],
])

/** Connection ids and reset tokens. Nothing is derived: who is asked for a session that it does not know stays silent. */
export const newConnectionId = () => randomBytes(8)
export const newToken = () => randomBytes(16)

/** Whether a datagram that looks like DATA could be a stateless reset, and the token it would end with. */
export function tokenOf(datagram: Buffer): Buffer | undefined {
  return datagram.length < 30 ? undefined : datagram.subarray(datagram.length - 16)
}
