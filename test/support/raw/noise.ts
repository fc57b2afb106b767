// The initiator of Noise IK and IKpsk2 (Noise Protocol Framework, revision 34).

import { createHash } from 'node:crypto'
import { DhKey } from './keys'
import { expand, extract, type Suite, seal, unseal } from './suites'

const hashBytes = 32
const nothing = Buffer.alloc(0)

function sha256(...parts: (Uint8Array | string)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** What the handshake agreed on. */
export interface Agreement {
  readonly payload: Buffer
  /** Secrets of what the initiator sends, and of what it receives. */
  readonly sending: Buffer
  readonly receiving: Buffer
  /** The handshake hash. */
  readonly hash: Buffer
}

export interface NoiseOptions {
  readonly suite: Suite
  readonly prologue: Uint8Array
  readonly own: DhKey
  /** The responder's X25519 key. */
  readonly remote: Uint8Array
  readonly psk: Uint8Array | undefined
}

export class NoiseInitiator {
  readonly #options: NoiseOptions
  readonly #ephemeral = new DhKey()
  #hash: Buffer
  #chain: Buffer
  #key: Buffer = nothing
  #counter = 0n

  constructor(options: NoiseOptions) {
    this.#options = options
    const { suite, psk, prologue, remote } = options
    const name = Buffer.from(`Noise_IK${psk ? 'psk2' : ''}_25519_${suite.name}_SHA256`)
    const fits = name.length <= hashBytes
    this.#hash = fits ? Buffer.concat([name, Buffer.alloc(hashBytes - name.length)]) : sha256(name)
    this.#chain = this.#hash
    this.#mixHash(prologue)
    this.#mixHash(remote)
  }

  /** e, es, s, ss, payload. */
  write(payload: Uint8Array): Buffer {
    const { own, remote } = this.#options
    this.#mixEphemeral(this.#ephemeral.public)
    this.#mixKey(this.#ephemeral.with(remote))
    const sealedKey = this.#seal(own.public)
    this.#mixKey(own.with(remote))
    return Buffer.concat([this.#ephemeral.public, sealedKey, this.#seal(payload)])
  }

  /** e, ee, se, perhaps psk, payload. Changes nothing if the message does not check. */
  read(message: Uint8Array): Agreement | undefined {
    const before = [this.#hash, this.#chain, this.#key] as const
    const ephemeral = message.subarray(0, 32)
    this.#mixEphemeral(ephemeral)
    this.#mixKey(this.#ephemeral.with(ephemeral))
    this.#mixKey(this.#options.own.with(ephemeral))
    if (this.#options.psk) this.#mixPsk(this.#options.psk)
    const payload = this.#open(message.subarray(32))
    if (payload === undefined) {
      ;[this.#hash, this.#chain, this.#key] = before
      return undefined
    }
    const [sending, receiving] = this.#expand(nothing)
    return { payload, sending, receiving, hash: this.#hash }
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = sha256(this.#hash, data)
  }

  #mixEphemeral(key: Uint8Array): void {
    this.#mixHash(key)
    if (this.#options.psk) this.#mixKey(key)
  }

  #expand(secret: Uint8Array): [Buffer, Buffer, Buffer] {
    const out = expand(extract(this.#chain, secret), nothing, 3 * hashBytes)
    return [out.subarray(0, 32), out.subarray(32, 64), out.subarray(64)]
  }

  #mixKey(secret: Uint8Array): void {
    ;[this.#chain, this.#key] = this.#expand(secret)
    this.#counter = 0n
  }

  #mixPsk(psk: Uint8Array): void {
    const [chain, data, key] = this.#expand(psk)
    this.#chain = chain
    this.#mixHash(data)
    this.#key = key
    this.#counter = 0n
  }

  #seal(text: Uint8Array): Buffer {
    const { suite } = this.#options
    const sealed = seal(suite, this.#key, suite.nonce(this.#counter++), this.#hash, text)
    this.#mixHash(sealed)
    return sealed
  }

  #open(sealed: Uint8Array): Buffer | undefined {
    const { suite } = this.#options
    const text = unseal(suite, this.#key, suite.nonce(this.#counter++), this.#hash, sealed)
    this.#mixHash(sealed)
    return text
  }
}
