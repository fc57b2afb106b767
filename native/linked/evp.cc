// OpenSSL linked in: what the table of crypto/openssl.h asks for, for runtimes that export no
// OpenSSL 3 (Bun, Deno, Electron).
//
// The functions below are a small EVP: they have OpenSSL's names and, which the compiler checks
// against OpenSSL's headers, its types. The cryptography is OpenSSL's own, from the static library:
// the ciphers of its default provider, through the tables by which EVP itself calls them; SHA-2
// through its public functions; curve25519. What is left out is what makes the whole of EVP three
// megabytes: the search for providers, and all other algorithms, encodings and engines, which its
// start-up code refers to. So there is nothing here to configure, no file is read, and nothing is
// registered to run at exit.
//
// scripts/linked-openssl.mjs makes one object file of this and of the parts of libcrypto.a it
// needs, in which hawser_linked_openssl is the only global name. OpenSSL's code that is in there
// calls the functions here; nothing else in the process sees them, and none of them is replaced by
// another of the same name. A name that OpenSSL changes is a failure of that link.

#define OPENSSL_SUPPRESS_DEPRECATED  // SHA256_Init and its relatives

#include <openssl/bn.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

// What is declared below and in no header of OpenSSL's may change in any version.
#if OPENSSL_VERSION_MAJOR != 3 || OPENSSL_VERSION_MINOR != 0
#error "written for OpenSSL 3.0, which has long-term support"
#endif

// NOLINTBEGIN(readability-identifier-naming): OpenSSL's names
extern "C" {
extern const OSSL_DISPATCH ossl_aes256gcm_functions[];
extern const OSSL_DISPATCH ossl_aes256ecb_functions[];
extern const OSSL_DISPATCH ossl_chacha20_ossl_poly1305_functions[];
extern const OSSL_DISPATCH ossl_chacha20_functions[];

void OPENSSL_cpuid_setup();

int ossl_x25519(uint8_t shared[32], const uint8_t own[32], const uint8_t peer[32]);
void ossl_x25519_public_from_private(uint8_t out[32], const uint8_t own[32]);
int ossl_ed25519_sign(uint8_t* signature, const uint8_t* message, size_t length,
                      const uint8_t public_key[32], const uint8_t seed[32], OSSL_LIB_CTX*,
                      const char*);
int ossl_ed25519_verify(const uint8_t* message, size_t length, const uint8_t signature[64],
                        const uint8_t public_key[32], OSSL_LIB_CTX*, const char*);
int ossl_ed25519_public_from_private(OSSL_LIB_CTX*, uint8_t out[32], const uint8_t seed[32],
                                     const char*);
}
// NOLINTEND(readability-identifier-naming)

constexpr size_t kKeyBytes = 32;  // of everything here
constexpr size_t kSignatureBytes = 64;

// --- Ciphers: EVP's way of calling a provider.

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

// --- Digests, of which curve25519 uses one too.

struct evp_md_st {
  const char* name;
  bool is_sha512;
};

struct evp_md_ctx_st {
  const EVP_MD* md;
  union {
    SHA256_CTX sha256;
    SHA512_CTX sha512;
  };
  const EVP_PKEY* key;  // of signing and verifying; the caller's
};

static const EVP_MD kDigests[] = {{"SHA256", false}, {"SHA512", true}};

static int begin(EVP_MD_CTX* ctx, const EVP_MD* md) {
  ctx->md = md;
  if (md == nullptr) return 0;
  return md->is_sha512 ? SHA512_Init(&ctx->sha512) : SHA256_Init(&ctx->sha256);
}

EVP_MD* EVP_MD_fetch(OSSL_LIB_CTX*, const char* name, const char*) {
  for (const EVP_MD& md : kDigests) {
    if (std::strcmp(md.name, name) == 0) return const_cast<EVP_MD*>(&md);
  }
  return nullptr;
}

void EVP_MD_free(EVP_MD*) {}

EVP_MD_CTX* EVP_MD_CTX_new() {
  return static_cast<EVP_MD_CTX*>(std::calloc(1, sizeof(EVP_MD_CTX)));
}

void EVP_MD_CTX_free(EVP_MD_CTX* ctx) {
  if (ctx == nullptr) return;
  OPENSSL_cleanse(ctx, sizeof *ctx);
  std::free(ctx);
}

int EVP_DigestInit_ex2(EVP_MD_CTX* ctx, const EVP_MD* md, const OSSL_PARAM*) {
  return begin(ctx, md);
}

int EVP_DigestInit_ex(EVP_MD_CTX* ctx, const EVP_MD* md, ENGINE*) { return begin(ctx, md); }

int EVP_DigestUpdate(EVP_MD_CTX* ctx, const void* data, size_t length) {
  if (ctx->md == nullptr) return 0;
  return ctx->md->is_sha512 ? SHA512_Update(&ctx->sha512, data, length)
                            : SHA256_Update(&ctx->sha256, data, length);
}

int EVP_DigestFinal_ex(EVP_MD_CTX* ctx, uint8_t* out, unsigned int* length) {
  if (ctx->md == nullptr) return 0;
  const bool is_sha512 = ctx->md->is_sha512;
  if (length != nullptr) *length = is_sha512 ? SHA512_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
  ctx->md = nullptr;
  return is_sha512 ? SHA512_Final(out, &ctx->sha512) : SHA256_Final(out, &ctx->sha256);
}

int EVP_Digest(const void* data, size_t length, uint8_t* out, unsigned int* written,
               const EVP_MD* md, ENGINE*) {
  EVP_MD_CTX ctx = {};
  const bool done = begin(&ctx, md) == 1 && EVP_DigestUpdate(&ctx, data, length) == 1 &&
                    EVP_DigestFinal_ex(&ctx, out, written) == 1;
  OPENSSL_cleanse(&ctx, sizeof ctx);
  return done ? 1 : 0;
}

