#include "transport/ack_tracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

std::string text(const AckTracker& tracker) {
  std::string result;
  for (size_t i = 0; i < tracker.range_count(); i++) {
    const Interval range = tracker.range(i);
    result.append("[").append(std::to_string(range.begin));
    result.append(",").append(std::to_string(range.end)).append(")");
  }
  return result;
}

AckPolicy policy_of(uint32_t packets, uint32_t reordering, Duration delay = 25 * kMillisecond) {
  AckPolicy policy;
  policy.packets = packets;
  policy.max_delay = delay;
  policy.reordering_threshold = reordering;
  return policy;
}

class AckTrackerTest : public testing::Test {
 protected:
  // Receives at `at`; true when an ACK is due at once.
  bool receive(uint64_t number, bool eliciting = true) {
    at_ += kMicrosecond;
    EXPECT_TRUE(tracker_.on_packet(at_, number, eliciting));
    return tracker_.ack_due(at_);
  }
  // Receives and acknowledges when due.
  bool answer(uint64_t number) {
    if (!receive(number)) return false;
    tracker_.on_ack_sent(at_);
    return true;
  }

  FailingMemory memory_;
  AckTracker tracker_{memory_};
  Time at_ = kSecond;
};

TEST_F(AckTrackerTest, NothingToSayAtFirst) {
  EXPECT_FALSE(tracker_.pending());
  EXPECT_EQ(tracker_.deadline(), kNever);
  EXPECT_FALSE(tracker_.ack_due(kNever - 1));
  EXPECT_EQ(tracker_.range_count(), 0U);
  tracker_.request_now();
  EXPECT_FALSE(tracker_.ack_due(kNever - 1));
}

TEST_F(AckTrackerTest, EverySecondPacketOrAfterTheDelay) {
  EXPECT_FALSE(receive(0));
  EXPECT_TRUE(tracker_.pending());
  EXPECT_EQ(tracker_.deadline(), at_ + 25 * kMillisecond);
  EXPECT_FALSE(tracker_.ack_due(at_ + 25 * kMillisecond - 1));
  EXPECT_TRUE(tracker_.ack_due(at_ + 25 * kMillisecond));
  EXPECT_TRUE(receive(1));
  EXPECT_LE(tracker_.deadline(), at_);
  EXPECT_EQ(text(tracker_), "[0,2)");
  EXPECT_EQ(tracker_.largest(), 1U);
  EXPECT_EQ(tracker_.largest_received_time(), at_);
  tracker_.on_ack_sent(at_);
  EXPECT_FALSE(tracker_.pending());
  EXPECT_EQ(tracker_.deadline(), kNever);
  EXPECT_FALSE(receive(2));
}

TEST_F(AckTrackerTest, TheDelayRunsFromTheFirstUnacknowledged) {
  tracker_.set_policy(policy_of(100, 3, 10 * kMillisecond));
  receive(0);
  const Time first = at_;
  at_ += 5 * kMillisecond;
  receive(1);
  EXPECT_EQ(tracker_.deadline(), first + 10 * kMillisecond);
}

TEST_F(AckTrackerTest, PacketsThatElicitNothingAreNamedButNotAnswered) {
  for (uint64_t number = 0; number < 50; number++) EXPECT_FALSE(receive(number, false));
  EXPECT_EQ(tracker_.deadline(), kNever);
  EXPECT_FALSE(tracker_.pending());
  // Not even when they leave gaps.
  EXPECT_FALSE(receive(60, false));
  EXPECT_EQ(text(tracker_), "[60,61)[0,50)");
  EXPECT_EQ(tracker_.largest_received_time(), at_);
}

TEST_F(AckTrackerTest, RequestMakesItDueNow) {
  tracker_.set_policy(policy_of(100, 3));
  receive(5);
  tracker_.request_now();
  EXPECT_TRUE(tracker_.ack_due(at_));
  tracker_.on_ack_sent(at_);
  EXPECT_FALSE(tracker_.ack_due(at_ + kSecond));
  tracker_.request_now();
  EXPECT_TRUE(tracker_.ack_due(at_));
  EXPECT_LE(tracker_.deadline(), at_);
}

