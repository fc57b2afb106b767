// The one place that knows libcrypto: a table of the functions we call, found in the running
// process by name. There is no OpenSSL header and no link-time reference, because a reference that
// cannot be bound keeps the addon from loading at all where the runtime has no OpenSSL or hides it
// (Bun, Deno, Electron), and because Node 20 brings OpenSSL 3.0 and Node 24 brings 3.5. For those
// runtimes a prebuilt addon has an OpenSSL of its own linked in (crypto/linked/), which fills the
// same table.
//
// Signatures are those of OpenSSL 3.0 (man7), which every 3.x keeps. The types are opaque to us
// except OsslParam, whose layout is part of the public interface (OSSL_PARAM(3)).
#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::crypto {

struct EvpCipher;
struct EvpCipherCtx;
struct EvpMd;
struct EvpMdCtx;
struct EvpPkey;
struct EvpPkeyCtx;
struct OsslLibCtx;  // we always pass nullptr: the default one, which the process has set up
struct OsslEngine;  // nullptr too

struct OsslParam {
  const char* key;  // nullptr ends an array of them
  unsigned int type;
  void* data;
  size_t length;
  size_t returned;
};

inline constexpr unsigned int kOsslParamOctetString = 5;
inline constexpr int kEvpCtrlAeadGetTag = 0x10;

// result, name of the member, name of the symbol, arguments
#define HAWSER_OPENSSL_FUNCTIONS(F)                                                                \
  F(const char*, version, "OpenSSL_version", (int))                                                \
  F(void, err_clear_error, "ERR_clear_error", ())                                                  \
  F(EvpCipher*, cipher_fetch, "EVP_CIPHER_fetch", (OsslLibCtx*, const char*, const char*))         \
  F(EvpCipherCtx*, cipher_ctx_new, "EVP_CIPHER_CTX_new", ())                                       \
  F(void, cipher_ctx_free, "EVP_CIPHER_CTX_free", (EvpCipherCtx*))                                 \
  F(int, cipher_ctx_ctrl, "EVP_CIPHER_CTX_ctrl", (EvpCipherCtx*, int, int, void*))                 \
  F(int, cipher_ctx_set_padding, "EVP_CIPHER_CTX_set_padding", (EvpCipherCtx*, int))               \
  F(int, encrypt_init, "EVP_EncryptInit_ex2",                                                      \
    (EvpCipherCtx*, const EvpCipher*, const uint8_t*, const uint8_t*, const OsslParam*))           \
  F(int, encrypt_update, "EVP_EncryptUpdate",                                                      \
    (EvpCipherCtx*, uint8_t*, int*, const uint8_t*, int))                                          \
  F(int, encrypt_final, "EVP_EncryptFinal_ex", (EvpCipherCtx*, uint8_t*, int*))                    \
  F(int, decrypt_init, "EVP_DecryptInit_ex2",                                                      \
    (EvpCipherCtx*, const EvpCipher*, const uint8_t*, const uint8_t*, const OsslParam*))           \
  F(int, decrypt_update, "EVP_DecryptUpdate",                                                      \
    (EvpCipherCtx*, uint8_t*, int*, const uint8_t*, int))                                          \
  F(int, decrypt_final, "EVP_DecryptFinal_ex", (EvpCipherCtx*, uint8_t*, int*))                    \
  F(EvpMd*, md_fetch, "EVP_MD_fetch", (OsslLibCtx*, const char*, const char*))                     \
  F(EvpMdCtx*, md_ctx_new, "EVP_MD_CTX_new", ())                                                   \
  F(void, md_ctx_free, "EVP_MD_CTX_free", (EvpMdCtx*))                                             \
  F(int, digest_init, "EVP_DigestInit_ex2", (EvpMdCtx*, const EvpMd*, const OsslParam*))           \
  F(int, digest_update, "EVP_DigestUpdate", (EvpMdCtx*, const void*, size_t))                      \
  F(int, digest_final, "EVP_DigestFinal_ex", (EvpMdCtx*, uint8_t*, unsigned int*))                 \
  F(EvpPkey*, pkey_new_private, "EVP_PKEY_new_raw_private_key_ex",                                 \
    (OsslLibCtx*, const char*, const char*, const uint8_t*, size_t))                               \
  F(EvpPkey*, pkey_new_public, "EVP_PKEY_new_raw_public_key_ex",                                   \
    (OsslLibCtx*, const char*, const char*, const uint8_t*, size_t))                               \
  F(int, pkey_public, "EVP_PKEY_get_raw_public_key", (const EvpPkey*, uint8_t*, size_t*))          \
  F(void, pkey_free, "EVP_PKEY_free", (EvpPkey*))                                                  \
  F(EvpPkeyCtx*, pkey_ctx_new, "EVP_PKEY_CTX_new_from_pkey", (OsslLibCtx*, EvpPkey*, const char*)) \
  F(void, pkey_ctx_free, "EVP_PKEY_CTX_free", (EvpPkeyCtx*))                                       \
  F(int, derive_init, "EVP_PKEY_derive_init", (EvpPkeyCtx*))                                       \
  F(int, derive_set_peer, "EVP_PKEY_derive_set_peer", (EvpPkeyCtx*, EvpPkey*))                     \
  F(int, derive, "EVP_PKEY_derive", (EvpPkeyCtx*, uint8_t*, size_t*))                              \
  F(int, sign_init, "EVP_DigestSignInit_ex",                                                       \
    (EvpMdCtx*, EvpPkeyCtx**, const char*, OsslLibCtx*, const char*, EvpPkey*, const OsslParam*))  \
  F(int, sign, "EVP_DigestSign", (EvpMdCtx*, uint8_t*, size_t*, const uint8_t*, size_t))           \
  F(int, verify_init, "EVP_DigestVerifyInit_ex",                                                   \
    (EvpMdCtx*, EvpPkeyCtx**, const char*, OsslLibCtx*, const char*, EvpPkey*, const OsslParam*))  \
  F(int, verify, "EVP_DigestVerify", (EvpMdCtx*, const uint8_t*, size_t, const uint8_t*, size_t))

