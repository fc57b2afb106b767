#pragma once

#include <cstdint>

namespace hawser::wire {

// Fixed-width integers are big-endian on the wire (PROTOCOL.md §1). Written with shifts: compilers
// turn each of these into one load or store and a byte swap, and alignment does not matter.

inline uint16_t load_u16(const uint8_t* p) {
  return static_cast<uint16_t>(static_cast<uint32_t>(p[0]) << 8 | p[1]);
}

inline uint32_t load_u32(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 |
         static_cast<uint32_t>(p[2]) << 8 | static_cast<uint32_t>(p[3]);
}

inline uint64_t load_u64(const uint8_t* p) {
  return static_cast<uint64_t>(load_u32(p)) << 32 | load_u32(p + 4);
}

// Each returns the byte behind what it wrote; the caller guarantees the room.
inline uint8_t* store_u16(uint8_t* p, uint16_t value) {
  p[0] = static_cast<uint8_t>(value >> 8);
  p[1] = static_cast<uint8_t>(value);
  return p + 2;
}

inline uint8_t* store_u32(uint8_t* p, uint32_t value) {
  p[0] = static_cast<uint8_t>(value >> 24);
  p[1] = static_cast<uint8_t>(value >> 16);
  p[2] = static_cast<uint8_t>(value >> 8);
  p[3] = static_cast<uint8_t>(value);
  return p + 4;
}

inline uint8_t* store_u64(uint8_t* p, uint64_t value) {
  store_u32(p, static_cast<uint32_t>(value >> 32));
  return store_u32(p + 4, static_cast<uint32_t>(value));
}

}  // namespace hawser::wire
