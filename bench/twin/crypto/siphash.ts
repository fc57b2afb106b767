// SipHash-2-4 (Aumasson and Bernstein, 2012), with its 64 bits as a `u64` of docs/PROTOCOL.md.

const mask = (1n << 64n) - 1n
const rotate = (word: bigint, bits: bigint) => ((word << bits) | (word >> (64n - bits))) & mask

type State = [bigint, bigint, bigint, bigint]

function rounds(state: State, count: number): void {
  for (let round = 0; round < count; round++) {
    let [a, b, c, d] = state
    a = (a + b) & mask
    b = rotate(b, 13n) ^ a
    a = rotate(a, 32n)
    c = (c + d) & mask
    d = rotate(d, 16n) ^ c
    a = (a + d) & mask
    d = rotate(d, 21n) ^ a
    c = (c + b) & mask
    b = rotate(b, 17n) ^ c
    c = rotate(c, 32n)
    state[0] = a
    state[1] = b
    state[2] = c
    state[3] = d
  }
}

export function sipHash(key: Uint8Array, ...parts: Uint8Array[]): Buffer {
  const data = Buffer.concat(parts)
  const padded = Buffer.alloc((Math.floor(data.length / 8) + 1) * 8)
  data.copy(padded)
  padded[padded.length - 1] = data.length
  const k0 = Buffer.from(key).readBigUInt64LE(0)
  const k1 = Buffer.from(key).readBigUInt64LE(8)
  const state: State = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ]
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at)
    state[3] ^= word
    rounds(state, 2)
    state[0] ^= word
  }
  state[2] ^= 0xffn
  rounds(state, 4)
  const out = Buffer.alloc(8)
  out.writeBigUInt64BE(state[0] ^ state[1] ^ state[2] ^ state[3])
  return out
}
