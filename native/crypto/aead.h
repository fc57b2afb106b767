// Authenticated encryption with associated data: AES-256-GCM (NIST SP 800-38D) and
// ChaCha20-Poly1305 (RFC 8439), both with 256-bit keys, 96-bit nonces and 128-bit tags.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/openssl.h"

namespace hawser::crypto {

enum class AeadSuite : uint8_t { kAes256Gcm, kChaCha20Poly1305 };

inline constexpr size_t kAeadKeyBytes = 32;
inline constexpr size_t kAeadNonceBytes = 12;
inline constexpr size_t kAeadTagBytes = 16;
// Far above any packet; libcrypto counts in int.
inline constexpr size_t kMaxAeadBytes = size_t{1} << 30;

// The faster one on this processor: AES where it has instructions for it.
AeadSuite preferred_suite();

// False where libcrypto is missing or does not offer the suite.
bool aead_available(AeadSuite suite);

// One context of libcrypto for a key and a direction: the key schedule is made once, a packet sets
// the nonce only. Not for two threads at a time.
class AeadContext {
 public:
  AeadContext(const AeadContext&) = delete;
  AeadContext& operator=(const AeadContext&) = delete;
  AeadContext(AeadContext&& other) noexcept;
  AeadContext& operator=(AeadContext&& other) noexcept;

  // Frees the context and with it the key.
  void clear();
  bool ready() const { return context_ != nullptr; }

 protected:
  AeadContext() = default;
  ~AeadContext() { clear(); }

  const OpenSsl* ssl_ = nullptr;
  EvpCipherCtx* context_ = nullptr;  // nullptr: no key
};

class AeadSealer : public AeadContext {
 public:
  // Takes a key, the first or another one. False, without a key then: the suite is not available or
  // memory ran out.
  bool init(AeadSuite suite, const uint8_t key[kAeadKeyBytes]);

  // Encrypts `data` in place and writes kAeadTagBytes to `tag`, which may lie anywhere, as right
  // behind the data. A nonce must never be used twice with one key. False without a key, for more
  // than kMaxAeadBytes or when libcrypto fails; `data` is then wiped, because it may be half done.
  bool seal(const uint8_t nonce[kAeadNonceBytes], const uint8_t* associated,
            size_t associated_length, uint8_t* data, size_t length, uint8_t tag[kAeadTagBytes]);
};

class AeadOpener : public AeadContext {
 public:
  bool init(AeadSuite suite, const uint8_t key[kAeadKeyBytes]);

  // Decrypts `data` in place. False: not sealed with this key, nonce and associated data. `data` is
  // then zeros, so that nobody can use what was not authenticated.
  bool open(const uint8_t nonce[kAeadNonceBytes], const uint8_t* associated,
            size_t associated_length, uint8_t* data, size_t length,
            const uint8_t tag[kAeadTagBytes]);
};

}  // namespace hawser::crypto
