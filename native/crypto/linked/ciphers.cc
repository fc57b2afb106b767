// Ciphers: EVP's way of calling a provider.

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <cstdlib>
#include <cstring>

#include "crypto/linked/evp.h"

struct evp_cipher_st {
  const char* name;
  const OSSL_DISPATCH* functions;
  size_t nonce_bytes;
  size_t block_bytes;
};

struct evp_cipher_ctx_st {
  const EVP_CIPHER* cipher = nullptr;
  void* provided = nullptr;
  OSSL_FUNC_cipher_freectx_fn* free = nullptr;
  OSSL_FUNC_cipher_encrypt_init_fn* encrypt_init = nullptr;
  OSSL_FUNC_cipher_decrypt_init_fn* decrypt_init = nullptr;
  OSSL_FUNC_cipher_update_fn* update = nullptr;
  OSSL_FUNC_cipher_final_fn* final = nullptr;
  OSSL_FUNC_cipher_get_ctx_params_fn* get_params = nullptr;
  OSSL_FUNC_cipher_set_ctx_params_fn* set_params = nullptr;
};

static const EVP_CIPHER kCiphers[] = {
    {"AES-256-GCM", ossl_aes256gcm_functions, 12, 1},
    {"AES-256-ECB", ossl_aes256ecb_functions, 0, 16},
    {"ChaCha20-Poly1305", ossl_chacha20_ossl_poly1305_functions, 12, 1},
    {"ChaCha20", ossl_chacha20_functions, 16, 1},
};

static void release(EVP_CIPHER_CTX* ctx) {
  if (ctx->provided != nullptr) ctx->free(ctx->provided);
  *ctx = {};
}

static bool choose(EVP_CIPHER_CTX* ctx, const EVP_CIPHER* cipher) {
  release(ctx);
  OSSL_FUNC_cipher_newctx_fn* make = nullptr;
  for (const OSSL_DISPATCH* function = cipher->functions; function->function_id != 0; function++) {
    switch (function->function_id) {
      case OSSL_FUNC_CIPHER_NEWCTX:
        make = OSSL_FUNC_cipher_newctx(function);
        break;
      case OSSL_FUNC_CIPHER_FREECTX:
        ctx->free = OSSL_FUNC_cipher_freectx(function);
        break;
      case OSSL_FUNC_CIPHER_ENCRYPT_INIT:
        ctx->encrypt_init = OSSL_FUNC_cipher_encrypt_init(function);
        break;
      case OSSL_FUNC_CIPHER_DECRYPT_INIT:
        ctx->decrypt_init = OSSL_FUNC_cipher_decrypt_init(function);
        break;
      case OSSL_FUNC_CIPHER_UPDATE:
        ctx->update = OSSL_FUNC_cipher_update(function);
        break;
      case OSSL_FUNC_CIPHER_FINAL:
        ctx->final = OSSL_FUNC_cipher_final(function);
        break;
      case OSSL_FUNC_CIPHER_GET_CTX_PARAMS:
        ctx->get_params = OSSL_FUNC_cipher_get_ctx_params(function);
        break;
      case OSSL_FUNC_CIPHER_SET_CTX_PARAMS:
        ctx->set_params = OSSL_FUNC_cipher_set_ctx_params(function);
        break;
      default:
        break;
    }
  }
  if (make == nullptr || ctx->free == nullptr || ctx->encrypt_init == nullptr ||
      ctx->decrypt_init == nullptr || ctx->update == nullptr || ctx->final == nullptr ||
      ctx->get_params == nullptr || ctx->set_params == nullptr) {
    return false;
  }
  ctx->cipher = cipher;
  ctx->provided = make(nullptr);
  return ctx->provided != nullptr;
}

template <typename Init>
static int start(EVP_CIPHER_CTX* ctx, Init evp_cipher_ctx_st::*init, const EVP_CIPHER* cipher,
                 const uint8_t* key, const uint8_t* nonce, const OSSL_PARAM* params) {
  if (cipher != nullptr && !choose(ctx, cipher)) release(ctx);
  if (ctx->provided == nullptr) return 0;
  return (ctx->*init)(ctx->provided, key, key == nullptr ? 0 : kKeyBytes, nonce,
                      nonce == nullptr ? 0 : ctx->cipher->nonce_bytes, params);
}

