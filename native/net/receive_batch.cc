#include "net/receive_batch.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace hawser::net {

ReceiveBatch::~ReceiveBatch() { std::free(buffer_); }

bool ReceiveBatch::init(size_t slot_bytes, size_t max_slot_bytes) {
  if (slot_bytes == 0 || slot_bytes > max_slot_bytes || max_slot_bytes > kBufferBytes) return false;
  if (buffer_ == nullptr) buffer_ = static_cast<uint8_t*>(std::malloc(kBufferBytes));
  slot_bytes_ = slot_bytes;
  max_slot_bytes_ = max_slot_bytes;
  train_count_ = 0;
  return buffer_ != nullptr;
}

size_t ReceiveBatch::slot_count() const { return std::min(kMaxSlots, kBufferBytes / slot_bytes_); }

void ReceiveBatch::grow_slots(size_t wanted_bytes) {
  const size_t rounded = std::bit_ceil(std::min(wanted_bytes, kBufferBytes));
  slot_bytes_ = std::clamp(rounded, slot_bytes_, max_slot_bytes_);
}

}  // namespace hawser::net
