// Messages whose memory somebody takes away.

const { check, makePair, echo } = require('./common.cjs')

module.exports = {
  async 'messages-transferred'() {
    const { server, client, channel, accepted } = await makePair()
    server.serve('echo', echo)
    const witness = await client.open(server.address, 'echo', { highWaterMark: 1 << 24 })
    let taken = 0
    const ended = new Promise((resolve) => accepted.on('end', resolve))
    accepted.on('message', (message) => {
      try {
        structuredClone(message.buffer, { transfer: [message.buffer] })
      } catch (error) {
        check(error.name === 'DataCloneError', error.stack)
      }
      taken++
    })
    // Meanwhile somebody else's messages lie in the same memory.
    const reading = (async () => {
      let number = 0
      for await (const message of witness) {
        check(message.length === 500 && message.readUInt32LE(0) === number, `echo ${number}`)
        check(
          message.subarray(4).every((byte) => byte === (number & 0xff)),
          `echo ${number}`,
        )
        number++
      }
      return number
    })()
    for (let number = 0; number < 4_000; number++) {
      const message = Buffer.alloc(500, number & 0xff)
      message.writeUInt32LE(number, 0)
      await witness.write(message)
      // Small ones, and some with memory of their own.
      await channel.write(Buffer.alloc(number % 400 === 0 ? 300_000 : 100))
      if (number % 32 === 0) await new Promise(setImmediate)
    }
    await Promise.all([witness.end(), channel.end()])
    check((await reading) === 4_000, 'all came back')
    await ended
    check(taken === 4_000, `4,000 messages, ${taken} arrived`)
    await Promise.all([client.close(), server.close()])
  },
  /** The same by force: V8 itself detaches the memory, as if nothing were marked. */
  async 'messages-detached'() {
    const detach = new Function('buffer', '%ArrayBufferDetach(buffer)')
    const { server, client, channel, accepted } = await makePair()
    for (let number = 0; number < 2_000; number++) {
      await channel.write(`message ${number}`)
      const message = await accepted.receive()
      check(String(message) === `message ${number}`, `message ${number} is '${message}'`)
      try {
        detach(message.buffer)
        check(message.length === 0, 'detached')
      } catch (error) {
        // From Node.js 24 on what is marked has a key as well, and even this cannot take it.
        check(error instanceof TypeError && message.length > 0, error.stack)
      }
    }
    await Promise.all([client.close(), server.close()])
  },
}
