#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "crypto/openssl.h"

namespace hawser::crypto {
namespace {

// A libcrypto that lacks what `missing` names, and has the major version that these say.
const char* missing = nullptr;
unsigned int major = 3;
unsigned long number = 3;  // the same in OpenSSL_version_num
std::atomic<int> lookups = 0;

unsigned int fake_major() { return major; }
unsigned long fake_number() { return number << 28; }

void* impaired(const char* symbol) {
  lookups++;
  if (missing != nullptr && std::strcmp(symbol, missing) == 0) return nullptr;
  if (std::strcmp(symbol, "OPENSSL_version_major") == 0) {
    return reinterpret_cast<void*>(&fake_major);
  }
  if (std::strcmp(symbol, "OpenSSL_version_num") == 0) {
    return reinterpret_cast<void*>(&fake_number);
  }
  return exported_symbol(symbol);
}

void* nothing(const char*) { return nullptr; }

// One function of another libcrypto, before those of ours.
int accept_everything(EvpCipherCtx*, uint8_t*, int*) { return 1; }
void* with_another(const char* symbol) {
  if (std::strcmp(symbol, "EVP_DecryptFinal_ex") == 0) {
    return reinterpret_cast<void*>(&accept_everything);
  }
  return exported_symbol(symbol);
}

// As in FIPS mode, where ChaCha20 cannot be fetched, or where nothing can.
bool with_aes = true;
EvpCipher* fetch_some(OsslLibCtx* context, const char* name, const char* properties) {
  if (!with_aes || std::strncmp(name, "AES", 3) != 0) return nullptr;
  return openssl()->cipher_fetch(context, name, properties);
}
void* without_ciphers(const char* symbol) {
  if (std::strcmp(symbol, "EVP_CIPHER_fetch") == 0) return reinterpret_cast<void*>(&fetch_some);
  return exported_symbol(symbol);
}

class CryptoOpenSsl : public ::testing::Test {
 protected:
  void SetUp() override {
    missing = nullptr;
    major = 3;
    number = 3;
    with_aes = true;
  }

