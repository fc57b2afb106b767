// AES-256-GCM, one call a packet, as a protocol that seals its packets pays for it.

#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace ceiling {

constexpr size_t kTagBytes = 16;

/// Seals or opens, with a key that everybody knows: this measures, and keeps no secrets.
class Seal {
 public:
  enum class Direction { kSeal, kOpen };

  explicit Seal(Direction direction);

  /// Encrypts `text` in place and writes its tag. `number` is the packet's: never twice the same.
  void seal(uint64_t number, std::span<const std::byte> header, std::span<std::byte> text,
            std::span<std::byte, kTagBytes> tag);
  /// Decrypts in place. False if it is not what was sealed.
  bool open(uint64_t number, std::span<const std::byte> header, std::span<std::byte> text,
            std::span<std::byte, kTagBytes> tag);

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
};

}  // namespace ceiling
