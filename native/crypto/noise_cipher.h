// The CipherState object of the Noise Protocol Framework, revision 34, 5.1.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

namespace hawser::crypto {

inline constexpr size_t kMaxNoiseMessage = 65535;  // revision 34, 3: lengths of all Noise messages

// A key and a counter that is the nonce. Without a key, text passes unchanged. Any failure wipes
// the object and ends its use.
class NoiseCipher {
 public:
  NoiseCipher() = default;
  NoiseCipher(const NoiseCipher&) = delete;
  NoiseCipher& operator=(const NoiseCipher&) = delete;

  // No key yet.
  void init(AeadSuite suite);
  void init_key(const uint8_t key[kAeadKeyBytes]);
  void clear();
  // Makes this a second object in the state of `other`, which stays as it is.
  void copy_from(const NoiseCipher& other);

  // Bytes that encryption adds: those of the tag with a key, else none.
  size_t overhead() const { return has_key_ ? kAeadTagBytes : 0; }

  // `data` is `length` bytes and room for overhead() more. False: failed for good.
  bool encrypt(Part associated, uint8_t* data, size_t length);
  // `length` counts the tag; the text is overhead() shorter. False: not authentic, and failed for
  // good; `data` is then zeros.
  bool decrypt(Part associated, uint8_t* data, size_t length);

 private:
  enum class Loaded : uint8_t { kNothing, kSealer, kOpener };

  bool load(Loaded wanted);
  // The counter in the suite's form; the counter 2^64 - 1 is reserved.
  bool nonce(uint8_t out[kAeadNonceBytes]) const;

  AeadSuite suite_ = AeadSuite::kAes256Gcm;
  bool has_key_ = false;
  bool failed_ = true;  // until init()
  // Which of the two below has the key: a CipherState goes one way, so the other stays empty.
  Loaded loaded_ = Loaded::kNothing;
  uint64_t counter_ = 0;
  Secret<kAeadKeyBytes> key_;
  AeadSealer sealer_;
  AeadOpener opener_;
};

}  // namespace hawser::crypto
