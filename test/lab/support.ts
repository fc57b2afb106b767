// What the lab's tests share: when they run, and cables that are closed after each of them.

import path from 'node:path'
import { Child } from '../support/processes'
import type { Cable, CableOptions, DirectionStats } from './cable/index.mjs'

/** `describe` where the lab can run; elsewhere its tests show as skipped (see setup.mjs). */
export const describeLab = process.env.HAWSER_LAB_MISSING === '' ? describe : describe.skip

const open: Cable[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

export async function openCable(options: CableOptions = {}): Promise<Cable> {
  const { cable } = await import('./cable/index.mjs')
  const opened = await cable(options)
  open.push(opened)
  return opened
}

const script = path.join(__dirname, 'children', 'udp.cjs')

/** What arrived: the number of each datagram, in the order in which they came. */
export type Arrived = readonly number[]

/** A sender at the left end and a receiver at the right one, of datagrams that carry their number. */
export class Datagrams {
  readonly #sender: Child
  readonly #receiver: Child
  readonly #cable: Cable

  private constructor(cable: Cable) {
    this.#cable = cable
    this.#sender = new Child(script, { prefix: cable.inLeft })
    this.#receiver = new Child(script, { prefix: cable.inRight })
  }

  static async over(cable: Cable): Promise<Datagrams> {
    const made = new Datagrams(cable)
    const port = await made.#receiver.call<number>('listen', cable.rightAddress)
    await made.#sender.call('connect', { address: cable.rightAddress, port })
    return made
  }

  /**
   * Sends `count` Ethernet frames of `bytes` bytes and waits until the cable has read them, and nothing is left in it
   * unless `wait` is false. Resolves with its counters.
   */
  async send(count: number, bytes: number, { wait = true } = {}): Promise<DirectionStats> {
    const before = (await this.#cable.stats()).leftToRight.packetsIn
    await this.#sender.call('send', { count, bytes: bytes - headers })
    for (;;) {
      const { leftToRight } = await this.#cable.stats()
      const { packetsIn, queue, inFlight } = leftToRight
      const read = packetsIn - before === count
      if (read && (!wait || (queue.packets === 0 && inFlight === 0))) return leftToRight
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** The numbers of the first `count` datagrams that arrived. */
  received(count: number): Promise<Arrived> {
    return this.#receiver.call<Arrived>('received', count)
  }
}

/** Ethernet, IPv4 and UDP. */
const headers = 14 + 20 + 8

/** How many arrived after one with a higher number. */
export function overtaken(numbers: Arrived): number {
  let highest = -1
  let count = 0
  for (const number of numbers) {
    if (number < highest) count++
    else highest = number
  }
  return count
}
