#pragma once

#include <cstdint>

#include "wire/varint.h"

namespace hawser::wire {

// Packet numbers, message sequences and counts travel as their low 32 bits.
constexpr uint32_t truncate32(uint64_t number) { return static_cast<uint32_t>(number); }

// The number that ends in `truncated` and lies closest to `expected` (RFC 9000 A.3 with 32 bits).
// Of two that are equally far, 2^31 below and 2^31 above, the larger one. Never negative and never
// above 2^62 - 1: at both ends of the range the only candidate inside it is taken, however far it
// is. `expected` <= 2^62.
constexpr uint64_t expand32(uint64_t expected, uint32_t truncated) {
  constexpr uint64_t kSpan = uint64_t{1} << 32;
  constexpr uint64_t kHalf = kSpan / 2;
  const uint64_t candidate = (expected & ~(kSpan - 1)) | truncated;
  if (candidate + kHalf <= expected && candidate <= kMaxVarint - kSpan) return candidate + kSpan;
  if (candidate > expected + kHalf && candidate >= kSpan) return candidate - kSpan;
  // Only for `expected` = 2^62, one above the largest number there is.
  if (candidate > kMaxVarint) return candidate - kSpan;
  return candidate;
}

}  // namespace hawser::wire