struct OpenSsl {
// The arguments are types, which cannot stand in parentheses.
// NOLINTNEXTLINE(bugprone-macro-parentheses)
#define HAWSER_OPENSSL_MEMBER(result, member, symbol, arguments) result(*member) arguments;
  HAWSER_OPENSSL_FUNCTIONS(HAWSER_OPENSSL_MEMBER)
#undef HAWSER_OPENSSL_MEMBER

  // Fetched once, because a fetch costs microseconds, and kept for the life of the process.
  const EvpCipher* aes_256_gcm;
  const EvpCipher* aes_256_ecb;
  const EvpMd* sha256;
  const EvpMd* sha512;
  // nullptr where the providers offer none, as in FIPS mode.
  const EvpCipher* chacha20_poly1305;
  const EvpCipher* chacha20;
};

// The table, looked up by the first call, which may come from any thread; the same for the life of
// the process. nullptr: there is no usable libcrypto, and openssl_missing() says why.
//
// The process's own comes first, the linked one is for where there is none. For tests the variable
// HAWSER_OPENSSL takes the choice away: "process" or "linked".
const OpenSsl* openssl();
// nullptr when openssl() gives a table.
const char* openssl_missing();
// Whether it is the linked one.
bool openssl_is_linked();

// The address of a libcrypto function, or nullptr.
using OpenSslLookup = void* (*)(const char* symbol);

// What openssl() does, for tests: fills the table from `exported`, else from `linked` (either may
// be nullptr). On failure false, and the reason is about `exported`, which
// is what a user can change.
bool load_openssl(OpenSslLookup exported, OpenSslLookup linked, OpenSsl* table, bool* is_linked,
                  const char** reason);

// The OpenSSL linked into this addon or program, or nullptr.
OpenSslLookup linked_openssl();

// What the dynamic linker finds among the symbols that everything in the process may see.
void* exported_symbol(const char* symbol);

// What a failed call left in this thread's queue of errors would be taken for its own by the next
// user of OpenSSL on the thread, which may be Node. Called on failure only: nothing calls us in the
// middle of its own OpenSSL work, so there is nothing in the queue that anyone waits for.
void forget_openssl_errors(const OpenSsl* ssl);

}  // namespace hawser::crypto
