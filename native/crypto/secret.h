// Secret bytes: wiped when they go, never copied by accident, compared in constant time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hawser::crypto {

// Zeroes that the compiler may not leave out although nobody reads them: the empty statement claims
// to. Not OPENSSL_cleanse, because secrets must go where there is no libcrypto as well.
inline void wipe(void* data, size_t length) {
  if (length == 0) return;
  std::memset(data, 0, length);
  __asm__ __volatile__("" : : "r"(data) : "memory");
}

// Takes the same time whatever the bytes are. The result is formed without a branch on them.
inline bool equal_constant_time(const uint8_t* a, const uint8_t* b, size_t length) {
  uint32_t difference = 0;
  for (size_t i = 0; i < length; i++) difference |= static_cast<uint32_t>(a[i] ^ b[i]);
  // Hides from the optimiser that the loop could stop at the first difference.
  __asm__ __volatile__("" : "+r"(difference));
  return difference == 0;
}

inline bool zero_constant_time(const uint8_t* data, size_t length) {
  uint32_t bits = 0;
  for (size_t i = 0; i < length; i++) bits |= data[i];
  __asm__ __volatile__("" : "+r"(bits));
  return bits == 0;
}

template <size_t kLength>
class Secret {
 public:
  static constexpr size_t kBytes = kLength;

  Secret() = default;
  explicit Secret(const uint8_t* bytes) { set(bytes); }
  ~Secret() { clear(); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  // What is moved from is wiped: there is one copy of a secret.
  Secret(Secret&& other) noexcept { take(&other); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) take(&other);
    return *this;
  }

  // kBytes bytes, copied.
  void set(const uint8_t* bytes) { std::memcpy(bytes_, bytes, kLength); }
  void clear() { wipe(bytes_, kLength); }

  uint8_t* data() { return bytes_; }
  const uint8_t* data() const { return bytes_; }
  static constexpr size_t size() { return kLength; }

  bool equals(const Secret& other) const {
    return equal_constant_time(bytes_, other.bytes_, kLength);
  }

 private:
  void take(Secret* other) {
    set(other->bytes_);
    other->clear();
  }

  uint8_t bytes_[kLength] = {};
};

}  // namespace hawser::crypto
