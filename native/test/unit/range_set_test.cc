#include "transport/range_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

std::string text(const RangeSet& set) {
  std::string result;
  for (size_t i = 0; i < set.count(); i++) {
    result.append("[").append(std::to_string(set.at(i).begin));
    result.append(",").append(std::to_string(set.at(i).end)).append(")");
  }
  return result;
}

TEST(RangeSet, JoinsWhatOverlapsOrTouches) {
  FailingMemory memory;
  RangeSet set(memory);
  EXPECT_TRUE(set.empty());
  ASSERT_TRUE(set.add(10, 20));
  ASSERT_TRUE(set.add(30, 40));
  ASSERT_TRUE(set.add(50, 60));
  EXPECT_EQ(text(set), "[10,20)[30,40)[50,60)");
  EXPECT_EQ(set.total(), 30U);
  ASSERT_TRUE(set.add(20, 30));
  EXPECT_EQ(text(set), "[10,40)[50,60)");
  ASSERT_TRUE(set.add(60, 65));
  ASSERT_TRUE(set.add(0, 9));
  EXPECT_EQ(text(set), "[0,9)[10,40)[50,65)");
  ASSERT_TRUE(set.add(5, 100));
  EXPECT_EQ(text(set), "[0,100)");
  EXPECT_EQ(set.total(), 100U);
  ASSERT_TRUE(set.add(7, 7));
  ASSERT_TRUE(set.add(9, 3));
  EXPECT_EQ(text(set), "[0,100)");
}

TEST(RangeSet, RemoveSplitsTrimsAndTakesOut) {
  FailingMemory memory;
  RangeSet set(memory);
  ASSERT_TRUE(set.add(0, 100));
  ASSERT_TRUE(set.remove(40, 50));
  EXPECT_EQ(text(set), "[0,40)[50,100)");
  ASSERT_TRUE(set.remove(30, 60));
  EXPECT_EQ(text(set), "[0,30)[60,100)");
  ASSERT_TRUE(set.remove(30, 60));
  ASSERT_TRUE(set.remove(0, 10));
  ASSERT_TRUE(set.remove(90, 200));
  EXPECT_EQ(text(set), "[10,30)[60,90)");
  EXPECT_EQ(set.total(), 50U);
  set.remove_below(65);
  EXPECT_EQ(text(set), "[65,90)");
  ASSERT_TRUE(set.remove(0, 1000));
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.total(), 0U);
}

TEST(RangeSet, HoldsTheLargestNumbers) {
  FailingMemory memory;
  RangeSet set(memory);
  ASSERT_TRUE(set.add(UINT64_MAX - 10, UINT64_MAX));
  EXPECT_TRUE(set.contains(UINT64_MAX - 1));
  EXPECT_FALSE(set.contains(UINT64_MAX));
  ASSERT_TRUE(set.add(0, UINT64_MAX));
  EXPECT_EQ(set.total(), UINT64_MAX);
  EXPECT_EQ(set.count(), 1U);
}

// Against a bitmap of a small universe.
TEST(RangeSet, BehavesAsABitmap) {
  constexpr uint64_t kUniverse = 200;
  for (const uint64_t seed : test::test_seeds(60)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    RangeSet set(memory);
    std::vector<bool> model(kUniverse + 1, false);
    const uint64_t longest = seed % 3 == 0 ? 40 : 4;
    for (int step = 0; step < 500; step++) {
      const uint64_t begin = random.below(kUniverse);
      const uint64_t end = std::min(kUniverse, begin + random.below(longest + 1));
      const uint64_t choice = random.below(20);
      if (choice < 11) {
        ASSERT_TRUE(set.add(begin, end));
        for (uint64_t i = begin; i < end; i++) model[i] = true;
      } else if (choice < 17) {
        ASSERT_TRUE(set.remove(begin, end));
        for (uint64_t i = begin; i < end; i++) model[i] = false;
      } else if (choice < 19) {
        const uint64_t bound = random.below(kUniverse / 2);
        set.remove_below(bound);
        for (uint64_t i = 0; i < bound; i++) model[i] = false;
      } else if (random.chance(10)) {
        set.clear();
        model.assign(kUniverse + 1, false);
      }

      uint64_t total = 0;
      size_t intervals = 0;
      for (uint64_t i = 0; i < kUniverse; i++) {
        total += model[i] ? 1 : 0;
        if (model[i] && !model[i + 1]) intervals++;
        ASSERT_EQ(set.contains(i), model[i]) << i;
      }
      ASSERT_EQ(set.total(), total);
      ASSERT_EQ(set.count(), intervals);
      ASSERT_EQ(set.empty(), intervals == 0);
      for (size_t i = 0; i < set.count(); i++) {
        ASSERT_LT(set.at(i).begin, set.at(i).end);
        if (i > 0) {
          ASSERT_LT(set.at(i - 1).end, set.at(i).begin);
        }
      }
      bool all = true;
      bool some = false;
      for (uint64_t i = begin; i < end; i++) {
        all = all && model[i];
        some = some || model[i];
      }
      ASSERT_EQ(set.contains_all(begin, end), all);
      ASSERT_EQ(set.intersects(begin, end), some);
    }
  }
}

