#include "transport/expiry_marks.h"

#include <gtest/gtest.h>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

constexpr Duration kLifetime = 640 * kMillisecond;  // a 64th of it: 10 ms

TEST(ExpiryMarks, EachBatchExpiresAfterItsLifetime) {
  test::FailingMemory memory;
  ExpiryMarks marks(memory);
  EXPECT_EQ(marks.next(kLifetime), kNever);
  EXPECT_EQ(marks.expired_below(kSecond, kLifetime), 0u);
  marks.note(kSecond, 5, kLifetime);
  marks.note(kSecond + 100 * kMillisecond, 9, kLifetime);
  EXPECT_EQ(marks.next(kLifetime), kSecond + kLifetime);
  EXPECT_EQ(marks.expired_below(kSecond + kLifetime - 1, kLifetime), 0u);
  EXPECT_EQ(marks.expired_below(kSecond + kLifetime, kLifetime), 5u);
  EXPECT_EQ(marks.next(kLifetime), kSecond + 100 * kMillisecond + kLifetime);
  EXPECT_EQ(marks.expired_below(3 * kSecond, kLifetime), 9u);
  EXPECT_EQ(marks.next(kLifetime), kNever);
  EXPECT_EQ(marks.expired_below(9 * kSecond, kLifetime), 0u);
}

TEST(ExpiryMarks, TheSameEndAgainIsNoNewBatch) {
  test::FailingMemory memory;
  ExpiryMarks marks(memory);
  marks.note(kSecond, 5, kLifetime);
  marks.note(kSecond + 300 * kMillisecond, 5, kLifetime);
  EXPECT_EQ(marks.expired_below(kSecond + kLifetime, kLifetime), 5u);
  EXPECT_EQ(marks.next(kLifetime), kNever);
}

TEST(ExpiryMarks, WhatIsAcknowledgedNeedsNoMark) {
  test::FailingMemory memory;
  ExpiryMarks marks(memory);
  marks.note(kSecond, 5, kLifetime);
  marks.note(kSecond + 100 * kMillisecond, 9, kLifetime);
  marks.forget_below(4);
  EXPECT_EQ(marks.next(kLifetime), kSecond + kLifetime);
  marks.forget_below(5);
  EXPECT_EQ(marks.next(kLifetime), kSecond + 100 * kMillisecond + kLifetime);
  marks.forget_below(100);
  EXPECT_EQ(marks.next(kLifetime), kNever);
}

// However often it is called: no message expires more than a 64th early or late, and the marks
// stay few.
TEST(ExpiryMarks, AreFewAndExactToA64th) {
  for (const uint64_t seed : test::test_seeds(50)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    test::FailingMemory memory;
    ExpiryMarks marks(memory);
    std::vector<Time> handed_in;
    uint64_t expired = 0;
    Time now = kSecond;
    for (int i = 0; i < 5'000; i++) {
      now += static_cast<Duration>(random.below(2 * kMillisecond));
      if (random.chance(70)) {
        for (uint64_t k = random.between(1, 3); k != 0; k--) handed_in.push_back(now);
        marks.note(now, handed_in.size(), kLifetime);
      }
      const uint64_t below = marks.expired_below(now, kLifetime);
      for (; expired < below; expired++) {
        ASSERT_GE(now - handed_in[expired], kLifetime - kLifetime / 64);
      }
      if (expired < handed_in.size()) {
        ASSERT_LT(now - handed_in[expired], kLifetime + kLifetime / 64);
      }
    }
    ASSERT_LE(memory.in_use(), 256 * 16u);
  }
}

TEST(ExpiryMarks, WithoutMemoryTheyLiveAsLongAsTheNextOnes) {
  test::FailingMemory memory;
  ExpiryMarks marks(memory);
  memory.fail_after(0);
  marks.note(kSecond, 5, kLifetime);
  EXPECT_EQ(marks.next(kLifetime), kNever);
  memory.heal();
  marks.note(2 * kSecond, 7, kLifetime);
  EXPECT_EQ(marks.expired_below(2 * kSecond + kLifetime, kLifetime), 7u);
  marks.release();
  EXPECT_EQ(memory.in_use(), 0u);
}

}  // namespace
}  // namespace hawser::transport
