#include "transport/inbound.h"

#include <algorithm>
#include <cstring>

#include "wire/frames.h"
#include "wire/limits.h"

namespace hawser::transport {

namespace {
// Pieces of a message that may lie apart from each other at once, beyond one for each
// kBytesPerPiece of its length. Honest senders cut messages into packets and stay far below.
constexpr size_t kMostPieces = 64;
constexpr uint64_t kBytesPerPiece = 256;
// The cheapest message: an empty one.
constexpr uint64_t kLeastCost = wire::message_cost(0);
// Bytes of the messages of a run, without the lengths before them.
uint64_t body_bytes(const uint8_t* run, size_t length) {
  uint64_t bytes = 0;
  const uint8_t* body = nullptr;
  size_t size = 0;
  for (const uint8_t* p = run; p != run + length;) {
    p = wire::next_block(p, run + length, body, size);
    bytes += size;
  }
  return bytes;
}

}  // namespace

// A message of which not everything is here yet.
struct Inbound::Partial {
  Partial(Memory& memory, uint8_t* block, uint32_t prefix_bytes, uint32_t total_bytes)
      : data(block), prefix(prefix_bytes), total(total_bytes), apart(memory) {}

  bool complete() const { return contiguous == total; }
  size_t block_bytes() const { return size_t{prefix} + total; }

