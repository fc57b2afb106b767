// Outbound against OutboundModel, over all policies and deliveries.
#include "test/support/outbound_model.h"

#include <gtest/gtest.h>

#include <deque>

#include "test/support/failing_memory.h"
#include "test/support/test_random.h"
#include "transport/outbound.h"

namespace hawser::transport {
namespace {

using namespace outbound_test;

struct Flying {
  Packet packet;
  bool lost = false;
};

class OutboundRun {
 public:
  OutboundRun(uint64_t seed, test::FailingMemory& memory)
      : random_(seed),
        first_(random_.chance(70) ? 1 : (uint64_t{1} << 32) - random_.below(40)),
        policy_(pick_policy()),
        out_(memory, first_),
        model_(policy_, first_),
        large_(random_.chance(30)) {
    out_.set_policy(policy_);
    model_.start_at(first_);
    skipped_ = first_;
    set_window(random_.between(2, 12));
  }

  void go() {
    for (int i = 0; i < 400 && !testing::Test::HasFailure(); i++) step();
    if (!testing::Test::HasFailure()) finish();
  }

 private:
  OutboundPolicy pick_policy() {
    OutboundPolicy policy;
    policy.counted = random_.chance(40);
    policy.fill = random_.chance(30);
    policy.resend_all = random_.chance(30);
    policy.delivery = static_cast<wire::Delivery>(random_.below(4));
    return policy;
  }
  void set_window(uint64_t window) {
    out_.set_window(static_cast<uint32_t>(window));
    model_.window = window;
  }
  void raise_credit(uint64_t limit) {
    EXPECT_EQ(out_.raise_credit(limit), limit > model_.credit);
    model_.credit = std::max(model_.credit, limit);
  }
  uint64_t some_number() {
    return model_.base() + random_.below(model_.next() - model_.base() + 3);
  }