TEST_F(AckTrackerTest, AGapIsReportedOnceWhenItReachesTheThreshold) {
  tracker_.set_policy(policy_of(1000, 3));
  EXPECT_FALSE(answer(0));
  EXPECT_FALSE(answer(2));  // 1 is missing, distance 1
  EXPECT_FALSE(answer(3));
  EXPECT_TRUE(answer(4));  // distance 3
  for (uint64_t number = 5; number < 50; number++) EXPECT_FALSE(answer(number)) << number;
  // The late packet fills a gap that was reported.
  EXPECT_FALSE(answer(1));
  // A new gap.
  EXPECT_FALSE(answer(51));
  EXPECT_FALSE(answer(52));
  EXPECT_TRUE(answer(53));
  EXPECT_FALSE(answer(54));
}

TEST_F(AckTrackerTest, AWideGapIsOneGap) {
  tracker_.set_policy(policy_of(1000, 3));
  EXPECT_FALSE(answer(0));
  EXPECT_TRUE(answer(100));
  for (uint64_t number = 101; number < 120; number++) EXPECT_FALSE(answer(number)) << number;
  // Nor does splitting it make new ones.
  EXPECT_FALSE(answer(50));
  EXPECT_FALSE(answer(60));
  EXPECT_FALSE(answer(120));
}

TEST_F(AckTrackerTest, ReorderingBelowTheThresholdIsQuiet) {
  tracker_.set_policy(policy_of(1000, 3));
  for (uint64_t number = 0; number < 300; number += 3) {
    EXPECT_FALSE(answer(number + 2));
    EXPECT_FALSE(answer(number + 1));
    EXPECT_FALSE(answer(number));
  }
}

TEST_F(AckTrackerTest, ThresholdOneReportsEveryGapAndEveryLatePacket) {
  tracker_.set_policy(policy_of(1000, 1));
  EXPECT_FALSE(answer(0));
  EXPECT_FALSE(answer(1));
  EXPECT_TRUE(answer(3));
  EXPECT_FALSE(answer(4));
  EXPECT_TRUE(answer(2));
}

TEST_F(AckTrackerTest, ThresholdZeroReportsNothingAtOnce) {
  tracker_.set_policy(policy_of(1000, 0));
  EXPECT_FALSE(answer(0));
  EXPECT_FALSE(answer(500));
  EXPECT_FALSE(answer(250));
}

TEST_F(AckTrackerTest, AnOrdinaryAckReportsGapsToo) {
  tracker_.set_policy(policy_of(1000, 3));
  answer(0);
  EXPECT_FALSE(receive(2));
  EXPECT_FALSE(receive(3, false));
  EXPECT_FALSE(receive(4, false));  // elicits nothing, so it does not trigger
  tracker_.on_ack_sent(at_);        // but this ACK shows that 1 is three below the largest
  EXPECT_FALSE(receive(5));
}

TEST_F(AckTrackerTest, SustainedLossCostsAnAckAGap) {
  tracker_.set_policy(policy_of(1000, 3));
  unsigned acks = 0;
  unsigned gaps = 0;
  for (uint64_t number = 0; number < 10'000; number++) {
    if (number % 10 == 5) {
      gaps++;
      continue;
    }
    if (answer(number)) acks++;
  }
  EXPECT_LE(acks, gaps);
  EXPECT_GE(acks, gaps - 1);
}

