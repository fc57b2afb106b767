// Inbound against a plain reference over all deliveries, with SKIP, readers that pause, sinks that
// refuse and memory that fails: each message is handed over once or accounted for, in the order
// that its delivery asks for, and the credit that comes back is exactly what was consumed.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "test/support/inbound_fixture.h"
#include "test/support/test_random.h"
#include "transport/inbound.h"

namespace hawser::transport {
namespace {

using namespace inbound_test;

struct Sent {
  size_t length;
  std::vector<bool> here;  // its bytes; an empty message has one
  bool whole = false;
  bool skipped = false;
};

class InboundRun {
 public:
  explicit InboundRun(uint64_t seed)
      : random_(seed),
        first_(random_.chance(70) ? 1 : (uint64_t{1} << 32) - random_.below(60)),
        count_(random_.between(1, 80)),
        delivery_(static_cast<wire::Delivery>(random_.below(4))),
        in_(memory_, pool_, first_, 200'000) {
    in_.set_delivery(delivery_);
    const bool large = random_.chance(30);
    for (uint64_t s = first_; s < first_ + count_; s++) {
      const size_t length = random_.chance(20) ? 0 : random_.below(large ? 1'500 : 80);
      sent_[s] = Sent{length, std::vector<bool>(std::max<size_t>(length, 1))};
    }
  }

  void go() {
    for (int i = 0; i < 5'000 && in_.expected() != first_ + count_; i++) {
      step();
      if (testing::Test::HasFailure()) return;
    }
    finish();
  }

  size_t left_in_memory() {
    in_.abandon();
    pool_.trim();
    return memory_.in_use();
  }

 private:
  uint64_t cost_below(uint64_t sequence) const {
    uint64_t cost = 0;
    for (const auto& [s, message] : sent_) {
      if (s < sequence) cost += wire::message_cost(message.length);
    }
    return cost;
  }
  uint64_t expected() const {
    uint64_t s = first_;
    while (s < first_ + count_ && (sent_.at(s).whole || sent_.at(s).skipped)) s++;
    return s;
  }

  void step() {
    reader_.refuse = random_.chance(20);
    if (random_.chance(5)) memory_.fail_after(random_.below(3));
    MessageSink* sink = random_.chance(60) ? &reader_ : nullptr;
    const uint64_t at = std::min(in_.expected() + random_.below(12), first_ + count_ - 1);
    switch (random_.below(12)) {
      case 0:
        in_.set_demand(static_cast<Demand>(random_.below(3)));
        break;
      case 1:
        in_.deliver(some_channel(), sink);
        break;
      case 2:
        if (random_.chance(30)) skip(at + 1, sink);
        break;
      case 3:
      case 4:
      case 5:
      case 6:
        if (sent_[at].length != 0) piece(at, sink);
        break;
      default:
        whole(at, random_.between(1, 4), sink);
        break;
    }
    memory_.heal();
    check();
  }

  void piece(uint64_t s, MessageSink* sink) {
    Sent& message = sent_[s];
    const size_t offset = random_.below(message.length);
    const size_t length = random_.between(1, message.length - offset);
    const std::vector<uint8_t> body = body_of(s, message.length);
    const Result result = in_.on_fragment(some_channel(), s, message.length, offset,
                                          body.data() + offset, length, sink);
    if (result == Result::kNoMemory || result == Result::kExcessive) return;
    if (message.skipped || message.whole) {
      ASSERT_EQ(result, Result::kDuplicate);
      return;
    }
    std::fill_n(message.here.begin() + static_cast<long>(offset), length, true);
    message.whole = std::count(message.here.begin(), message.here.end(), false) == 0;
    if (message.whole) whole_++;
  }

  void whole(uint64_t s, uint64_t many, MessageSink* sink) {
    many = std::min(many, first_ + count_ - s);
    std::vector<size_t> lengths;
    for (uint64_t i = 0; i < many; i++) lengths.push_back(sent_[s + i].length);
    const std::vector<uint8_t> run = run_of(s, lengths);
    const uint64_t before = in_.received_messages();
    const Result result = in_.on_message(some_channel(), s, run.data(), run.size(),
                                         static_cast<uint32_t>(many), sink);
    if (result == Result::kNoMemory) {
      // The first of them may be kept, but nobody was told: they come again.
      uint64_t kept = in_.received_messages() - before;
      for (uint64_t i = 0; i < many && kept != 0; i++) {
        Sent& message = sent_[s + i];
        if (message.whole || message.skipped) continue;
        message.whole = true;
        whole_++;
        kept--;
      }
      return;
    }
    ASSERT_TRUE(result == Result::kTaken || result == Result::kDuplicate);
    bool any_new = false;
    for (uint64_t i = 0; i < many; i++) {
      Sent& message = sent_[s + i];
      if (message.whole || message.skipped) continue;
      message.whole = true;
      any_new = true;
      whole_++;
    }
    ASSERT_EQ(result == Result::kTaken, any_new);
  }

  void skip(uint64_t next, MessageSink* sink) {
    const uint64_t expected_before = expected();
    const Result result = in_.on_skip(some_channel(), next, cost_below(next), sink);
    ASSERT_EQ(result, next > expected_before ? Result::kTaken : Result::kDuplicate);
    for (auto& [s, message] : sent_) {
      if (s < next && !message.whole && !message.skipped) {
        message.skipped = true;
        skipped_++;
      }
    }
  }

  void check() {
    if (testing::Test::HasFailure()) return;
    ASSERT_EQ(in_.expected(), expected());
    ASSERT_EQ(in_.received_messages(), whole_);
    const uint64_t replaced = whole_ - reader_.taken.size() - in_.held_messages();
    if (delivery_ != wire::Delivery::kLatest) {
      ASSERT_EQ(replaced, 0u);
      ASSERT_EQ(in_.skipped_messages(), skipped_);
    } else {
      ASSERT_GE(in_.skipped_messages(), skipped_);
      ASSERT_EQ(in_.skipped_messages() - skipped_, replaced);
    }
    check_order();
    // Never more than what was used and handed over, or will not come.
    const uint64_t consumed = in_.credit_limit() - in_.window();
    ASSERT_GE(consumed, last_consumed_);
    last_consumed_ = consumed;
    uint64_t most = 0;
    for (const auto& [s, message] : sent_) {
      if (message.whole || message.skipped) most += wire::message_cost(message.length);
    }
    ASSERT_LE(consumed, most);
  }

  void check_order() {
    for (; checked_ < reader_.taken.size(); checked_++) {
      const uint64_t s = reader_.taken[checked_];
      ASSERT_TRUE(sent_.at(s).whole) << s;
      ASSERT_FALSE(taken_[s]) << s << " twice";
      taken_[s] = true;
      if (delivery_ == wire::Delivery::kOrdered || delivery_ == wire::Delivery::kLatest) {
        ASSERT_GE(s, rising_) << "out of order";
        rising_ = s + 1;
      }
    }
  }

  void finish() {
    ASSERT_TRUE(in_.set_final(first_ + count_ - 1));
    if (in_.expected() != first_ + count_) {
      skip(first_ + count_, nullptr);
      if (testing::Test::HasFailure()) return;
    }
    ASSERT_TRUE(in_.complete());
    reader_.refuse = false;
    in_.set_demand(Demand::kContinuous);
    in_.deliver(some_channel(), &reader_);
    check();
    EXPECT_TRUE(in_.drained());
    EXPECT_EQ(in_.held_messages(), 0u);
    EXPECT_FALSE(in_.has_gap());
    // All of it came back, and nothing twice.
    EXPECT_EQ(in_.credit_limit() - in_.window(), cost_below(first_ + count_));
    if (delivery_ == wire::Delivery::kLatest && whole_ != 0) {
      EXPECT_FALSE(reader_.taken.empty());
    }
  }

  test::TestRandom random_;
  FailingMemory memory_;
  BlockPool pool_{memory_};
  const uint64_t first_;
  const uint64_t count_;
  const wire::Delivery delivery_;
  Inbound in_;
  AnyReader reader_;
  std::map<uint64_t, Sent> sent_;
  std::map<uint64_t, bool> taken_;
  uint64_t whole_ = 0;
  uint64_t skipped_ = 0;
  uint64_t rising_ = 0;
  size_t checked_ = 0;
  uint64_t last_consumed_ = 0;
};

TEST(InboundModel, BehavesAsTheReferenceOverAllDeliveries) {
  for (const uint64_t seed : test::test_seeds(300)) {
    SCOPED_TRACE(test::seed_trace(seed));
    InboundRun run(seed);
    run.go();
    EXPECT_EQ(run.left_in_memory(), 0u);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace hawser::transport
