// z-base-32 (Zooko O'Whielacronx, 2009): base 32 with an alphabet chosen for people. Five bits a character, first bit
// first, unused bits at the end zero, no padding characters.

const alphabet = 'ybndrfg8ejkmcpqxot1uwisza345h769'
const codes = [...alphabet].map((character) => character.charCodeAt(0))
const values = new Map([...alphabet].map((character, value) => [character, value]))

/** The text for `bytes`. */
export function encodeBase32(bytes: Uint8Array): string {
  // Not a string that grows: V8 would keep every step of it, thirty times what the text takes.
  const characters: number[] = []
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      characters.push(codes[(held >> bits) & 31] as number)
    }
    held &= (1 << bits) - 1
  }
  if (bits > 0) characters.push(codes[(held << (5 - bits)) & 31] as number)
  return String.fromCharCode(...characters)
}

/** The `length` bytes that `text` stands for; `undefined` if it is not exactly what {@link encodeBase32} makes. */
export function decodeBase32(text: string, length: number): Uint8Array | undefined {
  if (text.length !== Math.ceil((length * 8) / 5)) return undefined
  const bytes = new Uint8Array(length)
  let at = 0
  let bits = 0
  let held = 0
  for (const character of text) {
    const value = values.get(character)
    if (value === undefined) return undefined
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = held >> bits
      held &= (1 << bits) - 1
    }
  }
  return held === 0 ? bytes : undefined
}
