#include "transport/id_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "sim/sim_random.h"
#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

TEST(IdTable, FindsWhatWasInsertedAndNothingElse) {
  for (const uint64_t seed : test::test_seeds(30)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    {
      sim::SimRandom keys(seed, 1);
      IdTable<int> table(memory, keys);
      std::map<uint64_t, int*> model;
      std::vector<int> values(64);
      // Few different ids, so that erasing and finding again are common; some look alike.
      const auto pick = [&] {
        const uint64_t n = random.below(200);
        return random.chance(50) ? n : n << 40;
      };
      for (int step = 0; step < 4000; step++) {
        const uint64_t id = pick();
        if (random.chance(random.chance(50) ? 70 : 30)) {
          if (model.count(id) == 0) {
            int* value = &values[random.below(values.size())];
            ASSERT_TRUE(table.insert(id, value));
            model[id] = value;
          }
        } else {
          table.erase(id);
          model.erase(id);
        }
        ASSERT_EQ(table.size(), model.size());
        const uint64_t asked = pick();
        const auto found = model.find(asked);
        ASSERT_EQ(table.find(asked), found == model.end() ? nullptr : found->second);
      }
      for (const auto& [id, value] : model) ASSERT_EQ(table.find(id), value);
      size_t visited = 0;
      table.each([&](int*) { visited++; });
      EXPECT_EQ(visited, model.size());
      EXPECT_EQ(table.any() == nullptr, model.empty());
    }
    EXPECT_EQ(memory.in_use(), 0u);
  }
}

TEST(IdTable, WithoutMemoryInsertChangesNothing) {
  FailingMemory memory;
  sim::SimRandom keys(1, 1);
  IdTable<int> table(memory, keys);
  int value = 0;
  uint64_t inserted = 0;
  for (uint64_t fail = 0; fail < 4; fail++) {
    memory.fail_after(fail);
    while (table.insert(inserted + 1, &value)) inserted++;
    ASSERT_EQ(table.size(), inserted);
    ASSERT_EQ(table.find(inserted + 1), nullptr);
    for (uint64_t id = 1; id <= inserted; id++) ASSERT_EQ(table.find(id), &value);
  }
  // Shrinking may fail too, and then simply does not happen.
  for (uint64_t id = 1; id <= inserted; id++) {
    table.erase(id);
    ASSERT_EQ(table.find(id), nullptr);
    ASSERT_EQ(table.size(), inserted - id);
  }
}

TEST(IdTable, GivesMemoryBackWhenItEmpties) {
  FailingMemory memory;
  sim::SimRandom keys(77, 1);
  IdTable<int> table(memory, keys);
  int value = 0;
  for (uint64_t id = 0; id < 10'000; id++) ASSERT_TRUE(table.insert(id, &value));
  const size_t full = memory.in_use();
  for (uint64_t id = 0; id < 9'990; id++) table.erase(id);
  EXPECT_LT(memory.in_use(), full / 16);
  for (uint64_t id = 9'990; id < 10'000; id++) {
    ASSERT_EQ(table.find(id), &value);
    table.erase(id);
  }
  EXPECT_EQ(memory.in_use(), 0u);
  EXPECT_EQ(table.any(), nullptr);
}

TEST(IdTable, ErasingWhatIsNotThereDoesNothing) {
  FailingMemory memory;
  sim::SimRandom keys(5, 1);
  IdTable<int> table(memory, keys);
  int value = 0;
  table.erase(3);
  ASSERT_TRUE(table.insert(3, &value));
  table.erase(4);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.find(3), &value);
}

}  // namespace
}  // namespace hawser::transport
