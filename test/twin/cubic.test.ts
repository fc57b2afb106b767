// The twin's congestion control against figures of RFC 9438: what a loss takes, and how the window comes back.

import { Cubic } from '../../bench/twin/transport/cubic'

const packet = 1_200
const roundTrip = 100
/** When the loss was found, milliseconds. */
const lostAt = 1_000
const windowBefore = 100 * packet

/** At 100 packets, in slow start. */
function full() {
  const cubic = new Cubic(packet)
  cubic.onAcknowledged(windowBefore - cubic.window, 0, 10, roundTrip, true)
  return cubic
}

/** At 70 packets, after a loss. Its time of congestion avoidance begins at `lostAt`. */
function afterLoss() {
  const cubic = full()
  cubic.onLost(10, lostAt)
  cubic.onAcknowledged(0, lostAt + 1, lostAt, roundTrip, true)
  return cubic
}

/** Packets in the window after all of it was acknowledged at once, `seconds` after the beginning. */
function windowAt(seconds: number) {
  const cubic = afterLoss()
  const now = lostAt + seconds * 1_000
  cubic.onAcknowledged(cubic.window, now - roundTrip, now, roundTrip, true)
  return cubic.window / packet
}

test('the first window has 10 packets, and grows by what is acknowledged', () => {
  const cubic = new Cubic(packet)
  expect(cubic.window).toBe(10 * packet)
  cubic.onAcknowledged(3 * packet, 0, 10, roundTrip, true)
  expect(cubic.window).toBe(13 * packet)
  expect(cubic.inSlowStart).toBe(true)
})

test('a window that was not used does not grow', () => {
  const cubic = new Cubic(packet)
  cubic.onAcknowledged(3 * packet, 0, 10, roundTrip, false)
  expect(cubic.window).toBe(10 * packet)
})

test('a loss leaves 0.7 of the window, once for all that was sent before it was found', () => {
  const cubic = full()
  cubic.onLost(10, lostAt)
  expect(cubic.window).toBeCloseTo(70 * packet)
  expect(cubic.inSlowStart).toBe(false)
  cubic.onLost(lostAt, lostAt + 5)
  expect(cubic.window).toBeCloseTo(70 * packet)
  // Nor does what was sent before count for growth.
  cubic.onAcknowledged(packet, lostAt, lostAt + 5, roundTrip, true)
  expect(cubic.window).toBeCloseTo(70 * packet)
  cubic.onLost(lostAt + 1, lostAt + 200)
  expect(cubic.window).toBeCloseTo(49 * packet)
})

test('losses leave 2 packets at least', () => {
  const cubic = new Cubic(packet)
  for (let now = 1; now < 20; now++) cubic.onLost(now, now)
  expect(cubic.window).toBe(2 * packet)
})

// W(t) = 0.4 (t - K)³ + 100 with K = ∛(30 / 0.4) = 4.217 s, t one round trip later than now (RFC 9438 §4.2).
test.each([
  [0.9, 86.68],
  [1.9, 95.64],
  [3.9, 99.996],
  [4.117, 100],
  // No more than half as much again in one round trip (§4.4), so not 112.1.
  [7.217, 105],
])('%d s after a loss the window is that of the cubic function', (seconds, packets) => {
  expect(windowAt(seconds)).toBeCloseTo(packets, 1)
})

test('beyond the old window it grows faster and faster', () => {
  const cubic = afterLoss()
  const after: number[] = []
  for (let now = lostAt; now <= lostAt + 8_400; now += roundTrip) {
    cubic.onAcknowledged(cubic.window, now, now, roundTrip, true)
    after.push(cubic.window / packet)
  }
  // At 2 K it has risen as far as the loss had taken it down.
  expect(after.at(-1)).toBeCloseTo(100 + 0.4 * (8.4 + 0.1 - Math.cbrt(75)) ** 3, 3)
})

test('where the cubic function is slower, it grows as Reno: 0.53 packets a round trip', () => {
  const cubic = afterLoss()
  for (let count = 1; count <= 4; count++) {
    cubic.onAcknowledged(cubic.window, lostAt + count, lostAt + count, 1, true)
  }
  expect(cubic.window / packet).toBeCloseTo(70 + (4 * 3 * 0.3) / 1.7, 3)
})

test('who loses again before the old window is back aims lower', () => {
  const cubic = afterLoss()
  cubic.onLost(lostAt + 1, lostAt + 100)
  const [window, most] = [49, 70 * 0.85]
  cubic.onAcknowledged(0, lostAt + 200, lostAt + 200, roundTrip, true)
  const until = Math.cbrt((most - window) / 0.4) * 1_000
  const now = lostAt + 200 + until - roundTrip
  cubic.onAcknowledged(cubic.window, now, now, roundTrip, true)
  expect(cubic.window / packet).toBeCloseTo(most, 3)
})