TEST_F(AckTrackerTest, AStrangerPolicyOrAnOlderOne) {
  AckPolicy policy = policy_of(10, 3);
  policy.generation = 7;
  tracker_.set_policy(policy);
  AckPolicy old = policy_of(1, 1);
  old.generation = 6;
  tracker_.set_policy(old);
  EXPECT_EQ(tracker_.policy().packets, 10U);
  AckPolicy odd = policy_of(0, 3, INT64_MAX);
  odd.generation = 8;
  tracker_.set_policy(odd);
  EXPECT_TRUE(receive(0));
  tracker_.on_ack_sent(at_);
  AckPolicy patient = policy_of(5, 3, INT64_MAX);
  patient.generation = 9;
  tracker_.set_policy(patient);
  EXPECT_FALSE(receive(1));
  EXPECT_EQ(tracker_.deadline(), kNever);
  AckPolicy eager = policy_of(1, 3);
  eager.generation = 10;
  tracker_.set_policy(eager);
  EXPECT_TRUE(tracker_.ack_due(at_));
}

TEST_F(AckTrackerTest, KeepsTheNewest64Ranges) {
  for (uint64_t i = 0; i < 100; i++) receive(1000 + 2 * i);
  EXPECT_EQ(tracker_.range_count(), AckTracker::kMaximumRanges);
  EXPECT_EQ(tracker_.range(0).begin, 1198U);
  EXPECT_EQ(tracker_.range(63).begin, 1198U - 126);
  // Older than all: not kept, and not an error.
  receive(10);
  EXPECT_EQ(tracker_.range(63).begin, 1198U - 126);
  EXPECT_EQ(tracker_.range_count(), 64U);
  // Joining the oldest is fine.
  receive(1198 - 127);
  EXPECT_EQ(tracker_.range(63).begin, 1198U - 127);
  // Between two: the oldest goes.
  receive(1199 + 100);
  EXPECT_EQ(tracker_.range_count(), 64U);
  EXPECT_EQ(tracker_.range(63).begin, 1198U - 124);
}

TEST_F(AckTrackerTest, LargestTimeIsOfTheLargest) {
  receive(10);
  const Time then = at_;
  receive(5);
  EXPECT_EQ(tracker_.largest_received_time(), then);
  receive(11);
  EXPECT_EQ(tracker_.largest_received_time(), at_);
}

TEST_F(AckTrackerTest, AnAckOfAnAckForgetsWhatItNamed) {
  for (const uint64_t number : {1U, 2U, 4U, 5U, 7U, 8U, 9U}) receive(number);
  EXPECT_EQ(text(tracker_), "[7,10)[4,6)[1,3)");
  tracker_.on_ack_of_ack(1);
  EXPECT_EQ(text(tracker_), "[7,10)[4,6)[2,3)");
  tracker_.on_ack_of_ack(5);
  EXPECT_EQ(text(tracker_), "[7,10)");
  tracker_.on_ack_of_ack(8);
  EXPECT_EQ(text(tracker_), "[7,10)");
  tracker_.on_ack_of_ack(100);
  EXPECT_EQ(text(tracker_), "[7,10)");
  // What comes late is still acknowledged.
  receive(3);
  EXPECT_EQ(text(tracker_), "[7,10)[3,4)");
}

TEST_F(AckTrackerTest, WithoutMemoryNothingChangesAtFirst) {
  memory_.fail_after(0);
  EXPECT_FALSE(tracker_.on_packet(5, 1, true));
  EXPECT_FALSE(tracker_.pending());
  EXPECT_EQ(tracker_.deadline(), kNever);
  EXPECT_EQ(tracker_.range_count(), 0U);
}

// Otherwise nothing would be acknowledged any more, nor would our ACKs be, which lets ranges go.
TEST_F(AckTrackerTest, WithoutMemoryForARangeTheOldestOneGoes) {
  for (uint64_t number = 2; number < 18; number += 2) receive(number);
  tracker_.on_ack_sent(at_);
  memory_.fail_after(0);
  EXPECT_TRUE(tracker_.on_packet(at_, 100, true));
  EXPECT_EQ(text(tracker_), "[100,101)[16,17)[14,15)[12,13)[10,11)[8,9)[6,7)[4,5)");
  EXPECT_TRUE(tracker_.pending());
  // Not for what is older still.
  EXPECT_FALSE(tracker_.on_packet(at_, 1, true));
  EXPECT_EQ(text(tracker_), "[100,101)[16,17)[14,15)[12,13)[10,11)[8,9)[6,7)[4,5)");
  // Where no new range is needed it goes on.
  EXPECT_TRUE(tracker_.on_packet(at_, 17, true));
}

