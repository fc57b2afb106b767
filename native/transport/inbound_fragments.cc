// Messages that come in pieces.

#include <algorithm>
#include <cstring>

#include "transport/inbound.h"
#include "wire/frames.h"

namespace hawser::transport {

namespace {
// Pieces of a message that may lie apart from each other at once, beyond one for each
// kBytesPerPiece of its length. Honest senders cut messages into packets and stay far below.
constexpr size_t kMostPieces = 64;
constexpr uint64_t kBytesPerPiece = 256;
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
  if (must_wait(sequence, sequence, total) || !reserve_slot(sequence)) return Result::kNoMemory;
  const auto prefix = static_cast<uint32_t>(wire::varint_size(total));
  uint8_t* place = pool_->take(sizeof(Partial));
  if (place == nullptr) return Result::kNoMemory;
  uint8_t* block = pool_->take(prefix + total);
  if (block == nullptr) {
    pool_->give(place, sizeof(Partial));
    return Result::kNoMemory;
  }
  wire::write_varint(block, total);
  new (place) Partial(*pool_, block, prefix, static_cast<uint32_t>(total));
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

// What the pieces of a message that is not complete were charged; 0 when there are none.
uint64_t Inbound::partial_cost(uint64_t sequence) const {
  if (!slots_.contains(sequence) || slots_[sequence].state != State::kPartial) return 0;
  return wire::message_cost(reinterpret_cast<const Partial*>(slots_[sequence].data)->total);
}

}  // namespace hawser::transport
