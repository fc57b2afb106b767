// The random numbers of the cable, computed a second time, to know beforehand what it does with each frame.

const mask = (1n << 64n) - 1n
const golden = 0x9e3779b97f4a7c15n

/** SplitMix64. */
function mix(value: bigint): bigint {
  let mixed = (value + golden) & mask
  mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & mask
  mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & mask
  return mixed ^ (mixed >> 31n)
}

const purposes = ['loss', 'burstState', 'burstLoss', 'jitter', 'duplicate', 'reorder'] as const
type Purpose = (typeof purposes)[number]

const directions = ['leftToRight', 'rightToLeft'] as const

/** A function of a frame's number, from 0: the number in [0, 1) that decides. */
export function numbers(
  seed: number,
  purpose: Purpose,
  direction: (typeof directions)[number] = 'leftToRight',
): (frame: number) => number {
  const place = (BigInt(directions.indexOf(direction)) << 32n) + BigInt(purposes.indexOf(purpose))
  const key = mix((mix(BigInt(seed)) + place) & mask)
  return (frame) => Number(mix((key + BigInt(frame) * golden) & mask) >> 11n) / 2 ** 53
}

/** 0 to `count` − 1. */
export const upTo = (count: number) => Array.from({ length: count }, (_, number) => number)
