#include "transport/block_pool.h"

#include <bit>

namespace hawser::transport {

size_t BlockPool::class_of(size_t bytes) {
  if (bytes <= (size_t{1} << kSmallestShift)) return 0;
  return static_cast<size_t>(std::bit_width(bytes - 1)) - kSmallestShift;
}

uint8_t* BlockPool::take(size_t bytes) {
  const size_t index = class_of(bytes);
  if (index >= kClasses) return static_cast<uint8_t*>(memory_->allocate(bytes));
  const size_t size = size_t{1} << (index + kSmallestShift);
  if (Free* block = free_[index]; block != nullptr) {
    free_[index] = block->next;
    idle_bytes_ -= size;
    return reinterpret_cast<uint8_t*>(block);
  }
  if (void* fresh = memory_->allocate(size); fresh != nullptr) return static_cast<uint8_t*>(fresh);
  // What lies idle in other classes may be what is missing.
  if (idle_bytes_ == 0) return nullptr;
  trim();
  return static_cast<uint8_t*>(memory_->allocate(size));
}

void BlockPool::give(uint8_t* block, size_t bytes) {
  if (block == nullptr) return;
  const size_t index = class_of(bytes);
  if (index >= kClasses) {
    memory_->release(block, bytes);
    return;
  }
  const size_t size = size_t{1} << (index + kSmallestShift);
  if (idle_bytes_ + size > kKeepBytes) {
    memory_->release(block, size);
    return;
  }
  free_[index] = new (block) Free{free_[index]};
  idle_bytes_ += size;
}

void BlockPool::trim() {
  for (size_t i = 0; i < kClasses; i++) {
    while (free_[i] != nullptr) {
      Free* block = free_[i];
      free_[i] = block->next;
      memory_->release(block, size_t{1} << (i + kSmallestShift));
    }
  }
  idle_bytes_ = 0;
}

}  // namespace hawser::transport
