// How the window grows: the curve, friendliness to Reno, and time in which it is not used.

#include <gtest/gtest.h>

#include <cmath>

#include "test/support/cubic_flow.h"
#include "transport/cubic.h"

namespace hawser::transport {
namespace {

using namespace cubic_test;

constexpr double kRenoAlpha = 9.0 / 17.0;

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

}  // namespace
}  // namespace hawser::transport
