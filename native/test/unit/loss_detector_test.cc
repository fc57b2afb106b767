#include "transport/loss_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;
using Numbers = std::vector<uint64_t>;

constexpr Duration kPeerDelay = 25 * kMillisecond;
constexpr uint32_t kBytes = 1000;

struct Recorder final : LossDetector::Visitor {
  void on_acked(const SentPacket& packet) override { acked.push_back(packet.number); }
  void on_lost(const SentPacket& packet) override { lost.push_back(packet.number); }
  void on_spurious(const SentPacket& packet) override { spurious.push_back(packet.number); }
  void clear() {
    acked.clear();
    lost.clear();
    spurious.clear();
  }

  Numbers acked;
  Numbers lost;
  Numbers spurious;
};

Numbers sorted(Numbers numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Numbers range_of(uint64_t begin, uint64_t end) {
  Numbers numbers;
  for (uint64_t number = begin; number < end; number++) numbers.push_back(number);
  return numbers;
}

SentPacket packet_of(uint64_t number, Time at, bool eliciting = true) {
  SentPacket packet;
  packet.number = number;
  packet.sent_at = at;
  packet.bytes = kBytes;
  packet.ack_eliciting = eliciting;
  packet.in_flight_counted = eliciting;
  return packet;
}

class LossDetectorTest : public testing::Test {
 protected:
  // Sends the next packet now.
  uint64_t send(bool eliciting = true) {
    const uint64_t number = detector_.next_number();
    EXPECT_TRUE(detector_.on_sent(packet_of(number, now_, eliciting)));
    return number;
  }
  void send_many(unsigned count, Duration spacing = 0) {
    for (unsigned i = 0; i < count; i++) {
      send();
      now_ += spacing;
    }
  }
  LossDetector::AckResult ack(std::initializer_list<Interval> ranges, Duration delay = 0) {
    recorder_.clear();
    return detector_.on_ack(now_, ranges.begin(), ranges.size(), delay, kPeerDelay, rtt_,
                            recorder_);
  }
  LossDetector::TimeoutResult timeout() {
    recorder_.clear();
    return detector_.on_timeout(now_, rtt_, kPeerDelay, recorder_);
  }
  Time deadline() const { return detector_.deadline(rtt_, kPeerDelay); }
  // One packet there and back, so that the round trip is known.
  void warm_up(Duration rtt) {
    const uint64_t number = send();
    now_ += rtt;
    EXPECT_TRUE(ack({{number, number + 1}}).rtt_sampled);
  }

  FailingMemory memory_;
  LossDetector detector_{memory_};
  RttEstimator rtt_;
  Recorder recorder_;
  Time now_ = 10 * kSecond;
};

TEST_F(LossDetectorTest, AcknowledgedPacketsLeaveTheFlight) {
  send_many(3);
  EXPECT_EQ(detector_.bytes_in_flight(), 3U * kBytes);
  EXPECT_TRUE(detector_.anything_ack_eliciting_in_flight());
  EXPECT_EQ(detector_.oldest_unacked_sent_at(), now_);
  const Time sent = now_;
  now_ += 40 * kMillisecond;
  auto result = ack({{1, 3}});
  EXPECT_TRUE(result.valid);
  EXPECT_TRUE(result.any_new);
  EXPECT_TRUE(result.rtt_sampled);
  EXPECT_EQ(result.acked_bytes, 2U * kBytes);
  EXPECT_EQ(result.acked_packets, 2U);
  EXPECT_EQ(result.prior_in_flight, 3U * kBytes);
  EXPECT_EQ(result.largest_newly_acked_sent_at, sent);
  EXPECT_EQ(recorder_.acked, (Numbers{2, 1}));
  EXPECT_EQ(rtt_.latest(), 40 * kMillisecond);
  EXPECT_EQ(detector_.bytes_in_flight(), 1U * kBytes);
  // The same ACK again says nothing.
  result = ack({{1, 3}});
  EXPECT_TRUE(result.valid);
  EXPECT_FALSE(result.any_new);
  EXPECT_TRUE(recorder_.acked.empty());
  ack({{0, 3}});
  EXPECT_EQ(recorder_.acked, (Numbers{0}));
  EXPECT_EQ(detector_.bytes_in_flight(), 0U);
  EXPECT_FALSE(detector_.anything_ack_eliciting_in_flight());
  EXPECT_EQ(detector_.oldest_unacked_sent_at(), kNever);
  EXPECT_EQ(deadline(), kNever);
  EXPECT_EQ(detector_.acked_packets(), 3U);
  EXPECT_EQ(detector_.oldest(), nullptr);
}

// RFC 9002, section 5.1.
TEST_F(LossDetectorTest, OnlyANewLargestThatAskedGivesASample) {
  send_many(3);
  now_ += 10 * kMillisecond;
  EXPECT_TRUE(ack({{2, 3}}).rtt_sampled);
  now_ += 10 * kMillisecond;
  EXPECT_FALSE(ack({{0, 3}}).rtt_sampled);
  send(false);
  now_ += 10 * kMillisecond;
  EXPECT_FALSE(ack({{3, 4}}).rtt_sampled);
  send();
  send(false);
  now_ += 10 * kMillisecond;
  // The largest elicits nothing, but something newly acknowledged does.
  EXPECT_TRUE(ack({{4, 6}}).rtt_sampled);
}

TEST_F(LossDetectorTest, TheAckDelayIsTakenOffAndLimited) {
  warm_up(100 * kMillisecond);
  const uint64_t number = send();
  now_ += 200 * kMillisecond;
  ack({{number, number + 1}}, 10 * kSecond);
  RttEstimator expected;
  expected.on_sample(100 * kMillisecond, 0, kPeerDelay, true);
  expected.on_sample(200 * kMillisecond, kPeerDelay, kPeerDelay, true);
  EXPECT_EQ(rtt_.smoothed(), expected.smoothed());
}

// RFC 9002, section 6.1.1.
TEST_F(LossDetectorTest, ThreeNewerAcknowledgedMakeALoss) {
  send_many(5);
  now_ += 20 * kMillisecond;
  EXPECT_EQ(ack({{1, 2}}).lost_bytes, 0U);
  EXPECT_EQ(ack({{1, 3}}).lost_bytes, 0U);
  const auto result = ack({{1, 4}});
  EXPECT_EQ(result.lost_bytes, 1U * kBytes);
  EXPECT_EQ(result.lost_packets, 1U);
  EXPECT_EQ(recorder_.lost, (Numbers{0}));
  EXPECT_EQ(result.largest_lost_sent_at, 10 * kSecond);
  EXPECT_EQ(detector_.bytes_in_flight(), 1U * kBytes);
  EXPECT_EQ(detector_.lost_packets(), 1U);
}

// RFC 9002, section 6.1.2: 9/8 of the round trip.
TEST_F(LossDetectorTest, TheLossTimerFindsWhatTheThresholdDoesNot) {
  warm_up(80 * kMillisecond);
  const Time sent = now_;
  const uint64_t number = send();
  now_ += 5 * kMillisecond;
  send();
  now_ = sent + 80 * kMillisecond;
  EXPECT_EQ(ack({{number + 1, number + 2}}).lost_packets, 0U);
  const Duration delay = detector_.loss_delay(rtt_);
  EXPECT_EQ(delay, std::max(rtt_.latest(), rtt_.smoothed()) * 9 / 8);
  EXPECT_EQ(deadline(), sent + delay);
  now_ = deadline() - 1;
  auto result = timeout();
  EXPECT_FALSE(result.loss);
  EXPECT_EQ(result.probes, 0U);
  now_++;
  result = timeout();
  EXPECT_TRUE(result.loss);
  EXPECT_EQ(result.lost_bytes, 1U * kBytes);
  EXPECT_EQ(result.prior_in_flight, 1U * kBytes);
  EXPECT_EQ(result.largest_lost_sent_at, sent);
  EXPECT_EQ(result.probes, 0U);
  EXPECT_EQ(recorder_.lost, (Numbers{number}));
  EXPECT_EQ(deadline(), kNever);
}

TEST_F(LossDetectorTest, OnALoopbackPathTheTimerIsTheGranularity) {
  warm_up(50 * kMicrosecond);
  const Time sent = now_;
  const uint64_t number = send();
  send();
  now_ += 50 * kMicrosecond;
  ack({{number + 1, number + 2}});
  EXPECT_EQ(deadline(), sent + RttEstimator::kGranularity);
}

// RFC 9002, section 6.2.
TEST_F(LossDetectorTest, TheProbeTimeoutBacksOffAndIsReset) {
  EXPECT_EQ(deadline(), kNever);
  const uint64_t first = send();
  EXPECT_EQ(deadline(), now_ + 999 * kMillisecond + kPeerDelay);
  Duration expected = 999 * kMillisecond + kPeerDelay;
  for (unsigned i = 1; i <= 5; i++) {
    now_ = deadline();
    const auto result = timeout();
    EXPECT_FALSE(result.loss);
    EXPECT_EQ(result.probes, 2U);
    EXPECT_EQ(detector_.pto_count(), i);
    send();
    expected *= 2;
    EXPECT_EQ(deadline(), now_ + expected);
  }
  EXPECT_EQ(detector_.lost_packets(), 0U);
  // Progress.
  now_ += 100 * kMillisecond;
  ack({{first, first + 1}});
  EXPECT_EQ(detector_.pto_count(), 0U);
}

TEST_F(LossDetectorTest, TheProbeTimeoutIsAtMostAMinute) {
  send();
  for (int i = 0; i < 100; i++) {
    const Time before = now_;
    now_ = deadline();
    ASSERT_GT(now_, before);
    ASSERT_LE(now_ - before, LossDetector::kMaximumPto);
    // Also when no probe can be sent.
    if (i % 2 == 0) send();
    ASSERT_EQ(timeout().probes, 2U);
    ASSERT_GT(deadline(), now_);
  }
  EXPECT_EQ(detector_.pto(rtt_, kPeerDelay), LossDetector::kMaximumPto);
}

TEST_F(LossDetectorTest, EarlyTimeoutsDoNothing) {
  EXPECT_EQ(timeout().probes, 0U);
  send();
  now_ = deadline() - 1;
  const auto result = timeout();
  EXPECT_EQ(result.probes, 0U);
  EXPECT_FALSE(result.loss);
  EXPECT_EQ(detector_.pto_count(), 0U);
}

// RFC 8985, section 7: the tail is lost, the probe's acknowledgement finds it.
TEST_F(LossDetectorTest, TailLossIsFoundByTheProbe) {
  warm_up(50 * kMillisecond);
  const uint64_t first = detector_.next_number();
  const Time sent = now_;
  send_many(10);
  now_ += 50 * kMillisecond;
  ack({{first, first + 7}});
  EXPECT_TRUE(recorder_.lost.empty());
  EXPECT_EQ(deadline(), sent + rtt_.pto_base() + kPeerDelay);
  now_ = deadline();
  EXPECT_EQ(timeout().probes, 2U);
  const uint64_t probe = send();
  now_ += 50 * kMillisecond;
  const auto result = ack({{probe, probe + 1}, {first, first + 7}});
  EXPECT_EQ(recorder_.lost, range_of(first + 7, first + 10));
  EXPECT_EQ(result.lost_packets, 3U);
  EXPECT_EQ(detector_.bytes_in_flight(), 0U);
  EXPECT_EQ(deadline(), kNever);
}

// RFC 8985, section 3.3: a retransmission that is lost too is a packet like any other.
TEST_F(LossDetectorTest, ALostRetransmissionIsFoundInARoundTrip) {
  warm_up(50 * kMillisecond);
  const uint64_t first = detector_.next_number();
  send_many(4);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 4}});
  EXPECT_EQ(recorder_.lost, (Numbers{first}));
  const uint64_t again = send();
  send_many(3);
  now_ += 50 * kMillisecond;
  ack({{again + 1, again + 4}, {first + 1, first + 4}});
  EXPECT_EQ(recorder_.lost, (Numbers{again}));
}

