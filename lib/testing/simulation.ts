// Drives a simulation: goes from one event to the next while JavaScript has nothing to do.

import { setImmediate as nodeImmediate } from 'node:timers'
import type { Clock, Timer } from '../clock'
import { showDuration } from '../duration'
import { HawserError } from '../errors'
import { callSafely } from '../safely'
import { createSimulation, type SimulationBinding } from './native'
import { Timeline } from './timeline'

// As it was when this was loaded: a test may replace timers, and must not stop the network by that.
const immediate = nodeImmediate

/** What the engine's clock shows at the start, and the length of a millisecond. Nanoseconds. */
const origin = 1e9
const millisecond = 1e6

/** Rounds in a row that tell JavaScript nothing, before other events of the process have their turn. */
const roundsInTurn = 64

/** What a simulation needs of its network. */
export interface SimulationOwner {
  /** Datagrams wait in {@link SimulationBinding.simTake}. True: the application was called. */
  onSent(): boolean
  /** How long quiet must last before the clock stops by itself, milliseconds. */
  readonly patience: number
}

interface Target {
  readonly time: number
  readonly resolve: () => void
}

interface Settling {
  /** When to give up. */
  readonly until: number
  readonly limit: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** The clock, the engine and everything that is going to happen. Times inside are nanoseconds. */
export class Simulation implements Clock {
  readonly native: SimulationBinding
  readonly #owner: SimulationOwner
  /** Datagrams on their way. */
  readonly #arrivals = new Timeline()
  /** Timeouts of lib/. */
  readonly #timers = new Timeline()
  /** Of {@link advance}, the earliest first. */
  readonly #targets: Target[] = []
  #settling: Settling[] = []
  #now = origin
  #paused: boolean
  #scheduled = false
  #roundWanted = false
  #finishWanted = false
  #received = 0
  /** Until then, time goes on even if nothing but keep-alive is left. */
  #restlessUntil = origin
  #ended = false

  constructor(seed: number, paused: boolean, owner: SimulationOwner) {
    this.#owner = owner
    this.#paused = paused
    this.native = createSimulation(seed, () => this.wake())
  }

  // --- Clock.

  now(): number {
    return (this.#now - origin) / millisecond
  }

  setTimeout(work: () => void, milliseconds: number): Timer {
    const timer = this.#timers.add(this.#now + milliseconds * millisecond, work)
    this.disturb()
    return timer
  }

  // --- Datagrams.

  /** Calls `arrive` at `time` (nanoseconds), which hands a datagram to a host. */
  arriveAt(time: number, arrive: () => void): void {
    this.#arrivals.add(time, () => {
      this.#received++
      arrive()
    })
    this.#schedule()
  }

  /** Nanoseconds. */
  get time(): number {
    return this.#now
  }

  after(milliseconds: number): number {
    return this.#now + milliseconds * millisecond
  }

  // --- Running.

  get paused(): boolean {
    return this.#paused
  }

  setPaused(paused: boolean): void {
    this.#paused = paused
    this.disturb()
  }

  /** The native part has something to do. */
  wake(): void {
    this.#roundWanted = true
    this.disturb()
  }

  /** Something was changed: what comes of it may show only after the idle timeout. */
  disturb(): void {
    this.#restlessUntil = this.after(this.#owner.patience)
    this.#schedule()
  }

  advance(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const target = { time: Math.round(this.after(milliseconds)), resolve }
      let at = this.#targets.length
      while (at > 0 && (this.#targets[at - 1] as Target).time > target.time) at--
      this.#targets.splice(at, 0, target)
      this.#schedule()
    })
  }

  /** Rejects when it takes more than `limit` milliseconds. */
  settle(limit: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settling.push({ until: this.after(limit), limit, resolve, reject })
      this.#schedule()
    })
  }

  end(): void {
    this.#ended = true
    this.native.simEnd()
    for (const { resolve } of this.#targets.splice(0)) resolve()
    for (const { resolve } of this.#settling.splice(0)) resolve()
  }

  #schedule(): void {
    if (this.#scheduled || this.#ended) return
    this.#scheduled = true
    immediate(this.#turn)
  }

  // Promises and ticks of everything before have run.
  readonly #turn = () => {
    this.#scheduled = false
    if (this.#ended) return
    if (this.#finishWanted) {
      this.#finishWanted = false
      this.native.simFinish()
    }
    let called = this.#owner.onSent()
    for (let round = 0; !called && round < roundsInTurn; round++) {
      const next = this.#nextTime()
      if (next > this.#now) {
        if (this.#reportQuiet(next)) break
        if (!this.#mayGoOn(next)) return
        this.#now = Math.min(next, this.#targets[0]?.time ?? next)
        this.native.simSetNow(this.#now)
      }
      called = this.#round()
    }
    this.#schedule()
  }

  /** When the next thing happens; now, if something is left to do now. */
  #nextTime(): number {
    if (this.#roundWanted || this.native.simMore()) return this.#now
    return Math.max(
      this.#now,
      Math.min(this.#arrivals.next, this.#timers.next, this.native.simNext()),
    )
  }

  /** Everything of this moment is done. True: somebody who waits for that was told. */
  #reportQuiet(next: number): boolean {
    let told = false
    while (this.#targets.length > 0 && (this.#targets[0] as Target).time <= this.#now) {
      this.#targets.shift()?.resolve()
      told = true
    }
    if (this.#settling.length > 0) {
      const resting = this.#resting()
      for (const waiting of this.#settling.splice(0)) {
        if (resting) waiting.resolve()
        else if (next > waiting.until) waiting.reject(notSettled(waiting.limit))
        else {
          this.#settling.push(waiting)
          continue
        }
        told = true
      }
    }
    return told
  }

  #resting(): boolean {
    return this.#arrivals.size === 0 && this.#timers.size === 0 && this.native.simResting()
  }

  #mayGoOn(next: number): boolean {
    if (this.#targets.length > 0) return true
    if (next === Number.POSITIVE_INFINITY) return false
    if (this.#settling.length > 0) return true
    if (this.#paused) return false
    return next <= this.#restlessUntil || !this.#resting()
  }

  /** True: JavaScript has something to do now. */
  #round(): boolean {
    this.#roundWanted = false
    for (let arrive = this.#arrivals.take(this.#now); arrive !== undefined; ) {
      arrive()
      arrive = this.#arrivals.take(this.#now)
    }
    let called = false
    for (let work = this.#timers.take(this.#now); work !== undefined; ) {
      callSafely(work)
      called = true
      work = this.#timers.take(this.#now)
    }
    const received = this.#received
    this.#received = 0
    if (this.native.simBegin(received)) {
      this.#finishWanted = true
      called = true
    }
    return this.#owner.onSent() || called
  }
}

function notSettled(limit: number): HawserError {
  return new HawserError('TIMEOUT', `the network did not settle within ${showDuration(limit)}`, {
    hint: 'something goes on and on: look at the last of `packets`; or give it more with `within`',
  })
}
