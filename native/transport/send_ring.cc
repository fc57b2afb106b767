#include "transport/send_ring.h"

#include <algorithm>
#include <cstring>

#include "wire/varint.h"

namespace hawser::transport {

namespace {
// A ring never spans more than this: positions are told apart by their low 32 bits.
constexpr uint64_t kLargestSpan = uint64_t{1} << 31;
}  // namespace

SendRing::SendRing(Memory& memory, uint64_t first_sequence)
    : memory_(&memory),
      written_sequence_(first_sequence),
      published_sequence_(first_sequence),
      tail_sequence_(first_sequence) {}

SendRing::~SendRing() {
  memory_->release(bytes_, capacity_);
  memory_->release(index_, index_capacity_ * sizeof(uint32_t));
}

void SendRing::write(uint64_t position, const uint8_t* data, size_t length) {
  if (length == 0) return;
  const size_t start = static_cast<size_t>(position) & (capacity_ - 1);
  const size_t head = std::min(length, capacity_ - start);
  std::memcpy(bytes_ + start, data, head);
  if (head < length) std::memcpy(bytes_, data + head, length - head);
}

bool SendRing::push(const uint8_t* data, size_t length) {
  // Acquire: the consumer is done with what lies below the tail it published.
  const uint64_t tail = tail_position_.load(std::memory_order_acquire);
  const uint64_t oldest = tail_sequence_.load(std::memory_order_acquire);
  const size_t prefix = wire::varint_size(length);
  if (written_position_ - tail + prefix + length > capacity_) return false;
  if (written_sequence_ - oldest >= index_capacity_) return false;
  const size_t start = static_cast<size_t>(written_position_) & (capacity_ - 1);
  if (prefix + length <= capacity_ - start) {
    wire::write_varint(bytes_ + start, length);
    if (length != 0) std::memcpy(bytes_ + start + prefix, data, length);
  } else {
    uint8_t header[8];
    wire::write_varint(header, length);
    write(written_position_, header, prefix);
    write(written_position_ + prefix, data, length);
  }
  index_[written_sequence_ & (index_capacity_ - 1)] = static_cast<uint32_t>(written_position_);
  written_position_ += prefix + length;
  written_sequence_++;
  return true;
}

bool SendRing::grow(size_t length) {
  const uint64_t tail = tail_position();
  const uint64_t needed = written_position_ - tail + wire::varint_size(length) + length;
  if (needed > kLargestSpan) return false;
  if (needed > capacity_) {
    size_t capacity = std::max(capacity_ * 2, kFirstBytes);
    while (capacity < needed) capacity *= 2;
    auto* bytes = static_cast<uint8_t*>(memory_->allocate(capacity));
    if (bytes == nullptr && tail == written_position_ && capacity_ != 0) {
      // Both at once are too much, but the old one holds nothing.
      trim();
      bytes = static_cast<uint8_t*>(memory_->allocate(capacity));
    }
    if (bytes == nullptr) return false;
    for (uint64_t at = tail; at != written_position_;) {
      const size_t from = static_cast<size_t>(at) & (capacity_ - 1);
      const size_t to = static_cast<size_t>(at) & (capacity - 1);
      const size_t run = static_cast<size_t>(
          std::min<uint64_t>(written_position_ - at, std::min(capacity_ - from, capacity - to)));
      std::memcpy(bytes + to, bytes_ + from, run);
      at += run;
    }
    memory_->release(bytes_, capacity_);
    bytes_ = bytes;
    capacity_ = capacity;
  }
  const uint64_t messages = written_sequence_ - tail_sequence() + 1;
  if (messages > index_capacity_) {
    size_t capacity = std::max(index_capacity_ * 2, kFirstIndex);
    while (capacity < messages) capacity *= 2;
    auto* index = static_cast<uint32_t*>(memory_->allocate(capacity * sizeof(uint32_t)));
    if (index == nullptr) return false;
    for (uint64_t i = tail_sequence(); i != written_sequence_; i++) {
      index[i & (capacity - 1)] = index_[i & (index_capacity_ - 1)];
    }
    memory_->release(index_, index_capacity_ * sizeof(uint32_t));
    index_ = index;
    index_capacity_ = capacity;
  }
  return true;
}

void SendRing::publish() {
  published_position_ = written_position_;
  published_sequence_ = written_sequence_;
}

void SendRing::trim() {
  if (tail_position() != written_position_ || capacity_ == 0) return;
  memory_->release(bytes_, capacity_);
  memory_->release(index_, index_capacity_ * sizeof(uint32_t));
  bytes_ = nullptr;
  index_ = nullptr;
  capacity_ = 0;
  index_capacity_ = 0;
}

uint64_t SendRing::position_of(uint64_t sequence) const {
  if (sequence >= published_sequence_) return published_position_;
  const uint64_t tail = tail_position();
  const uint32_t low = index_[sequence & (index_capacity_ - 1)];
  return tail + static_cast<uint32_t>(low - static_cast<uint32_t>(tail));
}

uint64_t SendRing::last_boundary(uint64_t from, uint64_t limit) const {
  uint64_t low = from;
  uint64_t high = published_sequence_;
  if (position_of(high) <= limit) return high;
  // Most packets hold few messages of the many that wait: gallop before halving.
  for (uint64_t step = 1; low + step < high; step *= 2) {
    if (position_of(low + step) > limit) {
      high = low + step;
      break;
    }
    low += step;
  }
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    if (position_of(middle) <= limit) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

uint64_t SendRing::sequence_at(uint64_t position) const {
  return last_boundary(tail_sequence(), position);
}

void SendRing::copy(uint64_t position, size_t length, uint8_t* out) const {
  if (length == 0) return;
  const size_t start = static_cast<size_t>(position) & (capacity_ - 1);
  const size_t head = std::min(length, capacity_ - start);
  std::memcpy(out, bytes_ + start, head);
  if (head < length) std::memcpy(out + head, bytes_, length - head);
}

size_t SendRing::length_at(uint64_t position, size_t& prefix) const {
  uint8_t header[8];
  header[0] = bytes_[static_cast<size_t>(position) & (capacity_ - 1)];
  prefix = size_t{1} << (header[0] >> 6);
  copy(position, prefix, header);
  uint64_t length = 0;
  wire::read_varint(header, header + prefix, length);
  return static_cast<size_t>(length);
}

void SendRing::free_below(uint64_t sequence) {
  if (sequence <= tail_sequence()) return;
  const uint64_t position = position_of(sequence);
  // Release: the producer may reuse the room once it sees the new tail.
  tail_sequence_.store(sequence, std::memory_order_release);
  tail_position_.store(position, std::memory_order_release);
}

}  // namespace hawser::transport
