#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::wire {

// Variable-length integers of RFC 9000 §16: 1, 2, 4 or 8 bytes, 62 bits. Other than there, only the
// shortest form is valid (PROTOCOL.md §1).

inline constexpr uint64_t kMaxVarint = (uint64_t{1} << 62) - 1;
inline constexpr size_t kMaxVarintBytes = 8;

// Bytes that `value` takes; 0 when it is above kMaxVarint.
constexpr size_t varint_size(uint64_t value) {
  if (value < 0x40) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x40000000) return 4;
  return value <= kMaxVarint ? 8 : 0;
}

// The largest n for which a block of n bytes (its length as a varint, then the bytes) takes at most
// `room` bytes. `room` >= 1.
constexpr size_t block_room(size_t room) {
  const size_t length_bytes = varint_size(room);
  const size_t length = room > length_bytes ? room - length_bytes : 0;
  // Just above a step of the length's own size, a shorter length would have left more room.
  const size_t shorter = varint_size(length);
  if (shorter == length_bytes) return length;
  const size_t largest_short = (size_t{1} << (8 * shorter - 2)) - 1;
  return room - shorter < largest_short ? room - shorter : largest_short;
}

namespace detail {
uint8_t* write_long_varint(uint8_t* out, uint64_t value);
const uint8_t* read_long_varint(const uint8_t* p, const uint8_t* end, uint64_t& value);
}  // namespace detail

// Writes the shortest form and returns the byte behind it. The caller guarantees varint_size(value)
// bytes of room and value <= kMaxVarint.
inline uint8_t* write_varint(uint8_t* out, uint64_t value) {
  if (value < 0x40) {
    *out = static_cast<uint8_t>(value);
    return out + 1;
  }
  if (value < 0x4000) {
    out[0] = static_cast<uint8_t>(0x40 | value >> 8);
    out[1] = static_cast<uint8_t>(value);
    return out + 2;
  }
  return detail::write_long_varint(out, value);
}

// Reads one varint from [p, end) and returns the byte behind it; nullptr, and `value` unspecified,
// when it is cut off or not in the shortest form.
inline const uint8_t* read_varint(const uint8_t* p, const uint8_t* end, uint64_t& value) {
  if (p == end) return nullptr;
  const uint8_t first = *p;
  if (first < 0x40) {
    value = first;
    return p + 1;
  }
  if (first < 0x80) {
    if (end - p < 2) return nullptr;
    value = static_cast<uint64_t>(first & 0x3f) << 8 | p[1];
    return value < 0x40 ? nullptr : p + 2;
  }
  return detail::read_long_varint(p, end, value);
}

}  // namespace hawser::wire
