// Times for people.

/** `250 ms`, `1.5 s`, `30 s` for a number of milliseconds. */
export function showDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  return `${Number((milliseconds / 1000).toFixed(1))} s`
}
