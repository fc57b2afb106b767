#include "crypto/openssl.h"

#include <dlfcn.h>

#include <atomic>

namespace hawser::crypto {
namespace {

std::atomic<OpenSslLookup> offered_lookup = nullptr;
std::atomic<bool> decided = false;

template <typename Function>
Function* find(OpenSslLookup lookup, const char* symbol) {
  return reinterpret_cast<Function*>(lookup(symbol));
}

bool find_functions(OpenSslLookup lookup, OpenSsl* table, const char** reason) {
  // BoringSSL and OpenSSL 1.1 share most names with OpenSSL 3, not the meaning of all of them.
  // OpenSSL_version_num says 0xMNN00PP0L with the major version M on top.
  const auto major = find<unsigned int()>(lookup, "OPENSSL_version_major");
  const auto number = find<unsigned long()>(lookup, "OpenSSL_version_num");
  if (number == nullptr) {
    *reason = "the process exports no libcrypto";
    return false;
  }
  if (major == nullptr || major() != 3 || number() >> 28 != 3) {
    *reason = "the libcrypto in the process is not OpenSSL 3";
    return false;
  }
#define HAWSER_OPENSSL_FIND(result, member, symbol, arguments) \
  table->member = find<result arguments>(lookup, symbol);      \
  if (table->member == nullptr) {                              \
    *reason = "the libcrypto in the process lacks " symbol;    \
    return false;                                              \
  }
  HAWSER_OPENSSL_FUNCTIONS(HAWSER_OPENSSL_FIND)
#undef HAWSER_OPENSSL_FIND
  return true;
}

bool fetch_algorithms(OpenSsl* table, const char** reason) {
  const auto cipher = [table](const char* name) {
    return table->cipher_fetch(nullptr, name, nullptr);
  };
  table->aes_256_gcm = cipher("AES-256-GCM");
  table->aes_256_ecb = cipher("AES-256-ECB");
  table->sha256 = table->md_fetch(nullptr, "SHA256", nullptr);
  table->sha512 = table->md_fetch(nullptr, "SHA512", nullptr);
  table->chacha20_poly1305 = cipher("ChaCha20-Poly1305");
  table->chacha20 = cipher("ChaCha20");
  table->err_clear_error();
  if (table->aes_256_gcm == nullptr || table->aes_256_ecb == nullptr || table->sha256 == nullptr ||
      table->sha512 == nullptr) {
    *reason = "the libcrypto in the process offers no AES-256 or no SHA-2";
    return false;
  }
  return true;
}

bool load_from(OpenSslLookup lookup, OpenSsl* table, const char** reason) {
  *table = {};
  return find_functions(lookup, table, reason) && fetch_algorithms(table, reason);
}

struct Loaded {
  OpenSsl table = {};
  const char* reason = nullptr;
  bool usable = false;
};

const Loaded& loaded() {
  // Made by the first call and never destroyed: its destructor is trivial, so nothing runs at exit,
  // when threads may still be sealing packets.
  static const Loaded kLoaded = [] {
    decided.store(true);
    Loaded made;
    made.usable = load_openssl(&exported_symbol, offered_lookup.load(), &made.table, &made.reason);
    return made;
  }();
  return kLoaded;
}

}  // namespace

void* exported_symbol(const char* symbol) { return dlsym(RTLD_DEFAULT, symbol); }

bool load_openssl(OpenSslLookup exported, OpenSslLookup offered, OpenSsl* table,
                  const char** reason) {
  *reason = nullptr;
  if (load_from(exported, table, reason)) return true;
  const char* ignored = nullptr;
  if (offered == nullptr || !load_from(offered, table, &ignored)) {
    *table = {};
    return false;
  }
  *reason = nullptr;
  return true;
}

bool offer_openssl(OpenSslLookup lookup) {
  offered_lookup.store(lookup);
  // Asked afterwards: a decision on another thread may have come first.
  return !decided.load();
}

const OpenSsl* openssl() {
  const Loaded& made = loaded();
  return made.usable ? &made.table : nullptr;
}

const char* openssl_missing() { return loaded().reason; }

void forget_openssl_errors(const OpenSsl* ssl) { ssl->err_clear_error(); }

}  // namespace hawser::crypto
