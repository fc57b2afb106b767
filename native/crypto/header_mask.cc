#include "crypto/header_mask.h"

#include <cstring>
#include <utility>

#include "crypto/secret.h"

namespace hawser::crypto {

HeaderMask::HeaderMask(HeaderMask&& other) noexcept
    : ssl_(other.ssl_), context_(std::exchange(other.context_, nullptr)), suite_(other.suite_) {}

HeaderMask& HeaderMask::operator=(HeaderMask&& other) noexcept {
  if (this == &other) return *this;
  clear();
  ssl_ = other.ssl_;
  context_ = std::exchange(other.context_, nullptr);
  suite_ = other.suite_;
  return *this;
}

void HeaderMask::clear() {
  if (context_ != nullptr) ssl_->cipher_ctx_free(context_);
  context_ = nullptr;
}

bool HeaderMask::init(AeadSuite suite, const uint8_t key[kHeaderMaskKeyBytes]) {
  clear();
  ssl_ = openssl();
  if (ssl_ == nullptr) return false;
  const EvpCipher* cipher = suite == AeadSuite::kAes256Gcm ? ssl_->aes_256_ecb : ssl_->chacha20;
  if (cipher == nullptr) return false;
  suite_ = suite;
  context_ = ssl_->cipher_ctx_new();
  if (context_ != nullptr && ssl_->encrypt_init(context_, cipher, key, nullptr, nullptr) == 1 &&
      ssl_->cipher_ctx_set_padding(context_, 0) == 1) {
    return true;
  }
  forget_openssl_errors(ssl_);
  clear();
  return false;
}

bool HeaderMask::masks(const uint8_t* samples, size_t count, uint8_t* masks) {
  if (count == 0) return context_ != nullptr;
  const size_t length = count * kHeaderMaskBytes;
  if (context_ != nullptr && count <= kMaxAeadBytes / kHeaderMaskBytes) {
    int written = 0;
    if (suite_ == AeadSuite::kAes256Gcm ? ssl_->encrypt_update(context_, masks, &written, samples,
                                                               static_cast<int>(length)) == 1
                                        : chacha_masks(samples, count, masks)) {
      return true;
    }
    forget_openssl_errors(ssl_);
  }
  wipe(masks, length);
  return false;
}

// The counter and the nonce are the sample, which is exactly what libcrypto takes as its IV: the
// counter in four bytes, little-endian, then the nonce.
bool HeaderMask::chacha_masks(const uint8_t* samples, size_t count, uint8_t* masks) {
  for (size_t i = 0; i < count; i++) {
    uint8_t* mask = masks + i * kHeaderMaskBytes;
    if (ssl_->encrypt_init(context_, nullptr, nullptr, samples + i * kHeaderSampleBytes, nullptr) !=
        1) {
      return false;
    }
    int written = 0;
    std::memset(mask, 0, kHeaderMaskBytes);
    if (ssl_->encrypt_update(context_, mask, &written, mask, kHeaderMaskBytes) != 1) return false;
  }
  return true;
}

}  // namespace hawser::crypto
