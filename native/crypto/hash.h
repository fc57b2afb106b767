// SHA-2, and what the handshake builds on SHA-256.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace hawser::crypto {

inline constexpr size_t kSha256Bytes = 32;
inline constexpr size_t kSha512Bytes = 64;
// RFC 5869 2.3: at most 255 blocks.
inline constexpr size_t kMaxHkdfBytes = 255 * kSha256Bytes;

// A piece of what is hashed; pieces follow each other without a separator.
struct Part {
  const uint8_t* data;  // may be nullptr when length is 0
  size_t length;
};

// All of these return false when there is no libcrypto or no memory, with `out` wiped. `out` may be
// the same bytes as an input, but for hkdf_sha256_expand's info.

bool sha256(std::initializer_list<Part> parts, uint8_t out[kSha256Bytes]);
bool sha512(std::initializer_list<Part> parts, uint8_t out[kSha512Bytes]);

// RFC 2104. Keys of any length.
bool hmac_sha256(Part key, std::initializer_list<Part> parts, uint8_t out[kSha256Bytes]);

// RFC 5869. An empty salt stands for 32 zeros.
bool hkdf_sha256_extract(Part salt, Part input_key, uint8_t out[kSha256Bytes]);
// `key` is what extract made, or any 32 uniformly random bytes. False, too, for more than
// kMaxHkdfBytes.
bool hkdf_sha256_expand(const uint8_t key[kSha256Bytes], Part info, uint8_t* out, size_t length);

// HKDF(chaining_key, input_key_material, outputs) of the Noise specification, 4.3, which is RFC
// 5869 with the chaining key as salt and no info. `outputs` are 2 or 3 places of 32 bytes each.
bool hkdf_noise(const uint8_t chaining_key[kSha256Bytes], Part input_key,
                std::initializer_list<uint8_t*> outputs);

}  // namespace hawser::crypto
