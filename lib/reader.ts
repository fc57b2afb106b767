// The receiving side of a channel: keeps the messages that were handed over and not read yet, asks the native part for
// more when a reader needs them, and sees to it that only one reader is at work.

import type { Clock } from './clock'
import { HawserError } from './errors'
import { Fifo } from './fifo'
import { Demand } from './native_types'
import { callSafely, throwLater } from './safely'
import { type WaitSettings, wait, waitForever } from './waiting'

/** What a reader needs of its channel. */
export interface ReaderOwner<In> {
  readonly clock: Clock
  demand(demand: Demand): void
  /** May throw. */
  decode(bytes: Buffer): In
  /** Gives a message to the listeners. May throw. */
  emitMessage(message: In): void
  /** Everything the peer sent before its end was read. Called once. */
  emitEnd(): void
  /** A message cannot be read, and there is nobody to tell but the channel. */
  onUndecodable(error: HawserError): void
}

export class Reader<In> {
  readonly #owner: ReaderOwner<In>
  readonly #queue = new Fifo<Buffer>()
  /** Who reads now, in words. */
  #user: string | undefined
  /** Gives the reader that waits what it waits for. */
  #serve: (() => void) | undefined
  /** The native part was asked for a batch that has not come. */
  #asked = false
  #flowing = false
  /** Nothing more will come. */
  #over = false
  /** Why, if it was not the peer's end. */
  #error: HawserError | undefined
  /** What was not read is not wanted any more. */
  #discarded = false
  /** The peer's end still has to be announced. */
  #announceEnd = false

  constructor(owner: ReaderOwner<In>) {
    this.#owner = owner
  }

  // --- From the native part.

