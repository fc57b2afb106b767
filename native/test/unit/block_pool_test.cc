#include "transport/block_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

TEST(BlockPool, BlocksHoldWhatTheyWereTakenFor) {
  FailingMemory memory;
  {
    BlockPool pool(memory);
    test::TestRandom random(1);
    struct Held {
      uint8_t* block;
      size_t bytes;
      uint8_t mark;
    };
    std::vector<Held> held;
    for (int step = 0; step < 3000; step++) {
      if (held.empty() || random.chance(52)) {
        const size_t bytes =
            random.chance(90) ? random.between(1, 3000) : random.between(1, 200'000);
        uint8_t* block = pool.take(bytes);
        ASSERT_NE(block, nullptr);
        const auto mark = static_cast<uint8_t>(random.next());
        std::memset(block, mark, bytes);
        held.push_back({block, bytes, mark});
      } else {
        const size_t index = random.below(held.size());
        const Held item = held[index];
        for (size_t i = 0; i < item.bytes; i += 97) ASSERT_EQ(item.block[i], item.mark);
        ASSERT_EQ(item.block[item.bytes - 1], item.mark);
        pool.give(item.block, item.bytes);
        held[index] = held.back();
        held.pop_back();
      }
    }
    for (const Held& item : held) pool.give(item.block, item.bytes);
  }
  EXPECT_EQ(memory.in_use(), 0u);
}

TEST(BlockPool, SteadyTrafficAllocatesNothing) {
  FailingMemory memory;
  BlockPool pool(memory);
  for (const size_t bytes : {1u, 64u, 65u, 128u, 1000u, 1200u, 65'540u, 131'076u}) {
    pool.give(pool.take(bytes), bytes);
  }
  const uint64_t requests = memory.requests();
  for (int i = 0; i < 1000; i++) {
    for (const size_t bytes : {1u, 64u, 65u, 128u, 1000u, 65'540u, 131'076u}) {
      pool.give(pool.take(bytes), bytes);
    }
  }
  EXPECT_EQ(memory.requests(), requests);
}

TEST(BlockPool, LargerBlocksServeForSmallerOnes) {
  FailingMemory memory;
  BlockPool pool(memory);
  pool.give(pool.take(10'000), 10'000);
  const uint64_t requests = memory.requests();
  // Given back as what it is, however little it was taken for.
  for (int i = 0; i < 3; i++) {
    uint8_t* small = pool.take(70);
    ASSERT_NE(small, nullptr);
    std::memset(small, 1, 70);
    pool.give(small, 70);
    uint8_t* large = pool.take(10'000);
    ASSERT_NE(large, nullptr);
    std::memset(large, 2, 10'000);
    pool.give(large, 10'000);
  }
  EXPECT_EQ(memory.requests(), requests);
}

TEST(BlockPool, KeepsNoMoreThanItsShareOfIdleBlocks) {
  FailingMemory memory;
  BlockPool pool(memory);
  std::vector<uint8_t*> blocks;
  for (int i = 0; i < 300; i++) blocks.push_back(pool.take(65'536));
  for (uint8_t* block : blocks) pool.give(block, 65'536);
  EXPECT_LE(pool.idle_bytes(), BlockPool::kKeepBytes);
  EXPECT_GT(pool.idle_bytes(), BlockPool::kKeepBytes / 2);
  EXPECT_EQ(memory.in_use(), pool.idle_bytes());
  pool.trim();
  EXPECT_EQ(pool.idle_bytes(), 0u);
  EXPECT_EQ(memory.in_use(), 0u);
}

TEST(BlockPool, SettlesForWhatWasInUseLately) {
  FailingMemory memory;
  BlockPool pool(memory);
  std::vector<uint8_t*> blocks;
  const auto use = [&](size_t count) {
    for (size_t i = 0; i < count; i++) blocks.push_back(pool.take(1000));
    for (uint8_t* block : blocks) pool.give(block, 1000);
    blocks.clear();
  };
  use(100);
  const size_t hundred = pool.idle_bytes();
  pool.settle();
  EXPECT_EQ(pool.idle_bytes(), hundred);
  // Less is in use now, and the next call knows.
  use(10);
  pool.settle();
  EXPECT_EQ(pool.idle_bytes(), hundred / 10);
  const uint64_t requests = memory.requests();
  use(10);
  EXPECT_EQ(memory.requests(), requests);
  pool.settle();
  pool.settle();
  EXPECT_EQ(memory.in_use(), 0u);
}

TEST(BlockPool, LargeBlocksAreNotKept) {
  FailingMemory memory;
  BlockPool pool(memory);
  pool.give(pool.take(131'100), 131'100);
  EXPECT_EQ(memory.in_use(), 0u);
}

TEST(BlockPool, GivesUpIdleBlocksBeforeItGivesUp) {
  FailingMemory memory;
  BlockPool pool(memory);
  pool.give(pool.take(100), 100);
  ASSERT_NE(pool.idle_bytes(), 0u);
  memory.fail_after(0);
  EXPECT_EQ(pool.take(1000), nullptr);
  // What lay idle in another class has been returned in the attempt.
  EXPECT_EQ(pool.idle_bytes(), 0u);
  EXPECT_EQ(memory.in_use(), 0u);
  EXPECT_EQ(pool.take(100'000), nullptr);
  memory.heal();
  uint8_t* block = pool.take(100);
  ASSERT_NE(block, nullptr);
  pool.give(block, 100);
  pool.give(nullptr, 100);
}

TEST(BlockPool, AQuotaTakesIdleBlocksBackBeforeItRefuses) {
  FailingMemory memory;
  QuotaMemory quota(memory, 10'000);
  BlockPool pool(quota, 5'000);
  quota.set_reserve(&pool);
  std::vector<uint8_t*> blocks;
  for (int i = 0; i < 8; i++) blocks.push_back(pool.take(1'000));
  for (uint8_t* block : blocks) {
    ASSERT_NE(block, nullptr);
    pool.give(block, 1'000);
  }
  EXPECT_LE(pool.idle_bytes(), 5'000u);
  EXPECT_GT(pool.idle_bytes(), 3'000u);
  void* const other = quota.allocate(9'000);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(pool.idle_bytes(), 0u);
  // Nor for what is only counted.
  quota.release(other, 9'000);
  pool.give(pool.take(1'000), 1'000);
  EXPECT_TRUE(quota.charge(9'500));
  EXPECT_FALSE(quota.charge(9'500));
  quota.refund(9'500);
  EXPECT_EQ(memory.in_use(), 0u);
}

TEST(BlockPool, IsCrowdedWhenLittleOfTheQuotaIsLeft) {
  FailingMemory memory;
  QuotaMemory quota(memory, 100'000);
  BlockPool pool(quota, BlockPool::kKeepBytes, 10'000);
  // A block of 64 KiB and its head.
  EXPECT_FALSE(pool.crowded(60'000, 24'432));
  EXPECT_TRUE(pool.crowded(60'000, 24'433));
  uint8_t* block = pool.take(60'000);
  EXPECT_TRUE(pool.crowded(30'000));
  EXPECT_FALSE(pool.crowded(16'000));
  // What lies idle is as good as free, whoever has the rest.
  pool.give(block, 60'000);
  EXPECT_FALSE(pool.crowded(60'000));
  ASSERT_TRUE(quota.charge(30'000));
  EXPECT_TRUE(pool.crowded(60'000));
  EXPECT_FALSE(pool.crowded(30'000));
  quota.refund(30'000);
  std::atomic<size_t> shared = 95'000;
  QuotaMemory part(memory, 100'000, &shared);
  EXPECT_EQ(part.left(), 5'000u);
  shared = 105'000;
  EXPECT_EQ(part.left(), 0u);
  EXPECT_FALSE(BlockPool(memory).crowded(1u << 30));
}

}  // namespace
}  // namespace hawser::transport
