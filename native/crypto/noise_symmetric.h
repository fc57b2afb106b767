// The SymmetricState object of the Noise Protocol Framework, revision 34, 5.2, with SHA-256.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/noise_cipher.h"
#include "crypto/secret.h"

namespace hawser::crypto {

// Any failure wipes the object; everything fails from then on.
class NoiseSymmetric {
 public:
  NoiseSymmetric() = default;
  NoiseSymmetric(const NoiseSymmetric&) = delete;
  NoiseSymmetric& operator=(const NoiseSymmetric&) = delete;

  bool init(AeadSuite suite, std::string_view protocol_name);
  void clear();
  // Makes this a second object in the state of `other`, for an attempt that may fail: a failure
  // wipes one of the two.
  void copy_from(const NoiseSymmetric& other);

  bool mix_key(Part input_key);
  bool mix_hash(Part data);
  bool mix_key_and_hash(Part input_key);

  // In place, with the hash of all that went before as associated data; see NoiseCipher.
  size_t overhead() const { return cipher_.overhead(); }
  bool encrypt_and_hash(uint8_t* data, size_t length);
  bool decrypt_and_hash(uint8_t* data, size_t length);

  // h: names what both sides have seen. Outlives split().
  const uint8_t* hash() const { return hash_; }

  // The keys of the two directions, the initiator's first. Wipes everything but the hash.
  bool split(Secret<kAeadKeyBytes>* from_initiator, Secret<kAeadKeyBytes>* from_responder);

 private:
  bool fail();

  NoiseCipher cipher_;
  Secret<kSha256Bytes> chaining_key_;
  uint8_t hash_[kSha256Bytes] = {};
  bool live_ = false;
};

}  // namespace hawser::crypto
