#include "transport/packet_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

TEST(PacketWindow, RemembersWhatCame) {
  FailingMemory memory;
  PacketWindow window(memory);
  ASSERT_TRUE(window.ensure(1024));
  EXPECT_FALSE(window.any());
  EXPECT_EQ(window.largest(), 0U);
  EXPECT_FALSE(window.seen_or_too_old(0));
  EXPECT_FALSE(window.seen_or_too_old(5000));
  window.mark(5000);
  EXPECT_TRUE(window.any());
  EXPECT_EQ(window.largest(), 5000U);
  EXPECT_TRUE(window.seen_or_too_old(5000));
  EXPECT_FALSE(window.seen_or_too_old(5001));
  EXPECT_FALSE(window.seen_or_too_old(4999));
  EXPECT_FALSE(window.seen_or_too_old(5000 - 1023));
  EXPECT_TRUE(window.seen_or_too_old(5000 - 1024));
  EXPECT_TRUE(window.seen_or_too_old(0));
  window.mark(4999);
  EXPECT_TRUE(window.seen_or_too_old(4999));
  EXPECT_EQ(window.largest(), 5000U);
}

TEST(PacketWindow, ZeroIsANumber) {
  FailingMemory memory;
  PacketWindow window(memory);
  ASSERT_TRUE(window.ensure(1024));
  window.mark(0);
  EXPECT_TRUE(window.any());
  EXPECT_TRUE(window.seen_or_too_old(0));
  EXPECT_FALSE(window.seen_or_too_old(1));
}

TEST(PacketWindow, AJumpForgetsExactlyWhatFallsOut) {
  for (const uint64_t jump :
       {1ULL, 63ULL, 64ULL, 65ULL, 1022ULL, 1023ULL, 1024ULL, 1025ULL, 4096ULL, 1ULL << 40}) {
    for (const uint64_t start : {2048ULL, 2049ULL, 2111ULL}) {
      SCOPED_TRACE(testing::Message() << "jump " << jump << " from " << start);
      FailingMemory memory;
      PacketWindow window(memory);
      ASSERT_TRUE(window.ensure(1024));
      for (uint64_t number = start - 1023; number <= start; number++) window.mark(number);
      window.mark(start + jump);
      for (uint64_t back = 0; back < 1024 + 130; back++) {
        const uint64_t number = start + jump - back;
        const bool expected = back == 0 || back >= 1024 || number <= start;
        ASSERT_EQ(window.seen_or_too_old(number), expected) << number;
      }
    }
  }
}

TEST(PacketWindow, SizesAreClampedAndRounded) {
  FailingMemory memory;
  PacketWindow window(memory);
  ASSERT_TRUE(window.ensure(1));
  EXPECT_EQ(window.bits(), PacketWindow::kMinimumBits);
  ASSERT_TRUE(window.ensure(3000));
  EXPECT_EQ(window.bits(), 4096U);
  ASSERT_TRUE(window.ensure(1024));
  EXPECT_EQ(window.bits(), 4096U);
  ASSERT_TRUE(window.ensure(1 << 20));
  EXPECT_EQ(window.bits(), PacketWindow::kMaximumBits);
}

// Against a set of the numbers that came and the number below which nothing is known.
TEST(PacketWindow, BehavesAsASetWithABound) {
  for (const uint64_t seed : test::test_seeds(60)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    PacketWindow window(memory);
    size_t bits = 1024;
    ASSERT_TRUE(window.ensure(bits));
    std::set<uint64_t> seen;
    uint64_t largest = random.chance(50) ? random.below(2000) : random.next() >> 3;
    // Numbers below are unknown, so they count as seen.
    uint64_t unknown_below = largest > bits - 1 ? largest - (bits - 1) : 0;
    window.mark(largest);
    seen.insert(largest);
    for (int step = 0; step < 3000; step++) {
      uint64_t number = 0;
      const uint64_t choice = random.below(100);
      if (choice < 60) {
        const uint64_t back = random.below(bits + 200);
        number = largest >= back ? largest - back : 0;
      } else if (choice < 97) {
        number = largest + random.between(1, 40);
      } else {
        number = largest + random.between(1, 3 * bits);
      }
      const bool expected = number < unknown_below || seen.count(number) != 0;
      ASSERT_EQ(window.seen_or_too_old(number), expected) << number << " of " << largest;
      if (!expected && random.chance(80)) {
        window.mark(number);
        seen.insert(number);
        if (number > largest) {
          largest = number;
          if (largest > bits - 1) unknown_below = std::max(unknown_below, largest - (bits - 1));
        }
      }
      if (random.below(600) == 0 && bits < 16384) {
        bits *= random.chance(50) ? 2 : 4;
        ASSERT_TRUE(window.ensure(bits));
      }
      ASSERT_EQ(window.largest(), largest);
      if (step % 500 == 0) {
        for (uint64_t back = 0; back < bits + 100 && back <= largest; back++) {
          const uint64_t n = largest - back;
          ASSERT_EQ(window.seen_or_too_old(n), n < unknown_below || seen.count(n) != 0) << n;
        }
      }
    }
  }
}

