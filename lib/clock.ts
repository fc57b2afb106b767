// The time that timeouts are measured in: the system's, or that of a simulated network.

/** A timer that {@link Clock.setTimeout} started. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number
  /** Calls `work` after `milliseconds`. Does not keep the process alive: the peer does that. */
  setTimeout(work: () => void, milliseconds: number): Timer
}

class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout

  constructor(work: () => void, milliseconds: number) {
    this.#timeout = setTimeout(work, milliseconds)
    this.#timeout.unref()
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (work, milliseconds) => new SystemTimer(work, milliseconds),
}