TEST_F(LossDetectorTest, ASpuriousLossIsToldAndCounted) {
  warm_up(50 * kMillisecond);
  const uint64_t first = detector_.next_number();
  send_many(5);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 4}});
  EXPECT_EQ(recorder_.lost, (Numbers{first}));
  EXPECT_EQ(detector_.bytes_in_flight(), 1U * kBytes);
  now_ += kMillisecond;
  const auto result = ack({{first, first + 4}});
  EXPECT_TRUE(result.any_new);
  EXPECT_EQ(result.acked_bytes, 0U);
  EXPECT_TRUE(recorder_.acked.empty());
  EXPECT_EQ(recorder_.spurious, (Numbers{first}));
  EXPECT_TRUE(result.loss_undone);
  EXPECT_EQ(detector_.spurious(), 1U);
  EXPECT_EQ(detector_.bytes_in_flight(), 1U * kBytes);
  // Only once.
  ack({{first, first + 4}});
  EXPECT_TRUE(recorder_.spurious.empty());
}

TEST_F(LossDetectorTest, ALossIsUndoneWhenAllOfItWasSpurious) {
  warm_up(50 * kMillisecond);
  const uint64_t first = detector_.next_number();
  send_many(10);
  now_ += 50 * kMillisecond;
  ack({{first + 5, first + 6}});
  EXPECT_EQ(recorder_.lost, range_of(first, first + 3));
  now_ += kMillisecond;
  EXPECT_FALSE(ack({{first + 5, first + 6}, {first, first + 2}}).loss_undone);
  EXPECT_EQ(recorder_.spurious, (Numbers{first + 1, first}));
  // The third turns out not lost, but the same ACK finds more losses of the same round trip.
  EXPECT_FALSE(ack({{first + 9, first + 10}, {first + 5, first + 6}, {first, first + 3}})
                   .loss_undone);
  EXPECT_EQ(recorder_.spurious, (Numbers{first + 2}));
  EXPECT_FALSE(recorder_.lost.empty());
  now_ += kMillisecond;
  EXPECT_TRUE(ack({{first, first + 10}}).loss_undone);
  EXPECT_EQ(detector_.spurious(), detector_.lost_packets());
}

