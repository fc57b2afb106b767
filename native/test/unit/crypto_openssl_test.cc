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
  EXPECT_FALSE(load_openssl(&nothing, nullptr, &table_, &reason_));
  EXPECT_STREQ(reason_, "the process exports no libcrypto");
  EXPECT_EQ(table_.cipher_fetch, nullptr);
}

TEST_F(CryptoOpenSsl, RefusesOtherVersionsAndRelatives) {
  for (const unsigned int version : {1u, 2u, 4u}) {
    major = version;
    EXPECT_FALSE(load_openssl(&impaired, nullptr, &table_, &reason_));
    EXPECT_STREQ(reason_, "the libcrypto in the process is not OpenSSL 3");
    major = 3;
    number = version;
    EXPECT_FALSE(load_openssl(&impaired, nullptr, &table_, &reason_));
    EXPECT_STREQ(reason_, "the libcrypto in the process is not OpenSSL 3");
    number = 3;
  }
  // BoringSSL has a number and no OPENSSL_version_major.
  missing = "OPENSSL_version_major";
  EXPECT_FALSE(load_openssl(&impaired, nullptr, &table_, &reason_));
  EXPECT_STREQ(reason_, "the libcrypto in the process is not OpenSSL 3");
}

TEST_F(CryptoOpenSsl, NamesTheFunctionThatIsMissing) {
#define HAWSER_OPENSSL_WITHOUT(result, member, symbol, arguments)                    \
  missing = symbol;                                                                  \
  EXPECT_FALSE(load_openssl(&impaired, nullptr, &table_, &reason_));                 \
  EXPECT_EQ(reason_, std::string("the libcrypto in the process lacks ") + (symbol)); \
  EXPECT_EQ(table_.member, nullptr);
  HAWSER_OPENSSL_FUNCTIONS(HAWSER_OPENSSL_WITHOUT)
#undef HAWSER_OPENSSL_WITHOUT
}

TEST_F(CryptoOpenSsl, CanDoWithoutChaChaButNotWithoutAes) {
  EXPECT_TRUE(load_openssl(&without_ciphers, nullptr, &table_, &reason_)) << reason_;
  EXPECT_NE(table_.aes_256_gcm, nullptr);
  EXPECT_EQ(table_.chacha20_poly1305, nullptr);
  EXPECT_EQ(table_.chacha20, nullptr);
  with_aes = false;
  EXPECT_FALSE(load_openssl(&without_ciphers, nullptr, &table_, &reason_));
  EXPECT_STREQ(reason_, "the libcrypto in the process offers no AES-256 or no SHA-2");
}

TEST_F(CryptoOpenSsl, TakesTheOfferedOneOnlyWhenThereIsNoOther) {
  lookups = 0;
  EXPECT_TRUE(load_openssl(&exported_symbol, &impaired, &table_, &reason_));
  EXPECT_EQ(lookups, 0);
  EXPECT_TRUE(load_openssl(&nothing, &impaired, &table_, &reason_));
  EXPECT_EQ(reason_, nullptr);
  EXPECT_GT(lookups, 0);
  EXPECT_NE(table_.aes_256_gcm, nullptr);
  // The reason is about what a user can change.
  EXPECT_FALSE(load_openssl(&nothing, &nothing, &table_, &reason_));
  EXPECT_STREQ(reason_, "the process exports no libcrypto");
}

TEST_F(CryptoOpenSsl, TakesNoOfferAfterTheFirstUse) {
  ASSERT_NE(openssl(), nullptr);
  EXPECT_FALSE(offer_openssl(&impaired));
}

// In a process of its own, which begins with this test.
TEST_F(CryptoOpenSsl, TakesAnOfferBeforeTheFirstUse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const bool taken = offer_openssl(&impaired);
        std::_Exit(taken && openssl() != nullptr && !offer_openssl(&impaired) ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace hawser::crypto
