#include "transport/vector.h"

#include <gtest/gtest.h>

#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

std::vector<int> contents(const Vector<int>& vector) { return {vector.begin(), vector.end()}; }

TEST(Vector, BehavesAsStdVector) {
  for (const uint64_t seed : test::test_seeds(20)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    Vector<int> vector(memory);
    std::vector<int> model;
    for (int step = 0; step < 1000; step++) {
      const int value = static_cast<int>(random.below(1000));
      switch (random.below(6)) {
        case 0:
        case 1:
          ASSERT_TRUE(vector.push_back(value));
          model.push_back(value);
          break;
        case 2: {
          const size_t at = random.below(model.size() + 1);
          ASSERT_TRUE(vector.insert(at, value));
          model.insert(model.begin() + static_cast<long>(at), value);
          break;
        }
        case 3:
          if (!model.empty()) {
            const size_t at = random.below(model.size());
            const size_t count = random.between(1, model.size() - at);
            vector.erase(at, count);
            model.erase(model.begin() + static_cast<long>(at),
                        model.begin() + static_cast<long>(at + count));
          }
          break;
        case 4:
          if (!model.empty()) {
            vector.pop_back();
            model.pop_back();
          }
          break;
        default:
          if (random.chance(3)) {
            vector.clear();
            model.clear();
          }
          break;
      }
      ASSERT_EQ(contents(vector), model);
      ASSERT_EQ(vector.empty(), model.empty());
      if (!model.empty()) {
        ASSERT_EQ(vector.back(), model.back());
      }
    }
  }
}

TEST(Vector, TakesAnElementOfItself) {
  FailingMemory memory;
  Vector<int> vector(memory);
  for (int i = 0; i < 8; i++) ASSERT_TRUE(vector.push_back(i));
  ASSERT_EQ(vector.size(), vector.capacity());
  ASSERT_TRUE(vector.push_back(vector[3]));
  ASSERT_TRUE(vector.insert(0, vector[8]));
  EXPECT_EQ(contents(vector), (std::vector<int>{3, 0, 1, 2, 3, 4, 5, 6, 7, 3}));
}

TEST(Vector, FailedGrowthChangesNothing) {
  FailingMemory memory;
  Vector<int> vector(memory);
  for (int i = 0; i < 8; i++) ASSERT_TRUE(vector.push_back(i));
  ASSERT_EQ(vector.capacity(), 8U);
  memory.fail_after(0);
  EXPECT_FALSE(vector.push_back(8));
  EXPECT_FALSE(vector.insert(2, 8));
  EXPECT_FALSE(vector.reserve(9));
  EXPECT_TRUE(vector.reserve(8));
  EXPECT_EQ(contents(vector), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  memory.heal();
  EXPECT_TRUE(vector.push_back(8));
  EXPECT_EQ(vector.size(), 9U);
}

TEST(Vector, KeepsCapacityUntilReleased) {
  FailingMemory memory;
  Vector<uint64_t> vector(memory);
  EXPECT_EQ(memory.requests(), 0U);
  ASSERT_TRUE(vector.reserve(100));
  const uint64_t requests = memory.requests();
  for (int round = 0; round < 3; round++) {
    for (uint64_t i = 0; i < 100; i++) ASSERT_TRUE(vector.push_back(i));
    vector.clear();
  }
  EXPECT_EQ(memory.requests(), requests);
  vector.clear_and_release();
  EXPECT_EQ(memory.in_use(), 0U);
  ASSERT_TRUE(vector.push_back(1));
  EXPECT_EQ(vector[0], 1U);
}

}  // namespace
}  // namespace hawser::transport