TEST_F(LossDetectorTest, AnUndoneEpisodeMayMeetANewOne) {
  warm_up(50 * kMillisecond);
  const uint64_t first = detector_.next_number();
  send_many(4);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 4}});
  EXPECT_EQ(recorder_.lost, (Numbers{first}));
  now_ += kMillisecond;
  const uint64_t second = detector_.next_number();
  send_many(30);
  now_ += 50 * kMillisecond;
  const auto result = ack({{second + 29, second + 30}, {first, first + 4}});
  EXPECT_EQ(recorder_.spurious, (Numbers{first}));
  EXPECT_FALSE(recorder_.lost.empty());
  EXPECT_TRUE(result.loss_undone);
  EXPECT_GT(result.lost_packets, 0U);
}

TEST_F(LossDetectorTest, ThePacketThresholdAdaptsToReordering) {
  warm_up(50 * kMillisecond);
  EXPECT_EQ(detector_.reordering_threshold(), 3U);
  uint64_t first = detector_.next_number();
  send_many(8);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 7}});  // distance 6
  EXPECT_EQ(recorder_.lost, (Numbers{first}));
  ack({{first, first + 8}});
  EXPECT_EQ(detector_.reordering_threshold(), 7U);
  // The same reordering is no loss any more.
  now_ += kSecond;
  first = detector_.next_number();
  send_many(8);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 7}});
  EXPECT_TRUE(recorder_.lost.empty());
  ack({{first, first + 8}});
  // At most 20.
  first = detector_.next_number();
  send_many(100);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 100}});
  ack({{first, first + 100}});
  EXPECT_EQ(detector_.reordering_threshold(), 20U);
}

