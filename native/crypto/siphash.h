// SipHash-2-4 (Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012): a keyed 64-bit hash
// for tables whose keys a stranger chooses. With a key of its own a process cannot be fed keys that
// all collide. Not for authentication: 64 bits are few.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::crypto {

class SipHash {
 public:
  static constexpr size_t kKeyBytes = 16;

  explicit SipHash(const uint8_t key[kKeyBytes]);

  uint64_t operator()(const uint8_t* data, size_t length) const;

 private:
  uint64_t k0_;
  uint64_t k1_;
};

}  // namespace hawser::crypto
