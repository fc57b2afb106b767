#include <gtest/gtest.h>

#include <initializer_list>

#include "test/support/loss_detector_fixture.h"
#include "transport/loss_detector.h"

namespace hawser::transport::loss_test {
namespace {

// The example of RFC 9002, section 7.6.2: a round trip estimate of 2 s (with variation and delay),
// losses sent at 2 s to 8 s after the start, nothing acknowledged between.
class LossDetectorPersistent : public LossDetectorTest {
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

TEST_F(LossDetectorPersistent, TheExampleOfTheRfc) {
  play_until_first_ack();
  for (const double seconds : {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0}) send_at(seconds);
  send_at(12);
  const auto result = ack_at(12.2, {{8, 9}});
  EXPECT_EQ(recorder_.lost, range_of(1, 8));
  EXPECT_TRUE(result.persistent_congestion);
  EXPECT_EQ(result.largest_lost_sent_at, at(8));
}

TEST_F(LossDetectorPersistent, AnAcknowledgementBetweenBreaksIt) {
  play_until_first_ack();
  for (const double seconds : {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0}) send_at(seconds);
  send_at(12);
  const auto result = ack_at(12.2, {{8, 9}, {4, 5}});
  EXPECT_EQ(recorder_.lost, (Numbers{1, 2, 3, 5, 6, 7}));
  EXPECT_FALSE(result.persistent_congestion);
}

TEST_F(LossDetectorPersistent, ANumberLeftOutDoesNotBreakIt) {
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

TEST_F(LossDetectorPersistent, AShortPeriodIsNone) {
  play_until_first_ack();
  for (const double seconds : {1.0, 2.0, 3.0, 6.0}) send_at(seconds);
  send_at(12);
  const auto result = ack_at(12.2, {{5, 6}});
  EXPECT_EQ(recorder_.lost, range_of(1, 5));
  EXPECT_FALSE(result.persistent_congestion);
}

TEST_F(LossDetectorPersistent, BeforeTheFirstSampleItIsNotKnown) {
  for (const double seconds : {0.0, 1.0, 30.0, 60.0}) send_at(seconds);
  const auto result = ack_at(60.2, {{3, 4}});
  EXPECT_EQ(recorder_.lost, range_of(0, 3));
  EXPECT_FALSE(result.persistent_congestion);
}

TEST_F(LossDetectorPersistent, TheMinimumStartsAnew) {
  play_until_first_ack();
  for (const double seconds : {1.0, 8.0}) send_at(seconds);
  send_at(12);
  EXPECT_TRUE(ack_at(12.1, {{3, 4}}).persistent_congestion);
  send_at(13);
  ack_at(15, {{4, 5}});
  EXPECT_EQ(rtt_.minimum(), 2 * kSecond);
}

}  // namespace
}  // namespace hawser::transport::loss_test