TEST_F(LossDetectorTest, TheTimeThresholdAdaptsToReordering) {
  warm_up(80 * kMillisecond);
  const Duration eighth = 10 * kMillisecond;
  EXPECT_EQ(detector_.loss_delay(rtt_), 90 * kMillisecond);
  for (unsigned eighths = 2; eighths <= 10; eighths++) {
    const Time sent = now_;
    const uint64_t number = send();
    send();
    now_ = sent + 80 * kMillisecond;
    ack({{number + 1, number + 2}});
    now_ = deadline();
    EXPECT_TRUE(timeout().loss);
    // The late acknowledgement is of an old packet: no sample.
    ack({{number, number + 2}});
    EXPECT_EQ(recorder_.spurious, (Numbers{number}));
    EXPECT_EQ(detector_.loss_delay(rtt_), 80 * kMillisecond + std::min(eighths, 8U) * eighth);
    now_ += kSecond;
  }
  EXPECT_EQ(detector_.reordering_threshold(), 3U);
}

// RFC 8985: RACK.reo_wnd_persist.
TEST_F(LossDetectorTest, AdaptationIsForgottenAfter16HonestLosses) {
  warm_up(50 * kMillisecond);
  uint64_t first = detector_.next_number();
  send_many(10);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 9}});
  ack({{first, first + 10}});
  EXPECT_EQ(detector_.reordering_threshold(), 9U);
  for (int i = 1; i <= 16; i++) {
    EXPECT_EQ(detector_.reordering_threshold(), 9U) << i;
    now_ += kMillisecond;
    first = detector_.next_number();
    send_many(12);
    now_ += 50 * kMillisecond;
    ack({{first + 1, first + 12}});
    EXPECT_EQ(recorder_.lost, (Numbers{first}));
  }
  EXPECT_EQ(detector_.reordering_threshold(), 3U);
}

// The example of RFC 9002, section 7.6.2: a round trip estimate of 2 s (with variation and delay),
// losses sent at 2 s to 8 s after the start, nothing acknowledged between.
class PersistentCongestionTest : public LossDetectorTest {
 protected:
  static constexpr Duration kDelay = 200 * kMillisecond;

  Time at(double seconds) const { return start_ + static_cast<Duration>(seconds * kSecond); }
  void send_at(double seconds) {
    now_ = at(seconds);
    send();
  }
  LossDetector::AckResult ack_at(double seconds, std::initializer_list<Interval> ranges) {
    now_ = at(seconds);
    recorder_.clear();
    return detector_.on_ack(now_, ranges.begin(), ranges.size(), 0, kDelay, rtt_, recorder_);
  }
  void play_until_first_ack() {
    send_at(0);
    // 0.6 s: 0.6 + 4 * 0.3 + 0.2 = 2 s.
    ack_at(0.6, {{0, 1}});
    EXPECT_EQ(rtt_.pto_base() + kDelay, 2 * kSecond);
  }

  Time start_ = 100 * kSecond;
};

TEST_F(PersistentCongestionTest, TheExampleOfTheRfc) {
  play_until_first_ack();
  for (const double seconds : {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0}) send_at(seconds);
  send_at(12);
  const auto result = ack_at(12.2, {{8, 9}});
  EXPECT_EQ(recorder_.lost, range_of(1, 8));
  EXPECT_TRUE(result.persistent_congestion);
  EXPECT_EQ(result.largest_lost_sent_at, at(8));
}

TEST_F(PersistentCongestionTest, AnAcknowledgementBetweenBreaksIt) {
  play_until_first_ack();
  for (const double seconds : {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0}) send_at(seconds);
  send_at(12);
  const auto result = ack_at(12.2, {{8, 9}, {4, 5}});
  EXPECT_EQ(recorder_.lost, (Numbers{1, 2, 3, 5, 6, 7}));
  EXPECT_FALSE(result.persistent_congestion);
}

TEST_F(PersistentCongestionTest, ANumberLeftOutDoesNotBreakIt) {
  play_until_first_ack();
  for (const double seconds : {1.0, 4.0}) send_at(seconds);
  now_ = at(5);
  ASSERT_TRUE(detector_.on_sent(packet_of(6, now_)));  // 3 to 5 are skipped
  send_at(8);
  send_at(12);
  const auto result = ack_at(12.2, {{8, 9}});
  EXPECT_EQ(recorder_.lost, (Numbers{1, 2, 6, 7}));
  EXPECT_TRUE(result.persistent_congestion);
}

TEST_F(PersistentCongestionTest, AShortPeriodIsNone) {
  play_until_first_ack();
  for (const double seconds : {1.0, 2.0, 3.0, 6.0}) send_at(seconds);
  send_at(12);
  const auto result = ack_at(12.2, {{5, 6}});
  EXPECT_EQ(recorder_.lost, range_of(1, 5));
  EXPECT_FALSE(result.persistent_congestion);
}

