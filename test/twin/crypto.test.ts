// The twin's cryptography against vectors of others and of packets (native/test/vectors).

import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { decodeId, encodeId } from '../../bench/twin/crypto/base32'
import { DhKey, dhForm, identity } from '../../bench/twin/crypto/keys'
import { NoiseInitiator, NoiseResponder } from '../../bench/twin/crypto/noise'
import { Ladder, sealPacket, unmask } from '../../bench/twin/crypto/protection'
import { aes, chacha, extract, type Suite, seal, unseal } from '../../bench/twin/crypto/suites'
import { SessionKeys } from '../../bench/twin/transport/session_keys'
import { encodeBase32 } from '../../lib/base32'

type Case = [name: string, value: string][]

function load(file: string): Case[] {
  const text = fs.readFileSync(
    path.join(__dirname, '..', '..', 'native', 'test', 'vectors', file),
    'utf8',
  )
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((lines) =>
      lines.split('\n').map((line): [string, string] => {
        const [name = '', value = ''] = line.split('=')
        return [name.trim(), value.trim()]
      }),
    )
}

const all = (vector: Case, wanted: string) =>
  vector.filter(([name]) => name === wanted).map(([, value]) => Buffer.from(value, 'hex'))
const text = (vector: Case, wanted: string) => vector.find(([name]) => name === wanted)?.[1]
const bytes = (vector: Case, wanted: string) => all(vector, wanted)[0] as Buffer

function numbered(file: string): [string, Case][] {
  return load(file).map((vector, index) => {
    const [name, value] = vector[0] as [string, string]
    return [`${index}: ${name} ${value.slice(0, 40)}`, vector]
  })
}

describe('packet protection', () => {
  test.each(numbered('packet_protection.txt'))('%s', (_, vector) => {
    const suite = text(vector, 'suite') === aes.cipher ? aes : chacha
    const ladder = new Ladder(suite, bytes(vector, text(vector, 'sender') as string))
    const fresh = bytes(vector, 'fresh')
    expect(extract(bytes(vector, 'fresh_initiator'), bytes(vector, 'fresh_responder'))).toEqual(
      fresh,
    )
    // As they were made: fresh secrets come in during epochs 1 and 2.
    for (let epoch = 0; epoch < Number(text(vector, 'epoch')); epoch++) {
      if (epoch === 1) ladder.mix(fresh)
      if (epoch === 2) ladder.mix(Buffer.from(fresh).reverse())
      ladder.advance()
    }
    const number = bytes(vector, 'number').readBigUInt64BE()
    const frames = bytes(vector, 'frames')
    const packet = bytes(vector, 'packet')
    const flags = ladder.epoch & 1
    const fields = { destination: bytes(vector, 'id'), number, flags, frames }
    expect(sealPacket(ladder.mask, ladder.key, fields)).toEqual(packet)
    const unmasked = unmask(ladder.mask, packet)
    expect([unmasked.flags, unmasked.low]).toEqual([flags, Number(number & 0xffffffffn)])
    expect(ladder.key.open(number, unmasked.header, packet)).toEqual(frames)
    const changed = Buffer.from(packet)
    changed[packet.length - 1] = (changed[packet.length - 1] as number) ^ 1
    expect(ladder.key.open(number, unmasked.header, changed)).toBeUndefined()
  })
})

describe('Noise', () => {
  test.each(numbered('noise_flynn.txt'))('%s', (_, vector) => {
    const suite = text(vector, 'protocol')?.includes('AESGCM') ? aes : chacha
    const shared = {
      suite,
      prologue: bytes(vector, 'prologue'),
      psk: text(vector, 'psk') === undefined ? undefined : bytes(vector, 'psk'),
    }
    const key = (name: string) => DhKey.of(bytes(vector, name))
    const responderKey = key('resp_static')
    const initiator = new NoiseInitiator({
      ...shared,
      own: key('init_static'),
      ephemeral: key('init_ephemeral'),
      remote: responderKey.public,
    })
    const responder = new NoiseResponder({
      ...shared,
      own: responderKey,
      ephemeral: key('resp_ephemeral'),
    })
    const payloads = all(vector, 'payload')
    const [first, second, ...transport] = all(vector, 'message') as [Buffer, Buffer, ...Buffer[]]

    expect(initiator.write(payloads[0] as Buffer)).toEqual(first)
    expect(responder.read(first)?.payload).toEqual(payloads[0])
    const written = responder.write(payloads[1] as Buffer)
    expect(written?.message).toEqual(second)
    const wrong = Buffer.from(second)
    wrong[wrong.length - 1] = (wrong[wrong.length - 1] as number) ^ 1
    expect(initiator.read(wrong)).toBeUndefined()
    const agreement = initiator.read(second)
    expect(agreement?.payload).toEqual(payloads[1])
    expect(agreement?.hash).toEqual(written?.agreement.hash)
    expect(agreement?.sending).toEqual(written?.agreement.receiving)

    const nothing = Buffer.alloc(0)
    for (const [index, message] of transport.entries()) {
      const secret = index % 2 === 0 ? agreement?.sending : agreement?.receiving
      const nonce = suite.nonce(BigInt(index >> 1))
      const payload = payloads[index + 2] as Buffer
      expect(seal(suite, secret as Buffer, nonce, nothing, payload)).toEqual(message)
      expect(unseal(suite, secret as Buffer, nonce, nothing, message)).toEqual(payload)
    }
  })
})

