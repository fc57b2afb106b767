// Ids as text: z-base-32, five bits a character, first bit first, unused bits at the end zero.

const alphabet = 'ybndrfg8ejkmcpqxot1uwisza345h769'

export function encodeId(id: Uint8Array): string {
  const bits = Array.from(id, (byte) => byte.toString(2).padStart(8, '0')).join('')
  const groups = bits.match(/.{1,5}/g) ?? []
  return groups.map((group) => alphabet[Number.parseInt(group.padEnd(5, '0'), 2)]).join('')
}

/** The 32 bytes of an id. Throws a TypeError if it is none. */
export function decodeId(text: string): Buffer {
  const bits = Array.from(text, (character) => {
    return alphabet.indexOf(character).toString(2).padStart(5, '0')
  }).join('')
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))
  const id = Buffer.from(bytes)
  if (id.length !== 32 || encodeId(id) !== text) {
    throw new TypeError(`id is ${JSON.stringify(text)}; allowed: 52 characters of z-base-32`)
  }
  return id
}