TEST_F(PersistentCongestionTest, BeforeTheFirstSampleItIsNotKnown) {
  for (const double seconds : {0.0, 1.0, 30.0, 60.0}) send_at(seconds);
  const auto result = ack_at(60.2, {{3, 4}});
  EXPECT_EQ(recorder_.lost, range_of(0, 3));
  EXPECT_FALSE(result.persistent_congestion);
}

TEST_F(PersistentCongestionTest, TheMinimumStartsAnew) {
  play_until_first_ack();
  for (const double seconds : {1.0, 8.0}) send_at(seconds);
  send_at(12);
  EXPECT_TRUE(ack_at(12.1, {{3, 4}}).persistent_congestion);
  send_at(13);
  ack_at(15, {{4, 5}});
  EXPECT_EQ(rtt_.minimum(), 2 * kSecond);
}

TEST_F(LossDetectorTest, RefusesAcksOfWhatWasNeverSent) {
  detector_.start_at(1000);
  send_many(5);
  ASSERT_TRUE(detector_.on_sent(packet_of(1007, now_)));  // 1005 and 1006 are skipped
  send();
  now_ += kMillisecond;
  const std::vector<std::vector<Interval>> bad = {
      {{1008, 1010}},                      // beyond the newest
      {{0, uint64_t{1} << 62}},            // everything
      {{999, 1001}},                       // below the first
      {{0, 1}},                            //
      {{1004, 1006}},                      // a skipped one
      {{1005, 1006}},                      //
      {{1003, 1009}},                      //
      {{1007, 1009}, {1000, 1006}},        //
      {{1003, 1003}},                      // empty
      {{1004, 1003}},                      // backwards
      {{1000, 1001}, {1002, 1003}},        // oldest first
      {{1002, 1004}, {1001, 1003}},        // overlapping
      {{1007, 1008}, {1004, 1005}, {UINT64_MAX - 1, UINT64_MAX}},
  };
  for (const auto& ranges : bad) {
    recorder_.clear();
    const auto result = detector_.on_ack(now_, ranges.data(), ranges.size(), 0, kPeerDelay, rtt_,
                                         recorder_);
    EXPECT_FALSE(result.valid);
    EXPECT_FALSE(result.any_new);
    EXPECT_TRUE(recorder_.acked.empty());
    EXPECT_TRUE(recorder_.lost.empty());
    EXPECT_EQ(detector_.bytes_in_flight(), 7U * kBytes);
  }
  EXPECT_TRUE(ack({{1007, 1009}, {1000, 1005}}).valid);
  EXPECT_EQ(sorted(recorder_.acked), (Numbers{1000, 1001, 1002, 1003, 1004, 1007, 1008}));
}

// An optimistic ACK that covers a skipped number is caught even when everything before it has been
// acknowledged and forgotten.
TEST_F(LossDetectorTest, ASkippedNumberIsRememberedWithItsSuccessor) {
  send_many(3);
  ASSERT_TRUE(detector_.on_sent(packet_of(4, now_)));
  now_ += kMillisecond;
  EXPECT_TRUE(ack({{0, 3}}).valid);
  EXPECT_FALSE(ack({{0, 5}}).valid);
  EXPECT_TRUE(ack({{4, 5}, {0, 3}}).valid);
  EXPECT_EQ(recorder_.acked, (Numbers{4}));
  EXPECT_EQ(detector_.tracked(), 0U);
}

TEST_F(LossDetectorTest, RefusesNumbersThatDoNotRise) {
  send_many(3);
  EXPECT_FALSE(detector_.on_sent(packet_of(2, now_)));
  EXPECT_FALSE(detector_.on_sent(packet_of(uint64_t{1} << 61, now_)));
  EXPECT_EQ(detector_.next_number(), 3U);
  EXPECT_EQ(detector_.bytes_in_flight(), 3U * kBytes);
}

TEST_F(LossDetectorTest, PacketsThatOnlyCarryAcksAreNeverLostOrTimed) {
  warm_up(50 * kMillisecond);
  const uint64_t first = detector_.next_number();
  for (int i = 0; i < 5; i++) send(false);
  EXPECT_EQ(deadline(), kNever);
  EXPECT_EQ(detector_.bytes_in_flight(), 0U);
  send();
  now_ += 50 * kMillisecond;
  const auto result = ack({{first + 5, first + 6}});
  EXPECT_EQ(result.lost_packets, 0U);
  EXPECT_EQ(deadline(), kNever);
  // But an ACK of them is told.
  ack({{first + 1, first + 6}});
  EXPECT_EQ(recorder_.acked, (Numbers{first + 4, first + 3, first + 2, first + 1}));
}

TEST_F(LossDetectorTest, ASideThatOnlyAcknowledgesTracksABoundedNumber) {
  warm_up(50 * kMillisecond);
  size_t most = 0;
  for (int i = 0; i < 100'000; i++) {
    now_ += kMillisecond;
    send(false);
    most = std::max(most, detector_.tracked());
  }
  EXPECT_LT(most, 1000U);
}

