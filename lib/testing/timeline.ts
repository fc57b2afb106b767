// What is going to happen at which time of a simulation.

import type { Timer } from '../clock'

interface Entry {
  readonly time: number
  /** Entries of one time happen in the order in which they were made. */
  readonly order: number
  /** `undefined`: cancelled. */
  work: (() => void) | undefined
}

const before = (a: Entry, b: Entry) => (a.time !== b.time ? a.time < b.time : a.order < b.order)

/** A queue of work by time: a binary heap. */
export class Timeline {
  readonly #heap: Entry[] = []
  #made = 0
  #waiting = 0

  /** Entries that were neither done nor cancelled. */
  get size(): number {
    return this.#waiting
  }

  /** When the next one is due; `Infinity`: there is none. */
  get next(): number {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined) return Number.POSITIVE_INFINITY
      if (first.work !== undefined) return first.time
      this.#pop()
    }
  }

  add(time: number, work: () => void): Timer {
    const entry: Entry = { time, order: this.#made++, work }
    this.#waiting++
    this.#push(entry)
    return {
      cancel: () => {
        if (entry.work === undefined) return
        entry.work = undefined
        this.#waiting--
      },
    }
  }

  /** The work of the first entry, taken out; `undefined`: none is due at `time`. */
  take(time: number): (() => void) | undefined {
    if (this.next > time) return undefined
    const entry = this.#pop() as Entry
    const { work } = entry
    entry.work = undefined
    this.#waiting--
    return work
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(entry, heap[parent] as Entry)) break
      heap[at] = heap[parent] as Entry
      at = parent
    }
    heap[at] = entry
  }

  #pop(): Entry | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child++
      if (!before(heap[child] as Entry, last)) break
      heap[at] = heap[child] as Entry
      at = child
    }
    heap[at] = last
    return first
  }
}
