// What OpenSSL's code wants of the rest of libcrypto.

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <cstdarg>
#include <cstdlib>

#include "crypto/linked/evp.h"

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