TEST_F(LossDetectorTest, LostPacketsAreKeptForTwoProbeTimeouts) {
  warm_up(50 * kMillisecond);
  const uint64_t first = detector_.next_number();
  send_many(4);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 4}});
  const Time lost = now_;
  const Duration keep = 2 * (rtt_.pto_base() + kPeerDelay);
  ASSERT_NE(detector_.oldest(), nullptr);
  EXPECT_EQ(detector_.oldest()->number, first);
  now_ = lost + keep - 1;
  const uint64_t late = send();
  EXPECT_EQ(detector_.oldest()->number, first);
  now_ = lost + keep;
  send();
  EXPECT_EQ(detector_.oldest()->number, late);
  // Forgotten, so its late acknowledgement says nothing.
  EXPECT_FALSE(ack({{first, first + 4}}).any_new);
}

TEST_F(LossDetectorTest, FramesOfKeptPacketsCanBeFound) {
  SentPacket packet = packet_of(0, now_);
  packet.frame_first = 500;
  packet.frame_count = 3;
  ASSERT_TRUE(detector_.on_sent(packet));
  packet = packet_of(2, now_);
  packet.frame_first = 503;
  packet.frame_count = 1;
  packet.has_ack = true;
  packet.largest_acked_in_ack = 99;
  ASSERT_TRUE(detector_.on_sent(packet));
  EXPECT_EQ(detector_.oldest()->frame_first, 500U);
  now_ += kMillisecond;
  ack({{0, 1}});
  // The skipped number has no frames of its own.
  EXPECT_EQ(detector_.oldest()->frame_first, 503U);
  ack({{2, 3}, {0, 1}});
  EXPECT_EQ(detector_.oldest(), nullptr);
}

TEST_F(LossDetectorTest, DeliverySamplesAreRecorded) {
  const Time sent = now_;
  send_many(2, kMillisecond);
  now_ = sent + 50 * kMillisecond;
  ack({{0, 1}});
  EXPECT_EQ(detector_.delivered_bytes(), 1U * kBytes);
  const uint64_t number = send();
  ASSERT_NE(detector_.oldest(), nullptr);
  EXPECT_EQ(detector_.oldest()->number, 1U);
  EXPECT_EQ(detector_.oldest()->delivered_bytes, 0U);
  EXPECT_EQ(detector_.oldest()->delivered_at, sent);
  now_ += kMillisecond;
  ack({{0, 2}});
  EXPECT_EQ(detector_.oldest()->number, number);
  EXPECT_EQ(detector_.oldest()->delivered_bytes, 1U * kBytes);
  EXPECT_EQ(detector_.oldest()->delivered_at, sent + 50 * kMillisecond);
}

TEST_F(LossDetectorTest, AppLimitedIsThatOfTheNewest) {
  SentPacket packet = packet_of(0, now_);
  packet.app_limited = true;
  ASSERT_TRUE(detector_.on_sent(packet));
  ASSERT_TRUE(detector_.on_sent(packet_of(1, now_)));
  now_ += kMillisecond;
  EXPECT_FALSE(ack({{0, 2}}).app_limited);
  packet.number = 2;
  ASSERT_TRUE(detector_.on_sent(packet));
  EXPECT_TRUE(ack({{0, 3}}).app_limited);
}

TEST_F(LossDetectorTest, ReleaseForgetsAllButTheNumbers) {
  send_many(20);
  detector_.release();
  EXPECT_EQ(memory_.in_use(), 0U);
  EXPECT_EQ(detector_.memory_bytes(), 0U);
  EXPECT_EQ(detector_.bytes_in_flight(), 0U);
  EXPECT_EQ(deadline(), kNever);
  EXPECT_EQ(detector_.next_number(), 20U);
  EXPECT_TRUE(ack({{0, 20}}).valid);
  EXPECT_FALSE(ack({{0, 20}}).any_new);
  const uint64_t number = send();
  EXPECT_EQ(number, 20U);
  now_ += kMillisecond;
  EXPECT_TRUE(ack({{number, number + 1}}).any_new);
}

TEST_F(LossDetectorTest, WithoutMemoryAPacketIsNotRecorded) {
  memory_.fail_after(0);
  EXPECT_FALSE(detector_.on_sent(packet_of(0, now_)));
  EXPECT_EQ(detector_.bytes_in_flight(), 0U);
  EXPECT_EQ(detector_.next_number(), 0U);
  EXPECT_EQ(deadline(), kNever);
  memory_.heal();
  send_many(16);
  memory_.fail_after(0);
  EXPECT_FALSE(detector_.on_sent(packet_of(16, now_)));
  EXPECT_EQ(detector_.bytes_in_flight(), 16U * kBytes);
  // Room comes back with acknowledgements.
  now_ += kMillisecond;
  ack({{0, 4}});
  EXPECT_TRUE(detector_.on_sent(packet_of(16, now_)));
}

TEST_F(LossDetectorTest, WithoutMemoryLostPacketsMakeRoom) {
  send_many(16);
  now_ += 20 * kMillisecond;
  ack({{1, 16}});
  EXPECT_EQ(recorder_.lost, (Numbers{0}));
  EXPECT_EQ(detector_.tracked(), 16U);
  memory_.fail_after(0);
  EXPECT_EQ(send(), 16U);
  EXPECT_EQ(detector_.tracked(), 1U);
}

