#include "crypto/null_protection.h"

#include <cstring>

namespace hawser::crypto {

void NullProtection::seal(uint64_t /*number*/, uint8_t* packet, size_t header, size_t frames) {
  std::memset(packet + header + frames, 0, kTagBytes);
}

bool NullProtection::open(uint64_t /*number*/, uint8_t* packet, size_t header, size_t length) {
  if (length < header + kTagBytes) return false;
  static constexpr uint8_t kZero[kTagBytes] = {};
  return std::memcmp(packet + length - kTagBytes, kZero, kTagBytes) == 0;
}

}  // namespace hawser::crypto
