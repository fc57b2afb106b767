#include "transport/ring.h"

#include <gtest/gtest.h>

#include <deque>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

TEST(Ring, ElementsKeepTheirNumbersWhileItGrows) {
  for (const uint64_t seed : test::test_seeds(20)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    const uint64_t first = random.below(1000);
    Ring<uint64_t> ring(memory, first);
    std::deque<uint64_t> model;
    uint64_t model_first = first;
    for (int step = 0; step < 2000; step++) {
      if (random.chance(55)) {
        const uint64_t value = random.next();
        ASSERT_TRUE(ring.push_back(value));
        model.push_back(value);
      } else if (!model.empty()) {
        const uint64_t count = random.chance(90) ? 1 : random.between(1, model.size());
        if (count == 1) {
          ring.pop_front();
        } else {
          ring.pop_front_until(model_first + count);
        }
        model.erase(model.begin(), model.begin() + static_cast<long>(count));
        model_first += count;
      }
      ASSERT_EQ(ring.size(), model.size());
      ASSERT_EQ(ring.first(), model_first);
      ASSERT_EQ(ring.end(), model_first + model.size());
      ASSERT_FALSE(ring.contains(ring.end()));
      ASSERT_EQ(ring.contains(ring.first()), !model.empty());
      for (size_t i = 0; i < model.size(); i++) ASSERT_EQ(ring[model_first + i], model[i]);
      if (!model.empty()) {
        ASSERT_EQ(ring.front(), model.front());
        ASSERT_EQ(ring.back(), model.back());
      }
    }
  }
}

TEST(Ring, AllocatesNothingWithinItsCapacity) {
  FailingMemory memory;
  Ring<uint32_t> ring(memory);
  ASSERT_TRUE(ring.reserve(64));
  const uint64_t requests = memory.requests();
  for (uint32_t i = 0; i < 10'000; i++) {
    ASSERT_TRUE(ring.push_back(i));
    if (ring.size() == 64) ring.pop_front();
  }
  EXPECT_EQ(memory.requests(), requests);
}

TEST(Ring, FailedGrowthChangesNothing) {
  FailingMemory memory;
  Ring<uint32_t> ring(memory, 5);
  memory.fail_after(0);
  EXPECT_FALSE(ring.push_back(1));
  EXPECT_TRUE(ring.empty());
  memory.heal();
  for (uint32_t i = 0; i < 16; i++) ASSERT_TRUE(ring.push_back(i));
  ring.pop_front();
  ASSERT_TRUE(ring.push_back(16));
  memory.fail_after(0);
  EXPECT_FALSE(ring.push_back(17));
  EXPECT_EQ(ring.size(), 16U);
  for (uint32_t i = 1; i <= 16; i++) EXPECT_EQ(ring[5 + i], i);
}

TEST(Ring, NumbersGoOnAfterRelease) {
  FailingMemory memory;
  Ring<uint32_t> ring(memory, 100);
  for (uint32_t i = 0; i < 3; i++) ASSERT_TRUE(ring.push_back(i));
  ring.pop_front_until(103);
  ring.release();
  EXPECT_EQ(memory.in_use(), 0U);
  EXPECT_EQ(ring.first(), 103U);
  ASSERT_TRUE(ring.push_back(9));
  EXPECT_EQ(ring[103], 9U);
}

TEST(Ring, WithoutMemoryForTheLongStepItTakesAShortOne) {
  FailingMemory memory;
  QuotaMemory quota(memory, 256 * sizeof(uint32_t) + 512 * sizeof(uint32_t));
  Ring<uint32_t> ring(quota);
  for (uint32_t i = 0; i < 512; i++) ASSERT_TRUE(ring.push_back(i)) << i;
  EXPECT_EQ(ring.capacity(), 512U);
  EXPECT_FALSE(ring.push_back(512));
  for (uint32_t i = 0; i < 512; i++) EXPECT_EQ(ring[i], i);
  // What needs more is not helped by it.
  Ring<uint32_t> other(memory);
  ASSERT_TRUE(other.reserve(256));
  memory.fail_after(0);
  const uint64_t refused = memory.refused();
  EXPECT_FALSE(other.reserve(600));
  EXPECT_EQ(memory.refused(), refused + 1);
}

}  // namespace
}  // namespace hawser::transport