TEST_F(LossDetectorTest, AllocatesNothingInSteadyState) {
  test::TestRandom random(3);
  uint64_t requests = 0;
  std::vector<Interval> ranges;
  std::set<uint64_t> came;
  for (int step = 0; step < 20'000; step++) {
    if (step == 5000) requests = memory_.requests();
    for (int i = 0; i < 4; i++) {
      const uint64_t number = detector_.next_number() + (random.chance(1) ? 1 : 0);
      ASSERT_TRUE(detector_.on_sent(packet_of(number, now_)));
      if (!random.chance(5)) came.insert(number);
      now_ += 100 * kMicrosecond;
    }
    // The peer repeats its newest ranges, thirty round trips of them.
    ranges.clear();
    for (auto it = came.rbegin(); it != came.rend() && ranges.size() < 32; ++it) {
      if (!ranges.empty() && ranges.back().begin == *it + 1) {
        ranges.back().begin = *it;
      } else {
        ranges.push_back({*it, *it + 1});
      }
    }
    while (came.size() > 1500) came.erase(came.begin());
    ASSERT_TRUE(detector_
                    .on_ack(now_, ranges.data(), ranges.size(), 0, kPeerDelay, rtt_, recorder_)
                    .valid);
    recorder_.clear();
    if (now_ >= deadline()) detector_.on_timeout(now_, rtt_, kPeerDelay, recorder_);
  }
  EXPECT_EQ(memory_.requests(), requests);
  EXPECT_LT(detector_.tracked(), 4096U);
}

// The same rules, the slow way: every packet in a map, every rule a loop over all of it.
class Model {
 public:
  enum class State { kFlight, kAcked, kLost, kSkipped };
  struct Packet {
    Time sent_at;
    bool watched;
    State state = State::kFlight;
    bool by_time = false;
  };

  void send(uint64_t number, Time at, bool watched) {
    for (; next_ < number; next_++) packets_[next_] = {at, false, State::kSkipped};
    packets_[next_++] = {at, watched};
  }

  bool valid(const std::vector<Interval>& ranges) const {
    uint64_t bound = next_;
    for (const Interval& range : ranges) {
      if (range.begin >= range.end || range.end > bound) return false;
      for (uint64_t n = range.begin; n < range.end; n++) {
        const auto found = packets_.find(n);
        if (found != packets_.end() && found->second.state == State::kSkipped) return false;
      }
      bound = range.begin;
    }
    return true;
  }

  void ack(Time now, const std::vector<Interval>& ranges, Duration delay, Recorder& out) {
    const uint64_t largest_before = largest_;
    const uint64_t largest = ranges.front().end - 1;
    bool largest_new = false;
    bool any_new = false;
    bool eliciting = false;
    for (const Interval& range : ranges) {
      for (uint64_t n = range.begin; n < range.end; n++) {
        const auto found = packets_.find(n);
        if (found == packets_.end()) continue;
        Packet& packet = found->second;
        if (packet.state == State::kAcked) continue;
        any_new = true;
        eliciting = eliciting || packet.watched;
        if (n == largest) largest_new = true;
        if (packet.state == State::kLost) {
          out.spurious.push_back(n);
          if (!packet.by_time) {
            threshold_ = std::max<uint64_t>(threshold_, std::min<uint64_t>(
                                                            largest_before - n + 1, 20));
          } else if (!widened_) {
            widened_ = true;
            eighths_ = std::min(eighths_ + 1, 8U);
          }
          persist_ = 16;
        } else {
          out.acked.push_back(n);
        }
        packet.state = State::kAcked;
      }
    }
    largest_ = std::max(largest_, largest);
    any_ = true;
    if (!any_new) return;
    if (largest_new && eliciting) {
      rtt_.on_sample(now - packets_[largest].sent_at, delay, kPeerDelay, true);
    }
    detect(now, out);
  }

  void detect(Time now, Recorder& out) {
    const Duration round_trip = std::max(rtt_.latest(), rtt_.smoothed());
    const Duration delay =
        std::max({round_trip + round_trip / 8 * eighths_, kMillisecond, rtt_.loss_delay()});
    const uint64_t threshold = threshold_;
    for (auto& [n, packet] : packets_) {
      if (packet.state != State::kFlight || !packet.watched || !any_ || n >= largest_) continue;
      const bool by_number = largest_ - n >= threshold_;
      if (!by_number && now - packet.sent_at < delay) continue;
      packet.state = State::kLost;
      packet.by_time = !by_number;
      out.lost.push_back(n);
      if (!episode_ || packet.sent_at > episode_start_) {
        episode_ = true;
        episode_start_ = now;
        widened_ = false;
        if (persist_ > 0 && --persist_ == 0) {
          threshold_ = 3;
          eighths_ = 1;
        }
      }
    }
    // A threshold that was reset in the middle would convict more at once.
    if (threshold_ != threshold) reset_in_the_middle_ = true;
  }

  // The detector has forgotten everything below.
  void forget_below(uint64_t number) {
    packets_.erase(packets_.begin(), packets_.lower_bound(number));
  }

