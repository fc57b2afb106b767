// A first-in first-out queue whose cost per element does not grow with its length.

/** First in, first out. */
export class Fifo<T> {
  #items: T[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
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
  takeAll(): T[] {
    const items = this.#head === 0 ? this.#items : this.#items.slice(this.#head)
    this.clear()
    return items
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
