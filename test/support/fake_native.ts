// A native part that does nothing by itself: tests say what it reports, and look at what it was asked for.

import type { BatchCallback, IncomingDetail, NativeBinding, Tables } from '../../lib/native_types'

export class FakeNative {
  readonly version = 'fake'
  readonly slabs: ArrayBuffer[] = []
  readonly tables: Tables = {
    runs: new Int32Array(64 * 4),
    entries: new Int32Array(1024 * 2),
    events: new Float64Array(64 * 4),
  }
  /** Every call by name, with its arguments. */
  readonly calls: [string, ...unknown[]][] = []
  #callback: BatchCallback | undefined
  #runs = 0
  #entries = 0
  #events = 0
  #details: Record<number, string | IncomingDetail> | undefined
  #large: Buffer[] | undefined

  /** As what `lib/` sees: calls that have no method here are noted and answer undefined. */
  get binding(): NativeBinding {
    return new Proxy(this, {
      get: (target, name) => {
        const own = Reflect.get(target, name)
        if (typeof own === 'function') return own.bind(target)
        if (own !== undefined) return own
        return (...given: unknown[]) => {
          target.calls.push([String(name), ...given])
        }
      },
    }) as unknown as NativeBinding
  }

  start(options: { slabs: number; callback: BatchCallback }) {
    this.#callback = options.callback
    return { driver: 'hybrid' as const, tables: this.tables }
  }

  supplySlab(index: number, memory: ArrayBuffer): void {
    this.calls.push(['supplySlab', index])
    this.slabs[index] = memory
  }

  callsOf(name: string): unknown[][] {
    return this.calls.filter(([called]) => called === name).map(([, ...given]) => given)
  }

  /** Adds messages of a channel to the batch, at `offset` of a slab; −1: with memory of their own. */
  run(channel: number, texts: string[], slab = 0, offset = 0): this {
    this.tables.runs.set([channel, this.#entries, texts.length, slab], this.#runs++ * 4)
    let at = offset
    for (const text of texts) {
      const bytes = Buffer.from(text)
      if (slab < 0) {
        this.#large ??= []
        this.tables.entries.set([this.#large.push(bytes) - 1, bytes.length], this.#entries++ * 2)
      } else {
        bytes.copy(new Uint8Array(this.slabs[slab] as ArrayBuffer), at)
        this.tables.entries.set([at, bytes.length], this.#entries++ * 2)
        at += bytes.length
      }
    }
    return this
  }

  /** Adds an event to the batch. */
  event(type: number, handle: number, a = 0, b = 0, detail?: string | IncomingDetail): this {
    if (detail !== undefined) {
      this.#details ??= {}
      this.#details[this.#events] = detail
    }
    this.tables.events.set([type, handle, a, b], this.#events++ * 4)
    return this
  }

  /** Hands the batch over. */
  deliver(spentSlabs = 0): void {
    const [runs, events, details, large] = [this.#runs, this.#events, this.#details, this.#large]
    this.#runs = this.#entries = this.#events = 0
    this.#details = this.#large = undefined
    this.#callback?.(runs, events, details, large, spentSlabs)
    // What the native part does with its tables after a batch is its own affair.
    this.tables.runs.fill(-7)
    this.tables.entries.fill(-7)
    this.tables.events.fill(-7)
  }
}
