// Key pairs: X25519 (RFC 7748), and the X25519 form of Ed25519 keys (§4.1 there).

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'

const prefixes = {
  ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
  x25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
  x25519Public: Buffer.from('302a300506032b656e032100', 'hex'),
}

function privateKey(prefix: Buffer, secret: Uint8Array): KeyObject {
  const key = Buffer.concat([prefix, secret])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

/** The 32 bytes of a public key. */
function publicBytes(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
}

/** An X25519 key pair. */
export class DhKey {
  readonly public: Buffer
  readonly #private: KeyObject

  constructor(key: KeyObject = generateKeyPairSync('x25519').privateKey) {
    this.#private = key
    this.public = publicBytes(key)
  }

  /** `secret`: 32 bytes. The clamping is part of X25519. */
  static of(secret: Uint8Array): DhKey {
    return new DhKey(privateKey(prefixes.x25519, secret))
  }

  /** The secret that both sides can compute. Throws if the other key is of a low order. */
  with(remote: Uint8Array): Buffer {
    const spki = Buffer.concat([prefixes.x25519Public, remote])
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    return diffieHellman({ privateKey: this.#private, publicKey })
  }
}

/** Who a peer is. */
export interface Identity {
  /** The Ed25519 public key. */
  readonly id: Buffer
  readonly dh: DhKey
}

export function identity(seed: Uint8Array = randomBytes(32)): Identity {
  const secret = createHash('sha512').update(seed).digest().subarray(0, 32)
  return {
    id: publicBytes(privateKey(prefixes.ed25519, seed)),
    dh: DhKey.of(secret),
  }
}

const p = 2n ** 255n - 19n

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base % p
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % p
    square = (square * square) % p
  }
  return result
}

/** The X25519 form of an Ed25519 public key: u = (1 + y) / (1 − y). */
export function dhForm(id: Uint8Array): Buffer {
  const bytes = Buffer.from(id).reverse()
  const y = BigInt(`0x${bytes.toString('hex')}`) & (2n ** 255n - 1n)
  const u = ((1n + y) * power(p + 1n - (y % p), p - 2n)) % p
  return Buffer.from(u.toString(16).padStart(64, '0'), 'hex').reverse()
}
