// SKIP at the receiver (PROTOCOL.md 5.14): what is missing will not come, what is here is still
// handed over, and credit is given back once for each message, whatever became of it.
#include <gtest/gtest.h>

#include <vector>

#include "test/support/inbound_fixture.h"
#include "transport/inbound.h"

namespace hawser::transport {
namespace {

using namespace inbound_test;

constexpr uint64_t kCost = 32 + 1 + 50;  // of a message of 50 bytes
constexpr uint64_t kCredit = 10'000;

class InboundSkip : public testing::Test {
 protected:
  Result message(uint64_t first, uint32_t count = 1) {
    const std::vector<uint8_t> run = run_of(first, std::vector<size_t>(count, 50));
    return in_.on_message(some_channel(), first, run.data(), run.size(), count, sink_);
  }
  Result fragment(uint64_t sequence, size_t offset, size_t length) {
    const std::vector<uint8_t> body = body_of(sequence, 50);
    return in_.on_fragment(some_channel(), sequence, 50, offset, body.data() + offset, length,
                           sink_);
  }
  Result skip(uint64_t next, uint64_t cost) {
    return in_.on_skip(some_channel(), next, cost, sink_);
  }
  void read() {
    in_.set_demand(Demand::kContinuous);
    in_.deliver(some_channel(), &reader_);
  }
  uint64_t consumed() const { return in_.credit_limit() - in_.window(); }

