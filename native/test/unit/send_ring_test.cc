#include "transport/send_ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"
#include "wire/varint.h"

namespace hawser::transport {
namespace {

using Bytes = std::vector<uint8_t>;
using test::FailingMemory;

bool push(SendRing& ring, const Bytes& message) {
  return ring.push(message.data(), message.size()) ||
         (ring.grow(message.size()) && ring.push(message.data(), message.size()));
}

Bytes in_wire_form(const Bytes& message) {
  Bytes out(wire::varint_size(message.size()) + message.size());
  uint8_t* at = wire::write_varint(out.data(), message.size());
  if (!message.empty()) std::memcpy(at, message.data(), message.size());
  return out;
}

TEST(SendRing, HoldsMessagesInWireForm) {
  FailingMemory memory;
  SendRing ring(memory, 1);
  ASSERT_TRUE(push(ring, {}));
  ASSERT_TRUE(push(ring, Bytes(70, 7)));
  EXPECT_EQ(ring.published_sequence(), 1u);
  EXPECT_EQ(ring.written_sequence(), 3u);
  EXPECT_EQ(ring.unsent(), 1u + 72u);
  ring.publish();
  EXPECT_EQ(ring.published_sequence(), 3u);
  EXPECT_EQ(ring.position_of(1), 0u);
  EXPECT_EQ(ring.position_of(2), 1u);
  EXPECT_EQ(ring.position_of(3), 73u);
  size_t prefix = 0;
  EXPECT_EQ(ring.length_at(0, prefix), 0u);
  EXPECT_EQ(prefix, 1u);
  EXPECT_EQ(ring.length_at(1, prefix), 70u);
  EXPECT_EQ(prefix, 2u);
}

TEST(SendRing, WithoutRoomPushTakesNothing) {
  FailingMemory memory;
  SendRing ring(memory, 1);
  EXPECT_FALSE(ring.push(nullptr, 0));
  memory.fail_after(0);
  EXPECT_FALSE(ring.grow(10));
  memory.fail_after(1);  // the bytes, not the index
  EXPECT_FALSE(ring.grow(10));
  memory.heal();
  ASSERT_TRUE(ring.grow(10));
  const Bytes message(10, 1);
  ASSERT_TRUE(ring.push(message.data(), message.size()));
  EXPECT_EQ(ring.written_sequence(), 2u);
}

// Against a model, with messages of all sizes, growth at any moment, and refused memory.
TEST(SendRing, BehavesLikeAQueueOfMessages) {
  for (const uint64_t seed : test::test_seeds(40)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    // Also across the wrap of the low 32 bits.
    const uint64_t first = random.chance(50) ? 1 : (uint64_t{1} << 32) - random.below(50);
    {
      SendRing ring(memory, first);
      std::deque<Bytes> model;  // published and not, in wire form
      uint64_t tail = first;
      uint64_t tail_position = 0;
      uint64_t published = first;
      for (int step = 0; step < 1500; step++) {
        if (random.chance(50)) {
          Bytes message(random.chance(80) ? random.below(100) : random.below(5000));
          for (uint8_t& byte : message) byte = static_cast<uint8_t>(random.next());
          if (random.chance(10)) memory.fail_after(0);
          const bool taken = push(ring, message);
          memory.heal();
          if (taken) model.push_back(in_wire_form(message));
        } else if (random.chance(60)) {
          ring.publish();
          published = first + (tail - first) + model.size();
        } else if (published > tail) {
          const uint64_t count = random.between(1, published - tail);
          for (uint64_t i = 0; i < count; i++) {
            tail_position += model.front().size();
            model.pop_front();
          }
          tail += count;
          ring.free_below(tail);
        }
        ring.free_below(tail);  // nothing new
        ASSERT_EQ(ring.tail_sequence(), tail);
        ASSERT_EQ(ring.tail_position(), tail_position);
        ASSERT_EQ(ring.written_sequence(), tail + model.size());
        ASSERT_EQ(ring.published_sequence(), published);
        if (published == tail) continue;
        // Any message of those published, byte for byte.
        const uint64_t chosen = random.between(tail, published - 1);
        uint64_t position = tail_position;
        for (uint64_t s = tail; s < chosen; s++) position += model[s - tail].size();
        const Bytes& expected = model[chosen - tail];
        ASSERT_EQ(ring.position_of(chosen), position);
        Bytes read(expected.size());
        ring.copy(position, read.size(), read.data());
        ASSERT_EQ(read, expected);
        size_t prefix = 0;
        ASSERT_EQ(ring.length_at(position, prefix) + prefix, expected.size());
        ASSERT_EQ(ring.sequence_at(position + random.below(expected.size())), chosen);
        ASSERT_EQ(ring.last_boundary(tail, position), chosen);
        if (expected.size() > 1) {
          ASSERT_EQ(ring.last_boundary(tail, position + expected.size() - 1), chosen);
        }
        ASSERT_EQ(ring.last_boundary(chosen, position + expected.size()), chosen + 1);
      }
      if (published == tail + model.size()) {
        ring.free_below(published);
        ring.trim();
        EXPECT_EQ(memory.in_use(), 0u);
        EXPECT_TRUE(push(ring, Bytes(3, 3)));
      }
    }
    EXPECT_EQ(memory.in_use(), 0u);
  }
}

TEST(SendRing, SteadyTrafficAllocatesNothing) {
  FailingMemory memory;
  SendRing ring(memory, 1);
  const Bytes message(100, 5);
  uint64_t requests = 0;
  for (int round = 0; round < 200; round++) {
    for (int i = 0; i < 10; i++) ASSERT_TRUE(push(ring, message));
    ring.publish();
    ring.free_below(ring.published_sequence());
    if (round == 10) requests = memory.requests();
  }
  EXPECT_EQ(memory.requests(), requests);
}

TEST(SendRing, TrimKeepsWhatIsNotSent) {
  FailingMemory memory;
  SendRing ring(memory, 1);
  ASSERT_TRUE(push(ring, Bytes(10, 9)));
  ring.trim();
  ring.publish();
  Bytes read(11);
  ring.copy(0, read.size(), read.data());
  EXPECT_EQ(read, in_wire_form(Bytes(10, 9)));
}

TEST(SendRing, ReadsALengthThatGoesOverItsEnd) {
  FailingMemory memory;
  SendRing ring(memory, 1);
  ASSERT_TRUE(ring.grow(1'000));
  const std::vector<uint8_t> bytes(20'000);
  // Lengths of two and four bytes, at every place of the ring sooner or later.
  for (uint64_t sequence = 1; sequence < 200'000; sequence++) {
    const size_t length = sequence % 997 == 0 ? 17'000 : 64 + sequence % 61;
    if (!ring.push(bytes.data(), length)) {
      ASSERT_TRUE(ring.grow(length));
      ASSERT_TRUE(ring.push(bytes.data(), length));
    }
    ring.publish();
    size_t prefix = 0;
    ASSERT_EQ(ring.length_at(ring.position_of(sequence), prefix), length);
    ASSERT_EQ(prefix, length < 16'384 ? 2u : 4u);
    ring.free_below(sequence + 1);
  }
}

TEST(SendRing, AnEmptyOneMakesRoomByItself) {
  FailingMemory memory;
  QuotaMemory quota(memory, 100'000);
  SendRing ring(quota, 1);
  ASSERT_TRUE(push(ring, Bytes(30'000, 1)));
  ring.publish();
  // Twice as much beside what is there is too much.
  EXPECT_FALSE(push(ring, Bytes(60'000, 2)));
  EXPECT_EQ(ring.written_sequence(), 2u);
  ring.free_below(2);
  ASSERT_TRUE(push(ring, Bytes(60'000, 2)));
  ring.publish();
  EXPECT_LE(quota.in_use(), 70'000u);
}

}  // namespace
}  // namespace hawser::transport
