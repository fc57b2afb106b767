// INITs put together by hand: right or wrong is up to the test. How they are made otherwise, and what answers mean, is the twin's
// (bench/twin/).

import { beginRenewal, Initiation } from '../../../bench/twin/crypto/handshake'
import type { Identity } from '../../../bench/twin/crypto/keys'
import type { NoiseInitiator } from '../../../bench/twin/crypto/noise'
import type { Suite } from '../../../bench/twin/crypto/suites'
import { initPayloadBytes, initStart } from '../../../bench/twin/wire/packets'
import { block } from './frames'

export interface InitFields {
  readonly suite: Suite
  readonly own: Identity
  /** The id of who is to answer. */
  readonly responder: Uint8Array
  readonly sourceId: Uint8Array
  /** For its connection id. */
  readonly token: Uint8Array
  readonly networkKey: Uint8Array | undefined
  readonly version?: number | undefined
  /** What INIT calls the suite. */
  readonly suiteNumber?: number | undefined
  /** The id in the payload. */
  readonly namedId?: Uint8Array | undefined
  readonly parameters?: Uint8Array | undefined
  /** What stands behind the parameters. */
  readonly padding?: Uint8Array | undefined
}

export function initiation(fields: InitFields): Initiation {
  const { suite, own, responder, sourceId, networkKey, version } = fields
  const { namedId = own.id, suiteNumber = suite.number } = fields
  const { parameters = Buffer.alloc(0), padding = Buffer.alloc(0) } = fields
  const start = initStart(suiteNumber, sourceId, version)
  const content = Buffer.concat([namedId, fields.token, block(parameters), padding])
  const zeros = Buffer.alloc(initPayloadBytes - content.length)
  const payload = Buffer.concat([content, zeros])
  return new Initiation({ suite, own: own.dh, responder, networkKey, start, payload })
}

/** A handshake within the session. */
export interface RenewalFields {
  readonly suite: Suite
  readonly own: Identity
  readonly responder: Uint8Array
  readonly networkKey: Uint8Array | undefined
  /** The hash of the session's first handshake. */
  readonly hash: Uint8Array
  readonly generation: number
}

export function renewal({ own, ...fields }: RenewalFields): NoiseInitiator {
  return beginRenewal({ ...fields, own: own.dh })
}
