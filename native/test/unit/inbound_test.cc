#include "transport/inbound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/inbound_fixture.h"
#include "test/support/test_random.h"
#include "wire/frames.h"

namespace hawser::transport {
namespace {

using namespace inbound_test;

TEST_F(InboundTest, HandsOverAtOnceWhatComesInOrder) {
  in_.set_demand(Demand::kContinuous);
  EXPECT_EQ(message(1, {0, 5, 100}, &reader_), Result::kTaken);
  EXPECT_EQ(message(4, {7}, &reader_), Result::kTaken);
  EXPECT_EQ(reader_.next, 5u);
  EXPECT_EQ(in_.expected(), 5u);
  EXPECT_EQ(in_.held_messages(), 0u);
  // Straight through: nothing was stored, so nothing was allocated.
  EXPECT_EQ(memory_.requests(), 0u);
}

TEST_F(InboundTest, KeepsWhatNobodyWantsYet) {
  EXPECT_EQ(message(1, {10, 20}, &reader_), Result::kTaken);
  EXPECT_EQ(message(3, {30}, nullptr), Result::kTaken);
  EXPECT_EQ(in_.expected(), 4u);
  EXPECT_EQ(in_.held_messages(), 3u);
  EXPECT_FALSE(in_.readable());
  in_.set_demand(Demand::kContinuous);
  EXPECT_TRUE(in_.readable());
  in_.deliver(some_channel(), &reader_);
  EXPECT_EQ(reader_.sizes, (std::vector<size_t>{10, 20, 30}));
  EXPECT_FALSE(in_.readable());
  EXPECT_EQ(in_.held_messages(), 0u);
}

TEST_F(InboundTest, ASinkThatRefusesIsAskedAgain) {
  in_.set_demand(Demand::kContinuous);
  reader_.refuse = true;
  EXPECT_EQ(message(1, {10}, &reader_), Result::kTaken);
  EXPECT_EQ(reader_.next, 1u);
  EXPECT_TRUE(in_.readable());
  reader_.refuse = false;
  EXPECT_EQ(message(2, {10}, &reader_), Result::kTaken);
  EXPECT_EQ(reader_.next, 3u);
}

TEST_F(InboundTest, OnceLetsAPortionGo) {
  in_.set_demand(Demand::kOnce);
  for (uint64_t s = 1; s <= 6; s++) {
    ASSERT_EQ(message(s, {Inbound::kOnceBytes / 2}, nullptr), Result::kTaken);
  }
  in_.deliver(some_channel(), &reader_);
  const uint64_t first_portion = reader_.next;
  EXPECT_GT(first_portion, 1u);
  EXPECT_LT(first_portion, 7u);
  EXPECT_EQ(in_.demand(), Demand::kNone);
  in_.deliver(some_channel(), &reader_);
  EXPECT_EQ(reader_.next, first_portion);
  in_.set_demand(Demand::kOnce);
  in_.deliver(some_channel(), &reader_);
  EXPECT_GT(reader_.next, first_portion);
}

TEST_F(InboundTest, DuplicatesAreToldApartFromNewMessages) {
  in_.set_demand(Demand::kContinuous);
  EXPECT_EQ(message(3, {30, 40}, &reader_), Result::kTaken);
  EXPECT_EQ(message(3, {30, 40}, &reader_), Result::kDuplicate);
  // 2 and 3: one new, one known.
  EXPECT_EQ(message(2, {20, 30}, &reader_), Result::kTaken);
  EXPECT_EQ(message(1, {10}, &reader_), Result::kTaken);
  EXPECT_EQ(reader_.sizes, (std::vector<size_t>{10, 20, 30, 40}));
  EXPECT_EQ(message(1, {10, 20, 30, 40}, &reader_), Result::kDuplicate);
  EXPECT_EQ(fragment(2, 20, 0, 20, &reader_), Result::kDuplicate);
  EXPECT_EQ(in_.received_messages(), 4u);
}

TEST_F(InboundTest, PutsPiecesTogetherInAnyOrder) {
  in_.set_demand(Demand::kContinuous);
  EXPECT_EQ(fragment(1, 1000, 600, 400, &reader_), Result::kTaken);
  EXPECT_EQ(fragment(1, 1000, 600, 400, &reader_), Result::kDuplicate);
  EXPECT_EQ(fragment(1, 1000, 500, 200, &reader_), Result::kTaken);  // overlaps
  EXPECT_EQ(fragment(1, 1000, 0, 300, &reader_), Result::kTaken);
  EXPECT_EQ(reader_.next, 1u);
  EXPECT_EQ(fragment(1, 1000, 250, 300, &reader_), Result::kTaken);
  EXPECT_EQ(reader_.sizes, (std::vector<size_t>{1000}));
}

TEST_F(InboundTest, AWholeMessageReplacesItsPieces) {
  in_.set_demand(Demand::kContinuous);
  EXPECT_EQ(fragment(2, 100, 0, 40, &reader_), Result::kTaken);
  EXPECT_EQ(message(1, {10, 100, 30}, &reader_), Result::kTaken);
  EXPECT_EQ(reader_.sizes, (std::vector<size_t>{10, 100, 30}));
}

// The pieces were acknowledged: they must outlive a whole message that finds no memory.
TEST_F(InboundTest, PiecesOutliveAWholeMessageThatFindsNoMemory) {
  in_.set_demand(Demand::kContinuous);
  EXPECT_EQ(fragment(2, 1'000, 600, 400, &reader_), Result::kTaken);
  for (uint64_t fail = 0; fail < 2; fail++) {
    memory_.fail_after(fail);
    const Result result = message(2,
                                  {1'000, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100,
                                   100, 100, 100, 100, 100, 100},
                                  &reader_);
    EXPECT_EQ(result, Result::kNoMemory);
    memory_.heal();
  }
  EXPECT_EQ(fragment(2, 1'000, 0, 600, &reader_), Result::kTaken);
  EXPECT_EQ(message(1, {10}, &reader_), Result::kTaken);
  EXPECT_EQ(reader_.next, 3u);
}

TEST_F(InboundTest, RefusesWhatContradicts) {
  EXPECT_EQ(fragment(1, 100, 0, 40, nullptr), Result::kTaken);
  EXPECT_EQ(fragment(1, 101, 40, 40, nullptr), Result::kBadState);
  EXPECT_TRUE(in_.set_final(2));
  EXPECT_TRUE(in_.set_final(2));
  EXPECT_FALSE(in_.set_final(3));
  EXPECT_EQ(message(3, {5}, nullptr), Result::kBadState);
  EXPECT_EQ(message(2, {5, 5}, nullptr), Result::kBadState);
  EXPECT_EQ(fragment(3, 5, 0, 5, nullptr), Result::kBadState);
  EXPECT_EQ(message(2, {5}, nullptr), Result::kTaken);
  EXPECT_FALSE(in_.complete());
  EXPECT_EQ(fragment(1, 100, 40, 60, nullptr), Result::kTaken);
  EXPECT_TRUE(in_.complete());
  EXPECT_FALSE(in_.drained());
}

TEST_F(InboundTest, AFinalBelowWhatCameIsRefused) {
  EXPECT_EQ(message(1, {5, 5, 5}, nullptr), Result::kTaken);
  EXPECT_FALSE(in_.set_final(2));
  EXPECT_EQ(message(7, {5}, nullptr), Result::kTaken);
  EXPECT_FALSE(in_.set_final(6));
  EXPECT_TRUE(in_.set_final(7));
}

TEST_F(InboundTest, RefusesLongMessages) {
  in_.set_max_message(100);
  EXPECT_EQ(message(1, {100}, nullptr), Result::kTaken);
  EXPECT_EQ(message(2, {101}, nullptr), Result::kTooLarge);
  EXPECT_EQ(message(2, {10, 60, 101}, nullptr), Result::kTooLarge);
  EXPECT_EQ(fragment(2, 101, 0, 10, nullptr), Result::kTooLarge);
  // Many that are long together are fine.
  EXPECT_EQ(message(2, {90, 90, 90}, nullptr), Result::kTaken);
}

TEST(Inbound, CreditBoundsWhatIsTaken) {
  FailingMemory memory;
  BlockPool pool(memory);
  const uint64_t cost = wire::message_cost(100);
  Inbound in(memory, pool, 1, 10 * cost);
  const auto send = [&](uint64_t sequence) {
    const std::vector<uint8_t> run = run_of(sequence, {100});
    return in.on_message(some_channel(), sequence, run.data(), run.size(), 1, nullptr);
  };
  for (uint64_t s = 1; s <= 10; s++) EXPECT_EQ(send(s), Result::kTaken);
  EXPECT_EQ(send(11), Result::kTooMuch);
  EXPECT_FALSE(in.credit_due());
  Reader reader(1);
  in.set_demand(Demand::kContinuous);
  in.deliver(some_channel(), &reader);
  ASSERT_TRUE(in.credit_due());
  EXPECT_EQ(in.credit_limit(), 20 * cost);
  // Not before it was announced.
  EXPECT_EQ(send(11), Result::kTooMuch);
  in.on_credit_announced(kSecond, 8 * kMillisecond);
  EXPECT_EQ(in.announced_credit(), 20 * cost);
  EXPECT_EQ(send(11), Result::kTaken);
}

TEST(Inbound, AFarNumberCostsWhatLiesBelow) {
  FailingMemory memory;
  BlockPool pool(memory);
  Inbound in(memory, pool, 1, 4096);
  const auto send = [&](uint64_t sequence) {
    const uint8_t empty = 0;
    return in.on_message(some_channel(), sequence, &empty, 1, 1, nullptr);
  };
  // 4096 / 33 messages at most, the one itself included.
  EXPECT_EQ(send(4096 / 33 + 1), Result::kTooMuch);
  EXPECT_EQ(send(1'000'000'000), Result::kTooMuch);
  const uint64_t requests = memory.requests();
  EXPECT_EQ(requests, 0u);
  EXPECT_EQ(send(4096 / 33), Result::kTaken);
  const uint8_t piece = 1;
  EXPECT_EQ(in.on_fragment(some_channel(), 1'000, 50, 0, &piece, 1, nullptr), Result::kTooMuch);
  EXPECT_EQ(in.on_fragment(some_channel(), 1, 4'050, 0, &piece, 1, nullptr), Result::kTooMuch);
}

TEST(Inbound, TinyPiecesFarApartAreNotKept) {
  FailingMemory memory;
  BlockPool pool(memory);
  Inbound in(memory, pool, 1, kPlenty);
  const std::vector<uint8_t> body = body_of(1, 100'000);
  uint64_t dropped = 0;
  for (size_t offset = 1; offset < body.size(); offset += 2) {
    const Result result =
        in.on_fragment(some_channel(), 1, body.size(), offset, body.data() + offset, 1, nullptr);
    if (result == Result::kExcessive) {
      dropped++;
    } else {
      ASSERT_EQ(result, Result::kTaken);
    }
  }
  EXPECT_GT(dropped, 45'000u);
  EXPECT_LT(memory.in_use(), 3 * body.size());
  // An honest sender still gets through.
  Reader reader(1);
  in.set_demand(Demand::kContinuous);
  for (size_t offset = 0; offset < body.size(); offset += 1'000) {
    ASSERT_EQ(in.on_fragment(some_channel(), 1, body.size(), offset, body.data() + offset, 1'000,
                             &reader),
              Result::kTaken);
  }
  EXPECT_EQ(reader.next, 2u);
}

TEST(Inbound, BlockedMakesRoomForOneMessageOfAnAllowedLength) {
  FailingMemory memory;
  BlockPool pool(memory);
  Inbound in(memory, pool, 1, 4096);
  in.set_max_message(100'000);
  in.on_blocked(wire::message_cost(50'000));
  EXPECT_TRUE(in.credit_due());
  EXPECT_EQ(in.credit_limit(), wire::message_cost(50'000));
  in.on_blocked(kPlenty);
  EXPECT_EQ(in.credit_limit(), wire::message_cost(100'000));
}

// Its thread is busy, or else nothing that can be handed over would be held: the peer goes on.
TEST(Inbound, BlockedWidensTheWindowOfAReaderThatTakesEverything) {
  FailingMemory memory;
  BlockPool pool(memory);
  struct Case {
    Demand demand;
    uint64_t arrived;  // the number of the message that is held
    bool widens;
  };
  for (const auto& [demand, arrived, takes] :
       {Case{Demand::kNone, 1, false}, Case{Demand::kOnce, 1, false},
        Case{Demand::kContinuous, 2, false}, Case{Demand::kContinuous, 1, true}}) {
    Inbound in(memory, pool, 1, 4096);
    in.set_max_window(16'384);
    in.set_max_message(100);
    in.set_demand(demand);
    const std::vector<uint8_t> run = run_of(arrived, {50});
    ASSERT_EQ(in.on_message(some_channel(), arrived, run.data(), run.size(), 1, nullptr),
              Result::kTaken);
    in.on_blocked(4096);  // what it has already
    EXPECT_EQ(in.window(), 4096u);
    for (const uint64_t expected : {8'192, 16'384, 16'384}) {
      in.on_blocked(in.announced_credit() + 100);
      EXPECT_EQ(in.window(), takes ? expected : 4'096);
      in.on_credit_announced(kSecond, 8 * kMillisecond);
    }
  }
}

TEST(Inbound, TheWindowGrowsOnlyForAReaderThatKeepsUp) {
  FailingMemory memory;
  BlockPool pool(memory);
  Inbound in(memory, pool, 1, 4096);
  in.set_max_window(16'384);
  in.set_demand(Demand::kContinuous);
  Reader reader(1);
  uint64_t sequence = 1;
  Time now = kSecond;
  const auto fill = [&] {
    while (!in.credit_due()) {
      const std::vector<uint8_t> run = run_of(sequence, {500});
      ASSERT_EQ(in.on_message(some_channel(), sequence, run.data(), run.size(), 1, &reader),
                Result::kTaken);
      sequence++;
    }
  };
  fill();
  in.on_credit_announced(now, 80 * kMillisecond);
  const uint64_t first = in.window();
  // Used up slowly: stays.
  for (int i = 0; i < 10; i++) {
    fill();
    in.on_credit_announced(now += 10 * kSecond, 80 * kMillisecond);
  }
  EXPECT_EQ(in.window(), first);
  // Used up within a round trip: grows, to the limit.
  for (int i = 0; i < 100; i++) {
    fill();
    const uint64_t said = in.credit_limit();
    in.on_credit_announced(now += kMillisecond, 80 * kMillisecond);
    // What was written into the frame is what counts.
    ASSERT_EQ(in.announced_credit(), said);
  }
  EXPECT_EQ(in.window(), 16'384u);
}

// A sender in slow start is not held: what was consumed within a round trip has room eight times.
TEST(Inbound, TheWindowIsAheadOfAGrowingSender) {
  FailingMemory memory;
  BlockPool pool(memory);
  Inbound in(memory, pool, 1, 4096);
  in.set_max_window(1 << 20);
  in.set_demand(Demand::kContinuous);
  Reader reader(1);
  uint64_t sequence = 1;
  constexpr Duration kRoundTrip = 10 * kMillisecond;
  Time now = kSecond;
  for (int i = 0; i < 20; i++) {
    const std::vector<uint8_t> run = run_of(sequence, {1'000});
    ASSERT_EQ(in.on_message(some_channel(), sequence, run.data(), run.size(), 1, &reader),
              Result::kTaken);
    sequence++;
    now += kRoundTrip / 2;
    if (in.credit_due()) in.on_credit_announced(now, 8 * kRoundTrip);
  }
  // Two messages a round trip, of 1,034 each: the first doubling that is more.
  EXPECT_EQ(in.window(), 32'768u);
}

// Against a model: messages cut in any way, lost, repeated and reordered; sinks that refuse,
// readers that pause, memory that fails. What was reported as kept is there, once, in order.
TEST(Inbound, DeliversOnceAndInOrderWhateverComes) {
  for (const uint64_t seed : test::test_seeds(200)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    {
      BlockPool pool(memory);
      const uint64_t first = random.chance(70) ? 1 : (uint64_t{1} << 32) - random.below(60);
      Inbound in(memory, pool, first, kPlenty);
      Reader reader(first);
      const uint64_t count = random.between(1, 120);
      std::vector<size_t> lengths(count);
      const bool large = random.chance(30);
      for (size_t& length : lengths) {
        length = random.chance(20) ? 0 : random.below(large ? 6'000 : 120);
      }
      for (int step = 0; step < 100'000 && reader.next != first + count; step++) {
        switch (random.below(12)) {
          case 0:
            in.set_demand(Demand::kContinuous);
            break;
          case 1:
            in.set_demand(Demand::kNone);
            break;
          case 2:
            in.set_demand(Demand::kOnce);
            break;
          case 3:
            in.deliver(some_channel(), &reader);
            break;
          default:
            break;
        }
        reader.refuse = random.chance(20);
        MessageSink* sink = random.chance(60) ? &reader : nullptr;
        // Near what is missing.
        const uint64_t low = in.expected() - first;
        const uint64_t index =
            std::min<uint64_t>(low + random.below(12), count - 1) -
            std::min<uint64_t>(random.below(3), std::min<uint64_t>(low, count - 1));
        const uint64_t sequence = first + index;
        if (random.chance(5)) memory.fail_after(random.below(3));
        Result result = Result::kTaken;
        if (lengths[index] > 0 && random.chance(50)) {
          const size_t offset = random.below(lengths[index]);
          const size_t length = random.between(1, lengths[index] - offset);
          const std::vector<uint8_t> body = body_of(sequence, lengths[index]);
          result = in.on_fragment(some_channel(), sequence, lengths[index], offset,
                                  body.data() + offset, length, sink);
        } else {
          const size_t many = random.between(1, std::min<uint64_t>(8, count - index));
          const std::vector<uint8_t> run = run_of(
              sequence, std::vector<size_t>(lengths.begin() + static_cast<long>(index),
                                            lengths.begin() + static_cast<long>(index + many)));
          result = in.on_message(some_channel(), sequence, run.data(), run.size(),
                                 static_cast<uint32_t>(many), sink);
          if (result == Result::kTaken || result == Result::kDuplicate) {
            // Kept: whatever was missing of it is not missing any more.
            if (sequence <= in.expected()) {
              ASSERT_GE(in.expected(), sequence + many);
            }
          }
        }
        memory.heal();
        ASSERT_TRUE(result == Result::kTaken || result == Result::kDuplicate ||
                    result == Result::kNoMemory || result == Result::kExcessive)
            << static_cast<int>(result);
        ASSERT_LE(in.delivered(), in.expected());
        ASSERT_EQ(in.delivered(), reader.next);
        if (HasFailure()) return;
      }
      EXPECT_EQ(reader.next, first + count);
      EXPECT_EQ(reader.sizes, lengths);
      EXPECT_EQ(in.held_messages(), 0u);
      EXPECT_EQ(in.received_messages(), count);
      if (random.chance(50)) in.abandon();
    }
    EXPECT_EQ(memory.in_use(), 0u);
  }
}

TEST(Inbound, AbandonGivesEverythingBack) {
  FailingMemory memory;
  {
    BlockPool pool(memory);
    Inbound in(memory, pool, 1, kPlenty);
    for (uint64_t s = 2; s < 50; s += 2) {
      const std::vector<uint8_t> run = run_of(s, {200});
      ASSERT_EQ(in.on_message(some_channel(), s, run.data(), run.size(), 1, nullptr),
                Result::kTaken);
      const std::vector<uint8_t> body = body_of(s + 1, 300);
      ASSERT_EQ(in.on_fragment(some_channel(), s + 1, 300, 100, body.data(), 50, nullptr),
                Result::kTaken);
    }
    in.abandon();
    pool.trim();
    EXPECT_EQ(memory.in_use(), 0u);
    EXPECT_EQ(in.held_messages(), 0u);
  }
  EXPECT_EQ(memory.in_use(), 0u);
}

}  // namespace
}  // namespace hawser::transport
