// The two cipher suites (docs/PROTOCOL.md §3), and HKDF's two steps.

import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'

/** HKDF-Extract (RFC 5869) with SHA-256. */
export function extract(salt: Uint8Array, secret: Uint8Array): Buffer {
  return createHmac('sha256', salt).update(secret).digest()
}

/** HKDF-Expand with SHA-256. */
export function expand(secret: Uint8Array, info: Uint8Array | string, length: number): Buffer {
  const out: Buffer[] = []
  let last = Buffer.alloc(0)
  for (let counter = 1; 32 * out.length < length; counter++) {
    last = createHmac('sha256', secret)
      .update(last)
      .update(info)
      .update(Buffer.of(counter))
      .digest()
    out.push(last)
  }
  return Buffer.concat(out).subarray(0, length)
}

export interface Suite {
  /** What INIT says. */
  readonly number: number
  /** What Noise calls it. */
  readonly name: string
  readonly cipher: 'aes-256-gcm' | 'chacha20-poly1305'
  /** The nonce of Noise with this number. */
  nonce(counter: bigint): Buffer
  /** What makes the mask of a header, where that is a block cipher. */
  readonly blockCipher: 'aes-256-ecb' | undefined
  /** The mask of a header, at least five bytes. */
  mask(key: Uint8Array, sample: Uint8Array): Buffer
}

export const aes: Suite = {
  number: 1,
  name: 'AESGCM',
  cipher: 'aes-256-gcm',
  nonce(counter) {
    const nonce = Buffer.alloc(12)
    nonce.writeBigUInt64BE(counter, 4)
    return nonce
  },
  blockCipher: 'aes-256-ecb',
  mask: (key, sample) => createCipheriv('aes-256-ecb', key, null).update(sample),
}

export const chacha: Suite = {
  number: 2,
  name: 'ChaChaPoly',
  cipher: 'chacha20-poly1305',
  nonce(counter) {
    const nonce = Buffer.alloc(12)
    nonce.writeBigUInt64LE(counter, 4)
    return nonce
  },
  blockCipher: undefined,
  // OpenSSL takes counter and nonce as one, in this order.
  mask: (key, sample) => createCipheriv('chacha20', key, sample).update(Buffer.alloc(5)),
}

const tagBytes = 16
const options = { authTagLength: tagBytes }

export function seal(
  { cipher }: Suite,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  text: Uint8Array,
): Buffer {
  const sealing = createCipheriv(cipher as 'aes-256-gcm', key, nonce, options)
  sealing.setAAD(associated)
  const sealed = Buffer.concat([sealing.update(text), sealing.final()])
  return Buffer.concat([sealed, sealing.getAuthTag()])
}

/** `undefined` if the tag does not check. */
export function unseal(
  { cipher }: Suite,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array,
): Buffer | undefined {
  if (sealed.length < tagBytes) return undefined
  const opening = createDecipheriv(cipher as 'aes-256-gcm', key, nonce, options)
  opening.setAAD(associated)
  opening.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  const text = opening.update(sealed.subarray(0, sealed.length - tagBytes))
  try {
    opening.final()
  } catch {
    return undefined
  }
  return text
}
