// Frames to bytes and back. What the native writer made is also read by the package's own other reader
// (hawser/testing), which was written from docs/PROTOCOL.md.

import assert from 'node:assert/strict'

const perCall = 1_000
const messages = 16

export function codec({ addon, decodeFrames }) {
  const [message] = decodeFrames(addon.messageFrame())
  assert.deepEqual(
    message.messages.map(({ bytes }) => [bytes.length, bytes[0]]),
    Array.from({ length: messages }, (_, i) => [64, i]),
  )
  const [ack] = decodeFrames(addon.ackFrame())
  assert.equal(ack.type, 'ACK')
  assert.equal(ack.ranges.length, 4)

  const loop = (name, call, each) => ({
    name,
    perCall,
    call: () => call(perCall),
    work: each * perCall,
  })
  return [
    loop('codec: encode MESSAGE of 16 x 64 B', addon.encodeMessage, addon.messageFrame().length),
    loop('codec: decode MESSAGE of 16 x 64 B', addon.decodeMessage, messages),
    loop('codec: encode ACK of 4 ranges', addon.encodeAck, addon.ackFrame().length),
    loop('codec: decode ACK of 4 ranges', addon.decodeAck, 4),
  ]
}
