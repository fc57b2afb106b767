#include "crypto/openssl.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>

#if defined(HAWSER_LINKED_OPENSSL)
// crypto/linked/table.cc
extern "C" void* hawser_linked_openssl(const char* symbol);
#endif

namespace hawser::crypto {
namespace {

template <typename Function>
Function* find(OpenSslLookup lookup, const char* symbol) {
  return reinterpret_cast<Function*>(lookup(symbol));
}

// Each name is looked up by itself, and a library that has only some of them (a BoringSSL, before a
// libcrypto.so.3 that another library has brought in) would give functions of two kinds. An object
// has its addresses to itself, so if the lowest and the highest are of one object, all are.
bool in_one_object(const OpenSsl& table, const void* major, const void* number) {
  const void* addresses[] = {
#define HAWSER_OPENSSL_ADDRESS(result, member, symbol, arguments) \
  reinterpret_cast<const void*>(table.member),
      HAWSER_OPENSSL_FUNCTIONS(HAWSER_OPENSSL_ADDRESS) major, number};
#undef HAWSER_OPENSSL_ADDRESS
  const auto by_address = [](const void* a, const void* b) {
    return reinterpret_cast<uintptr_t>(a) < reinterpret_cast<uintptr_t>(b);
  };
  const auto [lowest, highest] =
      std::minmax_element(std::begin(addresses), std::end(addresses), by_address);
  Dl_info first = {};
  Dl_info last = {};
  return dladdr(*lowest, &first) != 0 && dladdr(*highest, &last) != 0 &&
         first.dli_fbase == last.dli_fbase;
}

bool find_functions(OpenSslLookup lookup, bool is_linked, OpenSsl* table, const char** reason) {
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
  if (!is_linked &&
      !in_one_object(*table, reinterpret_cast<void*>(major), reinterpret_cast<void*>(number))) {
    *reason = "the libcrypto in the process is mixed with parts of another";
    return false;
  }
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

bool load_from(OpenSslLookup lookup, bool is_linked, OpenSsl* table, const char** reason) {
  *table = {};
  return find_functions(lookup, is_linked, table, reason) && fetch_algorithms(table, reason);
}

struct Loaded {
  OpenSsl table = {};
  const char* reason = nullptr;
  bool usable = false;
  bool is_linked = false;
};

const Loaded& loaded() {
  // Made by the first call and never destroyed: its destructor is trivial, so nothing runs at exit,
  // when threads may still be sealing packets.
  static const Loaded kLoaded = [] {
    const char* wanted = std::getenv("HAWSER_OPENSSL");
    const auto only = [wanted](const char* one) {
      return wanted != nullptr && std::strcmp(wanted, one) == 0;
    };
    Loaded made;
    made.usable = load_openssl(only("linked") ? nullptr : &exported_symbol,
                               only("process") ? nullptr : linked_openssl(), &made.table,
                               &made.is_linked, &made.reason);
    return made;
  }();
  return kLoaded;
}

}  // namespace

void* exported_symbol(const char* symbol) { return dlsym(RTLD_DEFAULT, symbol); }

OpenSslLookup linked_openssl() {
#if defined(HAWSER_LINKED_OPENSSL)
  return &hawser_linked_openssl;
#else
  return nullptr;
#endif
}

bool load_openssl(OpenSslLookup exported, OpenSslLookup linked, OpenSsl* table, bool* is_linked,
                  const char** reason) {
  *is_linked = false;
  *reason = nullptr;
  if (exported != nullptr && load_from(exported, false, table, reason)) return true;
  const char* about_linked = "this addon has no libcrypto linked in";
  if (linked != nullptr && load_from(linked, true, table, &about_linked)) {
    *is_linked = true;
    *reason = nullptr;
    return true;
  }
  if (exported == nullptr) *reason = about_linked;
  *table = {};
  return false;
}

const OpenSsl* openssl() {
  const Loaded& made = loaded();
  return made.usable ? &made.table : nullptr;
}

const char* openssl_missing() { return loaded().reason; }

bool openssl_is_linked() { return loaded().is_linked; }

void forget_openssl_errors(const OpenSsl* ssl) { ssl->err_clear_error(); }

}  // namespace hawser::crypto
