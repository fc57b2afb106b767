#include "transport/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using Entry = TimerWheel::Entry;
constexpr Duration kTick = 1 << 16;

std::vector<Entry*> pop_all(TimerWheel& wheel, Time now) {
  std::vector<Entry*> popped;
  while (Entry* entry = wheel.pop_expired(now)) popped.push_back(entry);
  return popped;
}

TEST(TimerWheel, FiresAtTheExactDeadline) {
  TimerWheel wheel(0);
  EXPECT_EQ(wheel.next_expiry(), kNever);
  EXPECT_EQ(wheel.pop_expired(kSecond), nullptr);
  Entry entry;
  EXPECT_FALSE(entry.armed());
  for (const Duration delay : {Duration{1}, kTick - 1, kTick, kTick + 1, 64 * kTick, 5 * kSecond,
                               3600 * kSecond, Duration{100} * 86400 * kSecond}) {
    SCOPED_TRACE(delay);
    const Time now = kSecond + 12345;
    TimerWheel fresh(now);
    fresh.arm(entry, now + delay);
    EXPECT_TRUE(entry.armed());
    EXPECT_EQ(entry.deadline, now + delay);
    EXPECT_LE(fresh.next_expiry(), now + delay);
    EXPECT_EQ(fresh.pop_expired(now), nullptr);
    EXPECT_EQ(fresh.pop_expired(now + delay - 1), nullptr);
    EXPECT_EQ(fresh.next_expiry(), now + delay);
    EXPECT_EQ(fresh.pop_expired(now + delay), &entry);
    EXPECT_FALSE(entry.armed());
    EXPECT_EQ(fresh.pop_expired(now + delay), nullptr);
    EXPECT_EQ(fresh.next_expiry(), kNever);
  }
}

TEST(TimerWheel, APastDeadlineIsDueAtOnce) {
  TimerWheel wheel(kSecond);
  Entry entry;
  wheel.arm(entry, 5);
  EXPECT_LE(wheel.next_expiry(), kSecond);
  EXPECT_EQ(wheel.pop_expired(kSecond), &entry);
}

TEST(TimerWheel, RearmingMovesTheDeadline) {
  TimerWheel wheel(0);
  Entry entry;
  wheel.arm(entry, kSecond);
  wheel.arm(entry, 2 * kSecond);
  EXPECT_EQ(wheel.pop_expired(kSecond), nullptr);
  EXPECT_EQ(wheel.next_expiry(), 2 * kSecond);
  wheel.arm(entry, kSecond + 5);
  EXPECT_EQ(wheel.next_expiry(), kSecond + 5);
  EXPECT_EQ(wheel.pop_expired(kSecond + 5), &entry);
  wheel.arm(entry, 3 * kSecond);
  wheel.arm(entry, kNever);
  EXPECT_FALSE(entry.armed());
  EXPECT_EQ(wheel.next_expiry(), kNever);
}

TEST(TimerWheel, CancelledDoesNotFire) {
  TimerWheel wheel(0);
  Entry a;
  Entry b;
  wheel.arm(a, kSecond);
  wheel.arm(b, kSecond);
  EXPECT_EQ(wheel.next_expiry(), kSecond);
  wheel.cancel(b);
  wheel.cancel(a);
  wheel.cancel(a);
  EXPECT_EQ(wheel.next_expiry(), kNever);
  wheel.arm(b, kSecond);
  EXPECT_EQ(pop_all(wheel, 2 * kSecond), std::vector<Entry*>{&b});
}

TEST(TimerWheel, AnEntryMayDieArmed) {
  TimerWheel wheel(0);
  Entry stays;
  wheel.arm(stays, 3 * kSecond);
  {
    Entry dies;
    wheel.arm(dies, kSecond);
  }
  EXPECT_LE(wheel.next_expiry(), kSecond);
  EXPECT_EQ(wheel.pop_expired(kSecond), nullptr);
  EXPECT_EQ(wheel.next_expiry(), 3 * kSecond);
  EXPECT_EQ(wheel.pop_expired(3 * kSecond), &stays);
}