TEST_F(AckTrackerTest, AllocatesNothingInSteadyState) {
  test::TestRandom random(1);
  uint64_t requests = 0;
  for (uint64_t number = 0; number < 50'000; number++) {
    if (number == 2000) requests = memory_.requests();
    if (random.chance(20)) continue;
    answer(number);
  }
  EXPECT_EQ(memory_.requests(), requests);
  tracker_.release();
  EXPECT_EQ(memory_.in_use(), 0U);
}

// Against a set of numbers, with loss, reordering and acknowledged ACKs.
TEST_F(AckTrackerTest, RangesAreWhatCame) {
  for (const uint64_t seed : test::test_seeds(40)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    AckTracker tracker(memory);
    tracker.set_policy(policy_of(static_cast<uint32_t>(random.between(1, 20)),
                                 static_cast<uint32_t>(random.below(6))));
    std::set<uint64_t> came;
    uint64_t top = random.below(1000);
    Time now = 0;
    for (int step = 0; step < 3000; step++) {
      now += 1000;
      uint64_t number = top;
      if (random.chance(10)) number += random.between(1, 5);
      if (random.chance(20) && number > 10) number -= random.between(1, 10);
      top = std::max(top, number + 1);
      if (came.count(number) != 0) continue;
      const bool eliciting = random.chance(80);
      ASSERT_TRUE(tracker.on_packet(now, number, eliciting));
      came.insert(number);
      if (tracker.ack_due(now)) {
        ASSERT_LE(tracker.deadline(), now);
        tracker.on_ack_sent(now);
        ASSERT_FALSE(tracker.ack_due(now + kSecond));
      }
      if (random.chance(2)) tracker.on_ack_of_ack(number);
      ASSERT_LE(tracker.range_count(), AckTracker::kMaximumRanges);
      ASSERT_EQ(tracker.largest(), *came.rbegin());
      for (size_t i = 0; i < tracker.range_count(); i++) {
        const Interval range = tracker.range(i);
        ASSERT_LT(range.begin, range.end);
        if (i > 0) {
          ASSERT_LT(range.end, tracker.range(i - 1).begin);
        }
        for (uint64_t n = range.begin; n < range.end && step % 100 == 0; n++) {
          ASSERT_EQ(came.count(n), 1U) << n;
        }
      }
    }
  }
}

TEST_F(AckTrackerTest, SaysWhatCalledForAnAck) {
  tracker_.set_policy(policy_of(3, 3));
  EXPECT_EQ(tracker_.cause(at_), AckCause::kCarried);
  receive(1);
  EXPECT_EQ(tracker_.cause(at_), AckCause::kCarried);
  EXPECT_EQ(tracker_.cause(at_ + 25 * kMillisecond), AckCause::kDelay);
  receive(2);
  receive(3);
  EXPECT_EQ(tracker_.cause(at_), AckCause::kPackets);
  tracker_.on_ack_sent(at_);
  EXPECT_EQ(tracker_.cause(at_ + kSecond), AckCause::kCarried);
  receive(4);
  receive(8);
  EXPECT_EQ(tracker_.cause(at_), AckCause::kGap);
  // What called first counts.
  tracker_.request_now(AckCause::kMessages);
  EXPECT_EQ(tracker_.cause(at_), AckCause::kGap);
  tracker_.on_ack_sent(at_);
  tracker_.request_now(AckCause::kTimeout);
  tracker_.request_now();
  EXPECT_EQ(tracker_.cause(at_), AckCause::kTimeout);
  tracker_.on_ack_sent(at_);
  tracker_.request_now();
  EXPECT_EQ(tracker_.cause(at_), AckCause::kRequested);
}

}  // namespace
}  // namespace hawser::transport
