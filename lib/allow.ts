// Who may open channels to a service.

import type { Remote } from './channel'
import { OptionError } from './errors'
import { keyFromPeerId } from './identity'

/**
 * The option `allow`, checked: answers whether this peer may, or a promise of it. What an application's function answers may be
 * anything.
 */
export type Decide = (remote: Remote) => unknown

const forms =
  'an array of peer ids, or a function that is given a remote and answers true, false or a promise of one'

/** Checks the option `allow`; `undefined`: everybody may. Throws {@link OptionError}. */
export function allowIn(value: unknown): Decide | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'function') return value as Decide
  if (!Array.isArray(value)) throw new OptionError('allow', value, forms)
  // A copy; and Array.from does not skip holes.
  const allowed = new Set(Array.from(value, (id: unknown, index) => listed(id, index)))
  return ({ id }) => allowed.has(provable(id) ?? '')
}

function listed(id: unknown, index: number): string {
  const key = typeof id === 'string' ? provable(id) : undefined
  if (key !== undefined) return key
  throw new OptionError(`allow[${index}]`, id, 'a peer id, 52 characters of z-base-32')
}

/**
 * What of an id its owner proves: the key without the top bit of its last byte, the sign of x of a point of Ed25519. The handshake
 * proves the X25519 form of the key, which does not have it. So whoever has a key can show two ids, a point and its
 * negation, and both have to be one peer here. `undefined`: not an id.
 */
function provable(id: string): string | undefined {
  const key = keyFromPeerId(id)
  if (key === undefined) return undefined
  key[31] = (key[31] as number) & 0x7f
  return Buffer.from(key).toString('latin1')
}