  void step() {
    now_ += static_cast<Duration>(random_.below(4)) * kMillisecond;
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
        push_some();
        break;
      case 3:
        raise_credit(model_.credit + random_.below(3'000));
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        write();
        break;
      case 8:
      case 9:
      case 10:
        if (!flying_.empty()) settle(random_.below(flying_.size()), !random_.chance(30));
        break;
      case 11:
        count();
        break;
      case 12: {
        const uint64_t from = some_number();
        const uint64_t many = random_.between(1, 5);
        const Time since = now_ - 5 * kMillisecond;
        out_.on_request(from, many, since);
        model_.on_request(from, many, since);
        break;
      }
      case 13:
        if (random_.chance(20)) {
          const uint64_t below = some_number();
          out_.expire_below(below);
          model_.expire_below(below);
        }
        break;
      case 14:
        skip();
        break;
      default:
        if (random_.chance(30)) {
          out_.release();
          model_.release();
        } else if (random_.chance(10)) {
          set_window(random_.between(2, 12));
        } else if (random_.chance(3)) {
          out_.trust_packets();
          model_.trust_packets();
        }
        break;
    }
    check();
  }

  void push_some() {
    if (model_.written() - first_ > 60) return;
    for (uint64_t i = random_.between(1, 4); i != 0; i--) {
      const size_t length = random_.chance(20) ? 0 : random_.below(large_ ? 900 : 60);
      push(out_, length);
      model_.push(length);
    }
    out_.on_published();
    model_.publish();
  }

  void write() {
    Packet packet;
    const bool work = out_.has_work();
    EXPECT_EQ(work, model_.has_work()) << "base " << model_.base() << " next " << model_.next();
    if (!work || !write_packet(out_, random_.between(120, 600), packet)) return;
    wire::FrameReader reader(packet.frames.data(), packet.frames.size());
    wire::Frame frame;
    ASSERT_EQ(reader.next(frame), wire::FrameReader::Next::kFrame);
    const bool whole = frame.type() == wire::FrameType::kMessage;
    const uint32_t number32 = whole ? frame.message.sequence32 : frame.fragment.sequence32;
    const uint64_t wire = wire::expand32(model_.wire_of(model_.base()), number32);
    const char* wrong = model_.on_written(packet.ref, wire, now_);
    ASSERT_EQ(wrong, nullptr) << wrong;
    if (packet.ref.again) {
      out_.note_resent(now_, packet.ref.begin, packet.ref.end, now_ - 5 * kMillisecond);
    }
    flying_.push_back(Flying{packet});
  }

  void settle(size_t which, bool arrives) {
    Flying& flying = flying_[which];
    const FrameRef ref = flying.packet.ref;
    if (!arrives) {
      ASSERT_TRUE(out_.on_lost(ref.begin, ref.end, ref.again));
      model_.on_lost(ref.begin, ref.end, ref.again);
      // It may have arrived all the same.
      if (random_.chance(30)) {
        model_.on_arrived(ref.begin, ref.end);
        return;
      }
    } else {
      model_.on_arrived(ref.begin, ref.end);
      if (random_.chance(30)) return;  // its acknowledgement comes later
      ASSERT_TRUE(out_.on_acknowledged(ref.begin, ref.end));
      model_.on_acknowledged(ref.begin, ref.end);
    }
    flying_.erase(flying_.begin() + static_cast<long>(which));
  }

  // As Channel::on_count does.
  void count() {
    const uint64_t have = model_.expected(skipped_);
    const uint64_t number =
        random_.chance(70) ? have : model_.base() + random_.below(have - model_.base() + 1);
    const uint64_t wire_next = model_.wire_of(number);
    const uint64_t next = out_.number_of(wire_next);
    ASSERT_LE(next, out_.fully_sent());
    ASSERT_GE(next, number);
    const uint64_t before = out_.base();
    const uint64_t moved = out_.on_count(next);
    model_.on_count(next);
    ASSERT_EQ(moved, out_.base() - before);
  }

  void skip() {
    const uint64_t target = out_.skip_target();
    if (target <= out_.base()) return;
    skipped_ = std::max(skipped_, target);
    if (random_.chance(50)) return;  // nobody knows yet that it came
    out_.on_count(target);
    model_.on_count(target);
  }

  void check() {
    if (testing::Test::HasFailure()) return;
    ASSERT_EQ(out_.base(), model_.base());
    ASSERT_EQ(out_.next_sequence(), model_.next());
    ASSERT_EQ(out_.in_flight(), model_.in_flight());
    ASSERT_EQ(out_.has_lost(), model_.any_lost());
    ASSERT_EQ(out_.has_work(), model_.has_work());
    ASSERT_EQ(out_.expired_messages(), model_.expired());
    ASSERT_EQ(out_.skip_target(), std::min(model_.skip_target(), out_.fully_sent()));
    for (uint64_t n = model_.base(); n <= model_.published(); n++) {
      if (model_.dropped(n)) continue;  // has neither a number nor a cost
      ASSERT_EQ(out_.cost_below(n), model_.cost_below(n)) << n;
      ASSERT_EQ(out_.wire_number(n), model_.wire_of(n)) << n;
    }
  }

  // Whatever was lost, everything that nobody gave up gets through in the end.
  void finish() {
    raise_credit(kPlenty);
    for (int round = 0; round < 3'000 && !out_.all_acknowledged(); round++) {
      now_ += 100 * kMillisecond;
      out_.release();
      model_.release();
      if (out_.has_work()) {
        write();
      } else if (!flying_.empty()) {
        settle(0, round % 3 != 0);
      } else {
        skip();
        count();
        // The timeout of a counted channel: what nobody speaks of is asked for.
        out_.on_request(out_.base(), 1'000, now_);
        model_.on_request(model_.base(), 1'000, now_);
      }
      check();
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_TRUE(out_.all_acknowledged())
        << "base " << out_.base() << " next " << out_.next_sequence() << " delivery "
        << static_cast<int>(policy_.delivery) << " counted " << policy_.counted;
  }

  test::TestRandom random_;
  const uint64_t first_;
  const OutboundPolicy policy_;
  Outbound out_;
  OutboundModel model_;
  const bool large_;
  std::deque<Flying> flying_;
  uint64_t skipped_ = 0;
  Time now_ = kSecond;
};

TEST(OutboundModel, BehavesAsTheModelOverAllPolicies) {
  for (const uint64_t seed : test::test_seeds(150)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::FailingMemory memory;
    {
      OutboundRun run(seed, memory);
      run.go();
    }
    ASSERT_EQ(memory.in_use(), 0u);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace hawser::transport
