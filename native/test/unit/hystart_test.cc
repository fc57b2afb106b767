#include "transport/hystart.h"

#include <gtest/gtest.h>

namespace hawser::transport {
namespace {

// Plays rounds of slow start: every packet of a round is acknowledged by an ACK of its own.
class HyStartTest : public testing::Test {
 protected:
  // One round of `acks` ACKs that sample `rtt`. True when slow start was ended.
  bool round(unsigned acks, Duration rtt) {
    bool ended = false;
    const uint64_t next = acked_ + 2 * acks;
    for (unsigned i = 0; i < acks; i++) ended = hystart_.on_ack(acked_++, next, rtt) || ended;
    acked_ = next;
    return ended;
  }

  HyStart hystart_;
  uint64_t acked_ = 0;
};

TEST_F(HyStartTest, ASteadyRoundTripChangesNothing) {
  for (int i = 0; i < 50; i++) {
    EXPECT_FALSE(round(20, 100 * kMillisecond));
    EXPECT_FALSE(hystart_.conservative());
  }
}

TEST_F(HyStartTest, GrowthOfTheRoundTripMakesItConservativeThenEndsIt) {
  round(20, 100 * kMillisecond);
  round(20, 100 * kMillisecond);
  EXPECT_FALSE(hystart_.conservative());
  // An eighth of 100 ms is 12.5 ms. The round it happens in is the first of five.
  EXPECT_FALSE(round(20, 112'500 * kMicrosecond));
  EXPECT_TRUE(hystart_.conservative());
  for (int i = 2; i <= 5; i++) {
    EXPECT_FALSE(round(20, 115 * kMillisecond)) << i;
    EXPECT_TRUE(hystart_.conservative());
  }
  EXPECT_TRUE(round(20, 115 * kMillisecond));
}

TEST_F(HyStartTest, LessGrowthThanTheThresholdIsIgnored) {
  round(20, 100 * kMillisecond);
  round(20, 112 * kMillisecond);
  EXPECT_FALSE(hystart_.conservative());
}

TEST_F(HyStartTest, TheThresholdIsClamped) {
  round(20, 8 * kMillisecond);
  round(20, 11'900 * kMicrosecond);
  EXPECT_FALSE(hystart_.conservative());
  round(20, 15'900 * kMicrosecond);
  EXPECT_TRUE(hystart_.conservative());

  hystart_ = HyStart();
  acked_ = 0;
  round(20, kSecond);
  round(20, kSecond + 15 * kMillisecond);
  EXPECT_FALSE(hystart_.conservative());
  round(20, kSecond + 31 * kMillisecond);
  EXPECT_TRUE(hystart_.conservative());
}

TEST_F(HyStartTest, EightSamplesAreNeeded) {
  round(20, 100 * kMillisecond);
  for (int i = 0; i < 10; i++) round(7, 300 * kMillisecond);
  EXPECT_FALSE(hystart_.conservative());
}

TEST_F(HyStartTest, TheMinimumOfARoundCounts) {
  round(20, 100 * kMillisecond);
  const uint64_t next = acked_ + 40;
  for (int i = 0; i < 20; i++) {
    hystart_.on_ack(acked_++, next, i == 3 ? 101 * kMillisecond : 200 * kMillisecond);
  }
  EXPECT_FALSE(hystart_.conservative());
}

TEST_F(HyStartTest, NoiseLeadsBackToSlowStart) {
  round(20, 100 * kMillisecond);
  round(20, 130 * kMillisecond);
  EXPECT_TRUE(hystart_.conservative());
  round(20, 105 * kMillisecond);
  EXPECT_FALSE(hystart_.conservative());
  // And the count of conservative rounds starts anew.
  round(20, 140 * kMillisecond);
  EXPECT_TRUE(hystart_.conservative());
  for (int i = 2; i <= 5; i++) EXPECT_FALSE(round(20, 140 * kMillisecond));
  EXPECT_TRUE(round(20, 140 * kMillisecond));
}

TEST_F(HyStartTest, ARoundEndsWithTheAckOfItsEnd) {
  round(20, 100 * kMillisecond);
  round(20, 130 * kMillisecond);
  EXPECT_TRUE(hystart_.conservative());
  for (int i = 1; i <= 4; i++) EXPECT_FALSE(round(1, 130 * kMillisecond)) << i;
  EXPECT_TRUE(round(1, 130 * kMillisecond));
}

TEST_F(HyStartTest, AcksWithoutASampleCountOnlyRounds) {
  round(20, 100 * kMillisecond);
  round(20, 0);
  round(20, 200 * kMillisecond);
  EXPECT_FALSE(hystart_.conservative());
}

}  // namespace
}  // namespace hawser::transport
