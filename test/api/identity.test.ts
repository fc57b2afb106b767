// Identities and how their ids are written.

import { createPublicKey, sign, verify } from 'node:crypto'
import { inspect } from 'node:util'
import { Identity } from '../../lib'
import { decodeBase32, encodeBase32 } from '../../lib/base32'
import { isPeerId, keyFromPeerId, peerIdFromKey } from '../../lib/identity'

describe('z-base-32', () => {
  // f0bfc7 and d47a04 are the examples of "human-oriented base-32 encoding" (O'Whielacronx); the others follow from
  // its definition.
  test.each([
    ['', ''],
    ['f0bfc7', '6n9hq'],
    ['d47a04', '4t7ye'],
    ['ff', '9h'],
    ['10', 'ny'],
  ])('%s is %s', (hex, text) => {
    const bytes = Buffer.from(hex, 'hex')
    expect(encodeBase32(bytes)).toBe(text)
    expect(decodeBase32(text, bytes.length)).toEqual(new Uint8Array(bytes))
  })

  test('there and back', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 151 + length * 37) & 255)
      expect(decodeBase32(encodeBase32(bytes), length)).toEqual(bytes)
    }
  })

  test('only the one right form is read', () => {
    const text = encodeBase32(new Uint8Array(32).fill(255))
    expect(decodeBase32(text, 32)).toBeDefined()
    expect(decodeBase32(text, 31)).toBeUndefined()
    expect(decodeBase32(text.slice(1), 32)).toBeUndefined()
    expect(decodeBase32(text.toUpperCase(), 32)).toBeUndefined()
    for (const wrong of ['0', 'l', 'v', '2', ' ', '=']) {
      expect(decodeBase32(wrong + text.slice(1), 32)).toBeUndefined()
    }
    // The last character stands for one bit; the other four must be zero.
    expect(decodeBase32(`${text.slice(0, -1)}9`, 32)).toBeUndefined()
  })
})

describe('identities', () => {
  test('the id is the public key', () => {
    const { id, publicKey } = Identity.generate()
    expect(publicKey).toHaveLength(32)
    expect(id).toMatch(/^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}$/)
    expect(keyFromPeerId(id)).toEqual(publicKey)
    expect(peerIdFromKey(publicKey)).toBe(id)
  })

  test('the private key belongs to it', () => {
    const identity = Identity.generate()
    const x = Buffer.from(identity.publicKey).toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    const data = Buffer.from('data')
    expect(verify(null, data, key, sign(null, data, identity.privateKey))).toBe(true)
  })

  test('each one is new', () => {
    expect(Identity.generate().id).not.toBe(Identity.generate().id)
  })

  test('can be had without the addon, the same ones', () => {
    const seed = Buffer.alloc(32, 7)
    jest.isolateModules(() => {
      jest.doMock('../../lib/native', () => ({
        native() {
          throw new Error('none here')
        },
      }))
      const without: typeof import('../../lib/identity') = require('../../lib/identity')
      jest.dontMock('../../lib/native')
      expect(without.Identity.fromSeed(seed).id).toBe(Identity.fromSeed(seed).id)
    })
  })

  // RFC 8032, 7.1, test 1.
  test('the seed that it was made from, a copy each time', () => {
    const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
    const identity = Identity.fromSeed(Buffer.from(seed, 'hex'))
    expect(Buffer.from(identity.publicKey).toString('hex')).toBe(
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    )
    expect(identity.seed.toString('hex')).toBe(seed)
    identity.seed.fill(0)
    expect(identity.seed.toString('hex')).toBe(seed)
    expect(Identity.fromSeed(identity.seed).id).toBe(identity.id)
  })

  test('its private part does not show', () => {
    const identity = Identity.generate()
    for (const text of [JSON.stringify(identity), inspect(identity, { depth: 9 })]) {
      expect(text).not.toMatch(/rivate|seed/i)
    }
  })

  test('isPeerId', () => {
    expect(isPeerId(Identity.generate().id)).toBe(true)
    for (const value of ['', 'y'.repeat(51), 'y'.repeat(53), 'Y'.repeat(52), 5, undefined]) {
      expect(isPeerId(value)).toBe(false)
    }
  })
})
