// What every contender is behind: one class of links, and what an adapter exports.
//
// An adapter is `{ listen, connect }`:
//
//   listen({ host, purpose, count, signal, onLink })  resolves to { address, close }; `address` is plain data for connect
//   connect({ host, from, address, purpose, index, signal })  resolves to an open Link, or rejects
//
// `host` is the address to listen at, or to connect to; `from` the address of the connecting side. `purpose` is 'throughput' or 'latency', for rivals whose documentation has settings for either. `count` is how many sessions will come,
// and `index` which one of them this is. `signal` carries plain data to the other process, for rivals that bring no signalling of their own:
// `signal.send(data)` and `signal.onSignal`. `onLink(link, { second })` is called for each session, `second` for a second channel in it.

function nothing() {}

/** One end of a session: messages in both directions. */
export class Link {
  /** A message arrived. It is a Buffer that stays valid for as long as it is kept. */
  onMessage = nothing
  /** `send` answered false, and now there is room. */
  onDrain = nothing
  /** The session is gone, with an Error if it should not be. */
  onClose = nothing

  /**
   * Sends one message. False: wait for `onDrain`. The message's bytes stay as they are until 64 more were sent (see MessageRing); adapters whose
   * rival keeps them for longer copy them.
   */
  send(_message) {
    throw new Error('not implemented')
  }

  /** Stops and goes on reading. */
  pause() {
    throw new Error('cannot stop reading')
  }
  resume() {}

  /**
   * Resolves when the other side's protocol has acknowledged everything sent so far. `undefined` instead of a function: the API does
   * not say.
   */
  acknowledged = undefined

  /** Opens a second channel in this session: resolves to a Link. `undefined`: a session has one channel only. */
  openSecond = undefined

  /** What was sent again, and how much of that in vain, as far as the API says: `{ resent, spurious }`. */
  repeats() {
    return {}
  }

  close() {}
}
