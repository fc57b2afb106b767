#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/memory.h"

namespace hawser::transport {

// Blocks for messages that wait, recycled by size class (powers of two from 64 bytes to 128 KiB,
// and a little more), so that steady traffic allocates nothing: where none of a class lies idle, a
// larger one serves as well. Larger blocks than that go straight to Memory.
class BlockPool final : public Memory, public Reserve {
 public:
  // Idle blocks beyond this go back to Memory: what the largest window of a channel (8 MiB) takes
  // in blocks that are half empty.
  static constexpr size_t kKeepBytes = 16u << 20;

  explicit BlockPool(Memory& memory, size_t keep = kKeepBytes) : memory_(&memory), keep_(keep) {}
  // `spare`: see crowded().
  BlockPool(QuotaMemory& quota, size_t keep, size_t spare)
      : memory_(&quota), keep_(keep), quota_(&quota), spare_(spare) {}
  ~BlockPool() { shrink_to(0); }
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // At least `bytes`; nullptr when there is no memory. Give it back with the same `bytes`.
  uint8_t* take(size_t bytes);
  void give(uint8_t* block, size_t bytes);
  // The same, for containers.
  void* allocate(size_t bytes) override { return take(bytes); }
  void release(void* pointer, size_t bytes) override {
    give(static_cast<uint8_t*>(pointer), bytes);
  }

  // Returns idle blocks to Memory beyond what would have to be taken from it again if as much was
  // in use once more as since the last call.
  void settle();
  // Returns every idle block to Memory.
  void trim() override;
  size_t idle_bytes() const { return idle_bytes_; }
  // With a block of `bytes` and `more` beside it there would be less than the spare part of the
  // quota left: who can wait should, such as messages that came before their turn. Only those
  // before them make room again.
  bool crowded(size_t bytes, size_t more = 0) const {
    const size_t index = class_of(bytes);
    const size_t block = index < kClasses ? footprint(index) : bytes;
    return quota_ != nullptr && quota_->left() + idle_bytes_ < spare_ + block + more;
  }

 private:
  // What stands before a block; aligned as the block is to be.
  struct alignas(16) Head {
    Head* next;  // while idle
    size_t index;
  };
  static constexpr unsigned kSmallestShift = 6;
  static constexpr unsigned kLargestShift = 17;
  static constexpr size_t kClasses = kLargestShift - kSmallestShift + 1;
  // Many messages are as long as a power of two, and stand here with their length before them.
  static constexpr size_t kPrefixBytes = 16;

  static size_t class_of(size_t bytes);
  static constexpr size_t size_of(size_t index) {
    return (size_t{1} << (index + kSmallestShift)) + kPrefixBytes;
  }
  // With its head.
  static constexpr size_t footprint(size_t index) { return size_of(index) + sizeof(Head); }
  // An idle block of a class, or else of the next larger one that has some; nullptr: none.
  Head* take_idle(size_t index);
  // Until no more than `keep` bytes lie idle, the largest blocks first.
  void shrink_to(size_t keep);

  Memory* memory_;
  const size_t keep_;
  const QuotaMemory* const quota_ = nullptr;
  const size_t spare_ = 0;
  Head* free_[kClasses] = {};
  size_t idle_bytes_ = 0;
  // In use, in blocks of the classes; and the most of it since the last settle().
  size_t lent_bytes_ = 0;
  size_t most_lent_ = 0;
};

}  // namespace hawser::transport
