// The checks that all options go through. Each answers the value, or throws an OptionError that names the option, what
// was given and what is allowed.

import { OptionError } from '../errors'

/** An object with options, after {@link options} looked at its names. */
export type Options = Readonly<Record<string, unknown>>

const noOptions: Options = Object.freeze({})

/** The longest time a timer takes, milliseconds. */
export const maxMilliseconds = 2_147_483_647

/**
 * An object that has no other properties than `known`; `undefined` stands for an empty one. `name` is what the object
 * itself is called, empty for the argument of a function.
 */
export function options(name: string, value: unknown, known: readonly string[]): Options {
  if (value === undefined) return noOptions
  // Not a Map or a Date: what those hold would be overlooked. Class instances and other realms' objects are fine.
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    throw new OptionError(name === '' ? 'options' : name, value, 'an object')
  }
  for (const key of Object.keys(value as object)) {
    if (known.includes(key)) continue
    const near = nearest(key, known)
    const advice = near === undefined ? '' : `no such option, did you mean ${path(name, near)}? `
    throw new OptionError(
      path(name, key),
      (value as Options)[key],
      `${advice}${advice === '' ? 'no such option; there' : 'There'} are: ${known.join(', ')}`,
    )
  }
  return value as Options
}

/** `name.key`, or just `key` at the top. */
export function path(name: string, key: string): string {
  return name === '' ? key : `${name}.${key}`
}

/** A whole number in `minimum` to `maximum`; `or` tells of values allowed beside it. */
export function integer(
  name: string,
  value: unknown,
  minimum: number,
  maximum: number,
  unit = '',
  or = '',
): number {
  if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum) {
    return value as number
  }
  const range = `a whole number${unit} from ${show(minimum)} to ${show(maximum)}`
  throw new OptionError(name, value, `${range}${or}`)
}

/** A number in `minimum` to `maximum`. */
export function number(
  name: string,
  value: unknown,
  minimum: number,
  maximum: number,
  unit = '',
): number {
  // NaN fails every comparison.
  if (typeof value === 'number' && value >= minimum && value <= maximum) return value
  throw new OptionError(name, value, `a number${unit} from ${show(minimum)} to ${show(maximum)}`)
}

/** One of `allowed`. */
export function choice<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T
  throw new OptionError(name, value, allowed.map((item) => `'${item}'`).join(', '))
}

/**
 * One of `allowed`, of which only `working` do in this version.
 */
export function choiceOf<T extends string>(
  name: string,
  value: unknown,
  working: T,
  others: readonly string[],
): T {
  if (value === working) return working
  if (others.includes(value as string)) {
    throw new OptionError(name, value, `'${working}'; '${value}' is not available in this version`)
  }
  throw new OptionError(name, value, `'${working}'`)
}

export function flag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new OptionError(name, value, 'true or false')
}

/** For an option that exists but does nothing yet: it must be left out. */
export function notYet(name: string, value: unknown, instead: string): void {
  if (value === undefined) return
  throw new OptionError(name, value, `${instead}; ${name} is not available in this version`)
}

export function signal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined
  if (isSignal(value)) return value
  throw new OptionError(name, value, 'an AbortSignal')
}

// Not instanceof: signals of another realm and of polyfills are as good.
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener } = value as AbortSignal
  return typeof aborted === 'boolean' && typeof addEventListener === 'function'
}

function show(value: number): string {
  return value.toLocaleString('en-US')
}

/** The one of `known` that `given` was probably meant to be. */
function nearest(given: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.floor(given.length / 3)) + 1
  for (const candidate of known) {
    const edits = distance(given.toLowerCase(), candidate.toLowerCase())
    if (edits < least) {
      least = edits
      best = candidate
    }
  }
  return best
}

/** Levenshtein distance: insertions, deletions and replacements that turn `a` into `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
