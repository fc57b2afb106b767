// transport/inbound.h driven by a script, against a model that knows of each message which bytes
// are there: every message comes once, whole, in order; the credit is what the protocol says; all
// memory comes back; and what an honest sender sends always gets through in the end.
#include <map>
#include <set>
#include <vector>

#include "sim/sim_memory.h"
#include "test/fuzz/check.h"
#include "test/fuzz/script.h"
#include "test/fuzz/stream.h"
#include "transport/channel.h"
#include "transport/inbound.h"

namespace hawser::fuzz {
namespace {

using namespace transport;
using Result = Inbound::Result;
using sim::SizeProfile;

// Inbound only hands the channel through to the sink, which does not look at it.
Channel& no_channel() {
  alignas(Channel) static unsigned char place[sizeof(Channel)];
  return *reinterpret_cast<Channel*>(place);
}

// Keeps what it is given for the model to look at.
struct Sink final : MessageSink {
  struct Taken {
    uint64_t sequence;
    std::vector<uint8_t> body;
  };

  bool take(Channel&, uint64_t first, const uint8_t* run, size_t length, uint32_t count) override {
    FUZZ_CHECK(count != 0, "an empty run");
    if (refusals != 0) {
      refusals--;
      return false;
    }
    const uint8_t* const end = run + length;
    for (uint32_t i = 0; i < count; i++) {
      FUZZ_CHECK(run < end, "a run shorter than it says");
      const uint8_t* body = nullptr;
      size_t size = 0;
      run = wire::next_block(run, end, body, size);
      taken.push_back({first + i, {body, body + size}});
    }
    FUZZ_CHECK(run == end, "a run longer than it says");
    return true;
  }

  uint32_t refusals = 0;
  std::vector<Taken> taken;
};

// What of a message that was not handed over is here.
struct Entry {
  size_t length = 0;
  bool whole = false;
  // Room for it was refused once: whether it is charged cannot be seen.
  bool unsure = false;
  std::vector<bool> here;

