// Waiting for something, with a time limit and a signal.

import type { Clock, Timer } from './clock'
import { showDuration } from './duration'
import { HawserError } from './errors'

/** How long to wait for something. */
export interface Waiting {
  /**
   * Gives up when it aborts: the promise rejects with the signal's `reason`, as `fetch` does.
   */
  signal?: AbortSignal
  /** Gives up after this many milliseconds, 0 to 2,147,483,647, or `Infinity` for no limit. */
  timeout?: number
}

/** {@link Waiting}, checked and complete. */
export interface WaitSettings {
  readonly signal: AbortSignal | undefined
  /** Milliseconds; `Infinity`: no limit. */
  readonly timeout: number
}

/** Waits as long as it takes. */
export const waitForever: WaitSettings = {
  signal: undefined,
  timeout: Number.POSITIVE_INFINITY,
}

/** The other end of a promise. */
export interface Waiter<T> {
  resolve(value: T): void
  reject(error: unknown): void
  /** Once true, neither does anything. */
  readonly settled: boolean
}

/** What happens when the time is over or the signal aborts. */
export interface GivingUp {
  /** Finishes the sentence "… did not happen within 5 s", e.g. `'no message arrived'`. */
  readonly what: string
  /** Called before the promise rejects: forget the waiter. */
  readonly cancel?: () => void
  /** The error for a passed timeout; default: code `TIMEOUT`. */
  readonly timedOut?: () => Error
}

class PromiseWaiter<T> implements Waiter<T> {
  settled = false
  readonly #resolve: (value: T) => void
  readonly #reject: (error: unknown) => void
  #timer: Timer | undefined
  #signal: AbortSignal | undefined
  #onAbort: (() => void) | undefined

  constructor(resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  guard({ signal, timeout }: WaitSettings, clock: Clock, givingUp: GivingUp): void {
    if (signal !== undefined) {
      this.#signal = signal
      this.#onAbort = () => this.#giveUp(givingUp, signal.reason)
      signal.addEventListener('abort', this.#onAbort, { once: true })
    }
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#timer = clock.setTimeout(() => {
        this.#giveUp(givingUp, givingUp.timedOut?.() ?? timeoutError(givingUp.what, timeout))
      }, timeout)
    }
  }

  resolve(value: T): void {
    if (this.#settle()) this.#resolve(value)
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error)
  }

  #giveUp(givingUp: GivingUp, error: unknown): void {
    if (this.settled) return
    this.reject(error)
    givingUp.cancel?.()
  }

  #settle(): boolean {
    if (this.settled) return false
    this.settled = true
    this.#timer?.cancel()
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}

/**
 * A promise that `start` arranges to be settled, or that rejects when `settings` say so, by `clock`. With a signal that has
 * aborted already, `start` is not called.
 */
export function wait<T>(
  settings: WaitSettings,
  clock: Clock,
  givingUp: GivingUp,
  start: (waiter: Waiter<T>) => void,
): Promise<T> {
  const { signal, timeout } = settings
  if (signal?.aborted === true) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const waiter = new PromiseWaiter<T>(resolve, reject)
    start(waiter)
    const limited = signal !== undefined || timeout !== Number.POSITIVE_INFINITY
    if (limited && !waiter.settled) waiter.guard(settings, clock, givingUp)
  })
}

function timeoutError(what: string, timeout: number): HawserError {
  return new HawserError('TIMEOUT', `${what} within ${showDuration(timeout)}`, {
    hint: 'give it more time with `timeout` (milliseconds), or none at all with Infinity',
  })
}
