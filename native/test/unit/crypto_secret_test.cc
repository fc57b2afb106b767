#include <gtest/gtest.h>

#include <new>
#include <set>
#include <type_traits>

#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto_support.h"

namespace hawser::crypto {
namespace {

using testing::Bytes;

TEST(CryptoSecret, IsWipedWhenDestroyed) {
  alignas(Secret<32>) uint8_t place[sizeof(Secret<32>)] = {};
  const Bytes bytes(32, 0xa5);
  auto* secret = new (place) Secret<32>(bytes.data());
  EXPECT_EQ(Bytes(place, place + 32), bytes);
  secret->~Secret();
  // Read through volatile: what a destroyed object leaves is nobody's business otherwise.
  const volatile uint8_t* left = place;
  for (size_t i = 0; i < 32; i++) EXPECT_EQ(left[i], 0) << i;
}

TEST(CryptoSecret, MovesAndIsNotCopied) {
  static_assert(!std::is_copy_constructible_v<Secret<32>>);
  static_assert(!std::is_copy_assignable_v<Secret<32>>);
  const Bytes bytes(32, 7);
  Secret<32> first(bytes.data());
  Secret<32> second(std::move(first));
  EXPECT_TRUE(zero_constant_time(first.data(), 32));  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(Bytes(second.data(), second.data() + 32), bytes);
  first = std::move(second);
  EXPECT_TRUE(zero_constant_time(second.data(), 32));  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(first.equals(Secret<32>(bytes.data())));
  Secret<32>& same = first;
  first = std::move(same);
  EXPECT_TRUE(first.equals(Secret<32>(bytes.data())));
  first.clear();
  EXPECT_TRUE(zero_constant_time(first.data(), 32));
}

TEST(CryptoSecret, ComparesEveryBit) {
  Bytes a(48, 0);
  const Bytes b(48, 0);
  EXPECT_TRUE(equal_constant_time(a.data(), b.data(), a.size()));
  for (size_t bit = 0; bit < 8 * a.size(); bit++) {
    a[bit / 8] = static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(equal_constant_time(a.data(), b.data(), a.size())) << bit;
    EXPECT_FALSE(zero_constant_time(a.data(), a.size())) << bit;
    a[bit / 8] = 0;
  }
  EXPECT_TRUE(equal_constant_time(nullptr, nullptr, 0));
}

TEST(CryptoSecret, WipesNothingAtAll) { wipe(nullptr, 0); }

TEST(CryptoRandom, FillsEveryByteAndRepeatsNothing) {
  std::set<Bytes> seen;
  Bytes ored(300, 0);
  for (int i = 0; i < 64; i++) {
    Bytes bytes(300, 0);
    ASSERT_TRUE(random_bytes(bytes.data(), bytes.size()));
    for (size_t at = 0; at < bytes.size(); at++) ored[at] |= bytes[at];
    seen.insert(bytes);
  }
  EXPECT_EQ(seen.size(), 64u);
  // A byte that stays zero 64 times was not written (one in 2^512).
  for (size_t at = 0; at < ored.size(); at++) EXPECT_NE(ored[at], 0) << at;
  EXPECT_TRUE(random_bytes(nullptr, 0));
}

}  // namespace
}  // namespace hawser::crypto
