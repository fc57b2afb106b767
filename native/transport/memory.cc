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

bool QuotaMemory::charge(size_t bytes) {
  if (!fits(bytes)) return false;
  in_use_ += bytes;
  return true;
}

void* QuotaMemory::allocate(size_t bytes) {
  if (!fits(bytes)) return nullptr;
  void* pointer = whole_.allocate(bytes);
  if (pointer != nullptr) in_use_ += bytes;
  return pointer;
}

void QuotaMemory::release(void* pointer, size_t bytes) {
  if (pointer == nullptr) return;
  in_use_ -= bytes;
  whole_.release(pointer, bytes);
}

}  // namespace hawser::transport