TEST(TimerWheel, AWheelMayDieWithArmedEntries) {
  Entry near;
  Entry far;
  Entry due;
  Entry other;
  {
    TimerWheel wheel(0);
    wheel.arm(near, kSecond);
    wheel.arm(far, int64_t{1} << 60);
    wheel.arm(due, 1);
    wheel.arm(other, 1);
    EXPECT_NE(wheel.pop_expired(1), nullptr);
  }
  EXPECT_FALSE(near.armed());
  EXPECT_FALSE(far.armed());
  EXPECT_FALSE(due.armed());
  EXPECT_FALSE(other.armed());
}

TEST(TimerWheel, WhatIsDueMayBeCancelledOrMoved) {
  TimerWheel wheel(0);
  Entry a;
  Entry b;
  Entry c;
  wheel.arm(a, 10);
  wheel.arm(b, 11);
  wheel.arm(c, 12);
  EXPECT_EQ(wheel.pop_expired(100), &a);
  EXPECT_LE(wheel.next_expiry(), 11);
  wheel.cancel(b);
  wheel.arm(c, kSecond);
  EXPECT_EQ(wheel.pop_expired(100), nullptr);
  EXPECT_EQ(wheel.next_expiry(), kSecond);
  EXPECT_EQ(wheel.pop_expired(kSecond), &c);
}

TEST(TimerWheel, WhatIsDueIsExpectedUntilItIsPopped) {
  TimerWheel wheel(0);
  Entry a;
  Entry b;
  wheel.arm(a, 11);
  wheel.arm(b, 10);
  EXPECT_NE(wheel.pop_expired(100), nullptr);
  EXPECT_LE(wheel.next_expiry(), 11);
  EXPECT_NE(wheel.pop_expired(100), nullptr);
  EXPECT_EQ(wheel.next_expiry(), kNever);
}

TEST(TimerWheel, AHandlerMayArmAgain) {
  TimerWheel wheel(0);
  Entry entry;
  Time now = 0;
  wheel.arm(entry, kMillisecond);
  for (int i = 1; i <= 100; i++) {
    now = wheel.next_expiry();
    ASSERT_EQ(now, i * kMillisecond);
    ASSERT_EQ(wheel.pop_expired(now), &entry);
    wheel.arm(entry, now + kMillisecond);
    ASSERT_EQ(wheel.pop_expired(now), nullptr);
  }
}

TEST(TimerWheel, NegativeAndExtremeTimesWork) {
  TimerWheel wheel(-10 * kSecond);
  Entry a;
  Entry b;
  wheel.arm(a, -kSecond);
  wheel.arm(b, INT64_MAX - 1);
  EXPECT_EQ(wheel.pop_expired(-kSecond - 1), nullptr);
  EXPECT_EQ(wheel.pop_expired(kSecond), &a);
  EXPECT_EQ(wheel.pop_expired(INT64_MAX - 2), nullptr);
  EXPECT_EQ(wheel.pop_expired(INT64_MAX - 1), &b);
}

// A slot with many entries is not searched; the bound must still come nearer with every call.
TEST(TimerWheel, ACrowdedSlotIsReachedInAFewSteps) {
  const Time start = 7 * kSecond + 99;
  TimerWheel wheel(start);
  std::vector<Entry> entries(1000);
  for (size_t i = 0; i < entries.size(); i++) {
    wheel.arm(entries[i], start + 3600 * kSecond + static_cast<Time>(i));
  }
  int steps = 0;
  while (wheel.next_expiry() < start + 3600 * kSecond) {
    const Time next = wheel.next_expiry();
    ASSERT_EQ(wheel.pop_expired(next), nullptr);
    ASSERT_GT(wheel.next_expiry(), next);
    ASSERT_LT(++steps, 10);
  }
  EXPECT_EQ(pop_all(wheel, start + 3600 * kSecond + 499).size(), 500U);
  EXPECT_EQ(wheel.next_expiry(), start + 3600 * kSecond + 500);
  EXPECT_EQ(pop_all(wheel, kNever - 1).size(), 500U);
}

// Delays of every size, from within a tick to beyond the levels.
Duration random_delay(test::TestRandom& random) {
  const auto bits = static_cast<unsigned>(random.below(random.chance(5) ? 58 : 42));
  return static_cast<Duration>(random.below(uint64_t{2} << bits));
}

