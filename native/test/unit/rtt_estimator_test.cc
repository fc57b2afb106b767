#include "transport/rtt_estimator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

constexpr Duration kPeerDelay = 25 * kMillisecond;

TEST(RttEstimator, StartsWithTheInitialRtt) {
  const RttEstimator rtt;
  EXPECT_FALSE(rtt.has_sample());
  EXPECT_EQ(rtt.smoothed(), 333 * kMillisecond);
  // RFC 9002, section 6.2.2: about one second.
  EXPECT_EQ(rtt.pto_base(), 999 * kMillisecond);
}

TEST(RttEstimator, TheFirstSampleSetsEverything) {
  RttEstimator rtt;
  // The delay is not taken off the first sample.
  rtt.on_sample(100 * kMillisecond, 10 * kMillisecond, kPeerDelay, true);
  EXPECT_TRUE(rtt.has_sample());
  EXPECT_EQ(rtt.latest(), 100 * kMillisecond);
  EXPECT_EQ(rtt.minimum(), 100 * kMillisecond);
  EXPECT_EQ(rtt.smoothed(), 100 * kMillisecond);
  EXPECT_EQ(rtt.variation(), 50 * kMillisecond);
  EXPECT_EQ(rtt.pto_base(), 300 * kMillisecond);
  EXPECT_EQ(rtt.loss_delay(), 112'500 * kMicrosecond);
}

TEST(RttEstimator, FollowsTheFormulaOfTheRfc) {
  RttEstimator rtt;
  rtt.on_sample(100 * kMillisecond, 0, kPeerDelay, true);
  rtt.on_sample(140 * kMillisecond, 20 * kMillisecond, kPeerDelay, true);
  // Adjusted sample 120: variation 3/4 * 50 + 1/4 * |100 - 120|, smoothed 7/8 * 100 + 1/8 * 120.
  EXPECT_EQ(rtt.variation(), 42'500 * kMicrosecond);
  EXPECT_EQ(rtt.smoothed(), 102'500 * kMicrosecond);
  EXPECT_EQ(rtt.latest(), 140 * kMillisecond);
  EXPECT_EQ(rtt.minimum(), 100 * kMillisecond);
  EXPECT_EQ(rtt.loss_delay(), 157'500 * kMicrosecond);
}

TEST(RttEstimator, ThePeersDelayIsLimited) {
  RttEstimator limited;
  RttEstimator claimed;
  limited.on_sample(100 * kMillisecond, 0, kPeerDelay, true);
  claimed.on_sample(100 * kMillisecond, 0, kPeerDelay, true);
  limited.on_sample(200 * kMillisecond, kPeerDelay, kPeerDelay, true);
  claimed.on_sample(200 * kMillisecond, 90 * kMillisecond, kPeerDelay, true);
  EXPECT_EQ(claimed.smoothed(), limited.smoothed());
  // Before the handshake is confirmed the limit is not known.
  RttEstimator early;
  early.on_sample(100 * kMillisecond, 0, kPeerDelay, false);
  early.on_sample(200 * kMillisecond, 90 * kMillisecond, kPeerDelay, false);
  EXPECT_LT(early.smoothed(), claimed.smoothed());
}

TEST(RttEstimator, NeverSubtractsBelowTheMinimum) {
  RttEstimator rtt;
  rtt.on_sample(100 * kMillisecond, 0, kPeerDelay, true);
  rtt.on_sample(110 * kMillisecond, 20 * kMillisecond, kPeerDelay, true);
  EXPECT_EQ(rtt.smoothed(), (7 * 100 * kMillisecond + 110 * kMillisecond) / 8);
  rtt.on_sample(50 * kMillisecond, -5 * kSecond, kPeerDelay, true);
  EXPECT_EQ(rtt.minimum(), 50 * kMillisecond);
}

TEST(RttEstimator, GranularityIsTheFloorOfTimers) {
  RttEstimator rtt;
  for (int i = 0; i < 100; i++) rtt.on_sample(50 * kMicrosecond, 0, kPeerDelay, true);
  EXPECT_EQ(rtt.smoothed(), 50 * kMicrosecond);
  EXPECT_EQ(rtt.loss_delay(), RttEstimator::kGranularity);
  EXPECT_EQ(rtt.pto_base(), 50 * kMicrosecond + RttEstimator::kGranularity);
}

TEST(RttEstimator, SurvivesNonsense) {
  RttEstimator rtt;
  rtt.on_sample(-1, INT64_MAX, INT64_MAX, true);
  rtt.on_sample(INT64_MAX, INT64_MIN, INT64_MIN, true);
  rtt.on_sample(INT64_MAX, INT64_MAX, INT64_MAX, false);
  EXPECT_GE(rtt.minimum(), 1);
  EXPECT_LE(rtt.smoothed(), RttEstimator::kMaximumRtt);
  EXPECT_GT(rtt.pto_base(), 0);
}

TEST(RttEstimator, ForgetsTheMinimumOnRequest) {
  RttEstimator rtt;
  rtt.on_sample(20 * kMillisecond, 0, kPeerDelay, true);
  rtt.forget_minimum();
  rtt.on_sample(80 * kMillisecond, 0, kPeerDelay, true);
  EXPECT_EQ(rtt.minimum(), 80 * kMillisecond);
  rtt.on_sample(90 * kMillisecond, 0, kPeerDelay, true);
  EXPECT_EQ(rtt.minimum(), 80 * kMillisecond);
}

// Against the same formulas in floating point.
TEST(RttEstimator, TracksAFloatingPointModel) {
  for (const uint64_t seed : test::test_seeds(20)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    RttEstimator rtt;
    double smoothed = 0;
    double variation = 0;
    double minimum = 0;
    for (int i = 0; i < 500; i++) {
      const auto latest = static_cast<Duration>(random.between(kMillisecond, 500 * kMillisecond));
      const auto delay = static_cast<Duration>(random.below(60 * kMillisecond));
      rtt.on_sample(latest, delay, kPeerDelay, true);
      const double sample = static_cast<double>(latest);
      if (i == 0) {
        smoothed = minimum = sample;
        variation = sample / 2;
      } else {
        minimum = std::min(minimum, sample);
        const double limited = static_cast<double>(std::min(delay, kPeerDelay));
        const double adjusted = sample >= minimum + limited ? sample - limited : sample;
        variation = 0.75 * variation + 0.25 * std::fabs(smoothed - adjusted);
        smoothed = 0.875 * smoothed + 0.125 * adjusted;
      }
      // Integer division loses a few nanoseconds, which do not add up.
      ASSERT_NEAR(static_cast<double>(rtt.smoothed()), smoothed, 16);
      ASSERT_NEAR(static_cast<double>(rtt.variation()), variation, 32);
      ASSERT_EQ(static_cast<double>(rtt.minimum()), minimum);
    }
  }
}

}  // namespace
}  // namespace hawser::transport