  uint64_t in_flight() const {
    uint64_t bytes = 0;
    for (const auto& [n, packet] : packets_) {
      if (packet.state == State::kFlight && packet.watched) bytes += kBytes;
    }
    return bytes;
  }
  Time oldest() const {
    for (const auto& [n, packet] : packets_) {
      if (packet.state == State::kFlight && packet.watched) return packet.sent_at;
    }
    return kNever;
  }
  uint64_t threshold() const { return threshold_; }
  bool reset_in_the_middle() const { return reset_in_the_middle_; }
  const RttEstimator& rtt() const { return rtt_; }
  uint64_t next() const { return next_; }

 private:
  std::map<uint64_t, Packet> packets_;
  uint64_t next_ = 0;
  uint64_t largest_ = 0;
  bool any_ = false;
  uint64_t threshold_ = 3;
  unsigned eighths_ = 1;
  unsigned persist_ = 0;
  bool episode_ = false;
  bool widened_ = false;
  bool reset_in_the_middle_ = false;
  Time episode_start_ = 0;
  RttEstimator rtt_;
};

// Random sending, loss, reordering, repeated, partial and forged ACKs, timeouts.
TEST_F(LossDetectorTest, BehavesAsTheModel) {
  for (const uint64_t seed : test::test_seeds(80)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    LossDetector detector(memory);
    RttEstimator rtt;
    Model model;
    Recorder actual;
    Recorder expected;
    Time now = 0;
    const unsigned loss = static_cast<unsigned>(random.below(25));
    const unsigned reorder = static_cast<unsigned>(random.below(30));
    // When each packet reaches the peer; and what the peer has.
    std::multimap<Time, uint64_t> flying;
    std::set<uint64_t> came;
    for (int step = 0; step < 1500; step++) {
      now += static_cast<Time>(random.below(4 * kMillisecond));
      const uint64_t choice = random.below(100);
      actual.clear();
      expected.clear();
      if (choice < 50) {
        for (uint64_t burst = random.between(1, 5); burst > 0; burst--) {
          const uint64_t number = detector.next_number() + (random.chance(2) ? random.between(1, 2)
                                                                            : 0);
          const bool eliciting = !random.chance(15);
          ASSERT_TRUE(detector.on_sent(packet_of(number, now, eliciting)));
          model.send(number, now, eliciting);
          if (random.chance(loss)) continue;
          Duration delay = 20 * kMillisecond;
          if (random.chance(reorder)) delay += static_cast<Duration>(random.below(30 * kMillisecond));
          flying.emplace(now + delay, number);
        }
      } else if (choice < 90) {
        while (!flying.empty() && flying.begin()->first <= now) {
          came.insert(flying.begin()->second);
          flying.erase(flying.begin());
        }
        std::vector<Interval> ranges;
        const size_t limit = random.chance(20) ? random.between(1, 4) : 64;
        for (auto it = came.rbegin(); it != came.rend() && ranges.size() <= limit; ++it) {
          // Now and then an old ACK that arrives late.
          if (ranges.empty() && random.chance(3)) continue;
          if (!ranges.empty() && ranges.back().begin == *it + 1) {
            ranges.back().begin = *it;
          } else {
            ranges.push_back({*it, *it + 1});
          }
        }
        if (random.chance(3) && !ranges.empty()) {
          // A liar.
          Interval& range = ranges[random.below(ranges.size())];
          (random.chance(50) ? range.begin : range.end) += random.below(5) - 2;
        }
        if (ranges.empty()) continue;
        const auto delay = static_cast<Duration>(random.below(40 * kMillisecond));
        const auto result = detector.on_ack(now, ranges.data(), ranges.size(), delay, kPeerDelay,
                                            rtt, actual);
        ASSERT_EQ(result.valid, model.valid(ranges));
        if (result.valid) {
          model.ack(now, ranges, delay, expected);
          ASSERT_EQ(result.any_new, !expected.acked.empty() || !expected.spurious.empty());
          ASSERT_EQ(result.acked_packets, expected.acked.size() + expected.spurious.size());
          ASSERT_EQ(result.lost_packets, expected.lost.size());
        }
      } else {
        const Time deadline = detector.deadline(rtt, kPeerDelay);
        if (random.chance(50) && deadline != kNever) now = std::max(now, deadline);
        const auto result = detector.on_timeout(now, rtt, kPeerDelay, actual);
        ASSERT_FALSE(result.loss && result.probes != 0);
        if (result.loss) model.detect(now, expected);
        ASSERT_GT(detector.deadline(rtt, kPeerDelay), now);
      }
      if (model.reset_in_the_middle()) break;
      ASSERT_EQ(sorted(actual.acked), sorted(expected.acked));
      ASSERT_EQ(sorted(actual.spurious), sorted(expected.spurious));
      ASSERT_EQ(sorted(actual.lost), sorted(expected.lost));
      ASSERT_EQ(detector.next_number(), model.next());
      ASSERT_EQ(detector.bytes_in_flight(), model.in_flight());
      ASSERT_EQ(detector.anything_ack_eliciting_in_flight(), model.in_flight() != 0);
      ASSERT_EQ(detector.oldest_unacked_sent_at(), model.oldest());
      ASSERT_EQ(detector.reordering_threshold(), model.threshold());
      ASSERT_EQ(rtt.smoothed(), model.rtt().smoothed());
      model.forget_below(detector.oldest() == nullptr ? detector.next_number()
                                                      : detector.oldest()->number);
    }
  }
}

}  // namespace
}  // namespace hawser::transport