  size_t pieces() const {
    size_t count = 0;
    for (size_t i = 0; i < here.size(); i++) count += here[i] && (i == 0 || !here[i - 1]);
    return count;
  }
};

class Run {
 public:
  Run(Script& script, sim::SimMemory& memory)
      : script_(script),
        first_(pick_first(script.u8())),
        sizes_(pick_sizes(script.u8())),
        credit_(4096 + 256 * script.u8()),
        stream_(first_, sizes_),
        memory_(memory),
        pool_(memory),
        in_(memory, pool_, first_, credit_),
        expected_(first_),
        delivered_(first_),
        top_(first_),
        announced_(credit_) {
    max_window_ = credit_ * (1 + script.u8() % 8);
    max_message_ = std::max<uint32_t>(sizes_.maximum, 1'500);
    in_.set_max_window(max_window_);
    in_.set_max_message(max_message_);
  }

  void go() {
    while (!script_.done()) {
      step();
      check();
    }
    if (honest_) finish();
    memory_.fail_after(0, 0);
  }

 private:
  static uint64_t pick_first(uint8_t choice) {
    static constexpr uint64_t kFirst[] = {1, 1, 0xffff'fff0, (uint64_t{1} << 61) + 3};
    return kFirst[choice & 3];
  }
  static SizeProfile pick_sizes(uint8_t choice) {
    static constexpr SizeProfile kSizes[] = {
        {SizeProfile::kTiny, 32},     {SizeProfile::kSmall, 200},   {SizeProfile::kPacket, 1'400},
        {SizeProfile::kMixed, 9'000}, {SizeProfile::kLarge, 6'000}, {SizeProfile::kFixed, 0},
    };
    return kSizes[choice % 6];
  }

  void step() {
    switch (script_.u8() % 16) {
      case 0:
      case 1:
      case 2:
        message();
        break;
      case 3:
      case 4:
      case 5:
        fragment();
        break;
      case 6: {
        const auto demand = static_cast<Demand>(script_.below(3));
        if (demand != Demand::kNone) consumed_ = delivered_cost_;
        in_.set_demand(demand);
        demand_ = demand;
        break;
      }
      case 7:
        offered([&] { in_.deliver(no_channel(), &sink_); });
        break;
      case 8:
        sink_.refusals = script_.below(4);
        break;
      case 9:
        announce();
        break;
      case 10:
        now_ += Duration{script_.u8()} * kMillisecond;
        break;
      case 11:
        blocked(stream_.cost_through(pick_sequence()));
        break;
      case 12:
        final();
        break;
      case 13: {
        const uint8_t how = script_.u8();
        memory_.fail_after(how & 15, how >> 4);
        break;
      }
      case 14:
        lie();
        break;
      default:
        if (script_.u8() < 200) {
          with_sink_ = !with_sink_;
        } else {
          skip();
        }
        break;
    }
  }

  // SKIP, and deliveries other than in order. From here on the model only knows what may never
  // happen: a message that comes twice, changed, or that nobody asked for.
  void skip() {
    if (!loose_) {
      loose_ = true;
      honest_ = false;
      handed_below_ = delivered_;
      if (script_.flag() && delivered_ == first_ && entries_.empty()) {
        delivery_ = static_cast<wire::Delivery>(script_.below(4));
        in_.set_delivery(delivery_);
      }
    }
    const uint64_t next = pick_sequence();
    const uint64_t cost = next == first_ ? 0 : stream_.cost_through(next - 1);
    offered([&] { (void)in_.on_skip(no_channel(), next, cost + script_.u8() % 3, sink()); });
  }

  // Near what is expected, below or above.
  uint64_t pick_sequence() {
    const uint8_t where = script_.u8();
    if (where < 64) return expected_ - std::min<uint64_t>(where, expected_ - first_);
    return expected_ + (where - 64);
  }

  // What a sender that keeps to the rules may send.
  bool allowed(uint64_t last) {
    return stream_.cost_through(last) <= announced_ && (!final_known_ || last <= final_);
  }

  void message() {
    const uint64_t first = pick_sequence();
    const uint32_t count = 1 + script_.below(20);
    if (!allowed(first + count - 1)) return;
    std::vector<size_t> lengths;
    for (uint32_t i = 0; i < count; i++) lengths.push_back(stream_.length(first + i));
    feed_message(first, lengths, honest_);
  }

  void fragment() {
    const uint64_t sequence = pick_sequence();
    const size_t total = stream_.length(sequence);
    if (total == 0 || !allowed(sequence)) return;
    const size_t offset = script_.u16() % total;
    const size_t length = 1 + script_.length() % (total - offset);
    feed_fragment(sequence, total, offset, length, honest_);
  }

  // What no honest sender says.
  void lie() {
    honest_ = false;
    const uint64_t sequence = pick_sequence();
    switch (script_.u8() % 5) {
      case 0:  // other lengths, however far beyond the credit
        feed_message(sequence, {script_.length(), script_.length()}, false);
        break;
      case 1: {
        const size_t total = 1 + script_.length();
        const size_t offset = script_.u16() % total;
        feed_fragment(sequence, total, offset, 1 + script_.length() % (total - offset), false);
        break;
      }
      case 2:  // far ahead
        feed_message(sequence + script_.u32(), {script_.length()}, false);
        break;
      case 3: {  // bytes apart from each other
        const size_t total = stream_.length(sequence);
        if (total == 0) break;
        const size_t begin = script_.u16() % total;
        const size_t stride = 2 + script_.u8() % 3;
        for (size_t at = begin, n = 0; at < total && n < 150; at += stride, n++) {
          feed_fragment(sequence, total, at, 1, false);
        }
        break;
      }
      default:
        feed_fragment(sequence, uint64_t{script_.u32()} + max_message_ + 1, 0, 1, false);
        break;
    }
  }

  uint64_t charged() const {
    uint64_t cost = delivered_cost_;
    for (const auto& [sequence, entry] : entries_) {
      if (entry.whole || !entry.unsure) cost += wire::message_cost(entry.length);
    }
    return cost;
  }
  bool missing(uint64_t sequence) const {
    if (sequence < expected_) return false;
    const auto found = entries_.find(sequence);
    return found == entries_.end() || !found->second.whole;
  }

  void feed_message(uint64_t first, const std::vector<size_t>& lengths, bool must_fit) {
    std::vector<uint8_t> run;
    uint64_t wanted = 0;    // messages that are not here
    uint64_t added = 0;     // what they cost
    uint64_t replaced = 0;  // what their pieces cost before
    bool too_large = false;
    for (size_t i = 0; i < lengths.size(); i++) {
      const uint64_t s = first + i;
      stream_.append_block(s, lengths[i], run);
      too_large = too_large || lengths[i] > max_message_;
      if (!missing(s)) continue;
      wanted++;
      added += wire::message_cost(lengths[i]);
      const auto found = entries_.find(s);
      if (found != entries_.end() && !found->second.unsure) {
        replaced += wire::message_cost(found->second.length);
      }
    }
    const uint64_t last = first + lengths.size() - 1;
    const uint64_t before = charged();
    const uint64_t refused = memory_.refused();
    const uint64_t received = in_.received_messages();
    Result result{};
    const std::vector<uint8_t> exact(run);  // no byte more, for AddressSanitizer
    const auto count = static_cast<uint32_t>(lengths.size());
    top_ = std::max(top_, allowed_top(last));
    offered_later([&] {
      result = in_.on_message(no_channel(), first, exact.data(), exact.size(), count, sink());
    });
    uint64_t stored = in_.received_messages() - received;
    FUZZ_CHECK(loose_ || stored <= wanted, "more messages than came");
    const uint64_t whole = stored;
    for (size_t i = 0; i < lengths.size() && stored != 0 && !loose_; i++) {
      if (!missing(first + i)) continue;
      Entry entry;
      entry.length = lengths[i];
      entry.whole = true;
      entries_[first + i] = entry;
      stored--;
      advance();
    }
    settle();
    if (loose_) return;
    switch (result) {
      case Result::kTaken:
        FUZZ_CHECK(whole == wanted && wanted != 0, "not all was taken");
        FUZZ_CHECK(before - replaced + added <= announced_, "more than the credit");
        break;
      case Result::kDuplicate:
        FUZZ_CHECK(wanted == 0, "new, and called a duplicate");
        break;
      case Result::kNoMemory:
        FUZZ_CHECK(memory_.refused() != refused, "no memory, but none was refused");
        break;
      case Result::kTooMuch:
        FUZZ_CHECK(!must_fit, "refused within the credit");
        break;
      case Result::kTooLarge:
        FUZZ_CHECK(too_large && whole == 0, "refused within the largest message");
        break;
      case Result::kBadState:
        FUZZ_CHECK(final_known_ && last > final_ && whole == 0, "refused before the end");
        break;
      case Result::kExcessive:
        FUZZ_CHECK(false, "whole messages are never too small pieces");
    }
  }

  void feed_fragment(uint64_t sequence, uint64_t total, uint64_t offset, size_t length,
                     bool must_fit) {
    const std::vector<uint8_t> piece = piece_of(sequence, total, offset, length);
    const auto found = entries_.find(sequence);
    const bool started = found != entries_.end();
    const bool same_total = !started || found->second.length == total;
    const bool unsure = started && found->second.unsure;
    const uint64_t charged_before = charged();
    const uint64_t refused = memory_.refused();
    const bool was_missing = missing(sequence);
    Result result{};
    top_ = std::max(top_, allowed_top(sequence));
    offered_later([&] {
      result = in_.on_fragment(no_channel(), sequence, total, offset, piece.data(), length, sink());
    });
    if (loose_) {
      settle();
      return;
    }
    const bool beyond = final_known_ && sequence > final_;
    bool any_new = was_missing && !beyond && total <= max_message_;
    if (any_new && started && same_total) {
      any_new = false;
      const Entry& entry = found->second;
      for (size_t i = 0; i < length; i++) any_new = any_new || !entry.here[offset + i];
    }
    switch (result) {
      case Result::kTaken: {
        FUZZ_CHECK(any_new && (same_total || unsure), "taken, and nothing was new");
        if (!started || unsure) {
          FUZZ_CHECK(charged_before + wire::message_cost(total) <= announced_,
                     "more than the credit");
        }
        Entry& entry = entries_[sequence];
        if (!started || !same_total) {
          entry.here.assign(total, false);
          entry.length = total;
        }
        entry.unsure = false;
        for (size_t i = 0; i < length; i++) entry.here[offset + i] = true;
        bool all = true;
        for (const bool one : entry.here) all = all && one;
        if (all) {
          entry.whole = true;
          entry.here.clear();
        }
        break;
      }
      case Result::kDuplicate:
        FUZZ_CHECK(!any_new && !beyond, "new, and called a duplicate");
        break;
      case Result::kNoMemory:
        FUZZ_CHECK(memory_.refused() != refused, "no memory, but none was refused");
        if (!started) {
          Entry& entry = entries_[sequence];
          entry.length = total;
          entry.here.assign(total, false);
          entry.unsure = true;
        }
        break;
      case Result::kTooMuch:
        FUZZ_CHECK(!must_fit && (!started || unsure), "refused within the credit");
        break;
      case Result::kTooLarge:
        FUZZ_CHECK(total > max_message_, "refused within the largest message");
        break;
      case Result::kBadState:
        FUZZ_CHECK(beyond || !same_total || unsure, "refused before the end");
        break;
      case Result::kExcessive:
        FUZZ_CHECK(!must_fit || found->second.pieces() >= 64, "few pieces, and too many");
        break;
    }
    advance();
    settle();
  }

  std::vector<uint8_t> piece_of(uint64_t sequence, uint64_t total, uint64_t offset,
                                size_t length) const {
    if (total > max_message_) return std::vector<uint8_t>(length);
    const std::vector<uint8_t> body = stream_.body(sequence, total);
    return {body.begin() + static_cast<ptrdiff_t>(offset),
            body.begin() + static_cast<ptrdiff_t>(offset + length)};
  }

  uint64_t allowed_top(uint64_t last) const {
    return honest_ && !(final_known_ && last > final_) ? last : top_;
  }

  MessageSink* sink() { return with_sink_ ? &sink_ : nullptr; }

  void advance() {
    while (entries_.count(expected_) != 0 && entries_[expected_].whole) expected_++;
  }

  // Calls that may hand messages over; the model looks at them once it knows what came.
  template <typename Call>
  void offered_later(Call call) {
    FUZZ_CHECK(sink_.taken.empty(), "not looked at");
    demand_before_ = demand_;
    call();
  }
  template <typename Call>
  void offered(Call call) {
    offered_later(call);
    settle();
  }

  void settle() {
    if (loose_) expected_ = in_.expected();
    if (sink_.taken.empty()) return;
    FUZZ_CHECK(demand_before_ != Demand::kNone, "handed over, and nobody asked");
    for (const Sink::Taken& one : sink_.taken) {
      if (loose_) {
        const bool rising =
            delivery_ == wire::Delivery::kOrdered || delivery_ == wire::Delivery::kLatest;
        FUZZ_CHECK(!rising || one.sequence >= handed_below_, "out of order");
        if (rising) handed_below_ = one.sequence + 1;
        FUZZ_CHECK(handed_.insert(one.sequence).second, "handed over twice");
        FUZZ_CHECK(stream_.is_body(one.sequence, one.body.data(), one.body.size()),
                   "another message");
        continue;
      }
      FUZZ_CHECK(one.sequence == delivered_, "out of order");
      const auto found = entries_.find(one.sequence);
      FUZZ_CHECK(found != entries_.end() && found->second.whole, "handed over before it was whole");
      FUZZ_CHECK(one.body.size() == found->second.length &&
                     stream_.is_body(one.sequence, one.body.data(), one.body.size()),
                 "another message");
      delivered_cost_ += wire::message_cost(one.body.size());
      entries_.erase(found);
      delivered_++;
    }
    demand_ = in_.demand();
    if (loose_) {
      sink_.taken.clear();
      return;
    }
    if (demand_before_ == Demand::kContinuous) consumed_ = delivered_cost_;
    FUZZ_CHECK(demand_ == demand_before_ || demand_ == Demand::kNone, "demand rose by itself");
    expected_ = std::max(expected_, delivered_);
    sink_.taken.clear();
  }

  void announce() {
    in_.on_credit_announced(now_, 20 * kMillisecond);
    FUZZ_CHECK(in_.announced_credit() >= announced_, "credit fell");
    announced_ = in_.announced_credit();
  }

  void blocked(uint64_t wanted) {
    in_.on_blocked(wanted);
    if (wanted <= announced_ || loose_) return;
    const uint64_t needed = wanted - std::min(wanted, consumed_);
    if (needed <= wire::message_cost(max_message_)) {
      FUZZ_CHECK(in_.credit_limit() >= wanted, "no room for one message");
    }
  }

  void final() {
    const uint64_t last = std::max(pick_sequence(), first_);
    bool contradicts = last + 1 < expected_;
    for (const auto& [sequence, entry] : entries_) {
      contradicts = contradicts || (sequence > last && !entry.unsure);
    }
    bool unsure = false;
    for (const auto& [sequence, entry] : entries_) {
      unsure = unsure || (sequence > last && entry.unsure);
    }
    const bool taken = in_.set_final(last);
    if (loose_) return;
    if (final_known_) {
      FUZZ_CHECK(taken == (last == final_), "the end moved");
      return;
    }
    // A sender says END when it has sent everything.
    if (contradicts || stream_.cost_through(last) > announced_) honest_ = false;
    FUZZ_CHECK(unsure || taken == !contradicts, "end at %llu",
               static_cast<unsigned long long>(last));
    if (!taken) return;
    final_known_ = true;
    final_ = last;
    if (top_ > last) top_ = std::max(last, first_);
  }

  void check() {
    FUZZ_CHECK(memory_.misuse() == nullptr, "%s", memory_.misuse());
    const uint64_t most = std::max(max_window_, wire::message_cost(max_message_));
    FUZZ_CHECK(in_.window() <= std::max<uint64_t>(most, credit_), "window");
    if (loose_) {
      FUZZ_CHECK(in_.expected() >= in_.delivered(), "delivered before it was expected");
      FUZZ_CHECK(memory_.in_use() <= 6 * (announced_ + most) + (6u << 20), "%zu bytes kept",
                 memory_.in_use());
      return;
    }
    FUZZ_CHECK(in_.expected() == expected_, "expected");
    FUZZ_CHECK(in_.delivered() == delivered_, "delivered");
    uint64_t held = 0;
    for (const auto& [sequence, entry] : entries_) held += entry.whole;
    FUZZ_CHECK(in_.held_messages() == held, "held");
    FUZZ_CHECK(in_.credit_limit() - in_.window() == consumed_, "consumed");
    FUZZ_CHECK(charged() <= announced_, "more than the credit is kept");
    FUZZ_CHECK(in_.complete() == (final_known_ && expected_ == final_ + 1), "complete");
    FUZZ_CHECK(in_.drained() == (final_known_ && delivered_ == final_ + 1), "drained");
    FUZZ_CHECK(in_.readable() == (demand_ != Demand::kNone && delivered_ != expected_), "readable");
    // Blocks are powers of two and one message keeps one of 64 bytes at least; a slot is 24 bytes,
    // and there are as many as messages of the least cost within the credit, or half as many more.
    FUZZ_CHECK(memory_.in_use() <= 6 * (announced_ - delivered_cost_ + most) + (1u << 20),
               "%zu bytes kept", memory_.in_use());
  }

  // The rest as an honest sender would send it: all of it must come through.
  void finish() {
    memory_.fail_after(0, 0);
    sink_.refusals = 0;
    with_sink_ = true;
    consumed_ = delivered_cost_;
    in_.set_demand(Demand::kContinuous);
    demand_ = Demand::kContinuous;
    offered([&] { in_.deliver(no_channel(), &sink_); });
    check();
    const uint64_t last = final_known_ ? final_ : top_;
    while (expected_ <= last) {
      const uint64_t sequence = expected_;
      if (stream_.cost_through(sequence) > announced_) {
        now_ += kMillisecond;
        const uint64_t wanted = stream_.cost_through(sequence);
        blocked(wanted);
        if (!final_known_) FUZZ_CHECK(in_.credit_due(), "a blocked sender is forgotten");
        announce();
        FUZZ_CHECK(announced_ >= wanted, "not enough credit for one message");
      }
      const size_t total = stream_.length(sequence);
      if (total >= 2 && (sequence & 1) != 0) {
        feed_fragment(sequence, total, 0, total / 2, true);
        if (missing(sequence)) feed_fragment(sequence, total, total / 2, total - total / 2, true);
      } else {
        feed_message(sequence, {total}, true);
      }
      FUZZ_CHECK(expected_ > sequence && delivered_ == expected_, "it did not come through");
      check();
    }
    FUZZ_CHECK(!final_known_ || in_.drained(), "not at its end");
  }

  Script& script_;
  const uint64_t first_;
  const SizeProfile sizes_;
  const uint32_t credit_;
  Stream stream_;
  sim::SimMemory& memory_;
  BlockPool pool_;
  Sink sink_;
  Inbound in_;

  uint64_t expected_;
  uint64_t delivered_;
  uint64_t top_;  // the last message of which an honest sender sent something
  uint64_t announced_;
  uint64_t consumed_ = 0;
  uint64_t delivered_cost_ = 0;
  uint64_t max_window_ = 0;
  uint32_t max_message_ = 0;
  uint64_t final_ = 0;
  bool final_known_ = false;
  bool honest_ = true;
  bool with_sink_ = true;
  bool loose_ = false;
  wire::Delivery delivery_ = wire::Delivery::kOrdered;
  uint64_t handed_below_ = 0;
  std::set<uint64_t> handed_;
  Demand demand_ = Demand::kNone;
  Demand demand_before_ = Demand::kNone;
  Time now_ = kSecond;
  std::map<uint64_t, Entry> entries_;
};

}  // namespace
}  // namespace hawser::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hawser::fuzz;
  Script script(data, std::min<size_t>(size, 2048));
  hawser::sim::SimMemory memory(7);
  Run(script, memory).go();
  FUZZ_CHECK(memory.in_use() == 0 && memory.blocks() == 0, "%zu bytes left", memory.in_use());
  return 0;
}
