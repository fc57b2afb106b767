#include "crypto/aead.h"

#include <utility>

#if defined(__linux__) && defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "crypto/secret.h"

namespace hawser::crypto {
namespace {

const EvpCipher* cipher_of(const OpenSsl* ssl, AeadSuite suite) {
  return suite == AeadSuite::kAes256Gcm ? ssl->aes_256_gcm : ssl->chacha20_poly1305;
}

}  // namespace

AeadSuite preferred_suite() {
#if defined(__x86_64__) || defined(__i386__)
  const bool fast = __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
#elif defined(__linux__) && defined(__aarch64__)
  const unsigned long features = getauxval(AT_HWCAP);
  const bool fast = (features & HWCAP_AES) != 0 && (features & HWCAP_PMULL) != 0;
#elif defined(__APPLE__) && defined(__aarch64__)
  const bool fast = true;
#else
  const bool fast = false;
#endif
  return fast ? AeadSuite::kAes256Gcm : AeadSuite::kChaCha20Poly1305;
}

bool aead_available(AeadSuite suite) {
  const OpenSsl* ssl = openssl();
  return ssl != nullptr && cipher_of(ssl, suite) != nullptr;
}

AeadContext::AeadContext(AeadContext&& other) noexcept
    : ssl_(other.ssl_), context_(std::exchange(other.context_, nullptr)) {}

AeadContext& AeadContext::operator=(AeadContext&& other) noexcept {
  if (this == &other) return *this;
  clear();
  ssl_ = other.ssl_;
  context_ = std::exchange(other.context_, nullptr);
  return *this;
}

void AeadContext::clear() {
  if (context_ != nullptr) ssl_->cipher_ctx_free(context_);
  context_ = nullptr;
}

// Another key for the same suite would work in the old context too; making a new one keeps the key
// schedule of the old key from staying behind where a provider overwrites less than it wrote.
bool AeadSealer::init(AeadSuite suite, const uint8_t key[kAeadKeyBytes]) {
  clear();
  if (!aead_available(suite)) return false;
  ssl_ = openssl();
  context_ = ssl_->cipher_ctx_new();
  if (context_ != nullptr &&
      ssl_->encrypt_init(context_, cipher_of(ssl_, suite), key, nullptr, nullptr) == 1) {
    return true;
  }
  forget_openssl_errors(ssl_);
  clear();
  return false;
}

bool AeadSealer::seal(const uint8_t nonce[kAeadNonceBytes], const uint8_t* associated,
                      size_t associated_length, uint8_t* data, size_t length,
                      uint8_t tag[kAeadTagBytes]) {
  int written = 0;
  uint8_t none = 0;
  if (context_ != nullptr && length <= kMaxAeadBytes && associated_length <= kMaxAeadBytes &&
      ssl_->encrypt_init(context_, nullptr, nullptr, nonce, nullptr) == 1 &&
      (associated_length == 0 || ssl_->encrypt_update(context_, nullptr, &written, associated,
                                                      static_cast<int>(associated_length)) == 1) &&
      (length == 0 ||
       ssl_->encrypt_update(context_, data, &written, data, static_cast<int>(length)) == 1) &&
      ssl_->encrypt_final(context_, &none, &written) == 1 &&
      ssl_->cipher_ctx_ctrl(context_, kEvpCtrlAeadGetTag, kAeadTagBytes, tag) == 1) {
    return true;
  }
  wipe(data, length);
  wipe(tag, kAeadTagBytes);
  if (context_ != nullptr) forget_openssl_errors(ssl_);
  return false;
}

bool AeadOpener::init(AeadSuite suite, const uint8_t key[kAeadKeyBytes]) {
  clear();
  if (!aead_available(suite)) return false;
  ssl_ = openssl();
  context_ = ssl_->cipher_ctx_new();
  if (context_ != nullptr &&
      ssl_->decrypt_init(context_, cipher_of(ssl_, suite), key, nullptr, nullptr) == 1) {
    return true;
  }
  forget_openssl_errors(ssl_);
  clear();
  return false;
}

bool AeadOpener::open(const uint8_t nonce[kAeadNonceBytes], const uint8_t* associated,
                      size_t associated_length, uint8_t* data, size_t length,
                      const uint8_t tag[kAeadTagBytes]) {
  // The tag goes in with the nonce: a call less than by EVP_CIPHER_CTX_ctrl. libcrypto only reads
  // it.
  const OsslParam parameters[] = {
      {"tag", kOsslParamOctetString, const_cast<uint8_t*>(tag), kAeadTagBytes, 0},
      {nullptr, 0, nullptr, 0, 0}};
  int written = 0;
  uint8_t none = 0;
  if (context_ != nullptr && length <= kMaxAeadBytes && associated_length <= kMaxAeadBytes &&
      ssl_->decrypt_init(context_, nullptr, nullptr, nonce, parameters) == 1 &&
      (associated_length == 0 || ssl_->decrypt_update(context_, nullptr, &written, associated,
                                                      static_cast<int>(associated_length)) == 1) &&
      (length == 0 ||
       ssl_->decrypt_update(context_, data, &written, data, static_cast<int>(length)) == 1) &&
      ssl_->decrypt_final(context_, &none, &written) == 1) {
    return true;
  }
  wipe(data, length);
  if (context_ != nullptr) forget_openssl_errors(ssl_);
  return false;
}

}  // namespace hawser::crypto
