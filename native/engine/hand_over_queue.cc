#include "engine/hand_over_queue.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace hawser::engine {

namespace {
constexpr size_t kFirstBytes = 64u << 10;
}  // namespace

HandOverQueue::~HandOverQueue() {
  std::free(filling_.bytes);
  std::free(taken_.bytes);
}

bool HandOverQueue::reserve(Buffer& buffer, size_t bytes) {
  if (buffer.used + bytes <= buffer.capacity) return true;
  if (buffer.used + bytes > kMaxBytes) return false;
  size_t capacity = std::max(buffer.capacity, kFirstBytes);
  while (capacity < buffer.used + bytes) capacity *= 2;
  void* grown = std::realloc(buffer.bytes, capacity);
  if (grown == nullptr) return false;
  buffer.bytes = static_cast<uint8_t*>(grown);
  buffer.capacity = capacity;
  return true;
}

HandOverQueue::Push HandOverQueue::push(const transport::PathAddress& from, const uint8_t* data,
                                        size_t length, bool admitted) {
  const Header header{from, static_cast<uint32_t>(length), admitted};
  MutexLock lock(mutex_);
  if (!reserve(filling_, sizeof header + length)) return Push::kFull;
  std::memcpy(filling_.bytes + filling_.used, &header, sizeof header);
  std::memcpy(filling_.bytes + filling_.used + sizeof header, data, length);
  filling_.used += sizeof header + length;
  if (waiting_.load(std::memory_order_relaxed)) return Push::kTaken;
  waiting_.store(true, std::memory_order_release);
  return Push::kFirst;
}

void HandOverQueue::swap() {
  MutexLock lock(mutex_);
  std::swap(filling_, taken_);
  waiting_.store(false, std::memory_order_relaxed);
}

size_t HandOverQueue::read(size_t at, Item* item) {
  Header header;
  std::memcpy(&header, taken_.bytes + at, sizeof header);
  *item = {header.from, taken_.bytes + at + sizeof header, header.length, header.admitted};
  return at + sizeof header + header.length;
}

}  // namespace hawser::engine