  using Numbers = std::vector<uint64_t>;
  FailingMemory memory_;
  BlockPool pool_{memory_};
  Inbound in_{memory_, pool_, 1, kCredit};
  AnyReader reader_;
  MessageSink* sink_ = &reader_;
};

TEST_F(InboundSkip, PassesAGapAndHandsOverWhatIsBehindIt) {
  in_.set_demand(Demand::kContinuous);
  ASSERT_EQ(message(3, 2), Result::kTaken);
  EXPECT_EQ(skip(3, 2 * kCost), Result::kTaken);
  EXPECT_EQ(reader_.taken, (Numbers{3, 4}));
  EXPECT_EQ(in_.expected(), 5u);
  EXPECT_EQ(in_.delivered(), 5u);
  EXPECT_EQ(in_.skipped_messages(), 2u);
  EXPECT_EQ(in_.received_messages(), 2u);
  EXPECT_EQ(consumed(), 4 * kCost);
}

TEST_F(InboundSkip, OfNothingThatCame) {
  in_.set_demand(Demand::kContinuous);
  EXPECT_EQ(skip(6, 5 * kCost), Result::kTaken);
  EXPECT_EQ(in_.expected(), 6u);
  EXPECT_EQ(in_.skipped_messages(), 5u);
  EXPECT_EQ(consumed(), 5 * kCost);
  EXPECT_EQ(message(6), Result::kTaken);
  EXPECT_EQ(reader_.taken, Numbers{6});
  EXPECT_EQ(consumed(), 6 * kCost);
  EXPECT_EQ(in_.held_messages(), 0u);
}

TEST_F(InboundSkip, ThatMovesNothingIsIgnored) {
  in_.set_demand(Demand::kContinuous);
  ASSERT_EQ(message(1, 3), Result::kTaken);
  EXPECT_EQ(skip(4, 3 * kCost), Result::kDuplicate);
  EXPECT_EQ(skip(1, 0), Result::kDuplicate);
  EXPECT_EQ(skip(2, kPlenty), Result::kDuplicate);
  EXPECT_EQ(consumed(), 3 * kCost);
  ASSERT_EQ(skip(6, 5 * kCost), Result::kTaken);
  EXPECT_EQ(skip(6, 5 * kCost), Result::kDuplicate);
  EXPECT_EQ(consumed(), 5 * kCost);
  EXPECT_EQ(in_.skipped_messages(), 2u);
}

TEST_F(InboundSkip, DropsThePiecesOfWhatWillNotComeWhole) {
  in_.set_demand(Demand::kContinuous);
  ASSERT_EQ(fragment(1, 0, 20), Result::kTaken);
  ASSERT_EQ(fragment(2, 10, 20), Result::kTaken);
  ASSERT_EQ(message(3), Result::kTaken);
  EXPECT_EQ(skip(3, 2 * kCost), Result::kTaken);
  EXPECT_EQ(reader_.taken, Numbers{3});
  EXPECT_EQ(in_.skipped_messages(), 2u);
  EXPECT_EQ(consumed(), 3 * kCost);
  pool_.trim();
  // The rest of them comes too late.
  EXPECT_EQ(fragment(1, 20, 30), Result::kDuplicate);
  EXPECT_EQ(message(2), Result::kDuplicate);
  EXPECT_EQ(reader_.taken, Numbers{3});
  EXPECT_EQ(consumed(), 3 * kCost);
}

TEST_F(InboundSkip, WhatIsHereBelowItIsStillHandedOver) {
  in_.set_demand(Demand::kContinuous);
  ASSERT_EQ(message(2), Result::kTaken);
  ASSERT_EQ(message(4), Result::kTaken);
  EXPECT_EQ(skip(6, 5 * kCost), Result::kTaken);
  EXPECT_EQ(reader_.taken, (Numbers{2, 4}));
  EXPECT_EQ(in_.skipped_messages(), 3u);
  EXPECT_EQ(in_.expected(), 6u);
  EXPECT_EQ(consumed(), 5 * kCost);
}

TEST_F(InboundSkip, IntoTheMiddleOfARun) {
  in_.set_demand(Demand::kContinuous);
  ASSERT_EQ(message(3, 4), Result::kTaken);
  EXPECT_EQ(skip(5, 4 * kCost), Result::kTaken);  // 1 and 2 are missing
  EXPECT_EQ(reader_.taken, (Numbers{3, 4, 5, 6}));
  EXPECT_EQ(in_.expected(), 7u);
  EXPECT_EQ(in_.skipped_messages(), 2u);
  EXPECT_EQ(consumed(), 6 * kCost);
}

// Without a reader: nothing is given back before it could be handed over.
TEST_F(InboundSkip, WithoutAReaderTheCostComesBackWithWhatIsBefore) {
  ASSERT_EQ(message(1), Result::kTaken);
  ASSERT_EQ(message(3), Result::kTaken);
  EXPECT_EQ(skip(5, 4 * kCost), Result::kTaken);
  EXPECT_EQ(in_.expected(), 5u);
  EXPECT_EQ(in_.delivered(), 1u);
  EXPECT_EQ(in_.held_messages(), 2u);
  EXPECT_EQ(consumed(), 0u);
  EXPECT_EQ(skip(7, 6 * kCost), Result::kTaken);
  EXPECT_EQ(consumed(), 0u);
  read();
  EXPECT_EQ(reader_.taken, (Numbers{1, 3}));
  EXPECT_EQ(consumed(), 6 * kCost);
  EXPECT_EQ(in_.delivered(), 7u);
  EXPECT_EQ(in_.held_messages(), 0u);
  read();
  EXPECT_EQ(consumed(), 6 * kCost);
}

TEST_F(InboundSkip, ThenMessagesAndAnotherSkipWithoutAReader) {
  EXPECT_EQ(skip(3, 2 * kCost), Result::kTaken);
  EXPECT_EQ(consumed(), 2 * kCost);  // nothing of the application's is before it
  ASSERT_EQ(message(3), Result::kTaken);
  ASSERT_EQ(message(6), Result::kTaken);
  EXPECT_EQ(skip(6, 5 * kCost), Result::kTaken);
  EXPECT_EQ(in_.expected(), 7u);
  EXPECT_EQ(consumed(), 2 * kCost);
  read();
  EXPECT_EQ(reader_.taken, (Numbers{3, 6}));
  EXPECT_EQ(consumed(), 6 * kCost);
  EXPECT_EQ(in_.skipped_messages(), 4u);
}

TEST_F(InboundSkip, CostsThatContradictWhatCameAreRefused) {
  ASSERT_EQ(message(2), Result::kTaken);
  ASSERT_EQ(message(6), Result::kTaken);
  // 1 costs 33 at least, and 2 what it does.
  EXPECT_EQ(skip(3, kCost + 32), Result::kTooMuch);
  EXPECT_EQ(skip(3, kCost - 1), Result::kTooMuch);
  EXPECT_EQ(skip(3, 0), Result::kTooMuch);
  // With what is above it, the credit is all there is.
  EXPECT_EQ(skip(3, kCredit - kCost + 1), Result::kTooMuch);
  EXPECT_EQ(skip(3, kCredit + 1), Result::kTooMuch);
  EXPECT_EQ(skip(3, UINT64_MAX >> 2), Result::kTooMuch);
  // Nothing of it has left a trace.
  EXPECT_EQ(in_.expected(), 1u);
  EXPECT_EQ(in_.skipped_messages(), 0u);
  EXPECT_EQ(skip(3, kCost + 33), Result::kTaken);
  EXPECT_EQ(in_.expected(), 3u);
}

TEST_F(InboundSkip, UpToTheCreditIsAllowed) {
  ASSERT_EQ(message(6), Result::kTaken);
  EXPECT_EQ(skip(3, kCredit - kCost), Result::kTaken);
  // Now nothing is left of it.
  EXPECT_EQ(message(3), Result::kTooMuch);
}

TEST_F(InboundSkip, FarAheadIsRefusedAndTakesNoMemory) {
  const uint64_t before = memory_.requests();
  EXPECT_EQ(skip(1 + kCredit / 33 + 1, kCredit), Result::kTooMuch);
  EXPECT_EQ(skip(1 + wire::kMaxWindow + 1, kCredit), Result::kBadState);
  EXPECT_EQ(skip(uint64_t{1} << 40, kCredit), Result::kBadState);
  EXPECT_EQ(in_.expected(), 1u);
  EXPECT_EQ(skip(1 + kCredit / 33, kCredit), Result::kTaken);
  EXPECT_EQ(memory_.requests(), before);
}

TEST_F(InboundSkip, BeyondTheFinalNumberIsRefused) {
  ASSERT_TRUE(in_.set_final(4));
  EXPECT_EQ(skip(6, 5 * kCost), Result::kBadState);
  EXPECT_FALSE(in_.complete());
  EXPECT_EQ(skip(5, 4 * kCost), Result::kTaken);
  EXPECT_TRUE(in_.complete());
  EXPECT_TRUE(in_.drained());
}

TEST_F(InboundSkip, AFinalNumberBelowItIsRefused) {
  ASSERT_EQ(skip(5, 4 * kCost), Result::kTaken);
  EXPECT_FALSE(in_.set_final(3));
  EXPECT_TRUE(in_.set_final(4));
  EXPECT_TRUE(in_.complete());
}

TEST_F(InboundSkip, CompleteWithItAndDrainedWhenTheRestWasRead) {
  ASSERT_EQ(message(1), Result::kTaken);
  ASSERT_TRUE(in_.set_final(3));
  EXPECT_EQ(skip(4, 3 * kCost), Result::kTaken);
  EXPECT_TRUE(in_.complete());
  EXPECT_FALSE(in_.drained());
  read();
  EXPECT_TRUE(in_.drained());
}

TEST_F(InboundSkip, GapsAreThoseThatAreLeft) {
  ASSERT_EQ(message(3), Result::kTaken);
  ASSERT_EQ(message(7), Result::kTaken);
  std::vector<std::pair<uint64_t, uint64_t>> gaps;
  const auto note = [&](uint64_t first, uint64_t end) {
    gaps.emplace_back(first, end);
    return true;
  };
  EXPECT_TRUE(in_.has_gap());
  EXPECT_EQ(in_.frontier(), 8u);
  in_.each_gap(0, in_.frontier(), note);
  EXPECT_EQ(gaps, (std::vector<std::pair<uint64_t, uint64_t>>{{1, 3}, {4, 7}}));
  ASSERT_EQ(skip(5, 4 * kCost), Result::kTaken);
  gaps.clear();
  in_.each_gap(0, in_.frontier(), note);
  EXPECT_EQ(gaps, (std::vector<std::pair<uint64_t, uint64_t>>{{5, 7}}));
  ASSERT_EQ(skip(7, 6 * kCost), Result::kTaken);
  EXPECT_FALSE(in_.has_gap());
  EXPECT_EQ(in_.frontier(), 8u);
  EXPECT_EQ(in_.expected(), 8u);
}

TEST_F(InboundSkip, AMessageThatIsComingIsNoGapUntilSomethingIsBehindIt) {
  ASSERT_EQ(fragment(1, 0, 20), Result::kTaken);
  EXPECT_FALSE(in_.has_gap());
  ASSERT_EQ(message(2), Result::kTaken);
  EXPECT_TRUE(in_.has_gap());
  bool stopped = false;
  in_.each_gap(1, 3, [&](uint64_t first, uint64_t end) {
    EXPECT_EQ(first, 1u);
    EXPECT_EQ(end, 2u);
    stopped = true;
    return false;
  });
  EXPECT_TRUE(stopped);
}

TEST_F(InboundSkip, ASinkThatRefusesGetsTheRestLater) {
  in_.set_demand(Demand::kContinuous);
  reader_.refuse = true;
  ASSERT_EQ(message(2, 2), Result::kTaken);
  EXPECT_EQ(skip(2, kCost), Result::kTaken);
  EXPECT_EQ(in_.expected(), 4u);
  EXPECT_EQ(in_.delivered(), 2u);
  reader_.refuse = false;
  in_.deliver(some_channel(), &reader_);
  EXPECT_EQ(reader_.taken, (Numbers{2, 3}));
  EXPECT_EQ(consumed(), 3 * kCost);
}

}  // namespace
}  // namespace hawser::transport
