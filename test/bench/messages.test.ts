// What the benchmark's messages are made of: the check that finds whatever happens to them, and the framing of contenders that carry bytes.

import { X509Certificate } from 'node:crypto'

// biome-ignore lint/suspicious/noExplicitAny: plain modules, without types
const bench = (file: string): any => require(`../../bench/${file}.mjs`)

const { Checker, digestOf, MessageRing, ringMessages } = bench('suite/messages')
const { certificate } = bench('contenders/certificate')
const { Batch, FrameReader, framed } = bench('contenders/framing')

describe('messages', () => {
  /** Takes what `change` makes of 100 messages. */
  function checked(length: number, change: (messages: Buffer[]) => Buffer[]) {
    const ring = new MessageRing(length)
    const messages = Array.from({ length: 100 }, () => Buffer.from(ring.next()))
    const checker = new Checker(length)
    for (const message of change(messages)) checker.take(message)
    return checker
  }
  const exchanged = (messages: Buffer[]) => messages.with(40, messages[41]!).with(41, messages[40]!)

  test.each([64, 1024, 65_536])('of %d bytes pass when nothing happened to them', (length) => {
    const checker = checked(length, (messages) => messages)
    expect(checker.faults()).toBe('')
    expect(checker.count).toBe(100)
    expect(checker.digest).toBe(digestOf(length, 100))
    expect(checker.digest).not.toBe(digestOf(length, 99))
  })

  test.each([64, 256, 1024])('every single byte of %d counts', (length) => {
    const ring = new MessageRing(length)
    const message = ring.next()
    for (let place = 0; place < length; place++) {
      const wrong = Buffer.from(message)
      wrong[place] = wrong[place]! ^ 0x40
      const checker = new Checker(length)
      checker.take(wrong)
      expect([place, checker.faults()]).not.toEqual([place, ''])
    }
  })

  test('exchanged words are found', () => {
    const found = checked(1024, (messages) => {
      const [a, b] = [messages[5]!.readUInt32LE(100), messages[5]!.readUInt32LE(200)]
      messages[5]!.writeUInt32LE(b, 100)
      messages[5]!.writeUInt32LE(a, 200)
      return messages
    })
    expect(found.faults()).toBe('1 damaged')
  })

  test.each([
    ['lost', (messages: Buffer[]) => messages.filter((_, index) => index !== 40)],
    ['repeated', (messages: Buffer[]) => messages.toSpliced(40, 0, messages[40]!)],
    ['reordered', exchanged],
  ])('that were %s are found', (_, change) => {
    expect(checked(64, change).misplaced).toBeGreaterThan(0)
    expect(checked(64, change).faults()).toMatch(/lost, repeated or out of order/)
  })

  test('of another length are found', () => {
    const cut = checked(64, (messages) => messages.map((message) => message.subarray(0, 60)))
    expect(cut.damaged).toBe(100)
  })

  test('stay as they are until the ring comes round', () => {
    const ring = new MessageRing(64)
    const first = ring.next()
    const before = Buffer.from(first)
    for (let count = 1; count < ringMessages; count++) ring.next()
    expect(first).toEqual(before)
    expect(ring.next()).toBe(first)
    expect(first).not.toEqual(before)
  })
})

describe('framing', () => {
  const messages = [0, 1, 3, 64, 70_000].map((length) => Buffer.alloc(length, length))

  test.each([1, 3, 5, 64, 65_536, 1_000_000])('survives chunks of %d bytes', (chunkBytes) => {
    const bytes = Buffer.concat(messages.map((message) => framed(message)))
    const got: Buffer[] = []
    const reader = new FrameReader((message: Buffer) => got.push(Buffer.from(message)))
    for (let place = 0; place < bytes.length; place += chunkBytes) {
      reader.push(bytes.subarray(place, place + chunkBytes))
    }
    // As text: comparing long Buffers takes jest its time.
    const text = (list: Buffer[]) => list.map((message) => message.toString('latin1'))
    expect(text(got)).toEqual(text(messages))
  })

  test('a batch is written when it is full and at the end of the turn', async () => {
    const written: Buffer[] = []
    const batch = new Batch((bytes: Buffer) => written.push(Buffer.from(bytes)) > 0)
    const message = Buffer.alloc(1020, 1)
    for (let count = 0; count < 100; count++) batch.add(message)
    expect(written.map(({ length }) => length)).toEqual([65_536])
    await new Promise((resolve) => process.nextTick(resolve))
    expect(written.map(({ length }) => length)).toEqual([65_536, 36_864])
  })
})

test('the certificate is one', () => {
  const { cert } = certificate()
  const read = new X509Certificate(cert)
  expect(read.verify(read.publicKey)).toBe(true)
  expect(Date.parse(read.validTo)).toBeGreaterThan(Date.now())
  expect(Date.parse(read.validFrom)).toBeLessThan(Date.now())
})
