#include "transport/inbound.h"

#include <algorithm>
#include <cstring>

#include "wire/frames.h"
#include "wire/limits.h"

namespace hawser::transport {

namespace {
// The cheapest message: an empty one.
constexpr uint64_t kLeastCost = wire::message_cost(0);

// Bytes of the messages of a run, without the lengths before them.
uint64_t body_bytes(const uint8_t* run, size_t length) {
  uint64_t bytes = 0;
  (void)wire::walk_blocks(run, run + length,
                          [&bytes](const uint8_t*, size_t size) { bytes += size; });
  return bytes;
}

}  // namespace

Inbound::Inbound(Memory& memory, BlockPool& pool, uint64_t first_sequence, uint64_t credit)
    : pool_(&pool),
      slots_(memory, first_sequence),
      expected_(first_sequence),
      delivered_(first_sequence),
      announced_(credit),
      window_(credit),
      max_window_(credit),
      skipped_below_(first_sequence),
      first_ready_(first_sequence) {}

Inbound::~Inbound() { abandon(); }

void Inbound::abandon() {
  for (uint64_t s = slots_.first(); s != slots_.end(); s++) {
    Slot& slot = slots_[s];
    if (slot.state == State::kRun) pool_->give(slot.data, slot.length);
    if (slot.state == State::kPartial) free_partial(reinterpret_cast<Partial*>(slot.data));
  }
  slots_.release();
  stored_messages_ = 0;
  ahead_messages_ = 0;
  partial_messages_ = 0;
}

bool Inbound::missing(uint64_t sequence) const {
  if (sequence < expected_) return false;
  if (!slots_.contains(sequence)) return true;
  const State state = slots_[sequence].state;
  return state == State::kEmpty || state == State::kPartial;
}

bool Inbound::reserve_slot(uint64_t sequence) {
  if (slots_.empty()) slots_.rebase(delivered_);
  if (!slots_.reserve(static_cast<size_t>(sequence - slots_.first() + 1))) return false;
  while (slots_.end() <= sequence) {
    (void)slots_.push_back(Slot{nullptr, 0, 0, State::kEmpty});  // room was reserved
  }
  return true;
}

// Whether a message `sequence` that adds `cost` can be within the credit, given that each message
// missing below it costs something too. Keeps a far-ahead number from claiming slots.
bool Inbound::within_credit(uint64_t sequence, uint64_t cost) const {
  if (sequence >= expected_ + wire::kMaxWindow) return false;
  const uint64_t ahead = ahead_messages_ + partial_messages_;
  const uint64_t below = sequence - expected_;
  const uint64_t least_missing = below > ahead ? below - ahead : 0;
  return received_cost_ + cost + least_missing * kLeastCost <= announced_;
}

// Messages [sequence, last] of `bytes` came before their turn, or nobody wants them now, and there
// is little memory. What they would take is only given back when the message comes that is next,
// which needs some itself, or is wanted.
bool Inbound::must_wait(uint64_t sequence, uint64_t last, size_t bytes) const {
  if (delivery_ != wire::Delivery::kOrdered) return false;
  if (sequence == expected_ && demand_ != Demand::kNone) return false;
  const uint64_t first = slots_.empty() ? delivered_ : slots_.first();
  const auto places = static_cast<size_t>(last - first + 1);
  // A ring that grows to twice as much.
  const size_t slots = places <= slots_.capacity() ? 0 : 2 * places * sizeof(Slot);
  return pool_->crowded(bytes, slots);
}

void Inbound::set_max_message(uint32_t bytes) {
  max_message_ = bytes;
  max_message_known_ = true;
  on_blocked(wanted_);  // what was asked for before may fit now
}

Inbound::Result Inbound::on_message(Channel& channel, uint64_t sequence, const uint8_t* run,
                                    size_t length, uint32_t count, MessageSink* sink) {
  const uint64_t last = sequence + count - 1;
  if (final_known_ && last > final_) return Result::kBadState;
  if (last < expected_) {
    duplicate_messages_ += count;
    return Result::kDuplicate;
  }
  if (length > max_message_) {
    const uint8_t* body = nullptr;
    size_t size = 0;
    for (const uint8_t* p = run; p != run + length;) {
      p = wire::next_block(p, run + length, body, size);
      if (size > max_message_) return Result::kTooLarge;
    }
  }
  const uint64_t cost = length + wire::kMessageOverhead * count;
  // The usual case: the next ones in sequence, nothing waits, and the application wants them.
  const bool one_of_many = delivery_ == wire::Delivery::kLatest && count > 1;
  if (sequence == expected_ && slots_.empty() && may_hand_over(sink) && !one_of_many) {
    if (received_cost_ + cost > announced_) return Result::kTooMuch;
    if (sink->take(channel, sequence, run, length, count)) {
      received_cost_ += cost;
      received_messages_ += count;
      received_bytes_ += body_bytes(run, length);
      expected_ += count;
      delivered_ += count;
      if (delivery_ == wire::Delivery::kLatest) newest_taken_ = expected_;
      on_handed_over(cost, length);
      return Result::kTaken;
    }
  }
  bool stored = false;
  const Result result = store_missing(sequence, run, run + length, stored);
  if (!stored) return result;
  if (delivery_ == wire::Delivery::kLatest) keep_newest();
  advance();
  deliver(channel, sink);
  return result;
}

// Keeps those messages of a run that are not here yet, as runs as long as possible.
Inbound::Result Inbound::store_missing(uint64_t sequence, const uint8_t* run, const uint8_t* end,
                                       bool& stored) {
  const uint8_t* from = nullptr;  // the run being gathered
  uint64_t first = 0;
  const uint8_t* p = run;
  for (;; sequence++) {
    const bool more = p != end;
    if (more && missing(sequence)) {
      if (from == nullptr) {
        from = p;
        first = sequence;
      }
    } else {
      if (from != nullptr) {
        const Result result = store_run(first, from, static_cast<size_t>(p - from),
                                        static_cast<uint32_t>(sequence - first));
        if (result != Result::kTaken) return result;
        stored = true;
        from = nullptr;
      }
      if (!more) break;
      duplicate_messages_++;
    }
    const uint8_t* body = nullptr;
    size_t length = 0;
    p = wire::next_block(p, end, body, length);
  }
  return stored ? Result::kTaken : Result::kDuplicate;
}

Inbound::Result Inbound::store_run(uint64_t sequence, const uint8_t* run, size_t length,
                                   uint32_t count) {
  const uint64_t last = sequence + count - 1;
  // Pieces of these messages are replaced, but not before nothing can fail any more: they were
  // acknowledged.
  uint64_t replaced_cost = 0;
  for (uint64_t s = sequence; s <= last && s < slots_.end(); s++) replaced_cost += partial_cost(s);
  const uint64_t cost = length + wire::kMessageOverhead * count;
  received_cost_ -= replaced_cost;
  const bool allowed = within_credit(sequence, cost);
  received_cost_ += replaced_cost;
  if (!allowed) return Result::kTooMuch;
  if (must_wait(sequence, last, length) || !reserve_slot(last)) return Result::kNoMemory;
  uint8_t* block = pool_->take(length);
  if (block == nullptr) return Result::kNoMemory;
  for (uint64_t s = sequence; s <= last; s++) {
    if (partial_cost(s) != 0) drop_partial(s);
  }
  std::memcpy(block, run, length);
  slots_[sequence] = Slot{block, static_cast<uint32_t>(length), count, State::kRun};
  for (uint64_t s = sequence + 1; s <= last; s++) slots_[s].state = State::kCovered;
  stored_messages_ += count;
  ahead_messages_ += count;
  first_ready_ = std::min(first_ready_, sequence);
  received_cost_ += cost;
  received_messages_ += count;
  received_bytes_ += body_bytes(run, length);
  return Result::kTaken;
}

// Cost of everything received from `sequence` on.
uint64_t Inbound::cost_from(uint64_t sequence) const {
  uint64_t cost = 0;
  for (uint64_t s = slots_.first(); s < slots_.end(); s++) {
    const Slot& slot = slots_[s];
    switch (slot.state) {
      case State::kRun: {
        const uint8_t* p = slot.data;
        for (uint32_t i = 0; i < slot.count; i++) {
          const uint8_t* body = nullptr;
          size_t length = 0;
          const uint8_t* after = wire::next_block(p, slot.data + slot.length, body, length);
          if (s + i >= sequence) cost += static_cast<uint64_t>(after - p) + wire::kMessageOverhead;
          p = after;
        }
        break;
      }
      case State::kTaken:
        if (s >= sequence) cost += slot.length + wire::kMessageOverhead;
        break;
      case State::kPartial:
        if (s >= sequence) cost += partial_cost(s);
        break;
      case State::kEmpty:
      case State::kCovered:
        break;
    }
  }
  return cost;
}

// Messages below `sequence` of which nothing is here.
uint64_t Inbound::missing_below(uint64_t sequence) const {
  uint64_t count = 0;
  uint64_t s = expected_;
  for (; s < sequence && s < slots_.end(); s++) {
    if (!slots_.contains(s) || slots_[s].state == State::kEmpty) count++;
  }
  return count + (sequence - s);
}

Inbound::Result Inbound::on_skip(Channel& channel, uint64_t next, uint64_t cost,
                                 MessageSink* sink) {
  if (final_known_ && next > final_ + 1) return Result::kBadState;
  if (next <= expected_) return Result::kDuplicate;
  if (next > expected_ + wire::kMaxWindow) return Result::kBadState;
  const uint64_t above = cost_from(next);
  const uint64_t below = received_cost_ - above;
  // Every message that is skipped was sent, and costs something: a number far ahead is not free.
  if (cost < below || cost - below < missing_below(next) * kLeastCost) return Result::kTooMuch;
  if (cost > announced_ || cost + above > announced_) return Result::kTooMuch;
  skipped_below_ = next;
  advance();
  const uint64_t skipped = cost + above - received_cost_;
  received_cost_ += skipped;
  skipped_cost_ += skipped;
  pass_settled();
  deliver(channel, sink);
  return Result::kTaken;
}

bool Inbound::set_final(uint64_t final) {
  if (final_known_) return final == final_;
  if (final + 1 < expected_) return false;
  for (uint64_t s = std::max(slots_.first(), final + 1); s < slots_.end(); s++) {
    if (slots_[s].state != State::kEmpty) return false;
  }
  if (skipped_below_ > final + 1) return false;
  final_known_ = true;
  final_ = final;
  return true;
}

bool Inbound::credit_due() const {
  if (final_known_) return false;
  if (credit_limit() >= announced_ + window_ / 4) return true;
  // A blocked peer whose every message was consumed waits for nothing else.
  return wanted_ > announced_ && credit_limit() >= wanted_ && consumed_cost_ == received_cost_;
}

void Inbound::on_credit_announced(Time now, Duration lead) {
  // First, because a window that grows now was not part of what was announced.
  announced_ = credit_limit();
  // The peer uses the window up too soon: it is the limit, not the reader.
  const uint64_t consumed = consumed_cost_ - consumed_at_last_;
  const auto elapsed = static_cast<double>(now - last_announced_at_);
  if (static_cast<double>(consumed) * static_cast<double>(lead) >
      static_cast<double>(window_) * elapsed) {
    window_ = std::max(window_, std::min(window_ * 2, max_window_));
  }
  consumed_at_last_ = consumed_cost_;
  last_announced_at_ = now;
}

void Inbound::on_blocked(uint64_t wanted) {
  if (wanted <= announced_) return;
  wanted_ = wanted;
  if (!max_message_known_) return;
  // A reader that takes whatever is there has not come round to what is: its thread is busy. What
  // comes until it does is kept here, so that the peer need not wait for it as well.
  if (demand_ == Demand::kContinuous && deliverable()) {
    window_ = std::max(window_, std::min(window_ * 2, max_window_));
  }
  const uint64_t message = wire::message_cost(max_message_);
  const uint64_t needed = wanted - std::min(wanted, consumed_cost_);
  window_ = std::max(window_, std::min(needed, message));
}

}  // namespace hawser::transport
