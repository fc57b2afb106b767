// What messages that come must leave of a memory with a limit, and for whom.
#include <gtest/gtest.h>

#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/inbound_fixture.h"
#include "transport/block_pool.h"
#include "transport/inbound.h"

namespace hawser::transport {
namespace {

using namespace inbound_test;

// A third of the memory is for those that others wait for.
class InboundMemory : public testing::Test {
 protected:
  static constexpr size_t kSpare = 10'000;

  Result come(uint64_t sequence) {
    const std::vector<uint8_t> run = run_of(sequence, {1'000});
    return in_.on_message(some_channel(), sequence, run.data(), run.size(), 1, &reader_);
  }
  // A half of a message.
  Result piece(uint64_t sequence, size_t offset) {
    const std::vector<uint8_t> body = body_of(sequence, 2'000);
    return in_.on_fragment(some_channel(), sequence, 2'000, offset, body.data() + offset, 1'000,
                           &reader_);
  }

  FailingMemory memory_;
  QuotaMemory quota_{memory_, 3 * kSpare};
  BlockPool pool_{quota_, 0, kSpare};
  Inbound in_{quota_, pool_, 1, kPlenty};
  Reader reader_{1};
};

// Messages that wait for one that was lost must not take the memory which that one needs.
TEST_F(InboundMemory, WhatIsNotNextLeavesMemoryForWhatIs) {
  in_.set_demand(Demand::kContinuous);
  uint64_t next = 3;
  while (come(next) == Result::kTaken) next++;
  EXPECT_GE(next, 15u);
  EXPECT_GE(quota_.left(), kSpare);
  EXPECT_EQ(piece(next, 0), Result::kNoMemory);
  // In pieces or not.
  EXPECT_EQ(piece(1, 0), Result::kTaken);
  EXPECT_EQ(piece(1, 1'000), Result::kTaken);
  EXPECT_EQ(reader_.next, 2u);
  EXPECT_EQ(come(2), Result::kTaken);
  EXPECT_EQ(reader_.next, next);
  EXPECT_EQ(come(next + 1), Result::kTaken);
}

// Nor must messages that nobody reads: other channels have readers.
TEST_F(InboundMemory, WhatNobodyWantsLeavesMemoryUntilItIsWanted) {
  uint64_t next = 1;
  while (come(next) == Result::kTaken) next++;
  EXPECT_GE(next, 10u);
  EXPECT_GE(quota_.left(), kSpare);
  in_.set_demand(Demand::kContinuous);
  EXPECT_EQ(come(next), Result::kTaken);
  EXPECT_EQ(reader_.next, next + 1);
}

// There is nothing that the others could wait for.
TEST_F(InboundMemory, WithoutOrderNobodyWaits) {
  in_.set_delivery(wire::Delivery::kUnordered);
  uint64_t next = 5;
  while (come(next) == Result::kTaken) next++;
  EXPECT_LT(quota_.left(), kSpare);
}

}  // namespace
}  // namespace hawser::transport
