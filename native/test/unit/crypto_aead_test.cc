#include <gtest/gtest.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "crypto/aead.h"
#include "crypto/header_mask.h"
#include "crypto_support.h"

namespace hawser::crypto {
namespace {

using testing::Bytes;
using testing::Case;
using testing::Exact;
using testing::from_hex;
using testing::Random;
using testing::run_cases;
using testing::to_hex;
using testing::vector_file;

constexpr AeadSuite kSuites[] = {AeadSuite::kAes256Gcm, AeadSuite::kChaCha20Poly1305};

bool all_zero(const uint8_t* data, size_t length) {
  return std::all_of(data, data + length, [](uint8_t byte) { return byte == 0; });
}

void check_aead(AeadSuite suite, const Case& one) {
  const Bytes key = one.bytes("key");
  const Bytes nonce = one.bytes("nonce");
  const Bytes ad = one.bytes("ad");
  const Bytes text = one.bytes("text");
  const Bytes sealed = one.bytes("sealed");
  const Bytes tag = one.bytes("tag");
  ASSERT_EQ(key.size(), kAeadKeyBytes);
  ASSERT_EQ(nonce.size(), kAeadNonceBytes);
  ASSERT_EQ(tag.size(), kAeadTagBytes);

  AeadOpener opener;
  ASSERT_TRUE(opener.init(suite, key.data()));
  Exact data(sealed);
  EXPECT_EQ(opener.open(nonce.data(), ad.data(), ad.size(), data.begin(), data.size(), tag.data()),
            one.valid());
  if (!one.valid()) {
    EXPECT_TRUE(all_zero(data.begin(), data.size()));
    return;
  }
  EXPECT_EQ(Bytes(data.begin(), data.end()), text);
  AeadSealer sealer;
  ASSERT_TRUE(sealer.init(suite, key.data()));
  Bytes made(kAeadTagBytes);
  ASSERT_TRUE(
      sealer.seal(nonce.data(), ad.data(), ad.size(), data.begin(), data.size(), made.data()));
  EXPECT_EQ(Bytes(data.begin(), data.end()), sealed);
  EXPECT_EQ(made, tag);
}

void check_aes(const Case& one) { check_aead(AeadSuite::kAes256Gcm, one); }
void check_chacha(const Case& one) { check_aead(AeadSuite::kChaCha20Poly1305, one); }

TEST(CryptoAead, AesGcmOfNist) { run_cases(vector_file("aes_256_gcm_nist.txt"), 750, check_aes); }

TEST(CryptoAead, AesGcmOfWycheproof) {
  run_cases(vector_file("wycheproof_aes_256_gcm.txt"), 48, check_aes);
}

TEST(CryptoAead, ChaChaOfBoringSsl) {
  run_cases(vector_file("chacha20_poly1305_boringssl.txt"), 66, check_chacha);
}

TEST(CryptoAead, ChaChaOfOpenSsl) {
  run_cases(vector_file("chacha20_poly1305_openssl.txt"), 5, check_chacha);
}

TEST(CryptoAead, ChaChaOfWycheproof) {
  run_cases(vector_file("wycheproof_chacha20_poly1305.txt"), 293, check_chacha);
}

class CryptoAeadSuite : public ::testing::TestWithParam<AeadSuite> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(sealer_.init(GetParam(), key_.data()));
    ASSERT_TRUE(opener_.init(GetParam(), key_.data()));
  }

  const Bytes key_ = Bytes(kAeadKeyBytes, 0x42);
  AeadSealer sealer_;
  AeadOpener opener_;
};

