// A first-in first-out queue whose cost per element does not grow with its length.

/** What empty queues have instead of an array each: most of many channels never queue anything. Nothing is put into it. */
const nothing: never[] = []

/** First in, first out. */
export class Fifo<T> {
  #items: T[] = nothing
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    if (this.#items === nothing) this.#items = [item]
    else this.#items.push(item)
  }

  /** Adds many at once. Takes the array over when nothing else is queued: do not change it afterwards. */
  append(items: T[]): void {
    if (this.length === 0) {
      this.#items = items
      this.#head = 0
    } else {
      for (const item of items) this.#items.push(item)
    }
  }

  /** The oldest item, left in place. */
  peek(): T | undefined {
    return this.#items[this.#head]
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    // Let go of it: the array may live on for a while.
    this.#items[this.#head++] = undefined as T
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) this.#compact()
    return item
  }

  /** Everything that is queued, oldest first; the queue is empty afterwards. */
  takeAll(): readonly T[] {
    const items = this.#head === 0 ? this.#items : this.#items.slice(this.#head)
    this.clear()
    return items
  }

  clear(): void {
    this.#items = nothing
    this.#head = 0
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
