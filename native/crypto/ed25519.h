// Signatures on edwards25519 (RFC 8032, Ed25519 without context or prehash).
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/openssl.h"

namespace hawser::crypto {

inline constexpr size_t kEd25519SeedBytes = 32;
inline constexpr size_t kEd25519PublicBytes = 32;
inline constexpr size_t kEd25519SignatureBytes = 64;

// A key pair. libcrypto holds the seed and wipes it when the object goes.
class Ed25519Key {
 public:
  Ed25519Key() = default;
  ~Ed25519Key() { clear(); }
  Ed25519Key(const Ed25519Key&) = delete;
  Ed25519Key& operator=(const Ed25519Key&) = delete;
  Ed25519Key(Ed25519Key&& other) noexcept;
  Ed25519Key& operator=(Ed25519Key&& other) noexcept;

  // The seed is what RFC 8032 calls the private key, any 32 bytes. False, without a key then: no
  // libcrypto, or out of memory.
  bool init(const uint8_t seed[kEd25519SeedBytes]);
  void clear();

  bool ready() const { return key_ != nullptr; }
  // Zeros without a key.
  const uint8_t* public_key() const { return public_; }

  // False without a key or memory; the signature is then zeros.
  bool sign(const uint8_t* message, size_t length, uint8_t signature[kEd25519SignatureBytes]) const;

 private:
  const OpenSsl* ssl_ = nullptr;
  EvpPkey* key_ = nullptr;
  uint8_t public_[kEd25519PublicBytes] = {};
};

// False for a wrong signature, for what is no public key, and where there is no libcrypto. Keys of
// small order verify what they should not; identity_key.h refuses them.
bool ed25519_verify(const uint8_t public_key[kEd25519PublicBytes], const uint8_t* message,
                    size_t length, const uint8_t signature[kEd25519SignatureBytes]);

}  // namespace hawser::crypto
