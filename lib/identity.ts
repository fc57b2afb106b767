// Who a peer is: an Ed25519 key pair, named by its public key.

import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { decodeBase32, encodeBase32 } from './base32'

/** The name of a peer: its 32-byte Ed25519 public key as 52 characters of z-base-32. */
export type PeerId = string & { readonly __brand: 'PeerId' }

/** Length of a public key, bytes. */
const keyBytes = 32

/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The name for a public key of 32 bytes. */
export function peerIdFromKey(publicKey: Uint8Array): PeerId {
  return encodeBase32(publicKey) as PeerId
}

/** The public key that a name stands for; `undefined` if the text is not a peer id. */
export function keyFromPeerId(id: string): Uint8Array | undefined {
  return decodeBase32(id, keyBytes)
}

/** True if `text` is written as a peer id is. Says nothing about whether such a peer exists. */
export function isPeerId(text: unknown): text is PeerId {
  return typeof text === 'string' && keyFromPeerId(text) !== undefined
}

/**
 * An Ed25519 key pair. Give the same one to `createPeer` again and the peer has the same id.
 *
 * It lives in memory only: this version cannot keep it in a file.
 */
export class Identity {
  /** The name of a peer with this identity. */
  readonly id: PeerId
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** Kept for the handshake that proves the id; this version of the protocol does not use it yet. */
  readonly #privateKey: KeyObject

  private constructor(publicKey: Uint8Array, privateKey: KeyObject) {
    this.id = peerIdFromKey(publicKey)
    this.publicKey = publicKey
    this.#privateKey = privateKey
  }

  /** A new identity from the system's random numbers. */
  static generate(): Identity {
    return Identity.fromSeed(randomBytes(keyBytes))
  }

  /**
   * The identity that 32 bytes stand for, always the same one.
   *
   * @internal
   */
  static fromSeed(seed: Uint8Array): Identity {
    // Not generateKeyPairSync with an export as JWK: in Node.js 20, a garbage collection in the middle of that export can
    // free the job that made the key, which waits for a lock that the export holds, for ever.
    const privateKey = createPrivateKey({
      key: Buffer.concat([pkcs8Prefix, seed]),
      format: 'der',
      type: 'pkcs8',
    })
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
    return new Identity(new Uint8Array(spki.subarray(-keyBytes)), privateKey)
  }

  /** @internal */
  get privateKey(): KeyObject {
    return this.#privateKey
  }
}