TEST(PacketWindow, AfterReleaseNothingOldIsNew) {
  FailingMemory memory;
  PacketWindow window(memory);
  ASSERT_TRUE(window.ensure(1024));
  window.mark(3000);
  window.release();
  EXPECT_EQ(memory.in_use(), 0U);
  EXPECT_EQ(window.largest(), 3000U);
  EXPECT_TRUE(window.seen_or_too_old(2999));
  EXPECT_FALSE(window.seen_or_too_old(3001));
  ASSERT_TRUE(window.ensure(1024));
  for (uint64_t number = 0; number <= 3000; number++) ASSERT_TRUE(window.seen_or_too_old(number));
  window.mark(3005);
  EXPECT_FALSE(window.seen_or_too_old(3004));
  EXPECT_TRUE(window.seen_or_too_old(2999));
}

TEST(PacketWindow, WithoutMemoryItOnlyGoesUp) {
  FailingMemory memory;
  memory.fail_after(0);
  PacketWindow window(memory);
  EXPECT_FALSE(window.ensure(1024));
  window.mark(7);
  EXPECT_TRUE(window.seen_or_too_old(7));
  EXPECT_TRUE(window.seen_or_too_old(6));
  EXPECT_FALSE(window.seen_or_too_old(8));
}

TEST(PacketWindow, FailedGrowthKeepsTheOldWindow) {
  FailingMemory memory;
  PacketWindow window(memory);
  ASSERT_TRUE(window.ensure(1024));
  window.mark(100);
  window.mark(90);
  memory.fail_after(0);
  EXPECT_FALSE(window.ensure(2048));
  EXPECT_EQ(window.bits(), 1024U);
  EXPECT_TRUE(window.seen_or_too_old(90));
  EXPECT_FALSE(window.seen_or_too_old(91));
}

TEST(PacketWindow, AShortOneKnowsAsMuchAsALongOneWhileItReaches) {
  constexpr size_t kLong = 8192;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    SCOPED_TRACE(seed);
    test::TestRandom random(seed);
    FailingMemory memory;
    PacketWindow growing(memory);
    PacketWindow whole(memory);
    ASSERT_TRUE(growing.ensure(PacketWindow::kMinimumBits));
    ASSERT_TRUE(whole.ensure(kLong));
    // Where a peer begins.
    const uint64_t first = random.below(uint64_t{1} << 31) + PacketWindow::kBelowFirst;
    uint64_t next = first + random.below(40);
    bool grew = false;
    for (int i = 0; i < 6000; i++) {
      if (i % 2000 == 1999) {
        // As a session that sleeps, and wakes up.
        growing.release();
        whole.release();
        ASSERT_TRUE(growing.ensure(PacketWindow::kMinimumBits));
        ASSERT_TRUE(whole.ensure(kLong));
      }
      const uint64_t kind = random.below(100);
      const uint64_t ahead = kind == 0 ? random.below(20'000) : random.below(3);
      const uint64_t back = random.below(kind < 10 ? 9'000 : 40);
      const bool forward = random.below(2) == 0 || back > next - first;
      const uint64_t number = forward ? next + ahead : next - back;
      ASSERT_EQ(growing.seen_or_too_old(number), whole.seen_or_too_old(number)) << number;
      if (whole.seen_or_too_old(number)) continue;
      if (!growing.reaches(number)) {
        ASSERT_TRUE(growing.ensure(kLong));
        grew = true;
      }
      growing.mark(number);
      whole.mark(number);
      next = std::max(next, number + 1);
      if (i < 100) {
        EXPECT_TRUE(!grew || next - first > 700) << i;
      }
    }
    EXPECT_TRUE(grew);
  }
}

TEST(PacketWindow, MemoryThatWasRefusedIsNotAskedForWithEveryPacket) {
  FailingMemory memory;
  PacketWindow window(memory);
  ASSERT_TRUE(window.ensure(PacketWindow::kMinimumBits));
  memory.fail_after(0);
  for (uint64_t number = 5'000; number < 15'000; number++) {
    if (!window.reaches(number) && !window.ensure(8'192)) window.put_off();
    window.mark(number);
    // Nor for one that comes late.
    EXPECT_TRUE(window.reaches(number - 300)) << number;
  }
  EXPECT_EQ(memory.refused(), 10u);
  memory.heal();
  uint64_t number = 15'000;
  for (; window.reaches(number); number++) window.mark(number);
  EXPECT_LE(number, 15'000 + PacketWindow::kMinimumBits);
}

}  // namespace
}  // namespace hawser::transport
