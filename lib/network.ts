// Networks: peers that were not given the same one do not hear each other.

import { createHash, createHmac } from 'node:crypto'
import { types } from 'node:util'
import { OptionError } from './errors'
import { type Options, options } from './options/check'

/** Which peers this one talks to: those that were given the same network. Without one, those that were given none. */
export interface NetworkOptions {
  /**
   * 1 to 64 bytes of UTF-8. It separates peers that do not belong together, such as test and production, and keeps nobody out:
   * whoever guesses the name can join.
   */
  name: string
  /**
   * Makes the network a closed one: whoever lacks the key gets no answer, and cannot find out whether there is a peer. Exactly 32
   * bytes, and all of them random: `crypto.randomBytes(32)`, kept as secrets are. **Not a password**, nor something made from one, a
   * name or a date in a quick way: whoever records one handshake can try billions of guesses a second against it.
   */
  key?: Uint8Array
}

const maxNameBytes = 64
const keyBytes = 32
/** Stands before the name, so that nothing else that is hashed is taken for a network. */
const label = 'hawser network v1:'
/** Has no form in UTF-8. */
const loneSurrogate = /\p{Surrogate}/u

/**
 * What the handshake mixes in as its pre-shared key, 32 bytes: SHA-256(label ‖ name) without a key, which separates
 * networks and hides nothing, and HMAC-SHA256(key, label ‖ name) with one. `undefined` without a network.
 */
export function networkKey(network: Readonly<NetworkOptions> | undefined): Uint8Array | undefined {
  if (network === undefined) return undefined
  const { name, key } = network
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key)
  return new Uint8Array(hash.update(label).update(name, 'utf8').digest())
}

/** {@link networkKey} of an option that was not checked yet. Throws {@link OptionError}. */
export function networkIn(value: unknown): Uint8Array | undefined {
  if (value === undefined) return undefined
  const { name, key } = parts(value)
  if (!isName(name)) {
    const allowed = `a string of 1 to ${maxNameBytes} bytes in UTF-8`
    throw new OptionError('network.name', name, allowed)
  }
  if (key === undefined) return networkKey({ name })
  if (types.isUint8Array(key) && key.length === keyBytes) return networkKey({ name, key })
  const allowed = `a Uint8Array of exactly ${keyBytes} random bytes, as crypto.randomBytes(${keyBytes}) makes`
  throw new OptionError('network.key', describe(key), allowed)
}

function parts(value: unknown): Options {
  try {
    return options('network', value, ['name', 'key'])
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    throw new OptionError(error.option, describe(error.value), error.allowed)
  }
}

/** For an error: what was given may be the secret in the wrong place, or half of it, and errors are written to logs. */
function describe(value: unknown): string {
  return types.isUint8Array(value) ? `${value.length} bytes` : `a value of type ${typeof value}`
}

function isName(value: unknown): value is string {
  if (typeof value !== 'string' || loneSurrogate.test(value)) return false
  const length = Buffer.byteLength(value)
  return length >= 1 && length <= maxNameBytes
}
