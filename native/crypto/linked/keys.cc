// Keys: X25519, and Ed25519 with its signatures.

#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>

#include "crypto/linked/evp.h"

struct evp_pkey_ctx_st {
  const EVP_PKEY* own;  // both the caller's
  const EVP_PKEY* peer;
};

static EVP_PKEY* key_for(const char* algorithm, size_t length) {
  const bool signs = std::strcmp(algorithm, "ED25519") == 0;
  if ((!signs && std::strcmp(algorithm, "X25519") != 0) || length != kKeyBytes) return nullptr;
  auto* key = static_cast<EVP_PKEY*>(std::calloc(1, sizeof(EVP_PKEY)));
  if (key != nullptr) key->signs = signs;
  return key;
}

EVP_PKEY* EVP_PKEY_new_raw_private_key_ex(OSSL_LIB_CTX*, const char* algorithm, const char*,
                                          const uint8_t* bytes, size_t length) {
  EVP_PKEY* key = key_for(algorithm, length);
  if (key == nullptr) return nullptr;
  key->has_own = true;
  std::memcpy(key->own, bytes, kKeyBytes);
  if (!key->signs) {
    ossl_x25519_public_from_private(key->shown, key->own);
  } else if (ossl_ed25519_public_from_private(nullptr, key->shown, key->own, nullptr) != 1) {
    EVP_PKEY_free(key);
    return nullptr;
  }
  return key;
}

EVP_PKEY* EVP_PKEY_new_raw_public_key_ex(OSSL_LIB_CTX*, const char* algorithm, const char*,
                                         const uint8_t* bytes, size_t length) {
  EVP_PKEY* key = key_for(algorithm, length);
  if (key != nullptr) std::memcpy(key->shown, bytes, kKeyBytes);
  return key;
}

int EVP_PKEY_get_raw_public_key(const EVP_PKEY* key, uint8_t* out, size_t* length) {
  if (*length < kKeyBytes) return 0;
  std::memcpy(out, key->shown, kKeyBytes);
  *length = kKeyBytes;
  return 1;
}

void EVP_PKEY_free(EVP_PKEY* key) {
  if (key == nullptr) return;
  OPENSSL_cleanse(key, sizeof *key);
  std::free(key);
}

EVP_PKEY_CTX* EVP_PKEY_CTX_new_from_pkey(OSSL_LIB_CTX*, EVP_PKEY* key, const char*) {
  auto* ctx = static_cast<EVP_PKEY_CTX*>(std::calloc(1, sizeof(EVP_PKEY_CTX)));
  if (ctx != nullptr) ctx->own = key;
  return ctx;
}

void EVP_PKEY_CTX_free(EVP_PKEY_CTX* ctx) { std::free(ctx); }

int EVP_PKEY_derive_init(EVP_PKEY_CTX* ctx) { return ctx->own->has_own && !ctx->own->signs; }

int EVP_PKEY_derive_set_peer(EVP_PKEY_CTX* ctx, EVP_PKEY* peer) {
  if (peer->signs) return 0;
  ctx->peer = peer;
  return 1;
}

int EVP_PKEY_derive(EVP_PKEY_CTX* ctx, uint8_t* out, size_t* length) {
  if (EVP_PKEY_derive_init(ctx) != 1 || ctx->peer == nullptr || *length < kKeyBytes) return 0;
  *length = kKeyBytes;
  return ossl_x25519(out, ctx->own->own, ctx->peer->shown);  // 0 for the shared secret zero
}

int EVP_DigestSignInit_ex(EVP_MD_CTX* ctx, EVP_PKEY_CTX**, const char*, OSSL_LIB_CTX*, const char*,
                          EVP_PKEY* key, const OSSL_PARAM*) {
  if (!key->signs || !key->has_own) return 0;
  ctx->key = key;
  return 1;
}

int EVP_DigestSign(EVP_MD_CTX* ctx, uint8_t* signature, size_t* written, const uint8_t* message,
                   size_t length) {
  const EVP_PKEY* key = ctx->key;
  if (key == nullptr || !key->has_own || *written < kSignatureBytes) return 0;
  *written = kSignatureBytes;
  return ossl_ed25519_sign(signature, message, length, key->shown, key->own, nullptr, nullptr);
}

int EVP_DigestVerifyInit_ex(EVP_MD_CTX* ctx, EVP_PKEY_CTX**, const char*, OSSL_LIB_CTX*,
                            const char*, EVP_PKEY* key, const OSSL_PARAM*) {
  if (!key->signs) return 0;
  ctx->key = key;
  return 1;
}

int EVP_DigestVerify(EVP_MD_CTX* ctx, const uint8_t* signature, size_t signature_length,
                     const uint8_t* message, size_t length) {
  if (ctx->key == nullptr || signature_length != kSignatureBytes) return 0;
  return ossl_ed25519_verify(message, length, signature, ctx->key->shown, nullptr, nullptr);
}
