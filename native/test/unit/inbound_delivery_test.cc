// How messages are handed over (PROTOCOL.md 5.12): unordered, latest, unreliable.
#include <gtest/gtest.h>

#include <vector>

#include "test/support/inbound_fixture.h"
#include "transport/inbound.h"

namespace hawser::transport {
namespace {

using namespace inbound_test;

constexpr uint64_t kCost = 32 + 1 + 50;

class InboundDelivery : public testing::Test {
 protected:
  Result message(uint64_t first, uint32_t count = 1) {
    const std::vector<uint8_t> run = run_of(first, std::vector<size_t>(count, 50));
    return in_.on_message(some_channel(), first, run.data(), run.size(), count, &reader_);
  }
  Result fragment(uint64_t sequence, size_t offset, size_t length) {
    const std::vector<uint8_t> body = body_of(sequence, 50);
    return in_.on_fragment(some_channel(), sequence, 50, offset, body.data() + offset, length,
                           &reader_);
  }
  void use(wire::Delivery delivery, bool reading = true) {
    in_.set_delivery(delivery);
    if (reading) in_.set_demand(Demand::kContinuous);
  }
  void read() {
    in_.set_demand(Demand::kContinuous);
    in_.deliver(some_channel(), &reader_);
  }
  uint64_t consumed() const { return in_.credit_limit() - in_.window(); }

