#include "transport/cubic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

constexpr uint64_t kPacket = 1000;
constexpr double kRenoAlpha = 9.0 / 17.0;

CubicOptions options_with_window(uint64_t packets, bool hystart = false) {
  CubicOptions options;
  options.initial_window_packets = packets;
  options.hystart = hystart;
  return options;
}

// A sender that always has data on a path of constant delay: what is in flight is the window.
class Flow {
 public:
  Flow(Cubic& cubic, Duration rtt) : cubic_(cubic), rtt_(rtt) {}

  // Plays round trips of `acks` ACKs each, until `duration` is over.
  void run(Duration duration, unsigned acks = 10, bool app_limited = false) {
    const Time until = now_ + duration;
    while (now_ < until) round(acks, app_limited);
  }

  void round(unsigned acks = 10, bool app_limited = false) {
    const uint64_t window = cubic_.window();
    const Time start = now_;
    for (unsigned i = 0; i < acks; i++) {
      now_ = start + rtt_ * (i + 1) / acks;
      ack(window / acks, app_limited);
    }
  }

  void ack(uint64_t bytes, bool app_limited = false) {
    AckEvent event;
    event.now = now_;
    event.acked_bytes = bytes;
    event.prior_in_flight = app_limited ? bytes : cubic_.window();
    event.largest_sent_time = now_ - rtt_;
    event.rtt_latest = event.rtt_min = event.rtt_smoothed = rtt_;
    event.app_limited = app_limited;
    event.largest_acked = number_++;
    event.next_packet_number = number_ + 10;
    cubic_.on_ack(event);
  }

  void lose(Time sent_at, bool persistent = false) {
    LossEvent event;
    event.now = now_;
    event.lost_bytes = kPacket;
    event.largest_lost_sent_time = sent_at;
    event.prior_in_flight = cubic_.window();
    event.persistent = persistent;
    cubic_.on_loss(event);
  }
  // Loses what was sent one round trip ago.
  void lose() { lose(now_ - rtt_); }

  void wait(Duration duration) { now_ += duration; }
  Time now() const { return now_; }
  double packets() const { return static_cast<double>(cubic_.window()) / kPacket; }

 private:
  Cubic& cubic_;
  Duration rtt_;
  Time now_ = 1000 * kSecond;
  uint64_t number_ = 0;
};

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

