#include "sim/sim_memory.h"

#include <cstdlib>
#include <new>

namespace hawser::sim {

void SimMemory::fail_after(uint64_t skip, uint64_t count) {
  fail_from_ = requests_ + skip;
  fail_until_ = count > UINT64_MAX - fail_from_ ? UINT64_MAX : fail_from_ + count;
}

bool SimMemory::refuses(size_t bytes) {
  const uint64_t number = requests_++;
  if (number >= fail_from_ && number < fail_until_) return true;
  if (fail_period_ != 0 && fail_left_ != 0 && requests_ % fail_period_ == 0) {
    fail_left_--;
    return true;
  }
  if (chance_.happens(&prng_)) return true;
  return limit_ != 0 && (bytes > limit_ || in_use_ > limit_ - bytes);
}

void* SimMemory::allocate(size_t bytes) {
  if (bytes == 0) misuse_ = "a block of no bytes was asked for";
  void* place = refuses(bytes) ? nullptr : std::malloc(sizeof(Header) + bytes);
  if (place == nullptr) {
    refused_++;
    return nullptr;
  }
  auto* header = new (place) Header{bytes, kLive, nullptr, newest_};
  if (newest_ != nullptr) newest_->newer = header;
  newest_ = header;
  in_use_ += bytes;
  blocks_++;
  if (in_use_ > peak_) peak_ = in_use_;
  return header + 1;
}

void SimMemory::release(void* pointer, size_t bytes) {
  if (pointer == nullptr) return;
  auto* header = static_cast<Header*>(pointer) - 1;
  if (header->state != kLive) {
    misuse_ = "a block was given back twice, or never taken";
    return;
  }
  if (header->bytes != bytes) misuse_ = "a block came back with another size";
  header->state = kDead;
  (header->newer == nullptr ? newest_ : header->newer->older) = header->older;
  if (header->older != nullptr) header->older->newer = header->newer;
  in_use_ -= header->bytes;
  blocks_--;
  std::free(header);
}

}  // namespace hawser::sim