  using Numbers = std::vector<uint64_t>;
  FailingMemory memory_;
  BlockPool pool_{memory_};
  Inbound in_{memory_, pool_, 1, 1'000'000};
  AnyReader reader_;
};

TEST_F(InboundDelivery, UnorderedHandsOverAtOnceAndOnce) {
  use(wire::Delivery::kUnordered);
  EXPECT_EQ(message(3, 2), Result::kTaken);
  EXPECT_EQ(reader_.taken, (Numbers{3, 4}));
  EXPECT_EQ(in_.expected(), 1u);  // COUNT still speaks of sequence
  EXPECT_EQ(message(3, 2), Result::kDuplicate);
  EXPECT_EQ(message(1), Result::kTaken);
  EXPECT_EQ(in_.expected(), 2u);
  EXPECT_EQ(message(2, 4), Result::kTaken);  // 2 and 5 are new
  EXPECT_EQ(reader_.taken, (Numbers{3, 4, 1, 2, 5}));
  EXPECT_EQ(in_.expected(), 6u);
  EXPECT_EQ(in_.delivered(), 6u);
  EXPECT_EQ(in_.received_messages(), 5u);
  EXPECT_EQ(consumed(), 5 * kCost);
  EXPECT_EQ(in_.held_messages(), 0u);
}

TEST_F(InboundDelivery, UnorderedGivesCreditBackWhateverIsMissing) {
  use(wire::Delivery::kUnordered);
  ASSERT_EQ(message(5), Result::kTaken);
  EXPECT_EQ(consumed(), kCost);
  ASSERT_EQ(message(9), Result::kTaken);
  EXPECT_EQ(consumed(), 2 * kCost);
}

TEST_F(InboundDelivery, UnorderedWaitsForAllPieces) {
  use(wire::Delivery::kUnordered);
  ASSERT_EQ(fragment(2, 0, 20), Result::kTaken);
  EXPECT_TRUE(reader_.taken.empty());
  ASSERT_EQ(fragment(3, 0, 50), Result::kTaken);
  EXPECT_EQ(reader_.taken, Numbers{3});
  ASSERT_EQ(fragment(2, 20, 30), Result::kTaken);
  EXPECT_EQ(reader_.taken, (Numbers{3, 2}));
  EXPECT_EQ(fragment(2, 0, 20), Result::kDuplicate);
}

TEST_F(InboundDelivery, UnorderedKeepsWhatNobodyWantsYet) {
  use(wire::Delivery::kUnordered, false);
  ASSERT_EQ(message(2), Result::kTaken);
  ASSERT_EQ(message(4), Result::kTaken);
  EXPECT_TRUE(in_.deliverable());
  EXPECT_FALSE(in_.readable());
  EXPECT_EQ(consumed(), 0u);
  read();
  EXPECT_EQ(reader_.taken, (Numbers{2, 4}));
  EXPECT_FALSE(in_.deliverable());
  EXPECT_EQ(consumed(), 2 * kCost);
}

TEST_F(InboundDelivery, UnorderedASinkThatRefusesGetsItLaterAndOnce) {
  use(wire::Delivery::kUnordered);
  reader_.refuse = true;
  ASSERT_EQ(message(4), Result::kTaken);
  ASSERT_EQ(message(2), Result::kTaken);
  reader_.refuse = false;
  in_.deliver(some_channel(), &reader_);
  EXPECT_EQ(reader_.taken, (Numbers{2, 4}));
  in_.deliver(some_channel(), &reader_);
  EXPECT_EQ(reader_.taken.size(), 2u);
}

// SKIP must know what each of those that were handed over had cost.
TEST_F(InboundDelivery, UnorderedASkipIntoWhatWasHandedOver) {
  use(wire::Delivery::kUnordered);
  ASSERT_EQ(message(3, 4), Result::kTaken);
  EXPECT_EQ(in_.on_skip(some_channel(), 5, 2 * kCost, &reader_), Result::kTooMuch);
  EXPECT_EQ(in_.on_skip(some_channel(), 5, 4 * kCost, &reader_), Result::kTaken);
  EXPECT_EQ(in_.expected(), 7u);
  EXPECT_EQ(in_.skipped_messages(), 2u);
  EXPECT_EQ(consumed(), 6 * kCost);
  EXPECT_EQ(reader_.taken.size(), 4u);
}

TEST_F(InboundDelivery, UnorderedEndsWhenEverythingCame) {
  use(wire::Delivery::kUnordered);
  ASSERT_EQ(message(2), Result::kTaken);
  ASSERT_TRUE(in_.set_final(2));
  EXPECT_FALSE(in_.complete());
  ASSERT_EQ(message(1), Result::kTaken);
  EXPECT_TRUE(in_.complete());
  EXPECT_TRUE(in_.drained());
}

TEST_F(InboundDelivery, AFinalNumberBelowWhatWasHandedOverIsRefused) {
  use(wire::Delivery::kUnordered);
  ASSERT_EQ(message(5), Result::kTaken);
  EXPECT_FALSE(in_.set_final(4));
  EXPECT_TRUE(in_.set_final(5));
}

TEST_F(InboundDelivery, WhatCameBeforeTheDeliveryWasKnownIsHandedOverByIt) {
  ASSERT_EQ(message(2), Result::kTaken);
  ASSERT_EQ(message(5), Result::kTaken);
  use(wire::Delivery::kUnordered);
  in_.deliver(some_channel(), &reader_);
  EXPECT_EQ(reader_.taken, (Numbers{2, 5}));
}

// --- Latest.

TEST_F(InboundDelivery, LatestHandsOverNothingOlderThanWhatWasHandedOver) {
  use(wire::Delivery::kLatest);
  ASSERT_EQ(message(1), Result::kTaken);
  ASSERT_EQ(message(4), Result::kTaken);
  EXPECT_EQ(message(2), Result::kTaken);
  EXPECT_EQ(message(3), Result::kTaken);
  ASSERT_EQ(message(5), Result::kTaken);
  EXPECT_EQ(reader_.taken, (Numbers{1, 4, 5}));
  EXPECT_EQ(in_.expected(), 6u);
  EXPECT_EQ(in_.received_messages(), 5u);
  EXPECT_EQ(in_.skipped_messages(), 2u);
  EXPECT_EQ(consumed(), 5 * kCost);
}

TEST_F(InboundDelivery, LatestKeepsOnlyTheNewestForAReaderThatWaits) {
  use(wire::Delivery::kLatest, false);
  for (const uint64_t s : {1u, 2u, 5u, 3u}) ASSERT_EQ(message(s), Result::kTaken);
  EXPECT_EQ(in_.held_messages(), 1u);
  EXPECT_EQ(consumed(), 3 * kCost);
  read();
  EXPECT_EQ(reader_.taken, Numbers{5});
  EXPECT_EQ(in_.skipped_messages(), 3u);
  EXPECT_EQ(consumed(), 4 * kCost);
}

TEST_F(InboundDelivery, LatestOfARunIsItsLast) {
  use(wire::Delivery::kLatest);
  ASSERT_EQ(message(1, 4), Result::kTaken);
  EXPECT_EQ(reader_.taken, Numbers{4});
  EXPECT_EQ(in_.skipped_messages(), 3u);
  EXPECT_EQ(consumed(), 4 * kCost);
  EXPECT_EQ(in_.expected(), 5u);
}

TEST_F(InboundDelivery, LatestCountsWhatItPassesOverOnceWhenTheSinkRefuses) {
  use(wire::Delivery::kLatest);
  reader_.refuse = true;
  ASSERT_EQ(message(1, 4), Result::kTaken);
  for (int i = 0; i < 5; i++) in_.deliver(some_channel(), &reader_);
  reader_.refuse = false;
  in_.deliver(some_channel(), &reader_);
  EXPECT_EQ(reader_.taken, Numbers{4});
  EXPECT_EQ(in_.skipped_messages(), 3u);
  EXPECT_EQ(consumed(), 4 * kCost);
}

TEST_F(InboundDelivery, LatestPiecesOfWhatIsOldAreNotHandedOver) {
  use(wire::Delivery::kLatest);
  ASSERT_EQ(fragment(1, 0, 20), Result::kTaken);
  ASSERT_EQ(message(2), Result::kTaken);
  ASSERT_EQ(fragment(1, 20, 30), Result::kTaken);
  EXPECT_EQ(reader_.taken, Numbers{2});
  EXPECT_EQ(in_.expected(), 3u);
  EXPECT_EQ(consumed(), 2 * kCost);
}

TEST_F(InboundDelivery, LatestWhatWaitedBeforeTheDeliveryWasKnown) {
  for (const uint64_t s : {1u, 2u, 4u}) ASSERT_EQ(message(s), Result::kTaken);
  use(wire::Delivery::kLatest);
  in_.deliver(some_channel(), &reader_);
  EXPECT_EQ(reader_.taken, Numbers{4});
  EXPECT_EQ(in_.skipped_messages(), 2u);
  EXPECT_EQ(in_.delivered(), 3u);
  EXPECT_EQ(consumed(), 3 * kCost);
}

TEST_F(InboundDelivery, LatestASkipOverEverything) {
  use(wire::Delivery::kLatest);
  ASSERT_EQ(message(3), Result::kTaken);
  ASSERT_EQ(in_.on_skip(some_channel(), 3, 2 * kCost, &reader_), Result::kTaken);
  ASSERT_TRUE(in_.set_final(3));
  EXPECT_TRUE(in_.drained());
  EXPECT_EQ(consumed(), 3 * kCost);
  EXPECT_EQ(in_.skipped_messages(), 2u);
}

// --- Unreliable: the receiver's side is that of unordered; what the sender skips is passed.

TEST_F(InboundDelivery, UnreliableHandsOverWhatIsWholeAndPassesWhatIsSkipped) {
  use(wire::Delivery::kUnreliable);
  ASSERT_EQ(message(2), Result::kTaken);
  ASSERT_EQ(fragment(3, 0, 20), Result::kTaken);
  ASSERT_EQ(message(4), Result::kTaken);
  EXPECT_EQ(reader_.taken, (Numbers{2, 4}));
  ASSERT_EQ(in_.on_skip(some_channel(), 4, 3 * kCost, &reader_), Result::kTaken);
  EXPECT_EQ(in_.expected(), 5u);
  EXPECT_EQ(in_.skipped_messages(), 2u);
  EXPECT_EQ(consumed(), 4 * kCost);
  EXPECT_EQ(fragment(3, 20, 30), Result::kDuplicate);
  EXPECT_EQ(reader_.taken, (Numbers{2, 4}));
}

TEST_F(InboundDelivery, NothingIsLeftInMemory) {
  use(wire::Delivery::kUnreliable);
  for (uint64_t s = 40; s > 1; s--) ASSERT_EQ(message(s), Result::kTaken);
  ASSERT_EQ(in_.on_skip(some_channel(), 2, kCost, &reader_), Result::kTaken);
  EXPECT_EQ(in_.delivered(), 41u);
  in_.abandon();
  pool_.trim();
  EXPECT_EQ(memory_.in_use(), 0u);
}

}  // namespace
}  // namespace hawser::transport