// RFC 9438, section 4.2: W(t) = C (t - K)^3 + W_max, K the cube root of (W_max - cwnd) / C.
TEST(Cubic, FollowsTheCurve) {
  Cubic cubic(kPacket, options_with_window(10'000));
  const Duration rtt = 50 * kMillisecond;
  Flow flow(cubic, rtt);
  const double w_max = flow.packets();
  flow.lose();
  const double start = flow.packets();
  const double k = std::cbrt((w_max - start) / 0.4);
  flow.wait(rtt);
  // The first ACK after recovery starts the clock.
  flow.wait(1);
  const Time epoch = flow.now();
  double previous = start;
  double previous_growth = 1e9;
  bool convex = false;
  while (flow.now() - epoch < static_cast<Duration>(2 * k * kSecond)) {
    flow.round(20);
    const double t = static_cast<double>(flow.now() - epoch) / kSecond;
    const double expected = 0.4 * std::pow(t - k, 3) + w_max;
    ASSERT_NEAR(flow.packets(), expected, 0.012 * w_max) << "at " << t << " s, K = " << k;
    const double growth = flow.packets() - previous;
    ASSERT_GE(growth, 0);
    // Concave up to K, convex after.
    if (t > 0.5 && t < k - 0.5) {
      ASSERT_LE(growth, previous_growth * 1.02);
    }
    if (t > k + 1) {
      ASSERT_GE(growth, previous_growth * 0.98);
      convex = true;
    }
    previous = flow.packets();
    previous_growth = growth;
  }
  EXPECT_TRUE(convex);
  EXPECT_GT(flow.packets(), 1.2 * w_max);
}

// RFC 9438, section 4.2: what a round trip of ACKs gives is the curve a round trip ahead.
TEST(Cubic, AimsARoundTripAhead) {
  Cubic cubic(kPacket, options_with_window(1000));
  const Duration rtt = 500 * kMillisecond;
  Flow flow(cubic, rtt);
  const double w_max = flow.packets();
  flow.lose();
  const double k = std::cbrt((w_max - flow.packets()) / 0.4);
  flow.wait(rtt + 1);
  flow.ack(1);  // starts the clock
  flow.wait(100 * kMillisecond);
  flow.ack(cubic.window());
  EXPECT_NEAR(flow.packets(), 0.4 * std::pow(0.1 + 0.5 - k, 3) + w_max, 0.01);
}

// RFC 9438, section 4.3: on short and slow paths it grows as Reno would, by 9/17 of a packet a
// round trip up to the old window and by one above it.
TEST(Cubic, IsFriendlyToReno) {
  Cubic cubic(kPacket, options_with_window(20));
  const Duration rtt = 10 * kMillisecond;
  Flow flow(cubic, rtt);
  const double before = flow.packets();
  flow.lose();
  flow.wait(rtt + 1);
  double expected = flow.packets();
  EXPECT_NEAR(expected, 14, 0.01);
  for (int i = 0; i < 40; i++) {
    flow.round(10);
    expected += expected >= before ? 1.0 : kRenoAlpha;
    ASSERT_NEAR(flow.packets(), expected, 0.9) << "round trip " << i;
  }
  EXPECT_GT(flow.packets(), before + 20);
}

// RFC 9438, section 4.7: a second reduction before the old window is reached again aims lower.
TEST(Cubic, FastConvergenceAimsLower) {
  double plateau[2];
  for (const bool fast : {false, true}) {
    CubicOptions options = options_with_window(10'000);
    options.fast_convergence = fast;
    Cubic cubic(kPacket, options);
    Flow flow(cubic, 50 * kMillisecond);
    flow.lose();
    flow.wait(kSecond);
    flow.round();
    flow.wait(kSecond);
    const double second = flow.packets();
    flow.lose();
    flow.wait(50 * kMillisecond + 1);
    const double target = fast ? second * 0.85 : second;
    const double k = std::cbrt((target - flow.packets()) / 0.4);
    flow.run(static_cast<Duration>(k * kSecond));
    EXPECT_NEAR(flow.packets(), target, 0.02 * target);
    plateau[fast ? 1 : 0] = flow.packets();
  }
  EXPECT_LT(plateau[1], 0.9 * plateau[0]);
}

TEST(Cubic, GrowsAtMostByHalfARoundTrip) {
  Cubic cubic(kPacket, options_with_window(100));
  const Duration rtt = 2 * kSecond;  // so long that the cubic leaps
  Flow flow(cubic, rtt);
  flow.lose();
  flow.wait(rtt + 1);
  for (int i = 0; i < 30; i++) {
    const double before = flow.packets();
    flow.round(10);
    // Each ACK sees the window of the one before, hence the compound bound.
    ASSERT_LE(flow.packets(), before * std::pow(1.05, 10) + 1);
  }
}

TEST(Cubic, AnUnusedWindowDoesNotGrow) {
  Cubic cubic(kPacket, options_with_window(100));
  Flow flow(cubic, 50 * kMillisecond);
  const uint64_t initial = cubic.window();
  flow.run(5 * kSecond, 10, true);
  EXPECT_EQ(cubic.window(), initial);
  flow.lose();
  flow.wait(kSecond);
  const uint64_t reduced = cubic.window();
  flow.run(60 * kSecond, 10, true);
  EXPECT_EQ(cubic.window(), reduced);
  // Nor when the flag is missing but little is in flight.
  AckEvent event;
  event.now = flow.now();
  event.acked_bytes = kPacket;
  event.prior_in_flight = cubic.window() / 2 - 1;
  event.largest_sent_time = flow.now() - 1;
  event.rtt_smoothed = 50 * kMillisecond;
  cubic.on_ack(event);
  EXPECT_EQ(cubic.window(), reduced);
}

// RFC 9438, section 5.8: the time in which the window was not used is not on the cubic's clock.
TEST(Cubic, TimeWithoutUseDoesNotCount) {
  Cubic used(kPacket, options_with_window(5000));
  Cubic paused(kPacket, options_with_window(5000));
  Flow a(used, 50 * kMillisecond);
  Flow b(paused, 50 * kMillisecond);
  for (Flow* flow : {&a, &b}) {
    flow->lose();
    flow->wait(51 * kMillisecond);
    flow->run(2 * kSecond);
  }
  EXPECT_EQ(used.window(), paused.window());
  // A trickle for a minute alone.
  b.run(60 * kSecond, 10, true);
  a.run(500 * kMillisecond);
  b.run(500 * kMillisecond);
  EXPECT_NEAR(a.packets(), b.packets(), 0.01 * a.packets());
  const auto before = static_cast<double>(paused.window());
  // A trickle for a minute, then silence for another, then full use.
  b.run(60 * kSecond, 10, true);
  b.wait(60 * kSecond);
  paused.on_sent(b.now(), kPacket, kPacket, 77);
  EXPECT_EQ(static_cast<double>(paused.window()), before);
  a.run(3 * kSecond);
  b.run(3 * kSecond);
  EXPECT_NEAR(a.packets(), b.packets(), 0.01 * a.packets());
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
