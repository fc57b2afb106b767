#include <gtest/gtest.h>

#include "test/unit/wire_support.h"
#include "wire/number.h"

namespace hawser::wire::testing {
namespace {

constexpr uint64_t kSpan = uint64_t{1} << 32;
constexpr uint64_t kHalf = kSpan / 2;

uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

// The rule in its plainest form: of the three candidates around `expected` that are valid numbers,
// the closest; of two equally close, the larger.
uint64_t closest(uint64_t expected, uint32_t truncated) {
  const uint64_t base = expected / kSpan * kSpan + truncated;
  uint64_t best = UINT64_MAX;
  for (int step = 1; step >= -1; --step) {
    if (step < 0 && base < kSpan) continue;
    const uint64_t candidate = step > 0 ? base + kSpan : step < 0 ? base - kSpan : base;
    if (candidate > kMaxVarint) continue;
    if (best == UINT64_MAX || distance(candidate, expected) < distance(best, expected)) {
      best = candidate;
    }
  }
  return best;
}

TEST(WireNumber, RestoresWhatIsLessThanHalfASpanAway) {
  HAWSER_TRACE_SEED();
  Random random(2);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t expected = random.varint();
    const uint64_t away = random.between(0, kHalf - 1);
    if (expected >= away) {
      ASSERT_EQ(expand32(expected, truncate32(expected - away)), expected - away);
    }
    if (expected + away <= kMaxVarint) {
      ASSERT_EQ(expand32(expected, truncate32(expected + away)), expected + away);
    }
  }
}

TEST(WireNumber, TakesTheClosestCandidate) {
  HAWSER_TRACE_SEED();
  Random random(3);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t expected = random.between(0, kMaxVarint + 1);
    const uint32_t truncated = random.u32();
    ASSERT_EQ(expand32(expected, truncated), closest(expected, truncated))
        << expected << " " << truncated;
  }
}

TEST(WireNumber, OfTwoEquallyCloseTakesTheLarger) {
  for (const uint64_t expected : {kHalf, kHalf + 1, kSpan, kSpan + kHalf, 9 * kSpan - 1}) {
    EXPECT_EQ(expand32(expected, truncate32(expected + kHalf)), expected + kHalf);
  }
}

TEST(WireNumber, IsNeverNegative) {
  EXPECT_EQ(expand32(0, UINT32_MAX), UINT32_MAX);
  EXPECT_EQ(expand32(5, UINT32_MAX), UINT32_MAX);
  EXPECT_EQ(expand32(kHalf - 1, UINT32_MAX), UINT32_MAX);
  EXPECT_EQ(expand32(kSpan, UINT32_MAX), UINT32_MAX);
}

TEST(WireNumber, RestoresAnyFirstPacketNumber) {
  for (const uint64_t first : {uint64_t{0}, uint64_t{1}, kMaxFirstPacketNumber}) {
    EXPECT_EQ(expand32(0, truncate32(first)), first);
  }
}

TEST(WireNumber, NeverGoesAboveTheLargestNumber) {
  EXPECT_EQ(expand32(kMaxVarint, UINT32_MAX), kMaxVarint);
  EXPECT_EQ(expand32(kMaxVarint + 1, UINT32_MAX), kMaxVarint);
  EXPECT_EQ(expand32(kMaxVarint, 0), kMaxVarint - UINT32_MAX);
  EXPECT_EQ(expand32(kMaxVarint + 1, 0), kMaxVarint - UINT32_MAX);
}

}  // namespace
}  // namespace hawser::wire::testing
