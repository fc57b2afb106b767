#include "crypto/x25519.h"

#include <cstring>
#include <utility>

#include "crypto/random.h"

namespace hawser::crypto {
namespace {

constexpr const char* kAlgorithm = "X25519";

bool derive(const OpenSsl* ssl, EvpPkey* own, EvpPkey* peer, uint8_t out[kX25519Bytes]) {
  EvpPkeyCtx* context = ssl->pkey_ctx_new(nullptr, own, nullptr);
  if (context == nullptr) return false;
  size_t length = kX25519Bytes;
  const bool done = ssl->derive_init(context) == 1 && ssl->derive_set_peer(context, peer) == 1 &&
                    ssl->derive(context, out, &length) == 1 && length == kX25519Bytes;
  ssl->pkey_ctx_free(context);
  return done;
}

}  // namespace

X25519Key::X25519Key(X25519Key&& other) noexcept { *this = std::move(other); }

X25519Key& X25519Key::operator=(X25519Key&& other) noexcept {
  if (this == &other) return *this;
  clear();
  ssl_ = other.ssl_;
  key_ = std::exchange(other.key_, nullptr);
  std::memcpy(public_, other.public_, kX25519Bytes);
  other.clear();
  return *this;
}

void X25519Key::clear() {
  if (key_ != nullptr) ssl_->pkey_free(key_);
  key_ = nullptr;
  std::memset(public_, 0, kX25519Bytes);
}

bool X25519Key::init(const uint8_t secret[kX25519Bytes]) {
  clear();
  ssl_ = openssl();
  if (ssl_ == nullptr) return false;
  key_ = ssl_->pkey_new_private(nullptr, kAlgorithm, nullptr, secret, kX25519Bytes);
  size_t length = kX25519Bytes;
  if (key_ != nullptr && ssl_->pkey_public(key_, public_, &length) == 1 && length == kX25519Bytes) {
    return true;
  }
  forget_openssl_errors(ssl_);
  clear();
  return false;
}

bool X25519Key::generate() {
  Secret<kX25519Bytes> secret;
  if (random_bytes(secret.data(), kX25519Bytes)) return init(secret.data());
  clear();
  return false;
}

bool X25519Key::agree(const uint8_t peer[kX25519Bytes], Secret<kX25519Bytes>* shared) const {
  if (key_ == nullptr) {
    shared->clear();
    return false;
  }
  EvpPkey* other = ssl_->pkey_new_public(nullptr, kAlgorithm, nullptr, peer, kX25519Bytes);
  const bool done = other != nullptr && derive(ssl_, key_, other, shared->data());
  if (other != nullptr) ssl_->pkey_free(other);
  // libcrypto refuses zero by itself; whether it goes on doing so is not left to it.
  if (done && !zero_constant_time(shared->data(), kX25519Bytes)) return true;
  shared->clear();
  forget_openssl_errors(ssl_);
  return false;
}

}  // namespace hawser::crypto
