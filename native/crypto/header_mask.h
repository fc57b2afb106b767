// Masks for packet headers as in RFC 9001 5.4.3 and 5.4.4: a block made from a sample of the sealed
// packet, so that packets of a session cannot be told to belong together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/aead.h"
#include "crypto/openssl.h"

namespace hawser::crypto {

inline constexpr size_t kHeaderMaskKeyBytes = 32;
inline constexpr size_t kHeaderSampleBytes = 16;
// RFC 9001 uses the first five bytes of a mask; more of them are as good.
inline constexpr size_t kHeaderMaskBytes = 16;

// Serves both directions. Not for two threads at a time.
class HeaderMask {
 public:
  HeaderMask() = default;
  ~HeaderMask() { clear(); }
  HeaderMask(const HeaderMask&) = delete;
  HeaderMask& operator=(const HeaderMask&) = delete;
  HeaderMask(HeaderMask&& other) noexcept;
  HeaderMask& operator=(HeaderMask&& other) noexcept;

  // The key is one of its own, derived beside that of the AEAD of the same suite. False, without a
  // key then: not available, or out of memory.
  bool init(AeadSuite suite, const uint8_t key[kHeaderMaskKeyBytes]);
  void clear();
  bool ready() const { return context_ != nullptr; }

  // `samples` are count samples one behind the other, `masks` as many places; the two may be the
  // same. With AES this is one call of libcrypto for the whole train. False without a key or when
  // libcrypto fails; the masks are then zeros, which must not be used.
  bool masks(const uint8_t* samples, size_t count, uint8_t* masks);

 private:
  bool chacha_masks(const uint8_t* samples, size_t count, uint8_t* masks);

  const OpenSsl* ssl_ = nullptr;
  EvpCipherCtx* context_ = nullptr;  // nullptr: no key
  AeadSuite suite_ = AeadSuite::kAes256Gcm;
};

}  // namespace hawser::crypto
