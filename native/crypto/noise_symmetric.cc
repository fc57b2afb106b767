#include "crypto/noise_symmetric.h"

#include <cstring>

namespace hawser::crypto {
namespace {

Part bytes_of(const Secret<kSha256Bytes>& secret) { return {secret.data(), kSha256Bytes}; }

}  // namespace

void NoiseSymmetric::clear() {
  cipher_.clear();
  chaining_key_.clear();
  wipe(hash_, sizeof(hash_));
  live_ = false;
}

void NoiseSymmetric::copy_from(const NoiseSymmetric& other) {
  cipher_.copy_from(other.cipher_);
  chaining_key_.set(other.chaining_key_.data());
  std::memcpy(hash_, other.hash_, kSha256Bytes);
  live_ = other.live_;
}

bool NoiseSymmetric::fail() {
  clear();
  return false;
}

bool NoiseSymmetric::init(AeadSuite suite, std::string_view protocol_name) {
  clear();
  const auto* name = reinterpret_cast<const uint8_t*>(protocol_name.data());
  // A name that fits is taken as it is, zeros behind it; a longer one is hashed.
  if (protocol_name.size() <= kSha256Bytes) {
    std::memcpy(hash_, name, protocol_name.size());
  } else if (!sha256({{name, protocol_name.size()}}, hash_)) {
    return fail();
  }
  chaining_key_.set(hash_);
  cipher_.init(suite);
  live_ = true;
  return true;
}

bool NoiseSymmetric::mix_key(Part input_key) {
  Secret<kSha256Bytes> key;
  if (!live_ || !hkdf_noise(chaining_key_.data(), input_key, {chaining_key_.data(), key.data()})) {
    return fail();
  }
  cipher_.init_key(key.data());
  return true;
}

bool NoiseSymmetric::mix_hash(Part data) {
  return (live_ && sha256({{hash_, kSha256Bytes}, data}, hash_)) || fail();
}

bool NoiseSymmetric::mix_key_and_hash(Part input_key) {
  Secret<kSha256Bytes> hashed;
  Secret<kSha256Bytes> key;
  if (!live_ || !hkdf_noise(chaining_key_.data(), input_key,
                            {chaining_key_.data(), hashed.data(), key.data()})) {
    return fail();
  }
  if (!mix_hash(bytes_of(hashed))) return false;
  cipher_.init_key(key.data());
  return true;
}

bool NoiseSymmetric::encrypt_and_hash(uint8_t* data, size_t length) {
  if (!live_ || !cipher_.encrypt({hash_, kSha256Bytes}, data, length)) return fail();
  return mix_hash({data, length + overhead()});
}

bool NoiseSymmetric::decrypt_and_hash(uint8_t* data, size_t length) {
  // What is hashed is the ciphertext, which decryption in place destroys; so it is hashed first,
  // and the decryption uses the hash of before.
  uint8_t before[kSha256Bytes];
  std::memcpy(before, hash_, kSha256Bytes);
  if (live_ && mix_hash({data, length}) && cipher_.decrypt({before, kSha256Bytes}, data, length)) {
    return true;
  }
  wipe(data, length);
  return fail();
}

bool NoiseSymmetric::split(Secret<kAeadKeyBytes>* from_initiator,
                           Secret<kAeadKeyBytes>* from_responder) {
  if (!live_ || !hkdf_noise(chaining_key_.data(), {nullptr, 0},
                            {from_initiator->data(), from_responder->data()})) {
    from_initiator->clear();
    from_responder->clear();
    return fail();
  }
  cipher_.clear();
  chaining_key_.clear();
  live_ = false;
  return true;
}

}  // namespace hawser::crypto
