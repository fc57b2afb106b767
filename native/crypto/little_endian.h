#pragma once

#include <cstdint>

namespace hawser::crypto {

// The primitives of D. J. Bernstein and their kin count in little-endian, unlike our wire format.

inline uint64_t load_le64(const uint8_t* p) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value |= static_cast<uint64_t>(p[i]) << (8 * i);
  return value;
}

inline void store_le64(uint8_t* p, uint64_t value) {
  for (int i = 0; i < 8; i++) p[i] = static_cast<uint8_t>(value >> (8 * i));
}

}  // namespace hawser::crypto
