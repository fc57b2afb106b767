// A stream of messages over a link whose quality changes, for the tests of adaptation.

import type { ChannelStats } from 'hawser'
import type { Pair } from './support'

export interface Sample {
  readonly window: number
  readonly ackEvery: number
  readonly stats: ChannelStats
}

/** Sends as much as the window lets, for this many virtual milliseconds; looks at N and M every 50. */
export async function stream(pair: Pair, milliseconds: number): Promise<Sample[]> {
  const samples: Sample[] = []
  const message = Buffer.alloc(200, 1)
  for (let time = 0; time < milliseconds; time += 10) {
    while (pair.channel.stats().bytesUnsent < 100_000) pair.channel.send(message)
    await pair.network.advance(10)
    if (time % 50 !== 0) continue
    const stats = pair.channel.stats()
    samples.push({ window: stats.window, ackEvery: stats.ackEvery, stats })
  }
  return samples
}

export const lastOf = (samples: readonly Sample[]): Sample => samples.at(-1) as Sample
