#include "transport/loss_detector.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/support/loss_detector_fixture.h"

namespace hawser::transport::loss_test {
namespace {

class LossDetectorRules : public LossDetectorTest {};

TEST_F(LossDetectorRules, AcknowledgedPacketsLeaveTheFlight) {
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
TEST_F(LossDetectorRules, OnlyANewLargestThatAskedGivesASample) {
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

TEST_F(LossDetectorRules, TheAckDelayIsTakenOffAndLimited) {
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
TEST_F(LossDetectorRules, ThreeNewerAcknowledgedMakeALoss) {
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
TEST_F(LossDetectorRules, TheLossTimerFindsWhatTheThresholdDoesNot) {
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

TEST_F(LossDetectorRules, OnALoopbackPathTheTimerIsTheGranularity) {
  warm_up(50 * kMicrosecond);
  const Time sent = now_;
  const uint64_t number = send();
  send();
  now_ += 50 * kMicrosecond;
  ack({{number + 1, number + 2}});
  EXPECT_EQ(deadline(), sent + RttEstimator::kGranularity);
}

// RFC 9002, section 6.2.
TEST_F(LossDetectorRules, TheProbeTimeoutBacksOffAndIsReset) {
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
    expected = std::min(expected * 2, LossDetector::kMaximumPto);
    EXPECT_EQ(deadline(), now_ + expected);
  }
  EXPECT_EQ(detector_.lost_packets(), 0U);
  // Progress.
  now_ += 100 * kMillisecond;
  ack({{first, first + 1}});
  EXPECT_EQ(detector_.pto_count(), 0U);
}

TEST_F(LossDetectorRules, TheProbeTimeoutIsAtMostFourSeconds) {
  send();
  for (int i = 0; i < 100; i++) {
    const Time before = now_;
    now_ = deadline();
    ASSERT_GT(now_, before);
    ASSERT_LE(now_ - before, LossDetector::kMaximumPto);
    ASSERT_EQ(timeout().probes, 2U);
    ASSERT_GT(deadline(), now_);
    // Also when no probe can be sent.
    if (i % 2 == 0) send();
  }
  EXPECT_EQ(detector_.pto(rtt_, kPeerDelay), LossDetector::kMaximumPto);
}

TEST_F(LossDetectorRules, AProbeTimeoutLongerThanTheBoundStaysAsItIs) {
  warm_up(2 * kSecond);
  send();
  const Duration base = rtt_.pto_base() + kPeerDelay;
  ASSERT_GT(base, LossDetector::kMaximumPto);
  now_ = deadline();
  ASSERT_EQ(timeout().probes, 2U);
  EXPECT_EQ(detector_.pto(rtt_, kPeerDelay), base);
}

TEST_F(LossDetectorRules, NoProbeTimeoutIsLongerThanAMinute) {
  warm_up(100 * kSecond);
  send();
  ASSERT_GT(rtt_.pto_base(), LossDetector::kLongestPto);
  EXPECT_EQ(detector_.pto(rtt_, kPeerDelay), LossDetector::kLongestPto);
}

TEST_F(LossDetectorRules, EarlyTimeoutsDoNothing) {
  EXPECT_EQ(timeout().probes, 0U);
  send();
  now_ = deadline() - 1;
  const auto result = timeout();
  EXPECT_EQ(result.probes, 0U);
  EXPECT_FALSE(result.loss);
  EXPECT_EQ(detector_.pto_count(), 0U);
}

// RFC 8985, section 7: the tail is lost, the probe's acknowledgement finds it.
TEST_F(LossDetectorRules, TailLossIsFoundByTheProbe) {
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
TEST_F(LossDetectorRules, ALostRetransmissionIsFoundInARoundTrip) {
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

}  // namespace
}  // namespace hawser::transport::loss_test