// --- Keys.

struct evp_pkey_st {
  bool signs;  // Ed25519, else X25519
  bool has_own;
  uint8_t own[kKeyBytes];
  uint8_t shown[kKeyBytes];
};

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

// --- What OpenSSL's code wants of the rest of libcrypto.

// Nobody reads the queue of errors: every failure is a failure.
void ERR_clear_error() {}
void ERR_new() {}
void ERR_set_debug(const char*, int, const char*) {}
void ERR_set_error(int, int, const char*, ...) {}
void ERR_vset_error(int, int, const char*, va_list) {}

void* CRYPTO_malloc(size_t length, const char*, int) {
  return length == 0 ? nullptr : std::malloc(length);
}
void* CRYPTO_zalloc(size_t length, const char*, int) {
  return length == 0 ? nullptr : std::calloc(1, length);
}
void CRYPTO_free(void* memory, const char*, int) { std::free(memory); }
void CRYPTO_clear_free(void* memory, size_t length, const char*, int) {
  if (memory == nullptr) return;
  OPENSSL_cleanse(memory, length);
  std::free(memory);
}

// Only for a nonce that nobody gave: that is a mistake of ours, and fails.
int RAND_bytes_ex(OSSL_LIB_CTX*, unsigned char*, size_t, unsigned int) { return 0; }

extern "C" int ossl_prov_is_running() { return 1; }

// TLS's padding, and big numbers as parameters: nothing here asks for them.
extern "C" void ssl3_cbc_remove_padding_and_mac() { std::abort(); }
extern "C" void tls1_cbc_remove_padding_and_mac() { std::abort(); }
int BN_bn2nativepad(const BIGNUM*, unsigned char*, int) { std::abort(); }
int BN_is_negative(const BIGNUM*) { std::abort(); }
BIGNUM* BN_native2bn(const unsigned char*, int, BIGNUM*) { std::abort(); }
int BN_num_bits(const BIGNUM*) { std::abort(); }

// --- The table.

static unsigned int version_major() { return OPENSSL_VERSION_MAJOR; }
static unsigned long version_number() { return OPENSSL_VERSION_NUMBER; }
static const char* version_text(int) { return OPENSSL_VERSION_TEXT; }

struct Function {
  const char* name;
  void* address;
};

#define HAWSER_FUNCTION(name) \
  { #name, reinterpret_cast<void*>(&(name)) }
static const Function kFunctions[] = {
    {"OPENSSL_version_major", reinterpret_cast<void*>(&version_major)},
    {"OpenSSL_version_num", reinterpret_cast<void*>(&version_number)},
    {"OpenSSL_version", reinterpret_cast<void*>(&version_text)},
    HAWSER_FUNCTION(ERR_clear_error),
    HAWSER_FUNCTION(EVP_CIPHER_fetch),
    HAWSER_FUNCTION(EVP_CIPHER_CTX_new),
    HAWSER_FUNCTION(EVP_CIPHER_CTX_free),
    HAWSER_FUNCTION(EVP_CIPHER_CTX_ctrl),
    HAWSER_FUNCTION(EVP_CIPHER_CTX_set_padding),
    HAWSER_FUNCTION(EVP_EncryptInit_ex2),
    HAWSER_FUNCTION(EVP_EncryptUpdate),
    HAWSER_FUNCTION(EVP_EncryptFinal_ex),
    HAWSER_FUNCTION(EVP_DecryptInit_ex2),
    HAWSER_FUNCTION(EVP_DecryptUpdate),
    HAWSER_FUNCTION(EVP_DecryptFinal_ex),
    HAWSER_FUNCTION(EVP_MD_fetch),
    HAWSER_FUNCTION(EVP_MD_CTX_new),
    HAWSER_FUNCTION(EVP_MD_CTX_free),
    HAWSER_FUNCTION(EVP_DigestInit_ex2),
    HAWSER_FUNCTION(EVP_DigestUpdate),
    HAWSER_FUNCTION(EVP_DigestFinal_ex),
    HAWSER_FUNCTION(EVP_PKEY_new_raw_private_key_ex),
    HAWSER_FUNCTION(EVP_PKEY_new_raw_public_key_ex),
    HAWSER_FUNCTION(EVP_PKEY_get_raw_public_key),
    HAWSER_FUNCTION(EVP_PKEY_free),
    HAWSER_FUNCTION(EVP_PKEY_CTX_new_from_pkey),
    HAWSER_FUNCTION(EVP_PKEY_CTX_free),
    HAWSER_FUNCTION(EVP_PKEY_derive_init),
    HAWSER_FUNCTION(EVP_PKEY_derive_set_peer),
    HAWSER_FUNCTION(EVP_PKEY_derive),
    HAWSER_FUNCTION(EVP_DigestSignInit_ex),
    HAWSER_FUNCTION(EVP_DigestSign),
    HAWSER_FUNCTION(EVP_DigestVerifyInit_ex),
    HAWSER_FUNCTION(EVP_DigestVerify),
};
#undef HAWSER_FUNCTION

extern "C" void* hawser_linked_openssl(const char* symbol) {
  // Which instructions there are. OpenSSL asks when it is loaded; without an answer it would take
  // code that is slower and, for AES, not constant-time, so we do not rely on that.
  OPENSSL_cpuid_setup();
  for (const Function& function : kFunctions) {
    if (std::strcmp(function.name, symbol) == 0) return function.address;
  }
  return nullptr;
}
