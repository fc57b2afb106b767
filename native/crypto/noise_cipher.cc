#include "crypto/noise_cipher.h"

#include <cstring>

#include "crypto/little_endian.h"
#include "wire/endian.h"

namespace hawser::crypto {

void NoiseCipher::init(AeadSuite suite) {
  clear();
  suite_ = suite;
  failed_ = false;
}

void NoiseCipher::init_key(const uint8_t key[kAeadKeyBytes]) {
  if (failed_) return;
  key_.set(key);
  has_key_ = true;
  counter_ = 0;
  loaded_ = Loaded::kNothing;
  sealer_.clear();
  opener_.clear();
}

void NoiseCipher::clear() {
  key_.clear();
  sealer_.clear();
  opener_.clear();
  has_key_ = false;
  failed_ = true;
  loaded_ = Loaded::kNothing;
  counter_ = 0;
}

// The contexts are not copied: they are made from the key when they are needed.
void NoiseCipher::copy_from(const NoiseCipher& other) {
  clear();
  suite_ = other.suite_;
  has_key_ = other.has_key_;
  failed_ = other.failed_;
  counter_ = other.counter_;
  key_.set(other.key_.data());
}

bool NoiseCipher::load(Loaded wanted) {
  if (loaded_ == wanted) return true;
  if (!(wanted == Loaded::kSealer ? sealer_.init(suite_, key_.data())
                                  : opener_.init(suite_, key_.data()))) {
    return false;
  }
  loaded_ = wanted;
  return true;
}

// Revision 34, 12: four zero bytes, then the counter, whose byte order the suite decides.
bool NoiseCipher::nonce(uint8_t out[kAeadNonceBytes]) const {
  if (counter_ == UINT64_MAX) return false;
  std::memset(out, 0, 4);
  if (suite_ == AeadSuite::kAes256Gcm) {
    wire::store_u64(out + 4, counter_);
  } else {
    store_le64(out + 4, counter_);
  }
  return true;
}

bool NoiseCipher::encrypt(Part associated, uint8_t* data, size_t length) {
  if (failed_) return false;
  if (!has_key_) return true;
  uint8_t number[kAeadNonceBytes];
  if (load(Loaded::kSealer) && nonce(number) &&
      sealer_.seal(number, associated.data, associated.length, data, length, data + length)) {
    counter_++;
    return true;
  }
  clear();
  return false;
}

bool NoiseCipher::decrypt(Part associated, uint8_t* data, size_t length) {
  if (!failed_) {
    if (!has_key_) return true;
    uint8_t number[kAeadNonceBytes];
    if (length >= kAeadTagBytes && load(Loaded::kOpener) && nonce(number)) {
      const size_t text = length - kAeadTagBytes;
      if (opener_.open(number, associated.data, associated.length, data, text, data + text)) {
        counter_++;
        return true;
      }
    }
  }
  wipe(data, length);
  clear();
  return false;
}

}  // namespace hawser::crypto
