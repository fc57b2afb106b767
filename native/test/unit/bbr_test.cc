#include "transport/bbr.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"
#include "transport/path_congestion.h"

namespace hawser::transport {
namespace {

constexpr uint64_t kPacket = 1000;
using Phase = Bbr::Phase;

// A sender that keeps the window filled, on a path that delivers `rate` and takes `round_trip` when
// nothing queues. Round by round: ten ACKs each.
class BbrTest : public testing::Test {
 protected:
  static constexpr uint64_t kRate = 1'000'000;
  static constexpr Duration kRoundTrip = 100 * kMillisecond;

  // lost: of the packets of the round. extra: what others have queued.
  void round(double lost = 0, Duration extra = 0, bool app_limited = false) {
    const auto flight = static_cast<double>(bbr_.window());
    const Duration round_trip =
        kRoundTrip + extra + static_cast<Duration>(queue_ / static_cast<double>(rate_) * kSecond);
    const double time = static_cast<double>(round_trip) / kSecond;
    const double carried = static_cast<double>(rate_) * time;
    rtt_.on_sample(round_trip, 0, 0, true);
    const double paced = static_cast<double>(bbr_.pacing_rate(rtt_)) * time;
    const double sent = std::min(flight, paced);
    const double delivered = std::min(sent + queue_, carried) * (1 - lost);
    queue_ = std::max(0.0, sent + queue_ - carried);
    const auto in_flight = static_cast<uint64_t>(std::min(flight, sent + queue_));
    const uint64_t prior = delivered_;
    if (lost > 0) lose(static_cast<uint64_t>(sent * lost), in_flight);
    constexpr int kAcks = 10;
    for (int i = 0; i < kAcks; i++) {
      now_ += round_trip / kAcks;
      AckEvent event;
      event.now = now_;
      event.acked_bytes = static_cast<uint64_t>(delivered / kAcks);
      event.prior_in_flight = in_flight;
      event.largest_sent_time = now_ - round_trip;
      event.rtt_latest = round_trip;
      event.rtt_min = kRoundTrip;
      event.rtt_smoothed = round_trip;
      event.largest_acked = number_;
      event.next_packet_number = ++number_ + 10;
      delivered_ += event.acked_bytes;
      event.app_limited = event.rate.app_limited = app_limited;
      event.rate.bytes_per_second = static_cast<uint64_t>(delivered / time);
      event.rate.interval = round_trip;
      event.rate.prior_delivered = i == 0 ? prior : prior - 1;
      event.rate.total_delivered = delivered_;
      bbr_.on_ack(event);
    }
  }
  void rounds(int count, double lost = 0, Duration extra = 0, bool app_limited = false) {
    for (int i = 0; i < count; i++) round(lost, extra, app_limited);
  }
  // At most so many rounds. True: it got there.
  bool reach(Phase phase, int limit = 100, double lost = 0) {
    for (int i = 0; i < limit && bbr_.phase() != phase; i++) round(lost);
    return bbr_.phase() == phase;
  }
  void lose(uint64_t bytes, uint64_t in_flight, bool persistent = false) {
    LossEvent event;
    event.now = now_;
    event.lost_bytes = bytes;
    event.largest_lost_sent_time = now_ - kRoundTrip;
    event.prior_in_flight = in_flight;
    event.persistent = persistent;
    bbr_.on_loss(event);
  }

