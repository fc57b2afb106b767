/** A queue that can be looked into: a ring of a power of two of places, which grows. */
export class Deque<T> {
  #places: (T | undefined)[] = new Array(64)
  #head = 0
  length = 0

  /** `index` counts from the head, and must be below `length`. */
  at(index: number): T {
    return this.#places[(this.#head + index) & (this.#places.length - 1)] as T
  }

  get last(): T | undefined {
    return this.length === 0 ? undefined : this.at(this.length - 1)
  }

  push(item: T): void {
    if (this.length === this.#places.length) this.#grow()
    this.#places[(this.#head + this.length++) & (this.#places.length - 1)] = item
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#places[this.#head]
    this.#places[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#places.length - 1)
    this.length--
    return item
  }

  #grow(): void {
    const places: (T | undefined)[] = new Array(2 * this.#places.length)
    for (let index = 0; index < this.length; index++) places[index] = this.at(index)
    this.#places = places
    this.#head = 0
  }
}
