#!/usr/bin/env node
// node scripts/crypto-vectors.mjs KIND FILE... > OUT
//
// Turns published test vectors of one kind into the line format of native/test/vectors/ and leaves out the
// cases that do not apply; native/test/vectors/README.md says which sources are meant. Blocks of `name = value`
// lines, one block a case, a blank line between two; values are hexadecimal or words.

import fs from 'node:fs'

const protocols = /^Noise_IK(psk2)?_25519_(AESGCM|ChaChaPoly)_SHA256$/
const hexOfText = (text) => Buffer.from(text, 'utf8').toString('hex')

/** Blocks of `KEY = value` or `KEY=value`; a `[Key = value]` line holds for all blocks below it. */
function* blocks(text) {
  let held = {}
  let block = null
  let heading = false
  for (const line of `${text}\n\n`.split(/\r?\n/)) {
    const header = /^\[(\w+) = (\w+)\]$/.exec(line)
    if (header) {
      if (!heading) held = {}
      heading = true
      held[header[1]] = header[2]
      continue
    }
    const field = /^(\w+) *= *(.*)$/.exec(line)
    if (field) {
      heading = false
      block ??= { ...held }
      block[field[1]] = field[2]
    } else if (line === 'FAIL' && block) {
      block.FAIL = true
    } else if (line === '' && block) {
      yield block
      block = null
    }
  }
}

function* wycheproof(text) {
  for (const group of JSON.parse(text).testGroups) {
    for (const test of group.tests) yield { group, test }
  }
}

function noiseCase(vector) {
  const lines = [
    ['protocol', vector.protocol],
    ['prologue', vector.prologue ?? ''],
    ['init_static', vector.initStatic],
    ['resp_static', vector.respStatic],
    ['init_ephemeral', vector.initEphemeral],
    ['resp_ephemeral', vector.respEphemeral],
  ]
  if (vector.psk) lines.push(['psk', vector.psk])
  if (vector.hash) lines.push(['hash', vector.hash])
  for (const { payload, ciphertext } of vector.messages) {
    lines.push(['payload', payload], ['message', ciphertext])
  }
  return lines
}

