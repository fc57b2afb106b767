#include "transport/sent_packets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

SentPacket packet_of(uint64_t number) {
  SentPacket packet;
  packet.number = number;
  packet.bytes = 100;
  return packet;
}

TEST(SentPackets, RecordsPacketsAndGaps) {
  FailingMemory memory;
  SentPackets packets(memory);
  packets.start_at(1000);
  EXPECT_TRUE(packets.empty());
  EXPECT_EQ(packets.next_number(), 1000U);
  EXPECT_EQ(packets.start_number(), 1000U);
  ASSERT_TRUE(packets.push(packet_of(1000)));
  ASSERT_TRUE(packets.push(packet_of(1003)));
  EXPECT_EQ(packets.size(), 4U);
  EXPECT_EQ(packets.next_number(), 1004U);
  EXPECT_EQ(packets.at(1002).state, kSentSkipped);
  EXPECT_EQ(packets.at(1002).number, 1002U);
  EXPECT_EQ(packets.at(1003).state, kSentInFlight);
  EXPECT_TRUE(packets.skipped_in(1002, 1003));
  EXPECT_FALSE(packets.skipped_in(1000, 1001));
  EXPECT_FALSE(packets.skipped_in(1003, 2000));
  EXPECT_FALSE(packets.push(packet_of(1003)));
  EXPECT_FALSE(packets.contains(999));
  EXPECT_FALSE(packets.contains(1004));
  packets.pop_front();
  packets.pop_front();
  packets.pop_front();
  EXPECT_FALSE(packets.skipped_in(1000, 2000));
  EXPECT_EQ(packets.first_number(), 1003U);
}

TEST(SentPackets, RefusesToTrackWithoutBound) {
  FailingMemory memory;
  SentPackets packets(memory);
  EXPECT_FALSE(packets.push(packet_of(uint64_t{1} << 62)));
  EXPECT_FALSE(packets.push(packet_of(SentPackets::kMaximumSlots)));
  EXPECT_TRUE(packets.empty());
  ASSERT_TRUE(packets.push(packet_of(SentPackets::kMaximumSlots - 1)));
  EXPECT_FALSE(packets.push(packet_of(SentPackets::kMaximumSlots)));
  packets.pop_front();
  EXPECT_TRUE(packets.push(packet_of(SentPackets::kMaximumSlots)));
}

TEST(SentPackets, FindsWhatIsNotAcknowledged) {
  for (const uint64_t seed : test::test_seeds(60)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    SentPackets packets(memory);
    const uint64_t start = random.chance(50) ? 0 : random.next() >> 20;
    packets.start_at(start);
    std::map<uint64_t, bool> settled;
    for (int step = 0; step < 3000; step++) {
      const uint64_t choice = random.below(100);
      if (choice < 45) {
        const uint64_t number = packets.next_number() + (random.chance(5) ? random.below(4) : 0);
        for (uint64_t n = packets.next_number(); n <= number; n++) settled[n] = false;
        ASSERT_TRUE(packets.push(packet_of(number)));
      } else if (choice < 80 && !packets.empty()) {
        // Settle a run downwards, as an ACK does.
        uint64_t number = packets.first_number() + random.below(packets.size());
        for (uint64_t count = random.between(1, 20); count > 0; count--) {
          packets.settle(number);
          settled[number] = true;
          if (number == packets.first_number()) break;
          number--;
        }
      } else if (choice < 90 && !packets.empty()) {
        settled.erase(packets.first_number());
        packets.pop_front();
      } else if (!packets.empty()) {
        for (uint64_t i = 0; i < 10; i++) {
          const uint64_t number = packets.first_number() + random.below(packets.size());
          uint64_t expected = SentPackets::kNone;
          for (uint64_t n = number + 1; n-- > packets.first_number();) {
            if (!settled[n]) {
              expected = n;
              break;
            }
          }
          ASSERT_EQ(packets.unsettled_at_or_below(number), expected);
        }
      }
      ASSERT_EQ(packets.size(), settled.size());
    }
  }
}

TEST(SentPackets, LongLivesOfSettledRunsStayRight) {
  FailingMemory memory;
  SentPackets packets(memory);
  for (uint64_t number = 0; number < 200'000; number++) {
    ASSERT_TRUE(packets.push(packet_of(number)));
    if (number % 1000 != 0) packets.settle(number);
    if (packets.size() > 5000) packets.pop_front();
    if (number % 97 == 0) {
      const uint64_t from = packets.next_number() - 1 - (number % 900);
      if (!packets.contains(from)) continue;
      const uint64_t expected = from / 1000 * 1000;
      ASSERT_EQ(packets.unsettled_at_or_below(from),
                packets.contains(expected) ? expected : SentPackets::kNone);
    }
  }
}

TEST(SentPackets, FailedAllocationChangesNothing) {
  // Three things may need memory: the first ring, the first gap, the growth of the ring.
  for (uint64_t skip = 0; skip < 3; skip++) {
    FailingMemory memory;
    SentPackets packets(memory);
    memory.fail_after(skip);
    uint64_t pushed = 0;
    for (uint64_t number = 1; number < 100; number += 2) {
      const uint64_t next = packets.next_number();
      const size_t size = packets.size();
      if (packets.push(packet_of(number))) {
        pushed++;
        continue;
      }
      EXPECT_EQ(packets.next_number(), next);
      EXPECT_EQ(packets.size(), size);
      EXPECT_FALSE(packets.skipped_in(next, UINT64_MAX));
      break;
    }
    EXPECT_LT(pushed, 50U);
    memory.heal();
    EXPECT_TRUE(packets.push(packet_of(packets.next_number() + 1)));
  }
}

TEST(SentPackets, NumbersGoOnAfterRelease) {
  FailingMemory memory;
  SentPackets packets(memory);
  packets.start_at(77);
  for (uint64_t number = 77; number < 200; number += 3)
    ASSERT_TRUE(packets.push(packet_of(number)));
  const uint64_t next = packets.next_number();
  packets.release();
  EXPECT_EQ(memory.in_use(), 0U);
  EXPECT_TRUE(packets.empty());
  EXPECT_EQ(packets.next_number(), next);
  EXPECT_EQ(packets.start_number(), 77U);
  ASSERT_TRUE(packets.push(packet_of(next)));
  EXPECT_EQ(packets.at(next).number, next);
  packets.release();
  packets.start_at(5);
  EXPECT_EQ(packets.next_number(), 5U);
  ASSERT_TRUE(packets.push(packet_of(6)));
  EXPECT_EQ(packets.at(6).number, 6U);
  EXPECT_TRUE(packets.skipped_in(5, 6));
}

}  // namespace
}  // namespace hawser::transport
