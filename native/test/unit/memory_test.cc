#include "transport/memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>

#include "test/support/failing_memory.h"

namespace hawser::transport {
namespace {

TEST(HeapMemory, CountsWhatIsInUse) {
  HeapMemory memory;
  void* a = memory.allocate(100);
  void* b = memory.allocate(28);
  ASSERT_NE(a, nullptr);
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(memory.in_use(), 128U);
  memory.release(a, 100);
  EXPECT_EQ(memory.in_use(), 28U);
  memory.release(nullptr, 55);
  EXPECT_EQ(memory.in_use(), 28U);
  memory.release(b, 28);
  EXPECT_EQ(memory.in_use(), 0U);
  EXPECT_EQ(memory.refused(), 0U);
}

TEST(HeapMemory, RefusesWhatWouldExceedTheLimitAndRecovers) {
  HeapMemory memory(1000);
  void* a = memory.allocate(600);
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(memory.allocate(401), nullptr);
  EXPECT_EQ(memory.allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(memory.refused(), 2U);
  EXPECT_EQ(memory.in_use(), 600U);
  void* b = memory.allocate(400);
  EXPECT_NE(b, nullptr);
  EXPECT_EQ(memory.in_use(), 1000U);
  memory.release(a, 600);
  memory.release(b, 400);
}

TEST(HeapMemory, IsAlignedForAnyObject) {
  HeapMemory memory;
  for (size_t bytes = 1; bytes < 200; bytes += 13) {
    void* block = memory.allocate(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % alignof(std::max_align_t), 0U);
    memory.release(block, bytes);
  }
}

struct Counted {
  Counted(int value, int* alive) : value(value), alive(alive) { ++*alive; }
  ~Counted() { --*alive; }
  int value;
  int* alive;
};

TEST(Memory, CreateConstructsAndDestroyReleases) {
  HeapMemory memory;
  int alive = 0;
  auto* object = memory.create<Counted>(7, &alive);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->value, 7);
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(memory.in_use(), sizeof(Counted));
  memory.destroy(object);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(memory.in_use(), 0U);
  memory.destroy<Counted>(nullptr);
}

TEST(Memory, CreateWithoutMemoryConstructsNothing) {
  test::FailingMemory memory;
  memory.fail_after(0);
  int alive = 0;
  EXPECT_EQ(memory.create<Counted>(7, &alive), nullptr);
  EXPECT_EQ(alive, 0);
}

TEST(QuotaMemory, OneLimitForSeveral) {
  HeapMemory first_heap;
  HeapMemory second_heap(600);
  std::atomic<size_t> shared{0};
  QuotaMemory first(first_heap, 1'000, &shared);
  QuotaMemory second(second_heap, 1'000, &shared);
  void* a = first.allocate(400);
  ASSERT_NE(a, nullptr);
  ASSERT_TRUE(second.charge(100));
  EXPECT_EQ(second.allocate(501), nullptr);
  EXPECT_EQ(second.allocate(1'001), nullptr);
  EXPECT_FALSE(first.charge(501));
  void* b = second.allocate(500);
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(shared.load(), 1'000U);
  EXPECT_EQ(first.in_use(), 400U);
  EXPECT_EQ(second.in_use(), 600U);
  first.release(a, 400);
  // Within the limit, but the heap has no more: nothing stays counted.
  EXPECT_EQ(second.allocate(101), nullptr);
  EXPECT_EQ(shared.load(), 600U);
  second.release(b, 500);
  second.refund(100);
  EXPECT_EQ(shared.load(), 0U);
}

// One that has to leave some of what it is a part of.
TEST(QuotaMemory, LeavesOthersTheirPart) {
  HeapMemory heap;
  QuotaMemory whole(heap, 10'000);
  QuotaMemory part(whole, 5'000);
  part.leave(&whole, 2'000);
  void* others = whole.allocate(6'000);
  void* mine = part.allocate(2'000);
  EXPECT_NE(mine, nullptr);
  EXPECT_EQ(part.allocate(1), nullptr);
  EXPECT_EQ(part.refused(), 1u);
  EXPECT_EQ(whole.left(), 2'000u);
  whole.release(others, 6'000);
  void* more = part.allocate(3'000);
  EXPECT_NE(more, nullptr);
  EXPECT_EQ(part.allocate(1), nullptr);
  part.release(mine, 2'000);
  part.release(more, 3'000);
  EXPECT_EQ(whole.in_use(), 0u);
}

}  // namespace
}  // namespace hawser::transport