const kinds = {
  /** The JSON of cacophony and snow. */
  *noise(text) {
    for (const vector of JSON.parse(text).vectors) {
      if (!protocols.test(vector.protocol_name) || vector.fail) continue
      yield noiseCase({
        protocol: vector.protocol_name,
        prologue: vector.init_prologue,
        initStatic: vector.init_static,
        respStatic: vector.resp_static,
        initEphemeral: vector.init_ephemeral,
        respEphemeral: vector.resp_ephemeral,
        psk: vector.init_psks?.[0],
        hash: vector.handshake_hash,
        messages: vector.messages,
      })
    }
  },
  /** The vectors.txt of flynn/noise. */
  *flynn(text) {
    for (const block of blocks(text)) {
      if (!protocols.test(block.handshake)) continue
      const messages = []
      for (let i = 0; block[`msg_${i}_payload`] !== undefined; i++) {
        messages.push({
          payload: block[`msg_${i}_payload`],
          ciphertext: block[`msg_${i}_ciphertext`],
        })
      }
      yield noiseCase({
        protocol: block.handshake,
        prologue: block.prologue,
        initStatic: block.init_static,
        respStatic: block.resp_static,
        initEphemeral: block.gen_init_ephemeral,
        respEphemeral: block.gen_resp_ephemeral,
        psk: block.handshake.includes('psk') ? block.preshared_key : undefined,
        messages,
      })
    }
  },
  /** The .rsp files of NIST's CAVP for AES-256-GCM. */
  *'nist-gcm'(text) {
    for (const block of blocks(text)) {
      if (block.IVlen !== '96' || block.Taglen !== '128' || !block.Key) continue
      yield aeadCase(
        block.Key,
        block.IV,
        block.AAD,
        block.PT ?? '',
        block.CT,
        block.Tag,
        !block.FAIL,
      )
    }
  },
  /** BoringSSL's test file of ChaCha20-Poly1305; text may be in quotes. */
  *'boringssl-aead'(text) {
    for (const block of blocks(text)) {
      const hex = (value) => (value.startsWith('"') ? hexOfText(value.slice(1, -1)) : value)
      if (block.TAG.length !== 32) continue
      const [key, nonce, text_, ad] = [block.KEY, block.NONCE, block.IN, block.AD].map(hex)
      yield aeadCase(key, nonce, ad, text_, hex(block.CT), block.TAG, true)
    }
  },
  /** OpenSSL's test file of ChaCha20-Poly1305. */
  *'openssl-aead'(text) {
    for (const block of blocks(text)) {
      if (block.IV.length !== 24 || block.Tag.length !== 32) continue
      yield aeadCase(
        block.Key,
        block.IV,
        block.AAD ?? '',
        block.Plaintext,
        block.Ciphertext,
        block.Tag,
        block.Result === undefined,
      )
    }
  },
  *'wycheproof-aead'(text) {
    for (const { group, test } of wycheproof(text)) {
      if (group.keySize !== 256 || group.ivSize !== 96 || group.tagSize !== 128) continue
      const { key, iv, aad, msg, ct, tag } = test
      yield aeadCase(key, iv, aad, msg, ct, tag, test.result === 'valid')
    }
  },
  *'wycheproof-x25519'(text) {
    for (const { test } of wycheproof(text)) {
      yield x25519Case(test.private, test.public, test.shared)
    }
  },
  *'wycheproof-ed25519'(text) {
    for (const { group, test } of wycheproof(text)) {
      yield ed25519Case(
        undefined,
        (group.publicKey ?? group.key).pk,
        test.msg,
        test.sig,
        test.result === 'valid',
      )
    }
  },
  *'wycheproof-hmac'(text) {
    for (const { test } of wycheproof(text)) {
      yield hmacCase(test.key, test.msg, test.tag, test.result === 'valid')
    }
  },
  *'wycheproof-hkdf'(text) {
    for (const { test } of wycheproof(text)) {
      yield hkdfCase(test.ikm, test.salt, test.info, test.size, test.okm, test.result === 'valid')
    }
  },
  /** RFC 7748 5.2 as blocks. */
  *'rfc-x25519'(text) {
    for (const block of blocks(text)) {
      yield x25519Case(block.INPUT_SCALAR, block.INPUT_U, block.OUTPUT_U)
    }
  },
  /** RFC 4231 as blocks. */
  *'rfc-hmac'(text) {
    for (const block of blocks(text)) yield hmacCase(block.Key, block.Msg, block.MD, true)
  },
  /** RFC 5869 as `KEY = value` lines, OKM last in each case. */
  *'rfc-hkdf'(text) {
    let all = {}
    for (const block of blocks(text)) {
      all = { ...all, ...block }
      if (block.OKM === undefined) continue
      yield hkdfCase(all.IKM, all.salt, all.info, Number(all.L), all.OKM, true)
      all = {}
    }
  },
  /** The sign.input of the Ed25519 paper: the first 128 cases and every sixteenth of the others. */
  *'sign-input'(text) {
    for (const [index, line] of text.trim().split('\n').entries()) {
      if (index >= 128 && index % 16 !== 0) continue
      const [secret, publicKey, message, signed] = line.split(':')
      yield ed25519Case(secret.slice(0, 64), publicKey, message, signed.slice(0, 128), true)
    }
  },
}

function aeadCase(key, nonce, ad, text, sealed, tag, valid) {
  return [
    ['key', key],
    ['nonce', nonce],
    ['ad', ad],
    ['text', text],
    ['sealed', sealed],
    ['tag', tag],
    ['result', valid ? 'valid' : 'invalid'],
  ]
}

function x25519Case(secret, publicKey, shared) {
  return [
    ['secret', secret],
    ['public', publicKey],
    ['shared', shared],
  ]
}

function ed25519Case(seed, publicKey, message, signature, valid) {
  const lines = seed === undefined ? [] : [['seed', seed]]
  return [
    ...lines,
    ['public', publicKey],
    ['text', message],
    ['signature', signature],
    ['result', valid ? 'valid' : 'invalid'],
  ]
}

function hmacCase(key, text, tag, valid) {
  return [
    ['key', key],
    ['text', text],
    ['tag', tag],
    ['result', valid ? 'valid' : 'invalid'],
  ]
}

function hkdfCase(key, salt, info, length, out, valid) {
  return [
    ['key', key],
    ['salt', salt],
    ['info', info],
    ['length', String(length)],
    ['out', out],
    ['result', valid ? 'valid' : 'invalid'],
  ]
}

const [kind, ...files] = process.argv.slice(2)
if (!Object.hasOwn(kinds, kind ?? '') || files.length === 0) {
  console.error(`crypto-vectors.mjs KIND FILE...; kinds: ${Object.keys(kinds).join(' ')}`)
  process.exit(2)
}
const cases = files.flatMap((file) => [...kinds[kind](fs.readFileSync(file, 'utf8'))])
const text = cases.map((lines) => lines.map(([name, value]) => `${name} = ${value}`.trim()))
process.stdout.write(text.map((lines) => `${lines.join('\n')}\n`).join('\n'))
console.error(`${kind}: ${cases.length} cases`)
