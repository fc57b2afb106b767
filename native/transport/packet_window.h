#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/memory.h"

namespace hawser::transport {

// Remembers which packet numbers came, so that none is opened twice: a bitmap of the last `bits`
// numbers up to the largest. Check with seen_or_too_old(), authenticate, then mark().
// What is below the window counts as seen, also after the window grew (it is not known) and after
// release() (nothing is known but the largest): it never lets a replay through.
class PacketWindow {
 public:
  static constexpr size_t kMinimumBits = 1024;
  static constexpr size_t kMaximumBits = 65536;
  // The first packet that comes need not be the first that was sent: an initial congestion window
  // is far less than this.
  static constexpr uint64_t kBelowFirst = 255;

  explicit PacketWindow(Memory& memory) : memory_(&memory) {}
  ~PacketWindow() { free_words(); }
  PacketWindow(const PacketWindow&) = delete;
  PacketWindow& operator=(const PacketWindow&) = delete;

  // Makes the window at least `bits` (rounded up to a power of two, clamped to the limits) long.
  // Keeps what is known; never shrinks. false: no memory, unchanged. Before the first success the
  // window is of length 0: only numbers above the largest are new.
  [[nodiscard]] bool ensure(size_t bits);

  bool seen_or_too_old(uint64_t number) const;
  void mark(uint64_t number);
  // The largest marked; 0 when none was.
  uint64_t largest() const { return largest_; }
  bool any() const { return any_; }
  size_t bits() const { return words_ == nullptr ? 0 : word_count_ * 64; }

  // Would it, with `number` marked, still know of every number since kBelowFirst below the first
  // one, or since release()? False when those are more than the window is long.
  bool reaches(uint64_t number) const {
    return any_ ? number < floor_ + bits() : bits() > kBelowFirst;
  }

  // There is no memory to grow now: reaches() is content until as many numbers have come as the
  // window is long.
  void put_off() { floor_ = largest_ + 1; }

  // Gives the memory back; everything up to the largest counts as seen from now on.
  void release();

 private:
  void free_words();
  uint64_t& word(uint64_t number) const { return words_[(number / 64) & (word_count_ - 1)]; }
  void clear_between(uint64_t first, uint64_t last);
  // Into a bitmap of `count` words, more than the present one has.
  void copy_window(uint64_t* fresh, size_t count) const;

  Memory* memory_;
  uint64_t* words_ = nullptr;
  size_t word_count_ = 0;
  uint64_t largest_ = 0;
  // What is below need not be known.
  uint64_t floor_ = 0;
  bool any_ = false;
};

}  // namespace hawser::transport
