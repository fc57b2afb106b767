/** Codes of CLOSE and RESET (docs/PROTOCOL.md §7). */
export const Code = {
  noError: 0x00,
  internal: 0x01,
  frameEncoding: 0x02,
  flowControl: 0x03,
  channelLimit: 0x04,
  channelState: 0x05,
  ackInvalid: 0x06,
  messageTooLarge: 0x07,
  outOfMemory: 0x08,
  cryptoFailed: 0x09,
  keysExhausted: 0x0a,
  sessionLimit: 0x0b,
  cancelled: 0x10,
  serviceUnknown: 0x11,
  serviceRefused: 0x12,
  idle: 0x13,
  handlerFailed: 0x14,
} as const

/** The name of a code, for messages of errors. */
export function codeName(code: number): string {
  const found = Object.entries(Code).find(([, value]) => value === code)
  return found?.[0] ?? `code ${code}`
}

/** The peer did what the protocol forbids: the session is closed with this code. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'

  constructor(
    readonly code: number,
    reason: string,
  ) {
    super(reason)
  }
}
