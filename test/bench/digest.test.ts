// What the digest of the benchmark's messages is sensitive to, and that a message has to have exactly its length.

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { Checker, digestOf, MessageRing } = bench('suite/messages')

/** After how many messages the contents repeat; the number does not. */
const templates = 16

/** The digest of 20 messages, of which `change` changes the eighth. */
function digestAfter(length: number, change: (message: Buffer) => Buffer) {
  const ring = new MessageRing(length)
  const checker = new Checker(length)
  for (let count = 0; count < 20; count++) {
    const message = Buffer.from(ring.next())
    checker.take(count === 7 ? change(message) : message)
  }
  return checker
}

describe.each([64, 1024])('of %d bytes', (length) => {
  test('both sides have the same digest', () => {
    expect(digestAfter(length, (message) => message).digest).toBe(digestOf(length, 20))
  })

  test('the digest depends on the contents', () => {
    const changed = digestAfter(length, (message) => {
      message[length - 1]! ^= 1
      return message
    })
    expect(changed).toMatchObject({ damaged: 1, misplaced: 0 })
    expect(changed.digest).not.toBe(digestOf(length, 20))
  })

  test('the digest depends on the number', () => {
    const changed = digestAfter(length, (message) => {
      message.writeUInt32LE(7 + templates)
      return message
    })
    // The contents are those that belong to that number.
    expect(changed.damaged).toBe(0)
    expect(changed.digest).not.toBe(digestOf(length, 20))
  })

  test.each([-8, -4, -1, 1, 4, length])('a message %d bytes longer is damaged', (more) => {
    const changed = digestAfter(length, (message) =>
      more < 0 ? message.subarray(0, more) : Buffer.concat([message, Buffer.alloc(more)]),
    )
    expect(changed.damaged).toBe(1)
    expect(changed.count).toBe(20)
  })
})
