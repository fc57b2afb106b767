#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace hawser::fuzz {

// The fuzzer's input as a script: what to do next, and with what. Behind its end everything is 0,
// so that any input is a whole script and its length says how much is done.
class Script {
 public:
  Script(const uint8_t* data, size_t size) : position_(data), end_(data + size) {}

  bool done() const { return position_ == end_; }
  size_t left() const { return static_cast<size_t>(end_ - position_); }

  uint8_t u8() { return position_ == end_ ? uint8_t{0} : *position_++; }
  uint16_t u16() { return static_cast<uint16_t>(u8() | u8() << 8); }
  uint32_t u32() { return u16() | static_cast<uint32_t>(u16()) << 16; }
  uint64_t u64() { return u32() | static_cast<uint64_t>(u32()) << 32; }
  bool flag() { return (u8() & 1) != 0; }
  // 0 <= result < bound, 0 < bound <= 2^16. Takes no more bytes than that needs.
  uint32_t below(uint32_t bound) { return (bound <= 256 ? u8() : u16()) % bound; }
  // A length that is mostly small: one byte up to 247, else a step of 2^8 to 2^15 above that.
  uint32_t length() {
    const uint32_t first = u8();
    return first < 248 ? first : (uint32_t{1} << (first - 240)) + u8();
  }
  // The next `wanted` bytes, or what is left of them.
  const uint8_t* bytes(size_t wanted, size_t& length) {
    length = std::min(wanted, left());
    const uint8_t* begin = position_;
    position_ += length;
    return begin;
  }

 private:
  const uint8_t* position_;
  const uint8_t* end_;
};

}  // namespace hawser::fuzz