TEST(RangeSet, FailedAllocationChangesNothing) {
  for (const uint64_t seed : test::test_seeds(40)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    RangeSet set(memory);
    int refused = 0;
    for (int step = 0; step < 400; step++) {
      const std::string before = text(set);
      const uint64_t total = set.total();
      const uint64_t begin = random.below(5000);
      if (random.chance(50)) {
        memory.fail_after(0);
      } else {
        memory.heal();
      }
      const bool done = random.chance(70) ? set.add(begin, begin + random.between(1, 3))
                                          : set.remove(begin, begin + random.between(1, 3));
      if (!done) {
        refused++;
        ASSERT_EQ(text(set), before);
        ASSERT_EQ(set.total(), total);
      }
    }
    EXPECT_GT(refused, 0);
  }
}

TEST(RangeSet, ASplitThatNeedsMemoryFailsWhole) {
  FailingMemory memory;
  RangeSet set(memory);
  for (uint64_t i = 0; i < 8; i++) ASSERT_TRUE(set.add(i * 10, i * 10 + 5));
  memory.fail_after(0);
  EXPECT_FALSE(set.remove(32, 33));
  EXPECT_FALSE(set.add(7, 8));
  EXPECT_TRUE(set.contains(32));
  EXPECT_EQ(set.total(), 40U);
  // Neither a join nor a cut at an end needs memory.
  EXPECT_TRUE(set.add(5, 10));
  EXPECT_TRUE(set.remove(70, 71));
  EXPECT_EQ(set.count(), 7U);
}

// A window that slides: added at the top, cut at the bottom, for ever.
TEST(RangeSet, ASlidingSetAllocatesNothingInSteadyState) {
  FailingMemory memory;
  RangeSet set(memory);
  uint64_t requests = 0;
  for (uint64_t i = 0; i < 20'000; i++) {
    if (i == 1000) requests = memory.requests();
    ASSERT_TRUE(set.add(i * 3, i * 3 + 2));
    if (i >= 50) set.remove_below((i - 50) * 3 + 1);
    ASSERT_LE(set.count(), 52U);
  }
  EXPECT_EQ(memory.requests(), requests);
  EXPECT_EQ(set.back().end, 19'999U * 3 + 2);
  set.release();
  EXPECT_EQ(memory.in_use(), 0U);
  EXPECT_EQ(set.memory_bytes(), 0U);
  ASSERT_TRUE(set.add(1, 2));
  EXPECT_EQ(text(set), "[1,2)");
}

// Cut by one and grown by one while nearly full: room is made once, not by moving all each time.
TEST(RangeSet, ANearlyFullSetStillSlidesWithoutMemory) {
  FailingMemory memory;
  RangeSet set(memory);
  for (uint64_t i = 0; i < 64; i++) ASSERT_TRUE(set.add(i * 3, i * 3 + 2));
  ASSERT_EQ(set.memory_bytes(), 64 * sizeof(Interval));
  memory.fail_after(0);
  for (uint64_t i = 64; i < 500; i++) {
    set.remove_below((i - 63) * 3);
    ASSERT_TRUE(set.add(i * 3, i * 3 + 2));
    ASSERT_EQ(set.count(), 64U);
    ASSERT_EQ(set.front().begin, (i - 63) * 3);
    ASSERT_EQ(set.total(), 128U);
  }
  EXPECT_EQ(set.memory_bytes(), 64 * sizeof(Interval));
  memory.heal();
  for (uint64_t i = 500; i < 1000; i++) {
    set.remove_below((i - 63) * 3);
    ASSERT_TRUE(set.add(i * 3, i * 3 + 2));
  }
  EXPECT_EQ(set.memory_bytes(), 128 * sizeof(Interval));
}

TEST(RangeSet, FillsInFrontOfACutBottomWithoutMemory) {
  FailingMemory memory;
  RangeSet set(memory);
  for (uint64_t i = 0; i < 8; i++) ASSERT_TRUE(set.add(i * 10, i * 10 + 5));
  set.remove_below(30);
  memory.fail_after(0);
  EXPECT_TRUE(set.add(20, 22));
  EXPECT_TRUE(set.add(100, 101));
  EXPECT_TRUE(set.add(38, 39));
  EXPECT_EQ(text(set), "[20,22)[30,35)[38,39)[40,45)[50,55)[60,65)[70,75)[100,101)");
}

TEST(RangeSet, FindsTheFirstIntervalThatEndsAboveAValue) {
  FailingMemory memory;
  RangeSet set(memory);
  EXPECT_EQ(set.first_ending_above(0), nullptr);
  for (const auto& [begin, end] : {std::pair{10, 20}, std::pair{30, 40}, std::pair{50, 51}}) {
    ASSERT_TRUE(set.add(static_cast<uint64_t>(begin), static_cast<uint64_t>(end)));
  }
  const auto begin_of = [&](uint64_t value) {
    const Interval* found = set.first_ending_above(value);
    return found == nullptr ? 0 : found->begin;
  };
  EXPECT_EQ(begin_of(0), 10u);
  EXPECT_EQ(begin_of(19), 10u);
  EXPECT_EQ(begin_of(20), 30u);  // ends are exclusive
  EXPECT_EQ(begin_of(49), 50u);
  EXPECT_EQ(begin_of(50), 50u);
  EXPECT_EQ(begin_of(51), 0u);
  // What was cut off at the bottom is not found.
  set.remove_below(35);
  EXPECT_EQ(begin_of(0), 35u);
  EXPECT_EQ(begin_of(40), 50u);
}

}  // namespace
}  // namespace hawser::transport