// One context, many packets of all lengths, each with its nonce.
TEST_P(CryptoAeadSuite, OpensWhatItSealed) {
  HAWSER_TRACE_SEED();
  Random random(3);
  for (int i = 0; i < 500; i++) {
    const Bytes nonce = random.bytes(kAeadNonceBytes, kAeadNonceBytes);
    const Bytes ad = random.bytes(0, 64);
    const Bytes text = random.bytes(0, 2000);
    Exact packet(testing::joined({text, Bytes(kAeadTagBytes)}));
    uint8_t* const tag = packet.begin() + text.size();
    ASSERT_TRUE(sealer_.seal(nonce.data(), ad.data(), ad.size(), packet.begin(), text.size(), tag));
    ASSERT_TRUE(opener_.open(nonce.data(), ad.data(), ad.size(), packet.begin(), text.size(), tag));
    EXPECT_EQ(Bytes(packet.begin(), tag), text);
  }
}

// Whatever bit is turned over: refused, wiped, and the next genuine packet opens.
TEST_P(CryptoAeadSuite, RefusesEveryChangedBit) {
  const Bytes text = from_hex("000102030405060708090a0b0c0d0e0f1011");
  const Bytes nonce(kAeadNonceBytes, 1);
  const Bytes ad = from_hex("aabbcc");
  Bytes sealed = text;
  Bytes tag(kAeadTagBytes);
  ASSERT_TRUE(
      sealer_.seal(nonce.data(), ad.data(), ad.size(), sealed.data(), sealed.size(), tag.data()));
  const Bytes whole = testing::joined({nonce, ad, sealed, tag});
  for (size_t bit = 0; bit < whole.size() * 8; bit++) {
    Bytes changed = whole;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    uint8_t* const at_ad = changed.data() + nonce.size();
    uint8_t* const data = at_ad + ad.size();
    uint8_t* const at_tag = data + sealed.size();
    EXPECT_FALSE(opener_.open(changed.data(), at_ad, ad.size(), data, sealed.size(), at_tag))
        << bit;
    EXPECT_TRUE(all_zero(data, sealed.size())) << bit;
    Bytes genuine = sealed;
    ASSERT_TRUE(opener_.open(nonce.data(), ad.data(), ad.size(), genuine.data(), genuine.size(),
                             tag.data()));
    ASSERT_EQ(genuine, text);
  }
}

TEST_P(CryptoAeadSuite, RefusesAnotherKeyAndTakesANewOne) {
  const Bytes nonce(kAeadNonceBytes, 1);
  const Bytes other(kAeadKeyBytes, 0x43);
  const Bytes text(100, 9);
  for (const bool renewed : {false, true}) {
    Bytes data = text;
    Bytes tag(kAeadTagBytes);
    ASSERT_TRUE(sealer_.init(GetParam(), other.data()));
    ASSERT_TRUE(sealer_.seal(nonce.data(), nullptr, 0, data.data(), data.size(), tag.data()));
    if (renewed) {
      ASSERT_TRUE(opener_.init(GetParam(), other.data()));
    }
    EXPECT_EQ(opener_.open(nonce.data(), nullptr, 0, data.data(), data.size(), tag.data()),
              renewed);
  }
}

TEST_P(CryptoAeadSuite, DoesNothingWithoutAKey) {
  const Bytes nonce(kAeadNonceBytes, 1);
  Bytes data(20, 5);
  Bytes tag(kAeadTagBytes, 5);
  sealer_.clear();
  opener_.clear();
  EXPECT_FALSE(sealer_.ready());
  EXPECT_FALSE(sealer_.seal(nonce.data(), nullptr, 0, data.data(), data.size(), tag.data()));
  EXPECT_TRUE(all_zero(data.data(), data.size()));
  EXPECT_TRUE(all_zero(tag.data(), tag.size()));
  data.assign(20, 5);
  EXPECT_FALSE(opener_.open(nonce.data(), nullptr, 0, data.data(), data.size(), tag.data()));
  EXPECT_TRUE(all_zero(data.data(), data.size()));
}

