#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>

#include "transport/memory.h"

namespace hawser::test {

// Memory whose n-th request fails, and that checks every block on its way back.
class FailingMemory final : public transport::Memory {
 public:
  ~FailingMemory() {
    for (const auto& [pointer, bytes] : blocks_) std::free(pointer);
  }

  // The next `skip` requests succeed, all after them fail. Without a call nothing fails.
  void fail_after(uint64_t skip) { left_ = skip; }
  void heal() { left_ = UINT64_MAX; }

  void* allocate(size_t bytes) override {
    if (left_ == 0) {
      refused_++;
      return nullptr;
    }
    if (left_ != UINT64_MAX) left_--;
    requests_++;
    void* pointer = std::malloc(bytes);
    blocks_[pointer] = bytes;
    in_use_ += bytes;
    return pointer;
  }

  void release(void* pointer, size_t bytes) override {
    if (pointer == nullptr) return;
    const auto found = blocks_.find(pointer);
    // A foreign block or a wrong size is a bug of the code under test.
    if (found == blocks_.end() || found->second != bytes) std::abort();
    blocks_.erase(found);
    in_use_ -= bytes;
    std::free(pointer);
  }

  size_t in_use() const { return in_use_; }
  uint64_t requests() const { return requests_; }
  uint64_t refused() const { return refused_; }

 private:
  std::map<void*, size_t> blocks_;
  uint64_t left_ = UINT64_MAX;
  uint64_t requests_ = 0;
  uint64_t refused_ = 0;
  size_t in_use_ = 0;
};

}  // namespace hawser::test
