// Running an application's code from where its errors must not stop anything else.

/** Calls `work`; what it throws becomes an uncaught exception of the process, once the caller is done. */
export function callSafely(work: () => void): void {
  try {
    work()
  } catch (error) {
    throwLater(error)
  }
}

/** Makes `error` an uncaught exception of the process, once the caller is done. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
