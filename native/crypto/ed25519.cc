#include "crypto/ed25519.h"

#include <cstring>
#include <utility>

namespace hawser::crypto {
namespace {

constexpr const char* kAlgorithm = "ED25519";

}  // namespace

Ed25519Key::Ed25519Key(Ed25519Key&& other) noexcept { *this = std::move(other); }

Ed25519Key& Ed25519Key::operator=(Ed25519Key&& other) noexcept {
  if (this == &other) return *this;
  clear();
  ssl_ = other.ssl_;
  key_ = std::exchange(other.key_, nullptr);
  std::memcpy(public_, other.public_, kEd25519PublicBytes);
  other.clear();
  return *this;
}

void Ed25519Key::clear() {
  if (key_ != nullptr) ssl_->pkey_free(key_);
  key_ = nullptr;
  std::memset(public_, 0, kEd25519PublicBytes);
}

bool Ed25519Key::init(const uint8_t seed[kEd25519SeedBytes]) {
  clear();
  ssl_ = openssl();
  if (ssl_ == nullptr) return false;
  key_ = ssl_->pkey_new_private(nullptr, kAlgorithm, nullptr, seed, kEd25519SeedBytes);
  size_t length = kEd25519PublicBytes;
  if (key_ != nullptr && ssl_->pkey_public(key_, public_, &length) == 1 &&
      length == kEd25519PublicBytes) {
    return true;
  }
  forget_openssl_errors(ssl_);
  clear();
  return false;
}

bool Ed25519Key::sign(const uint8_t* message, size_t length,
                      uint8_t signature[kEd25519SignatureBytes]) const {
  bool done = false;
  if (key_ != nullptr) {
    EvpMdCtx* context = ssl_->md_ctx_new();
    size_t written = kEd25519SignatureBytes;
    done = context != nullptr &&
           ssl_->sign_init(context, nullptr, nullptr, nullptr, nullptr, key_, nullptr) == 1 &&
           ssl_->sign(context, signature, &written, message, length) == 1 &&
           written == kEd25519SignatureBytes;
    if (context != nullptr) ssl_->md_ctx_free(context);
    if (!done) forget_openssl_errors(ssl_);
  }
  if (!done) std::memset(signature, 0, kEd25519SignatureBytes);
  return done;
}

bool ed25519_verify(const uint8_t public_key[kEd25519PublicBytes], const uint8_t* message,
                    size_t length, const uint8_t signature[kEd25519SignatureBytes]) {
  const OpenSsl* ssl = openssl();
  if (ssl == nullptr) return false;
  EvpPkey* key =
      ssl->pkey_new_public(nullptr, kAlgorithm, nullptr, public_key, kEd25519PublicBytes);
  EvpMdCtx* context = ssl->md_ctx_new();
  const bool verified =
      key != nullptr && context != nullptr &&
      ssl->verify_init(context, nullptr, nullptr, nullptr, nullptr, key, nullptr) == 1 &&
      ssl->verify(context, signature, kEd25519SignatureBytes, message, length) == 1;
  if (context != nullptr) ssl->md_ctx_free(context);
  if (key != nullptr) ssl->pkey_free(key);
  if (!verified) forget_openssl_errors(ssl);
  return verified;
}

}  // namespace hawser::crypto