// Against a list that is searched: nothing fires early, late, twice or out of order.
TEST(TimerWheel, BehavesAsASortedList) {
  for (const uint64_t seed : test::test_seeds(80)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    Time now = seed % 4 == 0 ? -static_cast<Time>(random.below(kSecond))
                             : static_cast<Time>(random.next() >> 6);
    TimerWheel wheel(now);
    constexpr size_t kEntries = 60;
    std::vector<std::unique_ptr<Entry>> entries;
    for (size_t i = 0; i < kEntries; i++) entries.push_back(std::make_unique<Entry>());
    std::map<Entry*, Time> armed;
    const auto earliest = [&] {
      Time minimum = kNever;
      for (const auto& [entry, deadline] : armed) minimum = std::min(minimum, deadline);
      return minimum;
    };
    for (int step = 0; step < 2000; step++) {
      const size_t index = random.below(kEntries);
      Entry* entry = entries[index].get();
      const uint64_t choice = random.below(100);
      if (choice < 45) {
        const Duration delay = random_delay(random);
        const Time deadline = random.chance(10) ? now - delay % kSecond : now + delay;
        wheel.arm(*entry, deadline);
        armed[entry] = deadline;
      } else if (choice < 60) {
        wheel.cancel(*entry);
        armed.erase(entry);
      } else if (choice < 63) {
        armed.erase(entry);
        entries[index] = std::make_unique<Entry>();
      } else {
        Time to = now;
        if (choice < 80) {
          to = std::max(now, wheel.next_expiry());
          if (to == kNever) to = now + 1;
        } else if (choice < 90 && !armed.empty()) {
          // Just before, at, or just after a real deadline.
          to = std::max(now, earliest() + static_cast<Time>(random.below(3)) - 1);
        } else {
          to = now + random_delay(random) % (int64_t{1} << 45);
        }
        now = to;
        const int stop_after = random.chance(10) ? static_cast<int>(random.below(3)) : 1000;
        for (int popped = 0; popped < stop_after; popped++) {
          Entry* due = wheel.pop_expired(now);
          if (due == nullptr) {
            ASSERT_GT(earliest(), now);
            break;
          }
          ASSERT_EQ(armed.count(due), 1U);
          ASSERT_LE(armed[due], now);
          ASSERT_FALSE(due->armed());
          armed.erase(due);
        }
      }
      ASSERT_LE(wheel.next_expiry(), earliest());
      // The bound of a destroyed entry may be left.
      if (!armed.empty()) {
        ASSERT_NE(wheel.next_expiry(), kNever);
      }
    }
    // Drain by next_expiry() alone: it must make progress.
    int steps = 0;
    while (!armed.empty()) {
      const Time next = wheel.next_expiry();
      ASSERT_LE(next, earliest());
      now = std::max(now, next);
      while (Entry* due = wheel.pop_expired(now)) {
        ASSERT_LE(armed[due], now);
        armed.erase(due);
      }
      ASSERT_GT(earliest(), now);
      ASSERT_LT(++steps, 1000);
    }
    if (wheel.next_expiry() != kNever) {
      ASSERT_EQ(wheel.pop_expired(wheel.next_expiry()), nullptr);
    }
    ASSERT_EQ(wheel.next_expiry(), kNever);
  }
}

TEST(TimerWheel, PopsInTheOrderOfTicks) {
  for (const uint64_t seed : test::test_seeds(20)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    const Time now = static_cast<Time>(random.below(kSecond));
    TimerWheel wheel(now);
    std::vector<Entry> entries(300);
    std::map<Entry*, Time> deadlines;
    for (Entry& entry : entries) {
      deadlines[&entry] = now + random_delay(random) % (int64_t{1} << 40);
      wheel.arm(entry, deadlines[&entry]);
    }
    Time tick = INT64_MIN;
    size_t popped = 0;
    while (Entry* entry = wheel.pop_expired(now + (int64_t{1} << 41))) {
      ASSERT_GE(deadlines[entry] / kTick, tick);
      tick = deadlines[entry] / kTick;
      popped++;
    }
    EXPECT_EQ(popped, entries.size());
  }
}

}  // namespace
}  // namespace hawser::transport
