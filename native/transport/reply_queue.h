#pragma once

#include <cstdint>
#include <cstring>

#include "transport/memory.h"
#include "transport/types.h"

namespace hawser::transport {

// Short datagrams for strangers, of whom nothing is remembered. When it is full, what comes is
// dropped: whoever wants an answer asks again.
class ReplyQueue {
 public:
  static constexpr size_t kCapacity = 256;
  static constexpr size_t kMaxBytes = 48;

  explicit ReplyQueue(Memory& memory) : memory_(memory) {}
  ~ReplyQueue() { memory_.release(entries_, kCapacity * sizeof(Entry)); }
  ReplyQueue(const ReplyQueue&) = delete;
  ReplyQueue& operator=(const ReplyQueue&) = delete;

  // False: full, no memory, or longer than kMaxBytes.
  bool push(const PathAddress& to, const uint8_t* data, size_t length) {
    if (count_ == kCapacity || length > kMaxBytes) return false;
    if (entries_ == nullptr) {
      entries_ = static_cast<Entry*>(memory_.allocate(kCapacity * sizeof(Entry)));
      if (entries_ == nullptr) return false;
    }
    Entry& entry = entries_[(first_ + count_++) % kCapacity];
    entry.to = to;
    entry.length = length;
    std::memcpy(entry.bytes, data, length);
    return true;
  }

  // Room for kMaxBytes in `out`. 0: empty.
  size_t pop(PathAddress& to, uint8_t* out) {
    if (count_ == 0) return 0;
    const Entry& entry = entries_[first_];
    first_ = (first_ + 1) % kCapacity;
    count_--;
    to = entry.to;
    std::memcpy(out, entry.bytes, entry.length);
    return entry.length;
  }

 private:
  struct Entry {
    PathAddress to;
    size_t length;
    uint8_t bytes[kMaxBytes];
  };

  Memory& memory_;
  Entry* entries_ = nullptr;
  size_t first_ = 0;
  size_t count_ = 0;
};

}  // namespace hawser::transport