  onMessages(messages: Buffer[]): void {
    this.#asked = false
    if (this.#discarded) return
    if (this.#flowing && this.#queue.length === 0) this.#emitAll(messages)
    else {
      this.#queue.append(messages)
      this.#wake()
    }
  }

  /** Nothing more will come. `ended`: because the peer ended; else `error` says why, or it was closed here. */
  finish(how: { ended: boolean; error?: HawserError | undefined; discard?: boolean }): void {
    if (how.discard === true) {
      this.#discarded = true
      this.#queue.clear()
    }
    if (this.#over) return
    this.#over = true
    this.#error = how.error
    this.#announceEnd = how.ended
    this.#wake()
    // Nobody has to be reading to learn that there is nothing to read.
    if (this.#queue.length === 0) this.#announce()
  }

  // --- Readers.

  /** One message; `undefined` at the end. */
  receive(settings: WaitSettings): Promise<In | undefined> {
    try {
      this.acquire('receive()')
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#pull(
      settings,
      () => (this.#atEnd() ? undefined : this.#takeOne()),
      () => this.release(),
    )
  }

  messages(): AsyncIterableIterator<In> {
    return this.#iterate('for await', () => this.#takeOne())
  }

  batches(): AsyncIterableIterator<readonly In[]> {
    return this.#iterate('batches()', () => this.#takeAll())
  }

  /** The next message as it came, for a reader that has acquired; `undefined` at the end. */
  pullBytes(settings: WaitSettings = waitForever): Promise<Buffer | undefined> {
    return this.#pull(
      settings,
      () => (this.#atEnd() ? undefined : this.#queue.shift()),
      () => {},
    )
  }

  /** Starts giving messages to the listeners, in a moment: further listeners may still be added. */
  startFlow(): void {
    this.acquire("a 'message' listener")
    this.#flowing = true
    process.nextTick(() => {
      if (!this.#flowing) return
      if (!this.#over) this.#owner.demand(Demand.Continuous)
      this.#wake()
    })
  }

  stopFlow(): void {
    if (!this.#flowing) return
    this.#flowing = false
    this.#asked = false
    this.release()
    if (!this.#over) this.#owner.demand(Demand.None)
  }

  /** Makes `user` the one that reads. Throws `READER_BUSY` if there is another. */
  acquire(user: string): void {
    if (this.#user !== undefined) throw busy(this.#user)
    this.#user = user
  }

  release(): void {
    this.#user = undefined
  }

  // --- Inside.

  /** Calls `take` as soon as there is something to take, or nothing to wait for; then `done`, also on failure. */
  #pull<T>(settings: WaitSettings, take: () => T, done: () => void): Promise<T> {
    if (settings.signal?.aborted === true) {
      done()
      return Promise.reject(settings.signal.reason)
    }
    if (this.#queue.length > 0 || this.#over) {
      try {
        return Promise.resolve(take())
      } catch (error) {
        return Promise.reject(error)
      } finally {
        done()
      }
    }
    const cancel = () => {
      this.#serve = undefined
      done()
    }
    return wait<T>(
      settings,
      this.#owner.clock,
      { what: 'no message arrived', cancel },
      (waiter) => {
        this.#serve = () => {
          done()
          try {
            waiter.resolve(take())
          } catch (error) {
            waiter.reject(error)
          }
        }
        if (this.#asked) return
        this.#asked = true
        this.#owner.demand(Demand.Once)
      },
    )
  }

  /**
   * Reading starts with the first `next` and goes on until `return` (a `break`), the end or an error. What was not
   * read stays for the next reader.
   */
  #iterate<T>(name: string, take: () => T): AsyncIterableIterator<T> {
    let state: 'new' | 'reading' | 'done' = 'new'
    let waiting = false
    const finish = () => {
      if (state === 'reading') this.release()
      state = 'done'
    }
    const step = (): IteratorResult<T, undefined> => {
      if (state === 'done') return { done: true, value: undefined }
      try {
        if (!this.#atEnd()) return { done: false, value: take() }
      } catch (error) {
        finish()
        throw error
      }
      finish()
      return { done: true, value: undefined }
    }
    const iterator: AsyncIterableIterator<T> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => {
        if (state === 'done') return Promise.resolve({ done: true, value: undefined })
        try {
          if (waiting) throw busy(name)
          if (state === 'new') this.acquire(name)
        } catch (error) {
          return Promise.reject(error)
        }
        state = 'reading'
        waiting = true
        return this.#pull(waitForever, step, () => {
          waiting = false
        })
      },
      return: () => {
        finish()
        // A next() that still waits gets its answer too.
        if (waiting) this.#wake()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
    return iterator
  }

  /** True at the end of what the peer sent. Throws if it was no proper end. */
  #atEnd(): boolean {
    if (this.#queue.length > 0) return false
    if (this.#error !== undefined) throw this.#error
    this.#announce()
    return true
  }

  #announce(): void {
    if (!this.#announceEnd) return
    this.#announceEnd = false
    callSafely(() => this.#owner.emitEnd())
  }

  #takeOne(): In {
    const message = this.#decode(this.#queue.shift() as Buffer)
    // The last one before the peer's end: whoever reads need not ask once more to be told.
    if (this.#over && this.#queue.length === 0) process.nextTick(() => this.#announce())
    return message
  }

  /** All messages up to one that cannot be read; that one fails the next call. */
  #takeAll(): In[] {
    const messages = [this.#takeOne()]
    for (;;) {
      const next = this.#queue.peek()
      if (next === undefined) return messages
      try {
        messages.push(this.#owner.decode(next))
      } catch {
        return messages
      }
      this.#queue.shift()
    }
  }

  #decode(bytes: Buffer): In {
    try {
      return this.#owner.decode(bytes)
    } catch (cause) {
      throw new HawserError('DECODE_FAILED', 'the codec could not read a message', {
        hint: 'do both sides use the same codec? The message was skipped; reading can go on',
        cause,
      })
    }
  }

  #wake(): void {
    const serve = this.#serve
    this.#serve = undefined
    if (serve !== undefined) serve()
    else if (this.#flowing) {
      this.#emitAll(this.#queue.takeAll())
      if (this.#queue.length === 0 && this.#over) this.#announce()
    }
  }

  /** Gives messages to the listeners; what is left when the last listener goes is kept. */
  #emitAll(messages: readonly Buffer[]): void {
    let index = 0
    // Once more after each listener that throws; a function of its own for each message would cost more than all the rest here.
    while (index < messages.length) {
      try {
        while (index < messages.length) {
          if (this.#discarded) return
          if (!this.#flowing) {
            this.#queue.append(messages.slice(index))
            return
          }
          const bytes = messages[index++] as Buffer
          let message: In
          try {
            message = this.#decode(bytes)
          } catch (error) {
            this.#owner.onUndecodable(error as HawserError)
            return
          }
          this.#owner.emitMessage(message)
        }
      } catch (error) {
        throwLater(error)
      }
    }
  }
}

function busy(user: string): HawserError {
  return new HawserError('READER_BUSY', `the channel is already being read by ${user}`, {
    hint: 'a channel has one reader at a time: leave the loop, or remove the listener, that reads it now',
  })
}
