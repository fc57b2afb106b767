#include "transport/queue_signal.h"

#include <gtest/gtest.h>

#include "test/support/test_random.h"
#include "transport/windowed_max.h"

namespace hawser::transport {
namespace {

class QueueSignalTest : public testing::Test {
 protected:
  // A round of samples that differ by up to `jitter`.
  bool round(Duration round_trip, Duration jitter = 0, unsigned samples = 8) {
    for (unsigned i = 0; i < samples; i++) {
      const auto extra = static_cast<uint64_t>(2 * jitter + 1);
      queue_.on_sample(round_trip - jitter + static_cast<Duration>(random_.below(extra)));
    }
    now_ += round_trip;
    return queue_.end_round(now_);
  }
  void rounds(int count, Duration round_trip, Duration jitter = 0) {
    for (int i = 0; i < count; i++) round(round_trip, jitter);
  }

  QueueSignal queue_;
  test::TestRandom random_{1};
  Time now_ = kSecond;
};

TEST_F(QueueSignalTest, KnowsNothingBeforeTheFirstRound) {
  EXPECT_FALSE(queue_.known());
  EXPECT_FALSE(queue_.standing());
  EXPECT_FALSE(queue_.rising());
  EXPECT_FALSE(queue_.stale(kSecond));
  EXPECT_FALSE(round(50 * kMillisecond, 0, QueueSignal::kSamples - 1));
  EXPECT_FALSE(queue_.known());
  // Too few, but they count for the next round.
  EXPECT_TRUE(round(50 * kMillisecond, 0, 1));
  EXPECT_EQ(queue_.base(), 50 * kMillisecond);
}

TEST_F(QueueSignalTest, AnEighthAboveTheBaseIsAQueue) {
  rounds(20, 80 * kMillisecond);
  EXPECT_EQ(queue_.margin(), 10 * kMillisecond);
  rounds(20, 89 * kMillisecond);
  EXPECT_FALSE(queue_.standing());
  EXPECT_EQ(queue_.base(), 80 * kMillisecond);
  rounds(20, 95 * kMillisecond);
  EXPECT_TRUE(queue_.standing());
  EXPECT_TRUE(queue_.rising());
  rounds(3, 80 * kMillisecond);
  EXPECT_FALSE(queue_.standing());
  EXPECT_FALSE(queue_.rising());
}

TEST_F(QueueSignalTest, OnAShortPathAMillisecondIsNoQueue) {
  rounds(20, 100 * kMicrosecond);
  rounds(20, 900 * kMicrosecond);
  EXPECT_FALSE(queue_.standing());
  rounds(20, 2 * kMillisecond);
  EXPECT_TRUE(queue_.standing());
}

// 50 ms, give or take 10: single samples are far above the shortest one.
TEST_F(QueueSignalTest, JitterIsNoQueue) {
  for (const uint64_t seed : test::test_seeds(20)) {
    SCOPED_TRACE(test::seed_trace(seed));
    random_ = test::TestRandom(seed);
    queue_ = QueueSignal();
    rounds(20, 50 * kMillisecond, 10 * kMillisecond);
    int standing = 0;
    for (int i = 0; i < 100; i++) {
      round(50 * kMillisecond, 10 * kMillisecond);
      if (queue_.standing()) standing++;
    }
    EXPECT_LE(standing, 5);
    rounds(2, 80 * kMillisecond, 10 * kMillisecond);
    EXPECT_TRUE(queue_.standing());
  }
}

TEST_F(QueueSignalTest, TheBaseIsTheSmallestUntilItIsRenewed) {
  rounds(5, 50 * kMillisecond);
  rounds(2, 40 * kMillisecond);
  EXPECT_EQ(queue_.base(), 40 * kMillisecond);
  const Time measured = now_;
  while (now_ - measured <= QueueSignal::kBaseWindow) {
    EXPECT_FALSE(queue_.stale(now_));
    round(60 * kMillisecond);
  }
  EXPECT_TRUE(queue_.stale(now_));
  EXPECT_EQ(queue_.base(), 40 * kMillisecond);
  // What was sampled before does not count.
  queue_.on_sample(kSecond);
  queue_.renew();
  EXPECT_TRUE(queue_.renewing());
  round(60 * kMillisecond);
  EXPECT_FALSE(queue_.renewing());
  EXPECT_EQ(queue_.base(), 60 * kMillisecond);
  EXPECT_FALSE(queue_.stale(now_));
}

TEST_F(QueueSignalTest, TheBaseMayBeTheLastRound) {
  queue_.rebase();
  EXPECT_FALSE(queue_.known());
  rounds(1, 50 * kMillisecond);
  rounds(1, 55 * kMillisecond);
  queue_.rebase();
  EXPECT_EQ(queue_.base(), 55 * kMillisecond);
}

TEST(WindowedMax, RemembersTwoGenerations) {
  WindowedMax max;
  EXPECT_EQ(max.value(), 0U);
  max.update(5);
  max.update(3);
  EXPECT_EQ(max.value(), 5U);
  max.advance();
  max.update(4);
  EXPECT_EQ(max.value(), 5U);
  max.advance();
  EXPECT_EQ(max.value(), 4U);
  // Nothing was measured: nothing is forgotten.
  max.advance();
  max.advance();
  EXPECT_EQ(max.value(), 4U);
  max.update(1);
  max.advance();
  EXPECT_EQ(max.value(), 1U);
  max.reset();
  EXPECT_EQ(max.value(), 0U);
}

}  // namespace
}  // namespace hawser::transport
