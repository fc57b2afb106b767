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
      max_window_(credit) {}

Inbound::~Inbound() { abandon(); }

void Inbound::abandon() {
  for (uint64_t s = slots_.first(); s != slots_.end(); s++) {
    Slot& slot = slots_[s];
    if (slot.state == State::kRun) pool_->give(slot.data, slot.length);
    if (slot.state == State::kPartial) free_partial(reinterpret_cast<Partial*>(slot.data));
  }
  slots_.release();
  stored_messages_ = 0;
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
  const uint64_t ahead =
      stored_messages_ - std::min(stored_messages_, expected_ - delivered_) + partial_messages_;
  const uint64_t below = sequence - expected_;
  const uint64_t least_missing = below > ahead ? below - ahead : 0;
  return received_cost_ + cost + least_missing * kLeastCost <= announced_;
}

bool Inbound::may_hand_over(MessageSink* sink) const {
  return sink != nullptr && demand_ != Demand::kNone;
}

void Inbound::on_delivered(uint64_t cost, uint32_t count, size_t length) {
  delivered_ += count;
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
  if (sequence == expected_ && slots_.empty() && may_hand_over(sink)) {
    if (received_cost_ + cost > announced_) return Result::kTooMuch;
    if (sink->take(channel, sequence, run, length, count)) {
      received_cost_ += cost;
      received_messages_ += count;
      received_bytes_ += body_bytes(run, length);
      expected_ += count;
      on_delivered(cost, count, length);
      return Result::kTaken;
    }
  }
  bool stored = false;
  const Result result = store_missing(sequence, run, run + length, stored);
  if (!stored) return result;
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

void Inbound::advance() {
  while (slots_.contains(expected_) && slots_[expected_].state == State::kRun) {
    expected_ += slots_[expected_].count;
  }
}

void Inbound::deliver(Channel& channel, MessageSink* sink) {
  while (delivered_ != expected_ && may_hand_over(sink)) {
    const Slot slot = slots_[delivered_];
    if (!sink->take(channel, delivered_, slot.data, slot.length, slot.count)) return;
    pool_->give(slot.data, slot.length);
    stored_messages_ -= slot.count;
    on_delivered(slot.length + wire::kMessageOverhead * slot.count, slot.count, slot.length);
    slots_.pop_front_until(delivered_);
  }
}

bool Inbound::set_final(uint64_t final) {
  if (final_known_) return final == final_;
  if (final + 1 < expected_) return false;
  for (uint64_t s = std::max(slots_.first(), final + 1); s < slots_.end(); s++) {
    if (slots_[s].state != State::kEmpty) return false;
  }
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