  uint8_t* data;  // the length as a varint, then the message
  uint32_t prefix;
  uint32_t total;
  // Bytes [0, contiguous) are here, and those in `apart`, which lie above.
  uint64_t contiguous = 0;
  RangeSet apart;
};

Inbound::Inbound(Memory& memory, BlockPool& pool, uint64_t first_sequence, uint64_t credit)
    : memory_(&memory),
      pool_(&pool),
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

bool Inbound::may_hand_over(MessageSink* sink) const {
  return sink != nullptr && demand_ != Demand::kNone;
}

void Inbound::on_handed_over(uint64_t cost, size_t length) {
  delivered_cost_ += cost;
  if (demand_ == Demand::kContinuous) {
    consumed_cost_ = delivered_cost_;
  } else if (length >= once_left_) {
    demand_ = Demand::kNone;
  } else {
    once_left_ -= length;
  }
}

void Inbound::set_max_message(uint32_t bytes) {
  max_message_ = bytes;
  max_message_known_ = true;
  on_blocked(wanted_);  // what was asked for before may fit now
}

void Inbound::set_demand(Demand demand) {
  if (demand != Demand::kNone) consumed_cost_ = delivered_cost_;
  once_left_ = kOnceBytes;
  demand_ = demand;
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

// What the pieces of a message that is not complete were charged; 0 when there are none.
uint64_t Inbound::partial_cost(uint64_t sequence) const {
  if (!slots_.contains(sequence) || slots_[sequence].state != State::kPartial) return 0;
  return wire::message_cost(reinterpret_cast<const Partial*>(slots_[sequence].data)->total);
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
  if (!reserve_slot(last)) return Result::kNoMemory;
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

Inbound::Result Inbound::on_fragment(Channel& channel, uint64_t sequence, uint64_t total,
                                     uint64_t offset, const uint8_t* piece, size_t length,
                                     MessageSink* sink) {
  if (final_known_ && sequence > final_) return Result::kBadState;
  if (total > max_message_) return Result::kTooLarge;
  if (!missing(sequence)) {
    duplicate_messages_++;
    return Result::kDuplicate;
  }
  if (!slots_.contains(sequence) || slots_[sequence].state == State::kEmpty) {
    const Result started = start_partial(sequence, total);
    if (started != Result::kTaken) return started;
  }
  auto& partial = *reinterpret_cast<Partial*>(slots_[sequence].data);
  if (partial.total != total) return Result::kBadState;
  const Result result = add_piece(partial, offset, piece, length);
  if (result != Result::kTaken || !partial.complete()) return result;
  finish_partial(sequence);
  if (delivery_ == wire::Delivery::kLatest) keep_newest();
  advance();
  deliver(channel, sink);
  return Result::kTaken;
}

// The room for the whole message is taken with its first piece.
Inbound::Result Inbound::start_partial(uint64_t sequence, uint64_t total) {
  const uint64_t cost = wire::message_cost(total);
  if (!within_credit(sequence, cost)) return Result::kTooMuch;
  if (!reserve_slot(sequence)) return Result::kNoMemory;
  const auto prefix = static_cast<uint32_t>(wire::varint_size(total));
  uint8_t* place = pool_->take(sizeof(Partial));
  if (place == nullptr) return Result::kNoMemory;
  uint8_t* block = pool_->take(prefix + total);
  if (block == nullptr) {
    pool_->give(place, sizeof(Partial));
    return Result::kNoMemory;
  }
  wire::write_varint(block, total);
  new (place) Partial(*memory_, block, prefix, static_cast<uint32_t>(total));
  slots_[sequence] = Slot{place, 0, 0, State::kPartial};
  partial_messages_++;
  received_cost_ += cost;
  return Result::kTaken;
}

Inbound::Result Inbound::add_piece(Partial& partial, uint64_t offset, const uint8_t* piece,
                                   size_t length) {
  const uint64_t end = offset + length;
  const uint64_t before = partial.contiguous + partial.apart.total();
  if (offset <= partial.contiguous) {
    if (end > partial.contiguous) {
      partial.contiguous = end;
      while (!partial.apart.empty() && partial.apart.front().begin <= partial.contiguous) {
        partial.contiguous = std::max(partial.contiguous, partial.apart.front().end);
        partial.apart.remove_below(partial.contiguous);
      }
    }
  } else {
    if (partial.apart.count() >= kMostPieces + partial.total / kBytesPerPiece) {
      return Result::kExcessive;
    }
    if (!partial.apart.add(offset, end)) return Result::kNoMemory;
  }
  if (partial.contiguous + partial.apart.total() == before) return Result::kDuplicate;
  std::memcpy(partial.data + partial.prefix + offset, piece, length);
  return Result::kTaken;
}

void Inbound::finish_partial(uint64_t sequence) {
  Slot& slot = slots_[sequence];
  auto* partial = reinterpret_cast<Partial*>(slot.data);
  const auto length = static_cast<uint32_t>(partial->block_bytes());
  received_bytes_ += partial->total;
  uint8_t* data = partial->data;
  partial->data = nullptr;
  free_partial(partial);
  slot = Slot{data, length, 1, State::kRun};
  partial_messages_--;
  stored_messages_++;
  ahead_messages_++;
  first_ready_ = std::min(first_ready_, sequence);
  received_messages_++;
}

void Inbound::drop_partial(uint64_t sequence) {
  Slot& slot = slots_[sequence];
  auto* partial = reinterpret_cast<Partial*>(slot.data);
  received_cost_ -= wire::message_cost(partial->total);
  free_partial(partial);
  partial_messages_--;
  slot = Slot{nullptr, 0, 0, State::kEmpty};
}

void Inbound::free_partial(Partial* partial) {
  if (partial->data != nullptr) pool_->give(partial->data, partial->block_bytes());
  partial->~Partial();
  pool_->give(reinterpret_cast<uint8_t*>(partial), sizeof(Partial));
}

// Moves expected_ over what is here and what was skipped.
void Inbound::advance() {
  while (slots_.contains(expected_)) {
    const Slot& slot = slots_[expected_];
    if (slot.state == State::kRun || slot.state == State::kTaken) {
      ahead_messages_ -= slot.count;
      expected_ += slot.count;
      continue;
    }
    if (expected_ >= skipped_below_) break;
    if (slot.state == State::kPartial) drop_partial(expected_);
    expected_++;
    skipped_messages_++;
  }
  if (!slots_.contains(expected_) && expected_ < skipped_below_) {
    skipped_messages_ += skipped_below_ - expected_;
    expected_ = skipped_below_;
  }
  pass_settled();
}

// Moves delivered_ over what was handed over out of order, and what was skipped.
void Inbound::pass_settled() {
  while (delivered_ < expected_) {
    if (!slots_.contains(delivered_)) {
      delivered_ = expected_;
    } else if (slots_[delivered_].state == State::kEmpty) {
      delivered_++;
    } else if (slots_[delivered_].state == State::kTaken) {
      delivered_ += slots_[delivered_].count;
    } else {
      break;
    }
  }
  if (delivered_ < slots_.end()) {
    slots_.pop_front_until(std::max(delivered_, slots_.first()));
  } else if (!slots_.empty()) {
    slots_.pop_front_until(slots_.end());
  }
  if (skipped_cost_ != 0 && delivered_ >= skipped_below_) {
    delivered_cost_ += skipped_cost_;
    consumed_cost_ += skipped_cost_;
    skipped_cost_ = 0;
  }
}

bool Inbound::hand_over(Channel& channel, MessageSink* sink, uint64_t sequence, const Slot& slot) {
  const uint8_t* from = slot.data;
  size_t length = slot.length;
  uint32_t count = slot.count;
  if (delivery_ == wire::Delivery::kLatest) {
    // Only the last one of a run.
    const uint8_t* body = nullptr;
    size_t size = 0;
    for (; count > 1; count--, sequence++)
      from = wire::next_block(from, slot.data + slot.length, body, size);
    length = static_cast<size_t>(slot.data + slot.length - from);
  }
  if (!sink->take(channel, sequence, from, length, count)) return false;
  skipped_messages_ += slot.count - count;
  newest_taken_ = std::max(newest_taken_, sequence + count);
  return true;
}

void Inbound::deliver(Channel& channel, MessageSink* sink) {
  if (delivery_ == wire::Delivery::kOrdered) {
    deliver_in_order(channel, sink);
  } else {
    deliver_any(channel, sink);
  }
}

void Inbound::deliver_in_order(Channel& channel, MessageSink* sink) {
  while (delivered_ != expected_ && may_hand_over(sink)) {
    const Slot slot = slots_[delivered_];
    if (!hand_over(channel, sink, delivered_, slot)) return;
    pool_->give(slot.data, slot.length);
    stored_messages_ -= slot.count;
    delivered_ += slot.count;
    on_handed_over(slot.length + wire::kMessageOverhead * slot.count, slot.length);
    pass_settled();
  }
}

// What is whole, whatever is missing before it.
void Inbound::deliver_any(Channel& channel, MessageSink* sink) {
  uint64_t s = std::max(first_ready_, slots_.first());
  for (; stored_messages_ != 0 && s < slots_.end() && may_hand_over(sink); s++) {
    const Slot slot = slots_[s];
    if (slot.state != State::kRun) continue;
    if (!hand_over(channel, sink, s, slot)) break;
    mark_taken(s, slot);
    on_handed_over(slot.length + wire::kMessageOverhead * slot.count, slot.length);
  }
  first_ready_ = s;
  pass_settled();
}

// Each gets a slot of its own that knows its cost, for SKIP.
void Inbound::mark_taken(uint64_t sequence, const Slot& slot) {
  const uint8_t* p = slot.data;
  for (uint32_t i = 0; i < slot.count; i++) {
    const uint8_t* body = nullptr;
    size_t length = 0;
    const uint8_t* after = wire::next_block(p, slot.data + slot.length, body, length);
    slots_[sequence + i] = Slot{nullptr, static_cast<uint32_t>(after - p), 1, State::kTaken};
    p = after;
  }
  pool_->give(slot.data, slot.length);
  stored_messages_ -= slot.count;
}

// kLatest: of what waits, only the newest run, and that only if it is newer than what was handed
// over.
void Inbound::keep_newest() {
  uint64_t newest = 0;
  bool found = false;
  const uint64_t from = std::max(first_ready_, slots_.first());
  for (uint64_t s = from; s < slots_.end(); s++) {
    if (slots_[s].state != State::kRun) continue;
    newest = s;
    found = true;
  }
  if (!found) return;
  const bool keep = newest + slots_[newest].count > newest_taken_;
  for (uint64_t s = from; s < slots_.end(); s++) {
    const Slot slot = slots_[s];
    if (slot.state != State::kRun || (keep && s == newest)) continue;
    mark_taken(s, slot);
    skipped_messages_ += slot.count;
    const uint64_t cost = slot.length + wire::kMessageOverhead * slot.count;
    delivered_cost_ += cost;
    consumed_cost_ += cost;
  }
  first_ready_ = keep ? newest : slots_.end();
}

void Inbound::set_delivery(wire::Delivery delivery) {
  delivery_ = delivery;
  first_ready_ = slots_.first();
  if (delivery_ == wire::Delivery::kLatest) keep_newest();
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

void Inbound::on_credit_announced(Time now, Duration round_trip) {
  // First, because a window that grows now was not part of what was announced.
  announced_ = credit_limit();
  // The peer uses the window up within two round trips: it is the limit, not the reader.
  const uint64_t consumed = consumed_cost_ - consumed_at_last_;
  const auto elapsed = static_cast<double>(now - last_announced_at_);
  if (static_cast<double>(consumed) * 2.0 * static_cast<double>(round_trip) >
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
  const uint64_t message = wire::message_cost(max_message_);
  const uint64_t needed = wanted - std::min(wanted, consumed_cost_);
  window_ = std::max(window_, std::min(needed, message));
}

}  // namespace hawser::transport
