#include "transport/block_pool.h"

#include <algorithm>
#include <bit>

namespace hawser::transport {

size_t BlockPool::class_of(size_t bytes) {
  if (bytes <= size_of(0)) return 0;
  return static_cast<size_t>(std::bit_width(bytes - kPrefixBytes - 1)) - kSmallestShift;
}

BlockPool::Head* BlockPool::take_idle(size_t index) {
  if (idle_bytes_ == 0) return nullptr;
  while (index < kClasses && free_[index] == nullptr) index++;
  if (index == kClasses) return nullptr;
  Head* head = free_[index];
  free_[index] = head->next;
  idle_bytes_ -= footprint(index);
  return head;
}

uint8_t* BlockPool::take(size_t bytes) {
  const size_t index = class_of(bytes);
  if (index >= kClasses) return static_cast<uint8_t*>(memory_->allocate(bytes));
  Head* head = take_idle(index);
  if (head == nullptr) {
    void* place = memory_->allocate(footprint(index));
    if (place == nullptr && idle_bytes_ != 0) {
      // What lies idle in smaller classes may be what is missing. A quota has asked for it already
      // where its own limit refused, but not where the memory below it did.
      trim();
      place = memory_->allocate(footprint(index));
    }
    if (place == nullptr) return nullptr;
    head = new (place) Head{nullptr, index};
  }
  lent_bytes_ += footprint(head->index);
  most_lent_ = std::max(most_lent_, lent_bytes_);
  return reinterpret_cast<uint8_t*>(head + 1);
}

void BlockPool::give(uint8_t* block, size_t bytes) {
  if (block == nullptr) return;
  if (class_of(bytes) >= kClasses) {
    memory_->release(block, bytes);
    return;
  }
  Head* head = reinterpret_cast<Head*>(block) - 1;
  const size_t size = footprint(head->index);
  lent_bytes_ -= size;
  if (idle_bytes_ + size > keep_) {
    memory_->release(head, size);
    return;
  }
  head->next = free_[head->index];
  free_[head->index] = head;
  idle_bytes_ += size;
}

void BlockPool::settle() {
  shrink_to(most_lent_ - lent_bytes_);
  most_lent_ = lent_bytes_;
}

void BlockPool::trim() { shrink_to(0); }

void BlockPool::shrink_to(size_t keep) {
  for (size_t i = kClasses; i-- > 0 && idle_bytes_ > keep;) {
    while (free_[i] != nullptr && idle_bytes_ > keep) {
      Head* head = free_[i];
      free_[i] = head->next;
      idle_bytes_ -= footprint(i);
      memory_->release(head, footprint(i));
    }
  }
}

}  // namespace hawser::transport