  OpenSsl table_;
  bool is_linked_ = false;
  const char* reason_ = nullptr;
};

TEST_F(CryptoOpenSsl, IsInThisProcess) {
  ASSERT_NE(openssl(), nullptr) << openssl_missing();
  EXPECT_EQ(openssl_missing(), nullptr);
  EXPECT_NE(openssl()->aes_256_gcm, nullptr);
  EXPECT_NE(openssl()->aes_256_ecb, nullptr);
  EXPECT_NE(openssl()->sha256, nullptr);
  EXPECT_NE(openssl()->sha512, nullptr);
  EXPECT_NE(openssl()->chacha20_poly1305, nullptr);
  EXPECT_NE(openssl()->chacha20, nullptr);
}

TEST_F(CryptoOpenSsl, IsTheSameTableForAllThreads) {
  std::vector<std::thread> threads;
  std::vector<const OpenSsl*> tables(8);
  for (size_t i = 0; i < tables.size(); i++) {
    threads.emplace_back([&tables, i] { tables[i] = openssl(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const OpenSsl* table : tables) EXPECT_EQ(table, openssl());
}

TEST_F(CryptoOpenSsl, SaysThatThereIsNone) {
  EXPECT_FALSE(load_openssl(&nothing, nullptr, &table_, &is_linked_, &reason_));
  EXPECT_STREQ(reason_, "the process exports no libcrypto");
  EXPECT_EQ(table_.cipher_fetch, nullptr);
}

TEST_F(CryptoOpenSsl, RefusesOtherVersionsAndRelatives) {
  for (const unsigned int version : {1u, 2u, 4u}) {
    major = version;
    EXPECT_FALSE(load_openssl(&impaired, nullptr, &table_, &is_linked_, &reason_));
    EXPECT_STREQ(reason_, "the libcrypto in the process is not OpenSSL 3");
    major = 3;
    number = version;
    EXPECT_FALSE(load_openssl(&impaired, nullptr, &table_, &is_linked_, &reason_));
    EXPECT_STREQ(reason_, "the libcrypto in the process is not OpenSSL 3");
    number = 3;
  }
  // BoringSSL has a number and no OPENSSL_version_major.
  missing = "OPENSSL_version_major";
  EXPECT_FALSE(load_openssl(&impaired, nullptr, &table_, &is_linked_, &reason_));
  EXPECT_STREQ(reason_, "the libcrypto in the process is not OpenSSL 3");
}

TEST_F(CryptoOpenSsl, NamesTheFunctionThatIsMissing) {
#define HAWSER_OPENSSL_WITHOUT(result, member, symbol, arguments)                    \
  missing = symbol;                                                                  \
  EXPECT_FALSE(load_openssl(&impaired, nullptr, &table_, &is_linked_, &reason_));    \
  EXPECT_EQ(reason_, std::string("the libcrypto in the process lacks ") + (symbol)); \
  EXPECT_EQ(table_.member, nullptr);
  HAWSER_OPENSSL_FUNCTIONS(HAWSER_OPENSSL_WITHOUT)
#undef HAWSER_OPENSSL_WITHOUT
}

TEST_F(CryptoOpenSsl, RefusesAMixture) {
  EXPECT_FALSE(load_openssl(&with_another, nullptr, &table_, &is_linked_, &reason_));
  EXPECT_STREQ(reason_, "the libcrypto in the process is mixed with parts of another");
  EXPECT_EQ(table_.decrypt_final, nullptr);
  // A major version from a library that comes later than the functions.
  EXPECT_FALSE(load_openssl(&impaired, nullptr, &table_, &is_linked_, &reason_));
  EXPECT_STREQ(reason_, "the libcrypto in the process is mixed with parts of another");
}

TEST_F(CryptoOpenSsl, CanDoWithoutChaChaButNotWithoutAes) {
  EXPECT_TRUE(load_openssl(nullptr, &without_ciphers, &table_, &is_linked_, &reason_)) << reason_;
  EXPECT_NE(table_.aes_256_gcm, nullptr);
  EXPECT_EQ(table_.chacha20_poly1305, nullptr);
  EXPECT_EQ(table_.chacha20, nullptr);
  with_aes = false;
  EXPECT_FALSE(load_openssl(nullptr, &without_ciphers, &table_, &is_linked_, &reason_));
  EXPECT_STREQ(reason_, "the libcrypto in the process offers no AES-256 or no SHA-2");
}

TEST_F(CryptoOpenSsl, TakesTheLinkedOneOnlyWhenThereIsNoOther) {
  lookups = 0;
  EXPECT_TRUE(load_openssl(&exported_symbol, &impaired, &table_, &is_linked_, &reason_));
  EXPECT_EQ(lookups, 0);
  EXPECT_FALSE(is_linked_);
  EXPECT_TRUE(load_openssl(&nothing, &impaired, &table_, &is_linked_, &reason_));
  EXPECT_EQ(reason_, nullptr);
  EXPECT_TRUE(is_linked_);
  EXPECT_GT(lookups, 0);
  EXPECT_NE(table_.aes_256_gcm, nullptr);
  // The reason is about what a user can change.
  EXPECT_FALSE(load_openssl(&nothing, &nothing, &table_, &is_linked_, &reason_));
  EXPECT_STREQ(reason_, "the process exports no libcrypto");
  EXPECT_FALSE(is_linked_);
  EXPECT_FALSE(load_openssl(nullptr, nullptr, &table_, &is_linked_, &reason_));
  EXPECT_STREQ(reason_, "this addon has no libcrypto linked in");
}

// --- The linked one, where this build has it.

void* object_of(const void* address) {
  Dl_info info = {};
  return dladdr(address, &info) == 0 ? nullptr : info.dli_fbase;
}

TEST_F(CryptoOpenSsl, LinkedIsAllOurs) {
  if (linked_openssl() == nullptr) GTEST_SKIP() << "nothing is linked in";
  ASSERT_TRUE(load_openssl(&nothing, linked_openssl(), &table_, &is_linked_, &reason_)) << reason_;
  EXPECT_TRUE(is_linked_);
  // Each function is in this program, the process's are in a library, and are what its names find.
  void* here = object_of(reinterpret_cast<void*>(&object_of));
#define HAWSER_OPENSSL_IS_OURS(result, member, symbol, arguments)                         \
  EXPECT_EQ(object_of(reinterpret_cast<void*>(table_.member)), here) << (symbol);         \
  EXPECT_NE(exported_symbol(symbol), nullptr) << (symbol);                                \
  EXPECT_NE(exported_symbol(symbol), reinterpret_cast<void*>(table_.member)) << (symbol); \
  EXPECT_NE(object_of(exported_symbol(symbol)), here) << (symbol);
  HAWSER_OPENSSL_FUNCTIONS(HAWSER_OPENSSL_IS_OURS)
#undef HAWSER_OPENSSL_IS_OURS
  EXPECT_EQ(std::string(table_.version(0)).rfind("OpenSSL 3.0.", 0), 0u);
  EXPECT_NE(table_.chacha20_poly1305, nullptr);
  EXPECT_NE(table_.chacha20, nullptr);
  EXPECT_EQ(exported_symbol("hawser_linked_openssl"), nullptr);
}

// In a process of its own, where nothing was looked up before. Everything else runs on the linked
// one when HAWSER_OPENSSL says so to this program.
TEST_F(CryptoOpenSsl, ForcedIsWhatAllUse) {
  if (linked_openssl() == nullptr) GTEST_SKIP() << "nothing is linked in";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("HAWSER_OPENSSL", "linked", 1);
        void* here = object_of(reinterpret_cast<void*>(&object_of));
        const bool ours = openssl() != nullptr && openssl_is_linked() &&
                          object_of(reinterpret_cast<void*>(openssl()->encrypt_update)) == here;
        std::_Exit(ours ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        setenv("HAWSER_OPENSSL", "process", 1);
        std::_Exit(openssl() != nullptr && !openssl_is_linked() ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace hawser::crypto
