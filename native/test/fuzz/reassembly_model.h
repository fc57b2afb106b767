#pragma once

// What fuzzes transport/inbound.h: a model that knows of each message which bytes are there, and
// judges every answer.
#include <map>
#include <set>
#include <vector>

#include "sim/sim_memory.h"
#include "test/fuzz/check.h"
#include "test/fuzz/reassembly_sink.h"
#include "test/fuzz/script.h"
#include "test/fuzz/stream.h"
#include "transport/inbound.h"

namespace hawser::fuzz {

using Result = Inbound::Result;
using sim::SizeProfile;

// Feeds Inbound, and compares.
class InboundModel {
 protected:
  InboundModel(Script& script, sim::SimMemory& memory)
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
    in_.on_credit_announced(now_, 160 * kMillisecond);
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

}  // namespace hawser::fuzz
