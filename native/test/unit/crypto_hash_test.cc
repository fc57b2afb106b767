#include <gtest/gtest.h>

#include <string>

#include "crypto/hash.h"
#include "crypto/openssl.h"
#include "crypto/siphash.h"
#include "crypto_support.h"

namespace hawser::crypto {
namespace {

using testing::Bytes;
using testing::Case;
using testing::from_hex;
using testing::part;
using testing::Random;
using testing::run_cases;
using testing::to_hex;
using testing::vector_file;

Bytes text(const std::string& characters) { return Bytes(characters.begin(), characters.end()); }

std::string sha256_of(const Bytes& bytes) {
  Bytes out(kSha256Bytes);
  EXPECT_TRUE(sha256({part(bytes)}, out.data()));
  return to_hex(out);
}

TEST(CryptoHash, HashesAsFips180Says) {
  EXPECT_EQ(sha256_of(text("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of(text("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of(text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  Bytes out(kSha512Bytes);
  ASSERT_TRUE(sha512({part(text("abc"))}, out.data()));
  EXPECT_EQ(to_hex(out),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(CryptoHash, DoesNotCareHowItsInputIsCut) {
  HAWSER_TRACE_SEED();
  Random random(1);
  for (int i = 0; i < 100; i++) {
    const Bytes a = random.bytes(0, 200);
    const Bytes b = random.bytes(0, 200);
    const Bytes c = random.bytes(0, 200);
    Bytes cut(kSha256Bytes);
    ASSERT_TRUE(sha256({part(a), part(b), {nullptr, 0}, part(c)}, cut.data()));
    EXPECT_EQ(to_hex(cut), sha256_of(testing::joined({a, b, c})));
    const Bytes key = random.bytes(0, 200);
    Bytes whole(kSha256Bytes);
    ASSERT_TRUE(hmac_sha256(part(key), {part(a), part(b)}, cut.data()));
    ASSERT_TRUE(hmac_sha256(part(key), {part(testing::joined({a, b}))}, whole.data()));
    EXPECT_EQ(cut, whole);
  }
}

TEST(CryptoHash, WritesWhereItReads) {
  Bytes bytes(kSha256Bytes, 1);
  const std::string expected = sha256_of(bytes);
  ASSERT_TRUE(sha256({part(bytes)}, bytes.data()));
  EXPECT_EQ(to_hex(bytes), expected);

  Bytes key(kSha256Bytes, 2);
  Bytes out(kSha256Bytes);
  ASSERT_TRUE(hmac_sha256(part(key), {part(key)}, out.data()));
  ASSERT_TRUE(hmac_sha256(part(key), {part(key)}, key.data()));
  EXPECT_EQ(key, out);
  ASSERT_TRUE(hkdf_sha256_expand(key.data(), {nullptr, 0}, out.data(), kSha256Bytes));
  ASSERT_TRUE(hkdf_sha256_expand(key.data(), {nullptr, 0}, key.data(), kSha256Bytes));
  EXPECT_EQ(key, out);
}

// RFC 2104 spelt out, for keys on both sides of the block's length.
TEST(CryptoHash, HmacIsWhatItsDefinitionSays) {
  HAWSER_TRACE_SEED();
  Random random(9);
  const Bytes message = random.bytes(100, 100);
  for (size_t length = 0; length <= 130; length++) {
    const Bytes key = random.bytes(length, length);
    Bytes inner_pad = key;
    if (length > 64) {
      inner_pad.resize(kSha256Bytes);
      ASSERT_TRUE(sha256({part(key)}, inner_pad.data()));
    }
    inner_pad.resize(64, 0);
    Bytes outer_pad = inner_pad;
    for (uint8_t& byte : inner_pad) byte ^= 0x36;
    for (uint8_t& byte : outer_pad) byte ^= 0x5c;
    Bytes expected(kSha256Bytes);
    ASSERT_TRUE(sha256({part(inner_pad), part(message)}, expected.data()));
    ASSERT_TRUE(sha256({part(outer_pad), part(expected)}, expected.data()));
    Bytes out(kSha256Bytes);
    ASSERT_TRUE(hmac_sha256(part(key), {part(message)}, out.data()));
    EXPECT_EQ(out, expected) << length;
  }
}

void check_hmac(const Case& one) {
  const Bytes tag = one.bytes("tag");  // may be cut short
  Bytes out(kSha256Bytes);
  ASSERT_TRUE(hmac_sha256(part(one.bytes("key")), {part(one.bytes("text"))}, out.data()));
  ASSERT_LE(tag.size(), out.size());
  ASSERT_GE(tag.size(), 16u);
  out.resize(tag.size());
  EXPECT_EQ(out == tag, one.valid());
}

void check_hkdf(const Case& one) {
  Bytes key(kSha256Bytes);
  ASSERT_TRUE(hkdf_sha256_extract(part(one.bytes("salt")), part(one.bytes("key")), key.data()));
  Bytes out(std::stoul(one.word("length")));
  const bool done = hkdf_sha256_expand(key.data(), part(one.bytes("info")), out.data(), out.size());
  EXPECT_EQ(done, one.valid());
  if (done) {
    EXPECT_EQ(out, one.bytes("out"));
  }
}

TEST(CryptoHash, HmacOfRfc4231) {
  run_cases(vector_file("hmac_sha256_rfc4231.txt"), 6, check_hmac);
}

TEST(CryptoHash, HmacOfWycheproof) {
  run_cases(vector_file("wycheproof_hmac_sha256.txt"), 174, check_hmac);
}

TEST(CryptoHash, HkdfOfRfc5869) {
  run_cases(vector_file("hkdf_sha256_rfc5869.txt"), 3, check_hkdf);
}

TEST(CryptoHash, HkdfOfWycheproof) {
  run_cases(vector_file("wycheproof_hkdf_sha256.txt"), 105, check_hkdf);
}

TEST(CryptoHash, HkdfHasItsLimit) {
  const Bytes key(kSha256Bytes, 1);
  Bytes out(kMaxHkdfBytes + 1);
  EXPECT_TRUE(hkdf_sha256_expand(key.data(), {nullptr, 0}, out.data(), kMaxHkdfBytes));
  EXPECT_FALSE(hkdf_sha256_expand(key.data(), {nullptr, 0}, out.data(), kMaxHkdfBytes + 1));
}

TEST(CryptoHash, HkdfOfNoiseIsChainedHmac) {
  const Bytes chaining_key(kSha256Bytes, 3);
  const Bytes input = from_hex("010203");
  Bytes temp(kSha256Bytes);
  Bytes expected[3] = {Bytes(32), Bytes(32), Bytes(32)};
  const uint8_t numbers[] = {1, 2, 3};
  ASSERT_TRUE(hmac_sha256(part(chaining_key), {part(input)}, temp.data()));
  ASSERT_TRUE(hmac_sha256(part(temp), {{&numbers[0], 1}}, expected[0].data()));
  for (int i = 1; i < 3; i++) {
    ASSERT_TRUE(
        hmac_sha256(part(temp), {part(expected[i - 1]), {&numbers[i], 1}}, expected[i].data()));
  }
  Bytes out[3] = {Bytes(32), Bytes(32), Bytes(32)};
  ASSERT_TRUE(
      hkdf_noise(chaining_key.data(), part(input), {out[0].data(), out[1].data(), out[2].data()}));
  for (int i = 0; i < 3; i++) EXPECT_EQ(out[i], expected[i]) << i;
  Bytes own = chaining_key;  // written over while it is read
  ASSERT_TRUE(hkdf_noise(own.data(), part(input), {own.data(), out[2].data()}));
  EXPECT_EQ(own, expected[0]);
  EXPECT_EQ(out[2], expected[1]);
}

TEST(CryptoSipHash, HashesThePapersExample) {
  Bytes key(16);
  Bytes message(15);
  for (size_t i = 0; i < key.size(); i++) key[i] = static_cast<uint8_t>(i);
  for (size_t i = 0; i < message.size(); i++) message[i] = static_cast<uint8_t>(i);
  // Appendix A of the paper.
  EXPECT_EQ(SipHash(key.data())(message.data(), message.size()), 0xa129ca6149be45e5u);
}

TEST(CryptoSipHash, AgreesWithLibcrypto) {
  HAWSER_TRACE_SEED();
  // EVP_Q_mac(3), of use to this test alone.
  using Mac = uint8_t*(OsslLibCtx*, const char*, const char*, const char*, const OsslParam*,
                       const void*, size_t, const uint8_t*, size_t, uint8_t*, size_t, size_t*);
  auto* mac = reinterpret_cast<Mac*>(exported_symbol("EVP_Q_mac"));
  ASSERT_NE(mac, nullptr);
  unsigned int eight = 8;
  const OsslParam size_is_8[] = {{"size", 2, &eight, sizeof(eight), 0},
                                 {nullptr, 0, nullptr, 0, 0}};
  Random random(2);
  for (size_t length = 0; length < 300; length++) {
    const Bytes key = random.bytes(16, 16);
    testing::Exact input(random.bytes(length, length));
    uint8_t out[8];
    size_t written = 0;
    ASSERT_NE(mac(nullptr, "SIPHASH", nullptr, nullptr, size_is_8, key.data(), key.size(),
                  input.begin(), length, out, sizeof(out), &written),
              nullptr);
    ASSERT_EQ(written, 8u);
    uint64_t expected = 0;
    for (int i = 7; i >= 0; i--) expected = expected << 8 | out[i];
    EXPECT_EQ(SipHash(key.data())(input.begin(), length), expected) << length;
  }
}

}  // namespace
}  // namespace hawser::crypto
