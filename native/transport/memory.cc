#include "transport/memory.h"

#include <cstdlib>

namespace hawser::transport {

void* HeapMemory::allocate(size_t bytes) {
  if (limit_ != 0 && (bytes > limit_ || in_use_ > limit_ - bytes)) {
    refused_++;
    return nullptr;
  }
  void* pointer = std::malloc(bytes);
  if (pointer == nullptr) {
    refused_++;
    return nullptr;
  }
  in_use_ += bytes;
  return pointer;
}

void HeapMemory::release(void* pointer, size_t bytes) {
  if (pointer == nullptr) return;
  in_use_ -= bytes;
  std::free(pointer);
}

bool QuotaMemory::has_left(size_t bytes) {
  if (left() >= bytes || reserve_ == nullptr) return left() >= bytes;
  reserve_->trim();
  return left() >= bytes;
}

bool QuotaMemory::take(size_t bytes) {
  if (left_of_ != nullptr && !left_of_->has_left(left_bytes_ + bytes)) return false;
  if (count(bytes)) return true;
  if (reserve_ == nullptr || limit_ == 0) return false;
  reserve_->trim();
  return count(bytes);
}

bool QuotaMemory::count(size_t bytes) {
  if (limit_ != 0 && bytes > limit_) return false;
  if (shared_ == nullptr) {
    if (limit_ != 0 && in_use_ > limit_ - bytes) return false;
  } else {
    const size_t before = shared_->fetch_add(bytes, std::memory_order_relaxed);
    if (limit_ != 0 && before > limit_ - bytes) {
      shared_->fetch_sub(bytes, std::memory_order_relaxed);
      return false;
    }
  }
  in_use_ += bytes;
  return true;
}

size_t QuotaMemory::left() const {
  if (limit_ == 0) return SIZE_MAX / 2;
  const size_t used = shared_ == nullptr ? in_use_ : shared_->load(std::memory_order_relaxed);
  return used < limit_ ? limit_ - used : 0;
}

bool QuotaMemory::charge(size_t bytes) {
  if (take(bytes)) return true;
  refused_++;
  return false;
}

void* QuotaMemory::allocate(size_t bytes) {
  if (!charge(bytes)) return nullptr;
  void* pointer = whole_.allocate(bytes);
  if (pointer == nullptr) {
    refund(bytes);
    refused_++;
  }
  return pointer;
}

void QuotaMemory::release(void* pointer, size_t bytes) {
  if (pointer == nullptr) return;
  refund(bytes);
  whole_.release(pointer, bytes);
}

}  // namespace hawser::transport
