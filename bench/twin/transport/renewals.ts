// Handshakes within the session (the last paragraphs of docs/PROTOCOL.md §3), as who answers them. Only the initiator of a session
// begins one, and this twin never does: its sessions go on with the keys that follow from the first handshake.

import { answerRenewal } from '../crypto/handshake'
import type { Identity } from '../crypto/keys'
import type { Agreement } from '../crypto/noise'
import type { Suite } from '../crypto/suites'
import { Code, ProtocolError } from '../wire/codes'
import { type Crypto, FrameType } from '../wire/frames'
import type { Control } from './control'
import type { SessionKeys } from './session_keys'

export interface RenewalOptions {
  readonly suite: Suite
  readonly agreement: Agreement
  readonly isInitiator: boolean
  readonly own: Identity
  readonly peer: Uint8Array
}

export class Renewals {
  /** The generation of the last one. */
  #last = 0
  readonly #options: RenewalOptions
  readonly #keys: SessionKeys

  constructor(options: RenewalOptions, keys: SessionKeys) {
    this.#options = options
    this.#keys = keys
  }

  /** What is to be said; `undefined` if the message came again. Throws {@link ProtocolError} if it does not check. */
  answer({ generation, step, message }: Crypto): Control | undefined {
    const { isInitiator, suite, own, peer, agreement } = this.#options
    if (step !== 1 || isInitiator) throw failed()
    if (generation <= this.#last) return undefined
    if (generation > this.#last + 1 || this.#keys.mixed) throw failed()
    const fields = { suite, own: own.dh, hash: agreement.hash, generation, initiator: peer }
    const answer = answerRenewal(fields, message)
    if (answer === undefined) throw failed()
    this.#last = generation
    this.#keys.mix(answer.agreement.receiving, answer.agreement.sending)
    const said: Crypto = { type: FrameType.crypto, generation, step: 2, message: answer.message }
    return { frame: () => (this.#last === generation ? said : undefined), urgent: true }
  }
}

function failed(): ProtocolError {
  return new ProtocolError(Code.cryptoFailed, 'a handshake that does not check')
}
