#include <gtest/gtest.h>

#include <algorithm>

#include "test/support/loss_detector_fixture.h"
#include "transport/loss_detector.h"

namespace hawser::transport::loss_test {
namespace {

class LossDetectorReordering : public LossDetectorTest {};

TEST_F(LossDetectorReordering, ASpuriousLossIsToldAndCounted) {
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

TEST_F(LossDetectorReordering, ALossIsUndoneWhenAllOfItWasSpurious) {
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
  EXPECT_FALSE(
      ack({{first + 9, first + 10}, {first + 5, first + 6}, {first, first + 3}}).loss_undone);
  EXPECT_EQ(recorder_.spurious, (Numbers{first + 2}));
  EXPECT_FALSE(recorder_.lost.empty());
  now_ += kMillisecond;
  EXPECT_TRUE(ack({{first, first + 10}}).loss_undone);
  EXPECT_EQ(detector_.spurious(), detector_.lost_packets());
}

TEST_F(LossDetectorReordering, AnOldEpisodeUndoesNoNewOne) {
  warm_up(50 * kMillisecond);
  const uint64_t first = detector_.next_number();
  send_many(4);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 4}});
  now_ += kMillisecond;
  const uint64_t second = detector_.next_number();
  send_many(4);
  now_ += 50 * kMillisecond;
  ack({{second + 1, second + 4}});
  EXPECT_EQ(recorder_.lost, (Numbers{second}));
  EXPECT_FALSE(ack({{second + 1, second + 4}, {first, first + 4}}).loss_undone);
  EXPECT_EQ(recorder_.spurious, (Numbers{first}));
  EXPECT_TRUE(ack({{second, second + 4}}).loss_undone);
}

TEST_F(LossDetectorReordering, AnUndoneEpisodeMayMeetANewOne) {
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

TEST_F(LossDetectorReordering, ThePacketThresholdAdaptsToReordering) {
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

TEST_F(LossDetectorReordering, TheTimeThresholdAdaptsToReordering) {
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
TEST_F(LossDetectorReordering, AdaptationIsForgottenAfter16HonestLosses) {
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

}  // namespace
}  // namespace hawser::transport::loss_test
