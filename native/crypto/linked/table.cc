// The table that crypto/openssl.cc is filled from.

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <cstring>

#include "crypto/linked/evp.h"

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
