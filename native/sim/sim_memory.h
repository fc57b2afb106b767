#pragma once

#include <cstddef>
#include <cstdint>

#include "net/prng.h"
#include "transport/memory.h"

namespace hawser::sim {

// The memory of one simulated peer: counts, limits, fails on command, and notices a block that
// comes back with another size than it was taken with.
class SimMemory final : public transport::Memory {
 public:
  explicit SimMemory(uint64_t seed) : prng_(seed, 0x6d656d) {}

  void* allocate(size_t bytes) override;
  void release(void* pointer, size_t bytes) override;

  // Bytes in use at once, at most; 0: no limit.
  void set_limit(size_t bytes) { limit_ = bytes; }
  // The next `count` requests after the `skip` ones that still succeed are refused.
  void fail_after(uint64_t skip, uint64_t count);
  // Every `period`-th request is refused, `count` times; period 0: none.
  void fail_every(uint64_t period, uint64_t count) {
    fail_period_ = period;
    fail_left_ = count;
  }
  // Each request is refused with this probability.
  void set_failure_chance(double probability) { chance_ = net::Chance(probability); }

  size_t in_use() const { return in_use_; }
  size_t peak() const { return peak_; }
  void reset_peak() { peak_ = in_use_; }
  uint64_t requests() const { return requests_; }
  uint64_t refused() const { return refused_; }
  size_t blocks() const { return blocks_; }
  // Calls visit(address, bytes) for each block in use, the newest first.
  template <typename Visit>
  void each_block(Visit visit) const {
    for (const Header* header = newest_; header != nullptr; header = header->older) {
      visit(reinterpret_cast<const uint8_t*>(header + 1), header->bytes);
    }
  }
  // What the code under test did wrong, or nullptr.
  const char* misuse() const { return misuse_; }

 private:
  struct Header {
    size_t bytes;
    uint64_t state;
    Header* newer;
    Header* older;
  };
  static constexpr uint64_t kLive = 0x4c6976654c697665;
  static constexpr uint64_t kDead = 0x4465616444656164;
  static_assert(sizeof(Header) % alignof(max_align_t) == 0);

  bool refuses(size_t bytes);

  Header* newest_ = nullptr;
  size_t limit_ = 0;
  size_t in_use_ = 0;
  size_t peak_ = 0;
  size_t blocks_ = 0;
  uint64_t requests_ = 0;
  uint64_t refused_ = 0;
  uint64_t fail_from_ = UINT64_MAX;
  uint64_t fail_until_ = 0;
  uint64_t fail_period_ = 0;
  uint64_t fail_left_ = 0;
  net::Chance chance_;
  net::Prng prng_;
  const char* misuse_ = nullptr;
};

}  // namespace hawser::sim
