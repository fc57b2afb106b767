// Sealing and opening packets of 1,200 B: 13 B of header, 1,171 B of text, 16 B of tag; and what the same costs from
// JavaScript with node:crypto, where each packet needs an object of its own.

import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const perCall = 160
const headerBytes = 13
const textBytes = 1_171
const tagBytes = 16

const suites = [
  { label: 'AES-256-GCM', name: 'aes-256-gcm', infix: 'Aes' },
  { label: 'ChaCha20-Poly1305', name: 'chacha20-poly1305', infix: 'ChaCha' },
]

function nodeCrypto({ name, label }, addon, number) {
  const [key, nonce, header, text] = [32, 12, headerBytes, textBytes].map((n) => randomBytes(n))
  const seal = () => {
    const cipher = createCipheriv(name, key, nonce, { authTagLength: tagBytes })
    cipher.setAAD(header, { plaintextLength: text.length })
    const sealed = cipher.update(text)
    cipher.final()
    return { sealed, tag: cipher.getAuthTag() }
  }
  const { sealed, tag } = seal()
  const open = () => {
    const decipher = createDecipheriv(name, key, nonce, { authTagLength: tagBytes })
    decipher.setAAD(header, { plaintextLength: text.length })
    decipher.setAuthTag(tag)
    const opened = decipher.update(sealed)
    decipher.final()
    return opened
  }
  // Both sides of the comparison do the same.
  assert.deepEqual(addon.sealOnce(number, key, nonce, header, text), Buffer.concat([sealed, tag]))
  assert.deepEqual(open(), text)
  return [
    {
      name: `aead: ${label} seal 1,200 B, node:crypto`,
      perCall: 1,
      call: () => seal().sealed.length,
      work: textBytes,
    },
    {
      name: `aead: ${label} open 1,200 B, node:crypto`,
      perCall: 1,
      call: () => open().length,
      work: textBytes,
    },
  ]
}

export function aead({ addon }) {
  return suites.flatMap((suite, number) => {
    const { label, infix } = suite
    const loop = (what, call) => ({
      name: `aead: ${label} ${what}`,
      perCall,
      call: () => call(perCall),
      work: perCall,
    })
    return [
      loop('seal 1,200 B', addon[`seal${infix}`]),
      loop('open 1,200 B', addon[`open${infix}`]),
      loop('seal 1,200 B in trains of 16, masked', addon[`sealTrain${infix}`]),
      loop('open 1,200 B of such trains', addon[`openTrain${infix}`]),
      ...nodeCrypto(suite, addon, number),
    ]
  })
}