TEST_P(CryptoAeadSuite, MovesItsKeyAlong) {
  static_assert(!std::is_copy_constructible_v<AeadSealer>);
  const Bytes nonce(kAeadNonceBytes, 1);
  Bytes data(20, 5);
  Bytes tag(kAeadTagBytes);
  AeadSealer moved(std::move(sealer_));
  EXPECT_FALSE(sealer_.ready());  // NOLINT(bugprone-use-after-move)
  ASSERT_TRUE(moved.seal(nonce.data(), nullptr, 0, data.data(), data.size(), tag.data()));
  AeadOpener assigned;
  ASSERT_TRUE(assigned.init(GetParam(), Bytes(kAeadKeyBytes, 1).data()));
  assigned = std::move(opener_);
  EXPECT_TRUE(assigned.open(nonce.data(), nullptr, 0, data.data(), data.size(), tag.data()));
}

// What fails here must not look like a failure of somebody else's call on the thread.
TEST_P(CryptoAeadSuite, LeavesNoErrorsBehind) {
  auto* peek = reinterpret_cast<unsigned long (*)()>(exported_symbol("ERR_peek_error"));
  ASSERT_NE(peek, nullptr);
  const Bytes nonce(kAeadNonceBytes, 1);
  Bytes data(20, 5);
  const Bytes tag(kAeadTagBytes, 5);
  EXPECT_FALSE(opener_.open(nonce.data(), nullptr, 0, data.data(), data.size(), tag.data()));
  EXPECT_EQ(peek(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Suites, CryptoAeadSuite, ::testing::ValuesIn(kSuites));

std::string mask_of(AeadSuite suite, const char* key, const char* sample) {
  HeaderMask mask;
  EXPECT_TRUE(mask.init(suite, from_hex(key).data()));
  Bytes out(kHeaderMaskBytes);
  EXPECT_TRUE(mask.masks(from_hex(sample).data(), 1, out.data()));
  return to_hex(out);
}

TEST(CryptoHeaderMask, IsAnAesBlock) {
  // FIPS 197, C.3.
  EXPECT_EQ(mask_of(AeadSuite::kAes256Gcm,
                    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                    "00112233445566778899aabbccddeeff"),
            "8ea2b7ca516745bfeafc49904b496089");
}

TEST(CryptoHeaderMask, IsAChaChaBlock) {
  // RFC 9001, A.5.
  EXPECT_EQ(mask_of(AeadSuite::kChaCha20Poly1305,
                    "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4",
                    "5e5cd55c41f69080575d7999c25a5bfb")
                .substr(0, 10),
            "aefefe7d03");
}

TEST(CryptoHeaderMask, MakesATrainAsOneByOne) {
  HAWSER_TRACE_SEED();
  Random random(4);
  for (const AeadSuite suite : kSuites) {
    const Bytes key = random.bytes(32, 32);
    HeaderMask mask;
    ASSERT_TRUE(mask.init(suite, key.data()));
    for (size_t count = 0; count <= 64; count++) {
      Exact samples(random.bytes(16 * count, 16 * count));
      Bytes single(16 * count);
      for (size_t i = 0; i < count; i++) {
        ASSERT_TRUE(mask.masks(samples.begin() + 16 * i, 1, single.data() + 16 * i));
      }
      Bytes apart(16 * count);
      ASSERT_TRUE(mask.masks(samples.begin(), count, apart.data()));
      EXPECT_EQ(apart, single);
      ASSERT_TRUE(mask.masks(samples.begin(), count, samples.begin()));
      EXPECT_EQ(Bytes(samples.begin(), samples.end()), single);
    }
  }
}

TEST(CryptoHeaderMask, GivesZerosWithoutAKey) {
  HeaderMask mask;
  Bytes out(kHeaderMaskBytes, 1);
  EXPECT_FALSE(mask.masks(Bytes(16, 2).data(), 1, out.data()));
  EXPECT_TRUE(all_zero(out.data(), out.size()));
  ASSERT_TRUE(mask.init(AeadSuite::kAes256Gcm, Bytes(32, 3).data()));
  HeaderMask moved(std::move(mask));
  EXPECT_TRUE(moved.masks(Bytes(16, 2).data(), 1, out.data()));
  EXPECT_FALSE(mask.masks(Bytes(16, 2).data(), 1, out.data()));  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace hawser::crypto
