#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/memory.h"

namespace hawser::transport {

// Blocks for messages that wait, recycled by size class (powers of two from 64 bytes to 64 KiB), so
// that steady traffic allocates nothing. Larger blocks go straight to Memory.
class BlockPool {
 public:
  explicit BlockPool(Memory& memory) : memory_(&memory) {}
  ~BlockPool() { trim(); }
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // At least `bytes`; nullptr when there is no memory. Give it back with the same `bytes`.
  uint8_t* take(size_t bytes);
  void give(uint8_t* block, size_t bytes);
  // Returns every idle block to Memory.
  void trim();
  size_t idle_bytes() const { return idle_bytes_; }

 private:
  struct Free {
    Free* next;
  };
  static constexpr unsigned kSmallestShift = 6;
  static constexpr unsigned kLargestShift = 16;
  static constexpr size_t kClasses = kLargestShift - kSmallestShift + 1;
  // Idle blocks beyond this go back to Memory.
  static constexpr size_t kKeepBytes = 4u << 20;

  static size_t class_of(size_t bytes);

  Memory* memory_;
  Free* free_[kClasses] = {};
  size_t idle_bytes_ = 0;
};

}  // namespace hawser::transport
