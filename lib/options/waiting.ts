// Checks `{ signal, timeout }`.

import type { WaitSettings } from '../waiting'
import { waitForever } from '../waiting'
import { maxMilliseconds, number, type Options, options, signal } from './check'

export const waitingNames = ['signal', 'timeout'] as const

/** Reads a `Waiting` argument. `timeout`: the default, milliseconds or `Infinity`. */
export function waiting(value: unknown, timeout = Number.POSITIVE_INFINITY): WaitSettings {
  if (value === undefined && timeout === Number.POSITIVE_INFINITY) return waitForever
  return waitingIn(options('', value, waitingNames), timeout)
}

/** The same, from an object whose names were looked at before. */
export function waitingIn(given: Options, timeout: number): WaitSettings {
  return {
    signal: signal('signal', given.signal),
    timeout: given.timeout === undefined ? timeout : time(given.timeout),
  }
}

function time(value: unknown): number {
  if (value === Number.POSITIVE_INFINITY) return value
  return number('timeout', value, 0, maxMilliseconds, ' of milliseconds (or Infinity)')
}
