#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "test/support/loss_detector_fixture.h"
#include "test/support/test_random.h"
#include "transport/loss_detector.h"

namespace hawser::transport::loss_test {
namespace {

class LossDetectorBounds : public LossDetectorTest {};

TEST_F(LossDetectorBounds, RefusesAcksOfWhatWasNeverSent) {
  detector_.start_at(1000);
  send_many(5);
  ASSERT_TRUE(detector_.on_sent(packet_of(1007, now_)));  // 1005 and 1006 are skipped
  send();
  now_ += kMillisecond;
  const std::vector<std::vector<Interval>> bad = {
      {{1008, 1010}},                // beyond the newest
      {{0, uint64_t{1} << 62}},      // everything
      {{999, 1001}},                 // below the first
      {{0, 1}},                      //
      {{1004, 1006}},                // a skipped one
      {{1005, 1006}},                //
      {{1003, 1009}},                //
      {{1007, 1009}, {1000, 1006}},  //
      {{1003, 1003}},                // empty
      {{1004, 1003}},                // backwards
      {{1000, 1001}, {1002, 1003}},  // oldest first
      {{1002, 1004}, {1001, 1003}},  // overlapping
      {{1007, 1008}, {1004, 1005}, {UINT64_MAX - 1, UINT64_MAX}},
  };
  for (const auto& ranges : bad) {
    recorder_.clear();
    const auto result =
        detector_.on_ack(now_, ranges.data(), ranges.size(), 0, kPeerDelay, rtt_, recorder_);
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
TEST_F(LossDetectorBounds, ASkippedNumberIsRememberedWithItsSuccessor) {
  send_many(3);
  ASSERT_TRUE(detector_.on_sent(packet_of(4, now_)));
  now_ += kMillisecond;
  EXPECT_TRUE(ack({{0, 3}}).valid);
  EXPECT_FALSE(ack({{0, 5}}).valid);
  EXPECT_TRUE(ack({{4, 5}, {0, 3}}).valid);
  EXPECT_EQ(recorder_.acked, (Numbers{4}));
  EXPECT_EQ(detector_.tracked(), 0U);
}

TEST_F(LossDetectorBounds, RefusesNumbersThatDoNotRise) {
  send_many(3);
  EXPECT_FALSE(detector_.on_sent(packet_of(2, now_)));
  EXPECT_FALSE(detector_.on_sent(packet_of(uint64_t{1} << 61, now_)));
  EXPECT_EQ(detector_.next_number(), 3U);
  EXPECT_EQ(detector_.bytes_in_flight(), 3U * kBytes);
}

TEST_F(LossDetectorBounds, PacketsThatOnlyCarryAcksAreNeverLostOrTimed) {
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

TEST_F(LossDetectorBounds, ASideThatOnlyAcknowledgesTracksABoundedNumber) {
  warm_up(50 * kMillisecond);
  size_t most = 0;
  for (int i = 0; i < 100'000; i++) {
    now_ += kMillisecond;
    send(false);
    most = std::max(most, detector_.tracked());
  }
  EXPECT_LT(most, 1000U);
}

TEST_F(LossDetectorBounds, LostPacketsAreKeptForTwoProbeTimeouts) {
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

TEST_F(LossDetectorBounds, KeptLossesDoNotHoldUpTheRingForLong) {
  warm_up(50 * kMillisecond);
  const uint64_t first = detector_.next_number();
  send_many(4);
  now_ += 50 * kMillisecond;
  ack({{first + 1, first + 4}});
  EXPECT_EQ(recorder_.lost, (Numbers{first}));
  size_t most = 0;
  for (int i = 0; i < 3000; i++) {
    const uint64_t number = send();
    most = std::max(most, detector_.tracked());
    ack({{number, number + 1}});
  }
  EXPECT_GT(most, 1000U);
  EXPECT_LE(most, LossDetector::kKeptRecords + 8);
}

TEST_F(LossDetectorBounds, TimeThatGoesBackIsIgnored) {
  const Time sent = now_;
  send();
  now_ -= kSecond;
  send();
  now_ = sent + 20 * kMillisecond;
  EXPECT_EQ(ack({{1, 2}}).largest_newly_acked_sent_at, sent);
  EXPECT_EQ(rtt_.latest(), 20 * kMillisecond);
}

TEST_F(LossDetectorBounds, FramesOfKeptPacketsCanBeFound) {
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

TEST_F(LossDetectorBounds, DeliverySamplesAreRecorded) {
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

TEST_F(LossDetectorBounds, AppLimitedIsThatOfTheNewest) {
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

TEST_F(LossDetectorBounds, ReleaseForgetsAllButTheNumbers) {
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

TEST_F(LossDetectorBounds, WithoutMemoryAPacketIsNotRecorded) {
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

TEST_F(LossDetectorBounds, AReservedPacketIsRecordedWithoutMemory) {
  for (int i = 0; i < 40; i++) {
    memory_.heal();
    ASSERT_TRUE(detector_.reserve_one(now_));
    memory_.fail_after(0);
    ASSERT_TRUE(detector_.on_sent(packet_of(detector_.next_number(), now_)));
  }
  unsigned more = 0;
  while (detector_.reserve_one(now_) && more++ < 100) send();
  EXPECT_LT(more, 100U);
  EXPECT_FALSE(detector_.on_sent(packet_of(detector_.next_number(), now_)));
}

TEST_F(LossDetectorBounds, WithoutMemoryLostPacketsMakeRoom) {
  send_many(16);
  now_ += 20 * kMillisecond;
  ack({{1, 16}});
  EXPECT_EQ(recorder_.lost, (Numbers{0}));
  EXPECT_EQ(detector_.tracked(), 16U);
  memory_.fail_after(0);
  EXPECT_EQ(send(), 16U);
  EXPECT_EQ(detector_.tracked(), 1U);
}

TEST_F(LossDetectorBounds, AllocatesNothingInSteadyState) {
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
    ASSERT_TRUE(
        detector_.on_ack(now_, ranges.data(), ranges.size(), 0, kPeerDelay, rtt_, recorder_).valid);
    recorder_.clear();
    if (now_ >= deadline()) detector_.on_timeout(now_, rtt_, kPeerDelay, recorder_);
  }
  EXPECT_EQ(memory_.requests(), requests);
  EXPECT_LT(detector_.tracked(), 4096U);
}

TEST_F(LossDetectorBounds, WithoutMemoryTheOldestPacketGivesItsRecordUp) {
  const uint64_t first = send();
  const size_t places = 4;
  for (size_t i = 1; i < places; i++) send();
  memory_.fail_after(0);
  ASSERT_FALSE(detector_.reserve_one(now_));
  ASSERT_TRUE(detector_.displace_one(now_, recorder_));
  EXPECT_EQ(recorder_.lost, (Numbers{first}));
  // No loss that anybody counts, and no sample if it is acknowledged.
  EXPECT_EQ(detector_.lost_packets(), 0U);
  EXPECT_EQ(detector_.bytes_in_flight(), 3U * kBytes);
  EXPECT_EQ(detector_.packets_in_flight(), 3U);
  ASSERT_TRUE(detector_.on_sent(packet_of(first + 4, now_, false)));
  EXPECT_FALSE(detector_.reserve_one(now_));
  // With room, nobody has to go.
  now_ += kMillisecond;
  EXPECT_TRUE(ack({{first, first + 3}}).any_new);
  EXPECT_EQ(recorder_.acked, (Numbers{first + 2, first + 1}));
  ASSERT_TRUE(detector_.displace_one(now_, recorder_));
  EXPECT_TRUE(recorder_.lost.empty());
  EXPECT_EQ(detector_.bytes_in_flight(), kBytes);
}

// A side that only acknowledges does so for ever.
TEST_F(LossDetectorBounds, WithoutMemoryAcksGoOn) {
  ASSERT_TRUE(detector_.reserve_any());
  memory_.fail_after(0);
  for (int i = 0; i < 1000; i++) {
    now_ += kMillisecond;
    ASSERT_TRUE(detector_.displace_one(now_, recorder_)) << i;
    send(i % 7 == 0);
  }
  EXPECT_LE(detector_.packets_in_flight(), 4U);
  LossDetector without(memory_);
  EXPECT_FALSE(without.reserve_any());
  EXPECT_FALSE(without.displace_one(now_, recorder_));
}

}  // namespace
}  // namespace hawser::transport::loss_test
