// The types behind OpenSSL's names, and what of OpenSSL is in no header of its own: for the files
// of this folder only, which fill the table of crypto/openssl.h for runtimes that export no OpenSSL
// 3 (Bun, Deno, Electron).
//
// They are a small EVP: they have OpenSSL's names and, which the compiler checks against OpenSSL's
// headers, its types. The cryptography is OpenSSL's own, from the static library: the ciphers of
// its default provider, through the tables by which EVP itself calls them; SHA-2 through its public
// functions; curve25519. What is left out is what makes the whole of EVP three megabytes: the
// search for providers, and all other algorithms, encodings and engines, which its start-up code
// refers to. So there is nothing here to configure, no file is read, and nothing is registered to
// run at exit.
//
// scripts/linked-openssl.mjs makes one object file of this folder and of the parts of libcrypto.a
// it needs, in which hawser_linked_openssl is the only global name. OpenSSL's code that is in there
// calls the functions here; nothing else in the process sees them, and none of them is replaced by
// another of the same name. A name that OpenSSL changes is a failure of that link.
#pragma once

#define OPENSSL_SUPPRESS_DEPRECATED  // SHA256_Init and its relatives

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <cstddef>
#include <cstdint>

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

struct evp_pkey_st {
  bool signs;  // Ed25519, else X25519
  bool has_own;
  uint8_t own[kKeyBytes];
  uint8_t shown[kKeyBytes];
};

struct evp_md_ctx_st {
  const EVP_MD* md;
  union {
    SHA256_CTX sha256;
    SHA512_CTX sha512;
  };
  const EVP_PKEY* key;  // of signing and verifying; the caller's
};