describe('ids', () => {
  const honest = load('ed25519_to_x25519_libsodium.txt').filter(
    (vector) => text(vector, 'seed') !== undefined && text(vector, 'result') === 'valid',
  )

  test('ids and their X25519 forms are those that libsodium makes', () => {
    expect(honest.length).toBeGreaterThan(50)
    for (const vector of honest) {
      const own = identity(bytes(vector, 'seed'))
      expect(own.id).toEqual(bytes(vector, 'id'))
      expect(own.dh.public).toEqual(bytes(vector, 'public'))
      expect(dhForm(own.id)).toEqual(own.dh.public)
    }
  })

  test('as text they are what the library says', () => {
    for (let count = 0; count < 100; count++) {
      const id = randomBytes(32)
      expect(encodeId(id)).toBe(encodeBase32(id))
      expect(decodeId(encodeId(id))).toEqual(id)
    }
    for (const wrong of ['', 'y'.repeat(51), 'y'.repeat(53), 'l'.repeat(52), '9'.repeat(52)]) {
      expect(() => decodeId(wrong)).toThrow(TypeError)
    }
  })
})

describe.each([aes, chacha])('epochs with $name', (suite: Suite) => {
  const packetsPerEpoch = 8
  const destination = Buffer.alloc(8, 1)
  const frames = Buffer.alloc(20, 1)
  const isNew = () => false

  function pair() {
    const [one, other] = [randomBytes(32), randomBytes(32)]
    const initiator = new SessionKeys(
      suite,
      { sending: one, receiving: other },
      true,
      packetsPerEpoch,
    )
    const responder = new SessionKeys(suite, { sending: other, receiving: one }, false)
    return { initiator, responder }
  }

  test('the initiator begins one when it is time, the responder follows, and late packets open', () => {
    const { initiator, responder } = pair()
    const late = initiator.seal(destination, 1, frames)
    for (let number = 2; number <= packetsPerEpoch; number++) {
      const packet = initiator.seal(destination, number, frames)
      expect(responder.open(packet, number - 1, isNew, 0, 100)?.number).toBe(number)
    }
    expect(initiator.epoch).toBe(0)
    const newer = initiator.seal(destination, 10, frames)
    expect(initiator.epoch).toBe(1)
    // Not again before the responder has followed.
    for (let number = 11; number < 40; number++) initiator.seal(destination, number, frames)
    expect([initiator.epoch, responder.epoch]).toEqual([1, 0])
    expect(responder.open(newer, 8, isNew, 0, 100)?.frames).toEqual(frames)
    expect(responder.epoch).toBe(1)
    expect(responder.open(late, 10, isNew, 50, 100)?.frames).toEqual(frames)
    expect(responder.open(late, 10, isNew, 101, 100)).toBeUndefined()

    const followed = responder.seal(destination, 1, frames)
    expect(initiator.open(followed, 0, isNew, 0, 100)?.frames).toEqual(frames)
    initiator.seal(destination, 40, frames)
    expect(initiator.epoch).toBe(2)
  })

  test('what a handshake within the session has given is in the next epoch', () => {
    const { initiator, responder } = pair()
    const [one, other] = [randomBytes(32), randomBytes(32)]
    initiator.mix(one, other)
    responder.mix(one, other)
    for (let number = 1; number <= packetsPerEpoch + 1; number++) {
      const packet = initiator.seal(destination, number, frames)
      expect(responder.open(packet, number - 1, isNew, 0, 100)?.frames).toEqual(frames)
    }
    expect([initiator.epoch, responder.epoch]).toEqual([1, 1])
  })
})
