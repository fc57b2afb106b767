#include "transport/packet_window.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hawser::transport {

bool PacketWindow::ensure(size_t wanted) {
  const size_t rounded = std::bit_ceil(std::clamp(wanted, kMinimumBits, kMaximumBits));
  if (rounded <= bits()) return true;
  const size_t count = rounded / 64;
  auto* fresh = static_cast<uint64_t*>(memory_->allocate(count * sizeof(uint64_t)));
  if (fresh == nullptr) return false;
  // What was below the old window is not known, so it counts as seen.
  std::memset(fresh, any_ ? 0xff : 0, count * sizeof(uint64_t));
  if (any_ && words_ != nullptr) copy_window(fresh, count);
  free_words();
  words_ = fresh;
  word_count_ = count;
  return true;
}

bool PacketWindow::seen_or_too_old(uint64_t number) const {
  if (!any_ || number > largest_) return false;
  if (largest_ - number >= bits()) return true;
  return (word(number) >> (number % 64) & 1) != 0;
}

void PacketWindow::mark(uint64_t number) {
  if (!any_) {
    any_ = true;
    largest_ = number;
    floor_ = number - std::min(number, kBelowFirst);
  } else if (number > largest_) {
    if (words_ != nullptr) clear_between(largest_ + 1, number);
    largest_ = number;
  } else if (largest_ - number >= bits()) {
    return;
  }
  if (words_ != nullptr) word(number) |= uint64_t{1} << (number % 64);
}

void PacketWindow::release() {
  free_words();
  if (any_) floor_ = largest_ + 1;
  words_ = nullptr;
  word_count_ = 0;
}

void PacketWindow::free_words() { memory_->release(words_, word_count_ * sizeof(uint64_t)); }

void PacketWindow::clear_between(uint64_t first, uint64_t last) {
  if (last - first >= bits() - 1) {
    std::memset(words_, 0, word_count_ * sizeof(uint64_t));
    return;
  }
  for (uint64_t block = first / 64; block <= last / 64; block++) {
    uint64_t mask = ~uint64_t{0};
    if (block == first / 64) mask &= ~uint64_t{0} << (first % 64);
    if (block == last / 64) mask &= ~uint64_t{0} >> (63 - last % 64);
    word(block * 64) &= ~mask;
  }
}

// The word that holds the largest number holds, above it, the oldest numbers of the window.
void PacketWindow::copy_window(uint64_t* fresh, size_t count) const {
  const uint64_t newest = largest_ / 64;
  const uint64_t up_to_largest = ~uint64_t{0} >> (63 - largest_ % 64);
  for (uint64_t back = 0; back <= word_count_ && back <= newest; back++) {
    const uint64_t block = newest - back;
    uint64_t mask = ~uint64_t{0};
    if (back == 0) mask = up_to_largest;
    if (back == word_count_) mask = ~up_to_largest;
    uint64_t& target = fresh[block & (count - 1)];
    target = (target & ~mask) | (words_[block & (word_count_ - 1)] & mask);
  }
}

}  // namespace hawser::transport
