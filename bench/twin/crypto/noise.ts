// Noise IK and IKpsk2 (Noise Protocol Framework, revision 34), both sides.

import { createHash } from 'node:crypto'
import { DhKey } from './keys'
import { expand, extract, type Suite, seal, unseal } from './suites'

const hashBytes = 32
const tagBytes = 16
const nothing = Buffer.alloc(0)

function sha256(...parts: (Uint8Array | string)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** What the handshake agreed on, as one side sees it. */
export interface Agreement {
  /** Of the last message. */
  readonly payload: Buffer
  /** Secrets of what this side sends, and of what it receives. */
  readonly sending: Buffer
  readonly receiving: Buffer
  /** The handshake hash. */
  readonly hash: Buffer
}

/** What both sides need. */
interface Options {
  readonly suite: Suite
  readonly prologue: Uint8Array
  readonly own: DhKey
  readonly psk: Uint8Array | undefined
  /** Random by default. */
  readonly ephemeral?: DhKey
}

export interface InitiatorOptions extends Options {
  /** The responder's X25519 key. */
  readonly remote: Uint8Array
}

export type ResponderOptions = Options

/** SymmetricState and CipherState of Noise's text, with the tokens that both sides share. */
class State {
  hash: Buffer
  #chain: Buffer
  #key: Buffer = nothing
  #counter = 0n
  readonly #suite: Suite
  readonly #psk: Uint8Array | undefined

  constructor({ suite, psk, prologue }: Options, responder: Uint8Array) {
    this.#suite = suite
    this.#psk = psk
    const name = Buffer.from(`Noise_IK${psk ? 'psk2' : ''}_25519_${suite.name}_SHA256`)
    const fits = name.length <= hashBytes
    this.hash = fits ? Buffer.concat([name, Buffer.alloc(hashBytes - name.length)]) : sha256(name)
    this.#chain = this.hash
    this.#mixHash(prologue)
    this.#mixHash(responder)
  }

  /** Returns what brings this state back. */
  save(): () => void {
    const { hash } = this
    const [chain, key, counter] = [this.#chain, this.#key, this.#counter]
    return () => {
      this.hash = hash
      this.#chain = chain
      this.#key = key
      this.#counter = counter
    }
  }

  mixEphemeral(key: Uint8Array): void {
    this.#mixHash(key)
    if (this.#psk) this.mixKey(key)
  }

  mixKey(secret: Uint8Array): void {
    ;[this.#chain, this.#key] = this.#expand(secret)
    this.#counter = 0n
  }

  mixPsk(): void {
    if (this.#psk === undefined) return
    const [chain, data, key] = this.#expand(this.#psk)
    this.#chain = chain
    this.#mixHash(data)
    this.#key = key
    this.#counter = 0n
  }

  seal(text: Uint8Array): Buffer {
    const nonce = this.#suite.nonce(this.#counter++)
    const sealed = seal(this.#suite, this.#key, nonce, this.hash, text)
    this.#mixHash(sealed)
    return sealed
  }

  open(sealed: Uint8Array): Buffer | undefined {
    const nonce = this.#suite.nonce(this.#counter++)
    const text = unseal(this.#suite, this.#key, nonce, this.hash, sealed)
    this.#mixHash(sealed)
    return text
  }

  /** Secrets of the initiator's direction, and of the other. */
  split(): [Buffer, Buffer] {
    const [initiator, responder] = this.#expand(nothing)
    return [initiator, responder]
  }

  #mixHash(data: Uint8Array): void {
    this.hash = sha256(this.hash, data)
  }

  #expand(secret: Uint8Array): [Buffer, Buffer, Buffer] {
    const out = expand(extract(this.#chain, secret), nothing, 3 * hashBytes)
    return [out.subarray(0, 32), out.subarray(32, 64), out.subarray(64)]
  }
}

export class NoiseInitiator {
  readonly #options: InitiatorOptions
  readonly #ephemeral: DhKey
  readonly #state: State

  constructor(options: InitiatorOptions) {
    this.#options = options
    this.#ephemeral = options.ephemeral ?? new DhKey()
    this.#state = new State(options, options.remote)
  }

  /** e, es, s, ss, payload. */
  write(payload: Uint8Array): Buffer {
    const { own, remote } = this.#options
    const state = this.#state
    state.mixEphemeral(this.#ephemeral.public)
    state.mixKey(this.#ephemeral.with(remote))
    const sealedKey = state.seal(own.public)
    state.mixKey(own.with(remote))
    return Buffer.concat([this.#ephemeral.public, sealedKey, state.seal(payload)])
  }

  /** e, ee, se, perhaps psk, payload. Changes nothing if the message does not check. */
  read(message: Uint8Array): Agreement | undefined {
    if (message.length < hashBytes + tagBytes) return undefined
    const state = this.#state
    const restore = state.save()
    const payload = this.#read(message)
    if (payload === undefined) {
      restore()
      return undefined
    }
    const [sending, receiving] = state.split()
    return { payload, sending, receiving, hash: state.hash }
  }

  #read(message: Uint8Array): Buffer | undefined {
    const state = this.#state
    const ephemeral = message.subarray(0, 32)
    state.mixEphemeral(ephemeral)
    const first = shared(this.#ephemeral, ephemeral)
    const second = shared(this.#options.own, ephemeral)
    if (first === undefined || second === undefined) return undefined
    state.mixKey(first)
    state.mixKey(second)
    state.mixPsk()
    return state.open(message.subarray(32))
  }
}

/** What message 1 said. */
export interface Introduction {
  readonly payload: Buffer
  /** The initiator's X25519 key, which is proven. */
  readonly remote: Buffer
}

export class NoiseResponder {
  readonly #options: ResponderOptions
  readonly #state: State
  #introduction: { remote: Buffer; ephemeral: Buffer } | undefined

  constructor(options: ResponderOptions) {
    this.#options = options
    this.#state = new State(options, options.own.public)
  }

  /** Message 1; `undefined` if it does not check. Is to be called once. */
  read(message: Uint8Array): Introduction | undefined {
    const { own } = this.#options
    if (message.length < 32 + hashBytes + 2 * tagBytes) return undefined
    const state = this.#state
    const ephemeral = Buffer.from(message.subarray(0, 32))
    state.mixEphemeral(ephemeral)
    const first = shared(own, ephemeral)
    if (first === undefined) return undefined
    state.mixKey(first)
    const remote = state.open(message.subarray(32, 80))
    const second = remote && shared(own, remote)
    if (remote === undefined || second === undefined) return undefined
    state.mixKey(second)
    const payload = state.open(message.subarray(80))
    if (payload === undefined) return undefined
    this.#introduction = { remote, ephemeral }
    return { payload, remote }
  }

  /** Message 2, once message 1 was read. `undefined` if the initiator's keys are none. */
  write(payload: Uint8Array): { message: Buffer; agreement: Agreement } | undefined {
    if (this.#introduction === undefined) throw new Error('message 1 has not been read')
    const { remote, ephemeral } = this.#introduction
    const own = this.#options.ephemeral ?? new DhKey()
    const state = this.#state
    state.mixEphemeral(own.public)
    const first = shared(own, ephemeral)
    const second = shared(own, remote)
    if (first === undefined || second === undefined) return undefined
    state.mixKey(first)
    state.mixKey(second)
    state.mixPsk()
    const message = Buffer.concat([own.public, state.seal(payload)])
    const [receiving, sending] = state.split()
    const agreement = { payload: Buffer.from(payload), sending, receiving, hash: state.hash }
    return { message, agreement }
  }
}

/** What both can compute; `undefined` if the other key is of a low order, for which node:crypto throws. */
function shared(own: DhKey, remote: Uint8Array): Buffer | undefined {
  try {
    return own.with(remote)
  } catch {
    return undefined
  }
}
