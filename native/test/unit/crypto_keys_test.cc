#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "crypto/ed25519.h"
#include "crypto/field25519.h"
#include "crypto/identity_key.h"
#include "crypto/x25519.h"
#include "crypto_support.h"

namespace hawser::crypto {
namespace {

using testing::Bytes;
using testing::Case;
using testing::from_hex;
using testing::Random;
using testing::run_cases;
using testing::to_hex;
using testing::vector_file;

Bytes bytes_of(const uint8_t* data) { return Bytes(data, data + 32); }

void check_x25519(const Case& one) {
  X25519Key key;
  ASSERT_TRUE(key.init(one.bytes("secret").data()));
  const Bytes expected = one.bytes("shared");
  const bool zero = expected == Bytes(32, 0);
  Secret<32> shared(Bytes(32, 1).data());
  EXPECT_EQ(key.agree(one.bytes("public").data(), &shared), !zero);
  EXPECT_EQ(bytes_of(shared.data()), expected);
}

TEST(CryptoX25519, OfRfc7748) { run_cases(vector_file("x25519_rfc7748.txt"), 3, check_x25519); }

TEST(CryptoX25519, OfWycheproof) {
  run_cases(vector_file("wycheproof_x25519.txt"), 518, check_x25519);
}

TEST(CryptoX25519, AgreesWithItsPeer) {
  X25519Key one;
  X25519Key two;
  ASSERT_TRUE(one.generate());
  ASSERT_TRUE(two.generate());
  EXPECT_NE(bytes_of(one.public_key()), bytes_of(two.public_key()));
  Secret<32> shared_one;
  Secret<32> shared_two;
  ASSERT_TRUE(one.agree(two.public_key(), &shared_one));
  ASSERT_TRUE(two.agree(one.public_key(), &shared_two));
  EXPECT_TRUE(shared_one.equals(shared_two));
}

TEST(CryptoX25519, RefusesAZeroResult) {
  X25519Key key;
  ASSERT_TRUE(key.generate());
  // u of the points whose order divides 8, on the curve and its twist (RFC 7748 6.1): 0, 1, -1; and
  // p and p + 1, which stand for 0 and 1.
  const char* const small[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000080",
  };
  for (const char* point : small) {
    Secret<32> shared(Bytes(32, 1).data());
    EXPECT_FALSE(key.agree(from_hex(point).data(), &shared)) << point;
    EXPECT_TRUE(zero_constant_time(shared.data(), 32)) << point;
  }
}

TEST(CryptoX25519, HasNoKeyBeforeAndAfter) {
  X25519Key key;
  Secret<32> shared(Bytes(32, 1).data());
  const Bytes nine = from_hex("0900000000000000000000000000000000000000000000000000000000000000");
  EXPECT_FALSE(key.ready());
  EXPECT_FALSE(key.agree(nine.data(), &shared));
  EXPECT_TRUE(zero_constant_time(shared.data(), 32));
  ASSERT_TRUE(key.generate());
  const Bytes known = bytes_of(key.public_key());
  X25519Key moved(std::move(key));
  EXPECT_FALSE(key.ready());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(bytes_of(key.public_key()), Bytes(32, 0));
  EXPECT_EQ(bytes_of(moved.public_key()), known);
  EXPECT_TRUE(moved.agree(nine.data(), &shared));
  EXPECT_EQ(bytes_of(shared.data()), known) << "9 is the base point";
  moved.clear();
  EXPECT_EQ(bytes_of(moved.public_key()), Bytes(32, 0));
}

void check_ed25519(const Case& one) {
  const Bytes message = one.bytes("text");
  Bytes signature = one.bytes("signature");
  const Bytes id = one.bytes("public");
  ASSERT_EQ(id.size(), kEd25519PublicBytes);
  // Our interface takes 64 bytes; a signature of another length is refused by whoever reads it.
  if (signature.size() != kEd25519SignatureBytes) {
    EXPECT_FALSE(one.valid());
    return;
  }
  EXPECT_EQ(ed25519_verify(id.data(), message.data(), message.size(), signature.data()),
            one.valid());
  if (!one.has("seed")) return;
  Ed25519Key key;
  ASSERT_TRUE(key.init(one.bytes("seed").data()));
  EXPECT_EQ(bytes_of(key.public_key()), id);
  Bytes made(kEd25519SignatureBytes);
  ASSERT_TRUE(key.sign(message.data(), message.size(), made.data()));
  EXPECT_EQ(made, signature);
  signature[message.size() % 64] ^= 0x10;
  EXPECT_FALSE(ed25519_verify(id.data(), message.data(), message.size(), signature.data()));
}

TEST(CryptoEd25519, OfItsPaper) {
  run_cases(vector_file("ed25519_sign_input.txt"), 184, check_ed25519);
}

TEST(CryptoEd25519, OfWycheproof) {
  run_cases(vector_file("wycheproof_ed25519.txt"), 145, check_ed25519);
}

TEST(CryptoEd25519, SignsNothingWithoutAKey) {
  Ed25519Key key;
  Bytes signature(64, 1);
  EXPECT_FALSE(key.sign(nullptr, 0, signature.data()));
  EXPECT_EQ(signature, Bytes(64, 0));
  ASSERT_TRUE(key.init(Bytes(32, 5).data()));
  Ed25519Key moved(std::move(key));
  EXPECT_FALSE(key.ready());  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(key.sign(nullptr, 0, signature.data()));
  EXPECT_TRUE(moved.sign(nullptr, 0, signature.data()));
  EXPECT_TRUE(ed25519_verify(moved.public_key(), nullptr, 0, signature.data()));
}

TEST(CryptoField25519, FollowsTheRulesOfArithmetic) {
  HAWSER_TRACE_SEED();
  Random random(5);
  const Field25519 one(1);
  for (int i = 0; i < 2000; i++) {
    // Ends of the range as often as the middle.
    const auto draw = [&random] {
      Bytes bytes = random.bytes(32, 32);
      if (random.bits() % 4 == 0) bytes.assign(32, 0xff);
      if (random.bits() % 4 == 0) std::fill(bytes.begin() + 1, bytes.end(), 0);
      return Field25519::load(bytes.data());
    };
    const Field25519 a = draw();
    const Field25519 b = draw();
    const Field25519 c = draw();
    EXPECT_TRUE((a + b) * c == a * c + b * c);
    EXPECT_TRUE((a - b) * c == a * c - b * c);
    EXPECT_TRUE((a * b) * c == a * (b * c));
    EXPECT_TRUE(a * b == b * a);
    EXPECT_TRUE(a.square() == a * a);
    EXPECT_TRUE((a - b) + b == a);
    EXPECT_TRUE((a - a).is_zero());
    EXPECT_TRUE(a.is_zero() || a * a.inverse() == one);
    uint8_t stored[32];
    a.store(stored);
    EXPECT_TRUE(Field25519::is_canonical(stored));
    EXPECT_TRUE(Field25519::load(stored) == a);
    EXPECT_EQ(a.is_odd(), (stored[0] & 1) != 0);
    Field25519 root;
    ASSERT_TRUE(b.is_zero() || Field25519::square_root(a * a * b, b, &root));
    EXPECT_TRUE(b.is_zero() || root == a || (root + a).is_zero());
    // 2 is not a square.
    EXPECT_FALSE(!a.is_zero() && Field25519::square_root(a * a + a * a, one, &root));
  }
}

TEST(CryptoField25519, HasNoRootOverZero) {
  Field25519 root;
  EXPECT_FALSE(Field25519::square_root(Field25519(), Field25519(), &root));
  EXPECT_FALSE(Field25519::square_root(Field25519(1), Field25519(), &root));
  EXPECT_TRUE(Field25519::square_root(Field25519(), Field25519(1), &root));
  EXPECT_TRUE(root.is_zero());
}

TEST(CryptoField25519, HasTheConstantsOfTheCurve) {
  const Field25519 minus_one = Field25519() - Field25519(1);
  EXPECT_TRUE(Field25519::edwards_d() * Field25519(121666) == Field25519() - Field25519(121665));
  EXPECT_TRUE(Field25519::root_of_minus_one().square() == minus_one);
}

TEST(CryptoField25519, KnowsWhereItEnds) {
  // p - 1 is the last canonical number; bit 255 does not count.
  for (int above = -20; above < 19; above++) {
    Bytes bytes = from_hex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    bytes[0] = static_cast<uint8_t>(0xed + above);
    for (const int top : {0x7f, 0xff}) {
      bytes[31] = static_cast<uint8_t>(top);
      EXPECT_EQ(Field25519::is_canonical(bytes.data()), above < 0) << above;
    }
  }
}

// What fails must not look like a failure of somebody else's call on the thread.
TEST(CryptoKeys, LeaveNoErrorsBehind) {
  auto* peek = reinterpret_cast<unsigned long (*)()>(exported_symbol("ERR_peek_error"));
  ASSERT_NE(peek, nullptr);
  X25519Key key;
  ASSERT_TRUE(key.generate());
  Secret<32> shared;
  EXPECT_FALSE(key.agree(Bytes(32, 0).data(), &shared));
  EXPECT_EQ(peek(), 0u);
  EXPECT_FALSE(ed25519_verify(Bytes(32, 0xff).data(), nullptr, 0, Bytes(64, 1).data()));
  EXPECT_EQ(peek(), 0u);
}

void check_map(const Case& one) {
  Bytes out(32);
  EXPECT_EQ(x25519_from_ed25519(one.bytes("id").data(), out.data()), one.valid());
  if (one.valid()) {
    EXPECT_EQ(out, one.bytes("public"));
  }
  if (!one.has("seed")) return;
  Secret<32> secret;
  ASSERT_TRUE(x25519_secret_from_seed(one.bytes("seed").data(), &secret));
  EXPECT_EQ(bytes_of(secret.data()), one.bytes("secret"));
}

TEST(CryptoIdentityKey, MapsAsLibsodium) {
  run_cases(vector_file("ed25519_to_x25519_libsodium.txt"), 362, check_map);
}

TEST(CryptoIdentityKey, MapsBothHalvesOfAPairAlike) {
  HAWSER_TRACE_SEED();
  Random random(6);
  for (int i = 0; i < 300; i++) {
    const Bytes seed = random.bytes(32, 32);
    Ed25519Key identity;
    ASSERT_TRUE(identity.init(seed.data()));
    Bytes mapped(32);
    ASSERT_TRUE(x25519_from_ed25519(identity.public_key(), mapped.data()));
    Secret<32> secret;
    ASSERT_TRUE(x25519_secret_from_seed(seed.data(), &secret));
    X25519Key key;
    ASSERT_TRUE(key.init(secret.data()));
    EXPECT_EQ(bytes_of(key.public_key()), mapped) << to_hex(seed);

    // The negation of the point has the other sign of x and the same y.
    Bytes negated = bytes_of(identity.public_key());
    negated[31] ^= 0x80;
    Bytes again(32);
    ASSERT_TRUE(x25519_from_ed25519(negated.data(), again.data()));
    EXPECT_EQ(again, mapped);
  }
}

TEST(CryptoIdentityKey, RefusesSmallOrder) {
  // y of the points of order 1, 2 and 4; those of order 8 are among libsodium's cases.
  const char* const small[] = {
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000000",
  };
  for (const char* point : small) {
    for (const int sign : {0, 0x80}) {
      Bytes id = from_hex(point);
      id[31] |= static_cast<uint8_t>(sign);
      Bytes out(32);
      EXPECT_FALSE(x25519_from_ed25519(id.data(), out.data())) << point;
    }
  }
}

// Half of all y belong to no point of the curve, and of the others one in eight has prime order.
TEST(CryptoIdentityKey, RefusesMostRandomBytes) {
  HAWSER_TRACE_SEED();
  Random random(7);
  int taken = 0;
  for (int i = 0; i < 800; i++) {
    Bytes out(32);
    taken += x25519_from_ed25519(random.bytes(32, 32).data(), out.data()) ? 1 : 0;
  }
  EXPECT_GT(taken, 10);
  EXPECT_LT(taken, 120);
}

}  // namespace
}  // namespace hawser::crypto
