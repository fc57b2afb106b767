// Diffie-Hellman on Curve25519 (RFC 7748).
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/openssl.h"
#include "crypto/secret.h"

namespace hawser::crypto {

inline constexpr size_t kX25519Bytes = 32;  // of a secret, a public key and a shared secret

// A key pair. libcrypto holds the secret and wipes it when the object goes.
class X25519Key {
 public:
  X25519Key() = default;
  ~X25519Key() { clear(); }
  X25519Key(const X25519Key&) = delete;
  X25519Key& operator=(const X25519Key&) = delete;
  X25519Key(X25519Key&& other) noexcept;
  X25519Key& operator=(X25519Key&& other) noexcept;

  // The secret is any 32 bytes; the bits that RFC 7748 5 fixes are fixed when it is used. False,
  // without a key then: no libcrypto, or out of memory.
  bool init(const uint8_t secret[kX25519Bytes]);
  // A random key. False, too, when the system gives no random numbers.
  bool generate();
  void clear();

  bool ready() const { return key_ != nullptr; }
  // Zeros without a key.
  const uint8_t* public_key() const { return public_; }

  // The shared secret with `peer`, a public key in any encoding (RFC 7748 5: the top bit is
  // ignored, values from p on are reduced). False without a key, and when the result is zero, which
  // is the case for the points of small order (RFC 7748 6.1); `shared` is then wiped.
  bool agree(const uint8_t peer[kX25519Bytes], Secret<kX25519Bytes>* shared) const;

 private:
  const OpenSsl* ssl_ = nullptr;
  EvpPkey* key_ = nullptr;
  uint8_t public_[kX25519Bytes] = {};
};

}  // namespace hawser::crypto
