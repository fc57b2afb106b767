/** A message of which pieces have come. */
export class Partial {
  readonly data: Buffer
  /** Starts and ends of what has come, rising, with gaps between. */
  readonly #runs: [number, number][] = []

  constructor(readonly total: number) {
    this.data = Buffer.allocUnsafeSlow(total)
  }

  add(offset: number, piece: Uint8Array): void {
    this.data.set(piece, offset)
    const runs = this.#runs
    const end = offset + piece.length
    const last = runs.at(-1)
    if (last !== undefined && last[1] === offset) {
      last[1] = end
      return
    }
    let from = 0
    while (from < runs.length && (runs[from] as [number, number])[1] < offset) from++
    let to = from
    const run: [number, number] = [offset, end]
    for (; to < runs.length; to++) {
      const [start, stop] = runs[to] as [number, number]
      if (start > end) break
      run[0] = Math.min(run[0], start)
      run[1] = Math.max(run[1], stop)
    }
    runs.splice(from, to - from, run)
  }

  get isWhole(): boolean {
    const [run] = this.#runs
    return run !== undefined && run[0] === 0 && run[1] === this.total
  }
}
