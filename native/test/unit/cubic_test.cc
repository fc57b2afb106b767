#include "transport/cubic.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/support/cubic_flow.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using namespace cubic_test;

TEST(Cubic, InitialWindowIsThatOfTheRfc) {
  EXPECT_EQ(Cubic(1200).window(), 12'000U);
  EXPECT_EQ(Cubic(1472).window(), 14'720U);
  EXPECT_EQ(Cubic(1500).window(), 14'720U);
  EXPECT_EQ(Cubic(9000).window(), 18'000U);
  EXPECT_TRUE(Cubic(1200).in_slow_start());
  EXPECT_STREQ(Cubic(1200).name(), "cubic");
  EXPECT_EQ(Cubic(1200).slow_start_threshold(), UINT64_MAX);
}

TEST(Cubic, InitialWindowFollowsThePacketSizeUntilUsed) {
  Cubic cubic(1200);
  cubic.on_mtu(1452);
  EXPECT_EQ(cubic.window(), 14'520U);
  Flow flow(cubic, 50 * kMillisecond);
  flow.ack(1000);
  cubic.on_mtu(1200);
  EXPECT_EQ(cubic.window(), 15'520U);
  cubic.on_mtu(32'768);
  EXPECT_EQ(cubic.window(), 65'536U);  // never below two packets

  Cubic reduced(1200);
  Flow unlucky(reduced, 50 * kMillisecond);
  unlucky.lose();
  reduced.on_mtu(1452);
  EXPECT_EQ(reduced.window(), 8400U);
}

TEST(Cubic, SlowStartDoublesARoundTrip) {
  Cubic cubic(kPacket, options_with_window(10));
  Flow flow(cubic, 100 * kMillisecond);
  flow.round();
  EXPECT_EQ(cubic.window(), 20'000U);
  flow.round();
  EXPECT_EQ(cubic.window(), 40'000U);
}

TEST(Cubic, AnUnpacedSenderIsLimitedToEightPacketsAnAck) {
  CubicOptions options = options_with_window(100);
  options.paced = false;
  Cubic cubic(kPacket, options);
  Flow flow(cubic, 100 * kMillisecond);
  const uint64_t before = cubic.window();
  flow.ack(50 * kPacket);
  EXPECT_EQ(cubic.window(), before + 8 * kPacket);
}

TEST(Cubic, ALossReducesToSevenTenthsOnceARoundTrip) {
  Cubic cubic(kPacket, options_with_window(100));
  Flow flow(cubic, 100 * kMillisecond);
  const auto start = static_cast<double>(cubic.window());
  flow.lose();
  const uint64_t reduced = cubic.window();
  EXPECT_NEAR(static_cast<double>(reduced), 0.7 * start, 1);
  EXPECT_EQ(cubic.slow_start_threshold(), reduced);
  EXPECT_FALSE(cubic.in_slow_start());
  // Sent before the reduction: the same episode, whenever it is noticed.
  const Time reduction = flow.now();
  flow.wait(50 * kMillisecond);
  flow.lose(reduction - 1);
  flow.lose(reduction);
  EXPECT_EQ(cubic.window(), reduced);
  // Acknowledged but sent before: recovery, no growth.
  flow.ack(10 * kPacket);
  EXPECT_EQ(cubic.window(), reduced);
  flow.wait(50 * kMillisecond);  // what is acknowledged was sent at the reduction
  flow.ack(10 * kPacket);
  EXPECT_EQ(cubic.window(), reduced);
  flow.wait(1);
  flow.ack(10 * kPacket);
  EXPECT_GT(cubic.window(), reduced);
  flow.lose(reduction + 1);
  EXPECT_NEAR(static_cast<double>(cubic.window()), 0.49 * start, kPacket);
  EXPECT_EQ(cubic.reductions(), 2U);
}

TEST(Cubic, NeverBelowTwoPackets) {
  Cubic cubic(kPacket);
  Flow flow(cubic, 100 * kMillisecond);
  for (int i = 0; i < 100; i++) {
    flow.wait(kSecond);
    flow.lose();
  }
  EXPECT_EQ(cubic.window(), 2 * kPacket);
  // And it comes back from there.
  flow.wait(kSecond);
  flow.run(60 * kSecond, 2);
  EXPECT_GT(cubic.window(), 20 * kPacket);
}

TEST(Cubic, ASpuriousLossIsUndone) {
  Cubic cubic(kPacket, options_with_window(1000));
  Flow flow(cubic, 50 * kMillisecond);
  flow.lose();
  flow.wait(51 * kMillisecond);
  flow.run(kSecond);
  const uint64_t before = cubic.window();
  const uint64_t threshold = cubic.slow_start_threshold();
  flow.lose();
  EXPECT_LT(cubic.window(), before);
  flow.wait(20 * kMillisecond);
  cubic.on_spurious_loss(flow.now());
  EXPECT_EQ(cubic.window(), before);
  EXPECT_EQ(cubic.slow_start_threshold(), threshold);
  EXPECT_EQ(cubic.reductions(), 1U);
  // Only once.
  cubic.on_spurious_loss(flow.now());
  EXPECT_EQ(cubic.window(), before);
  EXPECT_EQ(cubic.reductions(), 1U);
  // And recovery is over with it: what was sent before the loss counts.
  flow.ack(10 * kPacket);
  EXPECT_GT(cubic.window(), before);
}

TEST(Cubic, AnUndoneLossTakesNoWindowAway) {
  Cubic cubic(kPacket, options_with_window(100));
  Flow flow(cubic, 50 * kMillisecond);
  const uint64_t initial = cubic.window();
  flow.lose();
  flow.wait(51 * kMillisecond);
  flow.run(20 * kSecond);
  const uint64_t grown = cubic.window();
  ASSERT_GT(grown, initial);
  cubic.on_spurious_loss(flow.now());
  EXPECT_EQ(cubic.window(), grown);
}

TEST(Cubic, AnUndoneFirstLossLeadsBackToSlowStart) {
  Cubic cubic(kPacket);
  Flow flow(cubic, 50 * kMillisecond);
  flow.round();
  flow.lose();
  EXPECT_FALSE(cubic.in_slow_start());
  cubic.on_spurious_loss(flow.now());
  EXPECT_TRUE(cubic.in_slow_start());
}

TEST(Cubic, NothingToUndoAtFirst) {
  Cubic cubic(kPacket);
  const uint64_t window = cubic.window();
  cubic.on_spurious_loss(5);
  EXPECT_EQ(cubic.window(), window);
}

TEST(Cubic, PersistentCongestionStartsOver) {
  Cubic cubic(kPacket, options_with_window(100));
  Flow flow(cubic, 50 * kMillisecond);
  const auto start = static_cast<double>(cubic.window());
  flow.lose(flow.now() - 1, true);
  EXPECT_EQ(cubic.window(), 2 * kPacket);
  EXPECT_TRUE(cubic.in_slow_start());
  EXPECT_NEAR(static_cast<double>(cubic.slow_start_threshold()), 0.7 * start, 1);
  flow.round();
  EXPECT_EQ(cubic.window(), 4 * kPacket);
  // Slow start stops exactly at the threshold.
  flow.ack(1000 * kPacket);
  EXPECT_EQ(cubic.window(), cubic.slow_start_threshold());
  EXPECT_FALSE(cubic.in_slow_start());
  // From there on its convex side.
  flow.round();
  EXPECT_GT(cubic.window(), cubic.slow_start_threshold());
  EXPECT_LT(flow.packets(), 0.75 * start / kPacket);
}

TEST(Cubic, HyStartEndsSlowStartWhenTheQueueGrows) {
  Cubic cubic(kPacket);
  // A queue: the round trip is what is in flight over the rate, at least the propagation delay.
  const double bytes_per_second = 2'000'000;
  const Duration propagation = 50 * kMillisecond;
  Time now = kSecond;
  uint64_t number = 0;
  int rounds = 0;
  while (cubic.in_slow_start() && rounds++ < 30) {
    const uint64_t flight = cubic.window();
    const uint64_t packets = flight / kPacket;
    const uint64_t round_end = number + packets;
    for (; number < round_end; number++) {
      const double queue = static_cast<double>(flight) / bytes_per_second * kSecond;
      const Duration rtt = std::max(propagation, static_cast<Duration>(queue));
      now += rtt / static_cast<Duration>(packets);
      AckEvent event;
      event.now = now;
      event.acked_bytes = kPacket;
      event.prior_in_flight = flight;
      event.largest_sent_time = now - rtt;
      event.rtt_latest = event.rtt_smoothed = rtt;
      event.rtt_min = propagation;
      event.largest_acked = number;
      event.next_packet_number = round_end;
      cubic.on_ack(event);
      if (!cubic.in_slow_start()) break;
    }
  }
  EXPECT_FALSE(cubic.in_slow_start());
  EXPECT_EQ(cubic.reductions(), 0U);
  EXPECT_NEAR(static_cast<double>(cubic.slow_start_threshold()),
              static_cast<double>(cubic.window()), kPacket);
  // 100,000 bytes fill the pipe; doubling blindly would have gone on.
  EXPECT_GT(cubic.window(), 100'000U);
  EXPECT_LT(cubic.window(), 900'000U);
  // From here the cubic starts on its convex side.
  Flow flow(cubic, propagation);
  const double start = flow.packets();
  cubic.on_sent(flow.now(), kPacket, kPacket, number);
  flow.run(2 * kSecond);
  EXPECT_GT(flow.packets(), start);
  EXPECT_LT(flow.packets(), start * 1.5);
}

TEST(Cubic, PacesAboveTheWindowPerRoundTrip) {
  Cubic cubic(kPacket, options_with_window(100));
  RttEstimator rtt;
  EXPECT_EQ(cubic.pacing_rate(rtt), 0U);
  rtt.on_sample(100 * kMillisecond, 0, 0, true);
  EXPECT_EQ(cubic.pacing_rate(rtt), 2 * cubic.window() * 10);
  Flow flow(cubic, 100 * kMillisecond);
  flow.lose();
  EXPECT_NEAR(static_cast<double>(cubic.pacing_rate(rtt)),
              12.5 * static_cast<double>(cubic.window()), 20);
}

TEST(Cubic, TheWindowStaysWithinItsLimits) {
  for (const uint64_t seed : test::test_seeds(40)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    CubicOptions options;
    options.maximum_window = 50'000'000;
    Cubic cubic(1200, options);
    uint64_t packet = 1200;
    Time now = 0;
    for (int step = 0; step < 5000; step++) {
      now += static_cast<Time>(random.below(random.chance(2) ? 100 * kSecond : 10 * kMillisecond));
      const uint64_t choice = random.below(100);
      if (choice < 80) {
        AckEvent event;
        event.now = now;
        event.acked_bytes = random.below(cubic.window() + 1);
        event.prior_in_flight = random.below(2 * cubic.window());
        event.largest_sent_time = now - static_cast<Time>(random.below(kSecond));
        event.rtt_latest = static_cast<Duration>(random.below(kSecond));
        event.rtt_smoothed = static_cast<Duration>(random.below(10 * kSecond));
        event.app_limited = random.chance(20);
        event.largest_acked = static_cast<uint64_t>(step);
        event.next_packet_number = static_cast<uint64_t>(step) + random.below(100);
        cubic.on_ack(event);
      } else if (choice < 90) {
        LossEvent event;
        event.now = now;
        event.largest_lost_sent_time = now - static_cast<Time>(random.below(kSecond));
        event.persistent = random.chance(10);
        cubic.on_loss(event);
      } else if (choice < 94) {
        cubic.on_spurious_loss(now);
      } else if (choice < 96) {
        packet = random.between(1200, 32'768);
        cubic.on_mtu(packet);
      } else {
        cubic.on_sent(now, 1200, random.chance(30) ? 1200 : 50'000, 0);
      }
      ASSERT_GE(cubic.window(), 2 * packet);
      ASSERT_LE(cubic.window(), options.maximum_window);
    }
  }
}

}  // namespace
}  // namespace hawser::transport