  Bbr bbr_{kPacket};
  RttEstimator rtt_;
  Time now_ = kSecond;
  uint64_t rate_ = kRate;
  uint64_t number_ = 0;
  uint64_t delivered_ = 1;
  double queue_ = 0;
};

TEST_F(BbrTest, BeginsWithTheWindowOfTheRfc) {
  EXPECT_EQ(Bbr(1200).window(), Cubic(1200).window());
  EXPECT_EQ(Bbr(9000).window(), Bbr::kMinimumWindowPackets * 9000);
  EXPECT_STREQ(Bbr(1200).name(), "bbr");
  EXPECT_TRUE(bbr_.in_slow_start());
  EXPECT_EQ(bbr_.bandwidth(), 0U);
  EXPECT_EQ(bbr_.pacing_rate(rtt_), 0U);
}

TEST_F(BbrTest, TheFirstWindowFollowsThePacketSize) {
  bbr_.on_mtu(1200);
  EXPECT_EQ(bbr_.window(), 12'000U);
  round();
  const uint64_t window = bbr_.window();
  bbr_.on_mtu(1400);
  EXPECT_EQ(bbr_.window(), window);
}

TEST_F(BbrTest, StartupEndsWhenTheRateDoesNotGrow) {
  ASSERT_TRUE(reach(Phase::kDrain, 15));
  EXPECT_NEAR(static_cast<double>(bbr_.bandwidth()), kRate, 0.05 * kRate);
  EXPECT_FALSE(bbr_.in_slow_start());
  rtt_.on_sample(kRoundTrip, 0, 0, true);
  EXPECT_LT(bbr_.pacing_rate(rtt_), kRate / 2);
  ASSERT_TRUE(reach(Phase::kCruise, 10));
  EXPECT_NEAR(static_cast<double>(bbr_.bandwidth_delay_product()), 100'000, 10'000);
}

TEST_F(BbrTest, RandomLossDoesNotEndStartup) {
  ASSERT_TRUE(reach(Phase::kDrain, 15, 0.1));
  EXPECT_GE(bbr_.bandwidth(), kRate * 8 / 10);
  EXPECT_EQ(bbr_.inflight_hi(), UINT64_MAX);
}

// Three of the ten packets of a first window are no measure of what the path loses.
TEST_F(BbrTest, AFewLossesDoNotEndStartup) {
  round();
  // Five of them, a third of the round, which grows no more for it.
  rate_ = kRate / 10;
  round(0.25);
  queue_ = 0;
  rate_ = kRate;
  EXPECT_EQ(bbr_.phase(), Phase::kStartup);
  EXPECT_EQ(bbr_.inflight_hi(), UINT64_MAX);
  ASSERT_TRUE(reach(Phase::kDrain, 15));
  EXPECT_NEAR(static_cast<double>(bbr_.bandwidth()), kRate, 0.05 * kRate);
}

// Where the delay wanders; and the rate does not grow because something else holds it.
TEST_F(BbrTest, AShortQueueSeenOnceDoesNotEndStartup) {
  rounds(3);
  ASSERT_EQ(bbr_.phase(), Phase::kStartup);
  rate_ = bbr_.bandwidth();
  round(0, 20 * kMillisecond);
  queue_ = 0;
  round();
  queue_ = 0;
  rate_ = kRate;
  EXPECT_EQ(bbr_.phase(), Phase::kStartup);
  ASSERT_TRUE(reach(Phase::kDrain, 15));
  EXPECT_NEAR(static_cast<double>(bbr_.bandwidth()), kRate, 0.05 * kRate);
}

// The rate stood still without a queue: more is probed for at once, and not 2 to 3 s later.
TEST_F(BbrTest, AStartupThatEndedTooEarlyIsFollowedByAnUp) {
  rate_ = kRate / 4;
  for (int i = 0; i < 15 && bbr_.phase() == Phase::kStartup; i++) {
    round();
    queue_ = 0;
  }
  ASSERT_EQ(bbr_.phase(), Phase::kDrain);
  const Time ended = now_;
  rate_ = kRate;
  ASSERT_TRUE(reach(Phase::kUp, 6));
  while (bbr_.phase() == Phase::kUp && now_ < ended + 2 * kSecond) round(0.05);
  EXPECT_LE(now_ - ended, 1500 * kMillisecond);
  EXPECT_GE(bbr_.bandwidth(), kRate * 9 / 10);
  EXPECT_EQ(bbr_.inflight_hi(), UINT64_MAX);
}

TEST_F(BbrTest, ALimitedRoundLowersNoRate) {
  ASSERT_TRUE(reach(Phase::kCruise));
  const uint64_t bandwidth = bbr_.bandwidth();
  round(0, 0, true);
  round(0.4, 0, true);
  EXPECT_EQ(bbr_.bandwidth(), bandwidth);
  round(0.4);
  EXPECT_LT(bbr_.bandwidth(), bandwidth);
}

TEST_F(BbrTest, TheCycleIsDownCruiseRefillUp) {
  ASSERT_TRUE(reach(Phase::kCruise));
  const Time began = now_;
  ASSERT_TRUE(reach(Phase::kRefill));
  // Two to three seconds, and a round.
  EXPECT_GE(now_ - began, 2 * kSecond);
  EXPECT_LE(now_ - began, 3200 * kMillisecond);
  round();
  ASSERT_EQ(bbr_.phase(), Phase::kUp);
  EXPECT_GT(bbr_.pacing_rate(rtt_), kRate * 11 / 10);
  ASSERT_TRUE(reach(Phase::kDown, 3));
  EXPECT_LT(bbr_.pacing_rate(rtt_), kRate * 9 / 10);
  ASSERT_TRUE(reach(Phase::kCruise, 6));
}

TEST_F(BbrTest, UpGoesOnWhileTheRateGrows) {
  ASSERT_TRUE(reach(Phase::kUp));
  rate_ = 4 * kRate;
  int count = 0;
  while (bbr_.phase() == Phase::kUp && count < 20) {
    round();
    count++;
  }
  EXPECT_GE(bbr_.bandwidth(), 3 * kRate);
  EXPECT_LE(count, 12);
}

TEST_F(BbrTest, LossInCruiseWithoutAQueueIsTheBackground) {
  ASSERT_TRUE(reach(Phase::kCruise));
  const uint64_t window = bbr_.window();
  rounds(15, 0.08);
  EXPECT_EQ(bbr_.phase(), Phase::kCruise);
  EXPECT_NEAR(bbr_.background_loss(), 0.08, 0.02);
  EXPECT_GE(bbr_.window(), window * 8 / 10);
  EXPECT_GE(bbr_.bandwidth(), kRate * 9 / 10);
}

// What the path loses anyhow does not end a probe; more than that does.
TEST_F(BbrTest, OnlyLossBeyondTheBackgroundBoundsTheFlight) {
  ASSERT_TRUE(reach(Phase::kCruise));
  ASSERT_TRUE(reach(Phase::kUp, 100, 0.05));
  ASSERT_TRUE(reach(Phase::kDown, 5, 0.05));
  EXPECT_EQ(bbr_.inflight_hi(), UINT64_MAX);
  ASSERT_TRUE(reach(Phase::kUp, 100, 0.05));
  round(0.18);
  EXPECT_EQ(bbr_.phase(), Phase::kDown);
  EXPECT_LE(bbr_.inflight_hi(), 200'000U);
  // Taken back when it was spurious.
  bbr_.on_spurious_loss(now_);
  EXPECT_EQ(bbr_.inflight_hi(), UINT64_MAX);
}

TEST_F(BbrTest, UnbearableLossLowersTheRate) {
  ASSERT_TRUE(reach(Phase::kCruise));
  const uint64_t before = bbr_.bandwidth();
  rounds(3, 0.4);
  EXPECT_LE(bbr_.bandwidth(), before * 8 / 10);
}

// The queue is there although we have drained: it is of others.
TEST_F(BbrTest, AQueueOfOthersIsAnsweredAsTcpDoes) {
  ASSERT_TRUE(reach(Phase::kCruise));
  for (int i = 0; i < 20 && bbr_.phase() != Phase::kCompete; i++) round(0, 60 * kMillisecond);
  ASSERT_EQ(bbr_.phase(), Phase::kCompete);
  const uint64_t window = bbr_.window();
  rounds(10, 0, 60 * kMillisecond);
  EXPECT_GT(bbr_.window(), window);
  const uint64_t grown = bbr_.window();
  lose(2 * kPacket, grown);
  EXPECT_NEAR(static_cast<double>(bbr_.window()), 0.5 * static_cast<double>(grown), kPacket);
  bbr_.on_spurious_loss(now_);
  EXPECT_EQ(bbr_.window(), grown);
}

TEST_F(BbrTest, LossWithoutAQueueIsNoCongestionInCompeteEither) {
  ASSERT_TRUE(reach(Phase::kCruise));
  for (int i = 0; i < 20 && bbr_.phase() != Phase::kCompete; i++) round(0, 60 * kMillisecond);
  ASSERT_EQ(bbr_.phase(), Phase::kCompete);
  queue_ = 0;
  rate_ = 10 * kRate;  // room for the window, so that nothing queues
  rounds(4);
  ASSERT_EQ(bbr_.phase(), Phase::kCompete);
  const uint64_t window = bbr_.window();
  lose(2 * kPacket, window);
  EXPECT_EQ(bbr_.window(), window);
  // And when no queue is seen for a while, the model is used again.
  EXPECT_TRUE(reach(Phase::kCruise, 60));
}

TEST_F(BbrTest, ProbeRttMeasuresAnew) {
  ASSERT_TRUE(reach(Phase::kCruise));
  // The way has become longer, by less than what would be taken for a queue.
  int limit = 200;
  while (bbr_.phase() != Phase::kProbeRtt && limit-- > 0) round(0, 5 * kMillisecond);
  ASSERT_EQ(bbr_.phase(), Phase::kProbeRtt);
  EXPECT_LE(bbr_.window(), bbr_.bandwidth_delay_product() * 6 / 10);
  limit = 20;
  while (bbr_.phase() == Phase::kProbeRtt && limit-- > 0) round(0, 5 * kMillisecond);
  EXPECT_EQ(bbr_.phase(), Phase::kCruise);
  EXPECT_EQ(bbr_.queue().base(), kRoundTrip + 5 * kMillisecond);
}

TEST_F(BbrTest, SendsPartOfTheBackgroundOnTop) {
  ASSERT_TRUE(reach(Phase::kCruise));
  const double before =
      static_cast<double>(bbr_.pacing_rate(rtt_)) / static_cast<double>(bbr_.bandwidth());
  while (bbr_.background_loss() < 0.09) {
    round(0.1);
    ASSERT_TRUE(reach(Phase::kCruise, 100, 0.1));
  }
  const double after =
      static_cast<double>(bbr_.pacing_rate(rtt_)) / static_cast<double>(bbr_.bandwidth());
  EXPECT_GT(after, before * 1.05);
  // Less than all of it.
  EXPECT_LT(after * (1 - bbr_.background_loss()), before);
}

TEST_F(BbrTest, LimitedSamplesOnlyRaiseTheBandwidth) {
  ASSERT_TRUE(reach(Phase::kCruise));
  const uint64_t bandwidth = bbr_.bandwidth();
  rate_ = kRate / 10;
  rounds(10, 0, 0, true);
  EXPECT_EQ(bbr_.bandwidth(), bandwidth);
  rate_ = 2 * kRate;
  queue_ = 0;
  rounds(60, 0, 0, true);
  EXPECT_GE(bbr_.bandwidth(), bandwidth * 12 / 10);
}

TEST_F(BbrTest, APathThatWasAwayBeginsWithLittle) {
  ASSERT_TRUE(reach(Phase::kCruise));
  const uint64_t window = bbr_.window();
  lose(window, window, true);
  EXPECT_EQ(bbr_.window(), Bbr::kMinimumWindowPackets * kPacket);
  rounds(8);
  EXPECT_GE(bbr_.window(), window / 2);
}

TEST_F(BbrTest, AfterASilenceItDoesNotGoOnProbing) {
  ASSERT_TRUE(reach(Phase::kUp));
  bbr_.on_sent(now_ + 5 * kSecond, kPacket, kPacket, number_);
  EXPECT_EQ(bbr_.phase(), Phase::kCruise);
}

TEST_F(BbrTest, ACopyGoesItsOwnWay) {
  ASSERT_TRUE(reach(Phase::kCruise));
  test::FailingMemory memory;
  PathCongestion one(memory, CongestionAlgorithm::kBbr, kPacket);
  PathCongestion two(memory, CongestionAlgorithm::kBbr, kPacket);
  const PathCongestion other(memory, CongestionAlgorithm::kCubic, kPacket);
  EXPECT_EQ(one.algorithm(), CongestionAlgorithm::kBbr);
  EXPECT_STREQ(one.controller().name(), "bbr");
  EXPECT_STREQ(other.controller().name(), "cubic");
  AckEvent event;
  event.now = kSecond;
  event.acked_bytes = event.prior_in_flight = one.window();
  event.rtt_latest = event.rtt_min = event.rtt_smoothed = kRoundTrip;
  event.rate.total_delivered = 10'000;
  one.on_ack(event);
  EXPECT_NE(two.window(), one.window());
  two.inherit(one);
  EXPECT_EQ(two.window(), one.window());
  const uint64_t window = two.window();
  one.on_ack(event);
  EXPECT_GT(one.window(), two.window());
  EXPECT_EQ(two.window(), window);
}

// Whatever happens, the window and the rate stay within their limits.
TEST(Bbr, StaysWithinItsLimits) {
  for (const uint64_t seed : test::test_seeds(50)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    Bbr bbr(1200);
    RttEstimator rtt;
    uint64_t packet = 1200;
    uint64_t delivered = 0;
    Time now = kSecond;
    for (int i = 0; i < 3'000; i++) {
      now +=
          static_cast<Duration>(random.below(random.chance(2) ? 20 * kSecond : 30 * kMillisecond));
      if (random.chance(75)) {
        AckEvent event;
        event.now = now;
        event.acked_bytes = random.below(random.chance(1) ? uint64_t{1} << 40 : 60'000);
        event.prior_in_flight = event.acked_bytes + random.below(2 * bbr.window());
        event.largest_sent_time = now - static_cast<Duration>(random.below(kSecond));
        const auto sample = static_cast<Duration>(
            1 + random.below(random.chance(5) ? 60 * kSecond : 100 * kMillisecond));
        rtt.on_sample(sample, 0, 0, true);
        event.rtt_latest = random.chance(80) ? sample : 0;
        event.rtt_min = rtt.minimum();
        event.rtt_smoothed = rtt.smoothed();
        event.next_packet_number = random.next();
        event.rate.prior_delivered = delivered - std::min(delivered, random.below(100'000));
        delivered += event.acked_bytes;
        event.rate.total_delivered = delivered;
        event.rate.bytes_per_second =
            random.below(random.chance(5) ? 1'000'000'000'000 : 20'000'000);
        event.app_limited = event.rate.app_limited = random.chance(20);
        bbr.on_ack(event);
      } else if (random.chance(60)) {
        LossEvent event;
        event.now = now;
        event.lost_bytes = random.below(50'000);
        event.prior_in_flight = random.below(1'000'000);
        event.largest_lost_sent_time = now;
        event.persistent = random.chance(3);
        bbr.on_loss(event);
      } else if (random.chance(30)) {
        bbr.on_spurious_loss(now);
      } else if (random.chance(10)) {
        packet = random.between(1, 65'535);
        bbr.on_mtu(packet);
      } else {
        bbr.on_sent(now, packet, random.chance(30) ? packet : 50'000, random.next());
      }
      ASSERT_GE(bbr.window(), 2 * packet);
      ASSERT_LE(bbr.window(), std::max<uint64_t>(uint64_t{1} << 34, 4 * packet));
      if (rtt.has_sample()) {
        ASSERT_GE(bbr.pacing_rate(rtt), 1U);
        ASSERT_LE(bbr.pacing_rate(rtt), 1'000'000'000'000U);
      }
      ASSERT_GE(bbr.background_loss(), 0);
      ASSERT_LE(bbr.background_loss(), Bbr::kMostTolerated);
    }
  }
}

}  // namespace
}  // namespace hawser::transport