// What a block cipher may write beyond what it is given: a provider asks for that much room.
static size_t room(const EVP_CIPHER_CTX* ctx) {
  return ctx->cipher->block_bytes == 1 ? 0 : ctx->cipher->block_bytes;
}

static int update(EVP_CIPHER_CTX* ctx, uint8_t* out, int* written, const uint8_t* in, int length) {
  *written = 0;
  if (ctx->provided == nullptr || length < 0) return 0;
  size_t done = 0;
  const auto bytes = static_cast<size_t>(length);
  if (ctx->update(ctx->provided, out, &done, bytes + room(ctx), in, bytes) != 1) return 0;
  *written = static_cast<int>(done);
  return 1;
}

static int final(EVP_CIPHER_CTX* ctx, uint8_t* out, int* written) {
  *written = 0;
  if (ctx->provided == nullptr) return 0;
  size_t done = 0;
  if (ctx->final(ctx->provided, out, &done, room(ctx)) != 1) return 0;
  *written = static_cast<int>(done);
  return 1;
}

EVP_CIPHER* EVP_CIPHER_fetch(OSSL_LIB_CTX*, const char* name, const char*) {
  for (const EVP_CIPHER& cipher : kCiphers) {
    if (std::strcmp(cipher.name, name) == 0) return const_cast<EVP_CIPHER*>(&cipher);
  }
  return nullptr;
}

EVP_CIPHER_CTX* EVP_CIPHER_CTX_new() {
  return static_cast<EVP_CIPHER_CTX*>(std::calloc(1, sizeof(EVP_CIPHER_CTX)));
}

void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX* ctx) {
  if (ctx == nullptr) return;
  release(ctx);
  std::free(ctx);
}

int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX* ctx, int type, int length, void* out) {
  if (type != EVP_CTRL_AEAD_GET_TAG || ctx->provided == nullptr || length < 0) return 0;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, out,
                                                           static_cast<size_t>(length)),
                         OSSL_PARAM_construct_end()};
  return ctx->get_params(ctx->provided, params);
}

int EVP_CIPHER_CTX_set_padding(EVP_CIPHER_CTX* ctx, int padding) {
  auto value = static_cast<unsigned int>(padding);
  OSSL_PARAM params[] = {OSSL_PARAM_construct_uint(OSSL_CIPHER_PARAM_PADDING, &value),
                         OSSL_PARAM_construct_end()};
  return ctx->provided == nullptr ? 0 : ctx->set_params(ctx->provided, params);
}

int EVP_EncryptInit_ex2(EVP_CIPHER_CTX* ctx, const EVP_CIPHER* cipher, const uint8_t* key,
                        const uint8_t* nonce, const OSSL_PARAM* params) {
  return start(ctx, &EVP_CIPHER_CTX::encrypt_init, cipher, key, nonce, params);
}

int EVP_EncryptUpdate(EVP_CIPHER_CTX* ctx, uint8_t* out, int* written, const uint8_t* in,
                      int length) {
  return update(ctx, out, written, in, length);
}

int EVP_EncryptFinal_ex(EVP_CIPHER_CTX* ctx, uint8_t* out, int* written) {
  return final(ctx, out, written);
}

int EVP_DecryptInit_ex2(EVP_CIPHER_CTX* ctx, const EVP_CIPHER* cipher, const uint8_t* key,
                        const uint8_t* nonce, const OSSL_PARAM* params) {
  return start(ctx, &EVP_CIPHER_CTX::decrypt_init, cipher, key, nonce, params);
}

int EVP_DecryptUpdate(EVP_CIPHER_CTX* ctx, uint8_t* out, int* written, const uint8_t* in,
                      int length) {
  return update(ctx, out, written, in, length);
}

int EVP_DecryptFinal_ex(EVP_CIPHER_CTX* ctx, uint8_t* out, int* written) {
  return final(ctx, out, written);
}
