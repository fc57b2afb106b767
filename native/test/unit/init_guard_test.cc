#include "transport/init_guard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "sim/sim_memory.h"
#include "sim/sim_random.h"
#include "wire/endian.h"

namespace hawser::transport {
namespace {

using Init = std::vector<uint8_t>;

PathAddress address(uint32_t source, uint32_t port = 1) {
  PathAddress from;
  wire::store_u32(from.bytes, source);
  wire::store_u32(from.bytes + PathAddress::kSourceBytes, port);
  return from;
}

class Guard : public testing::Test {
 protected:
  static constexpr uint32_t kRate = 10;

  Guard() {
    random_.fill(key_, sizeof key_);
    guard_.set_mac_key(key_);
  }

  Init make_init() {
    Init init(wire::kInitBytes);
    wire::InitHeader header;
    random_.fill(header.source.bytes, sizeof header.source.bytes);
    wire::write_init_header(init.data(), header);
    random_.fill(wire::init_message(init.data()), wire::kInitMessageBytes);
    InitGuard::sign_mac1(key_, init.data());
    std::memset(wire::init_mac2(init.data()), 0, wire::kHandshakeMacBytes);
    return init;
  }

  wire::Cookie cookie_for(Time now, const PathAddress& from, const Init& init) {
    uint8_t packet[wire::kCookiePacketBytes];
    guard_.write_cookie(now, from, init.data(), packet);
    wire::Cookie cookie{};
    EXPECT_TRUE(wire::read_cookie(packet, sizeof packet, cookie));
    return cookie;
  }

  Init signed_with(const wire::Cookie& cookie, Init init) {
    InitGuard::sign_mac2(cookie.cookie, init.data());
    return init;
  }

  // How many handshakes are let through now, with a cookie or without.
  uint32_t admitted(Time now, const PathAddress& from, bool proven = true) {
    uint32_t count = 0;
    while (count < 100 * kRate && admit(now, from, proven)) count++;
    return count;
  }
  bool admit(Time now, const PathAddress& from, bool proven) {
    return proven ? guard_.admit_proven(now, from) : guard_.admit_unproven(now, from);
  }

  sim::SimMemory memory_{1};
  sim::SimRandom random_{1, 1};
  uint8_t key_[crypto::SipHash::kKeyBytes] = {};
  // All together may have far more without a cookie than any test of one address takes.
  InitGuard guard_{memory_, random_, kRate, 1'000'000};
};

TEST_F(Guard, Mac1CoversEveryByteBeforeItAndNothingBehind) {
  Init init = make_init();
  ASSERT_TRUE(guard_.mac1_valid(init.data()));
  const auto end = static_cast<size_t>(wire::init_mac2(init.data()) - init.data());
  for (size_t i = 0; i < init.size(); i++) {
    for (const uint8_t bit : {0x01, 0x80}) {
      init[i] ^= bit;
      EXPECT_EQ(guard_.mac1_valid(init.data()), i >= end) << i;
      init[i] ^= bit;
    }
  }
}

TEST_F(Guard, Mac1NeedsTheRespondersKey) {
  Init init = make_init();
  uint8_t other[sizeof key_];
  std::memcpy(other, key_, sizeof other);
  for (uint8_t& byte : other) {
    byte ^= 1;
    InitGuard::sign_mac1(other, init.data());
    EXPECT_FALSE(guard_.mac1_valid(init.data()));
    byte ^= 1;
  }
}

TEST_F(Guard, Mac2CoversEveryByteBeforeItMac1Included) {
  const PathAddress from = address(7);
  Init init = make_init();
  init = signed_with(cookie_for(kSecond, from, init), init);
  ASSERT_TRUE(guard_.mac2_valid(kSecond, from, init.data()));
  for (uint8_t& byte : init) {
    byte ^= 0x10;
    EXPECT_FALSE(guard_.mac2_valid(kSecond, from, init.data()));
    byte ^= 0x10;
  }
}

TEST_F(Guard, ACookieIsForOneAddressAlone) {
  PathAddress from = address(7);
  Init init = make_init();
  init = signed_with(cookie_for(kSecond, from, init), init);
  // The port too, and whatever else the address is made of.
  for (uint8_t& byte : from.bytes) {
    byte ^= 1;
    EXPECT_FALSE(guard_.mac2_valid(kSecond, from, init.data()));
    byte ^= 1;
  }
  EXPECT_TRUE(guard_.mac2_valid(kSecond, from, init.data()));
}

TEST_F(Guard, ACookieIsGoodForEveryInitOfItsAddress) {
  const PathAddress from = address(7);
  const wire::Cookie cookie = cookie_for(kSecond, from, make_init());
  for (int i = 0; i < 10; i++) {
    EXPECT_TRUE(guard_.mac2_valid(kSecond, from, signed_with(cookie, make_init()).data()));
  }
}

TEST_F(Guard, WithoutACookieNothingIsValid) {
  const PathAddress from = address(7);
  Init init = make_init();
  EXPECT_FALSE(guard_.mac2_valid(kSecond, from, init.data()));
  // Nor with the cookie that an all-zero secret gives.
  const wire::Cookie zeros{};
  EXPECT_FALSE(guard_.mac2_valid(kSecond, from, signed_with(zeros, init).data()));
}

TEST_F(Guard, CookiesLiveTwoMinutesAndAtMostFour) {
  // Whenever the secret was made, whenever the cookie is asked for, and however often somebody asks
  // in between: what is asked renews the secrets.
  constexpr Duration kLife = InitGuard::kCookieLife;
  for (uint64_t luck = 0; luck < 400; luck++) {
    InitGuard guard(memory_, random_, kRate, kRate);
    guard.set_mac_key(key_);
    const PathAddress from = address(7);
    const Init init = make_init();
    uint8_t packet[wire::kCookiePacketBytes];
    const Time begin = kSecond + static_cast<Time>(random_.next() % (500 * kSecond));
    guard.write_cookie(begin, from, init.data(), packet);
    const Time asked = begin + static_cast<Time>(random_.next() % (300 * kSecond));
    guard.write_cookie(asked, from, init.data(), packet);
    wire::Cookie cookie{};
    ASSERT_TRUE(wire::read_cookie(packet, sizeof packet, cookie));
    const Init answer = signed_with(cookie, init);
    Time now = asked;
    while (now < asked + 4 * kLife) {
      const bool valid = guard.mac2_valid(now, from, answer.data());
      EXPECT_TRUE(valid || now - asked > kLife) << luck;
      EXPECT_TRUE(!valid || now - asked < 2 * kLife) << luck;
      // From every few seconds to hardly ever.
      now += static_cast<Duration>(
          random_.next() % static_cast<uint64_t>(kLife * static_cast<int>(1 + luck % 4) / 2));
    }
  }
}

TEST_F(Guard, ACookieIsStillGoodAtTheEndOfItsTimeWhenNobodyAskedInBetween) {
  const PathAddress from = address(7);
  const Init init = make_init();
  constexpr Duration kLife = InitGuard::kCookieLife;
  (void)cookie_for(kSecond, from, init);
  // One nanosecond before the secret is renewed.
  const Time asked = kSecond + kLife - 1;
  const wire::Cookie cookie = cookie_for(asked, from, init);
  EXPECT_TRUE(guard_.mac2_valid(asked + kLife, from, signed_with(cookie, init).data()));
}

TEST_F(Guard, ACookieIsNotKeptAliveByAskingLate) {
  const PathAddress from = address(7);
  const Init init = make_init();
  constexpr Duration kLife = InitGuard::kCookieLife;
  const Init answer = signed_with(cookie_for(kSecond, from, init), init);
  // The secret gets its successor late, and is the older one from then on.
  ASSERT_TRUE(guard_.mac2_valid(kSecond + 2 * kLife - 1, from, answer.data()));
  EXPECT_FALSE(guard_.mac2_valid(kSecond + 2 * kLife, from, answer.data()));
  EXPECT_FALSE(guard_.mac2_valid(kSecond + 3 * kLife - 2, from, answer.data()));
}

TEST_F(Guard, ACookiePacketIsForTheInitThatItAnswers) {
  const PathAddress from = address(7);
  const Init init = make_init();
  const wire::Cookie cookie = cookie_for(kSecond, from, init);
  wire::InitHeader header{};
  ASSERT_TRUE(wire::read_init_header(init.data(), init.size(), header));
  EXPECT_EQ(cookie.destination, header.source);
  EXPECT_TRUE(InitGuard::cookie_valid(key_, init.data(), cookie));
  EXPECT_FALSE(InitGuard::cookie_valid(key_, make_init().data(), cookie));
  uint8_t other[sizeof key_];
  std::memcpy(other, key_, sizeof other);
  other[3] ^= 4;
  EXPECT_FALSE(InitGuard::cookie_valid(other, init.data(), cookie));
  // mac1 is what names the INIT; the rest of it is not looked at.
  Init changed = init;
  wire::init_mac1(changed.data())[5] ^= 1;
  EXPECT_FALSE(InitGuard::cookie_valid(key_, changed.data(), cookie));
}

TEST_F(Guard, NoByteOfACookiePacketMayChange) {
  const Init init = make_init();
  uint8_t packet[wire::kCookiePacketBytes];
  guard_.write_cookie(kSecond, address(7), init.data(), packet);
  for (uint8_t& byte : packet) {
    byte ^= 0x40;
    wire::Cookie cookie{};
    const bool taken = wire::read_cookie(packet, sizeof packet, cookie) &&
                       InitGuard::cookie_valid(key_, init.data(), cookie);
    EXPECT_FALSE(taken);
    byte ^= 0x40;
  }
}

// --- The rates.

TEST_F(Guard, SoManyAtOnceAndThenAtTheRate) {
  const PathAddress from = address(7);
  for (const bool proven : {true, false}) {
    Time now = kSecond;
    EXPECT_EQ(admitted(now, from, proven), kRate);
    now += kSecond / kRate - 1;
    EXPECT_EQ(admitted(now, from, proven), 0u);
    now += 1;
    EXPECT_EQ(admitted(now, from, proven), 1u);
    now += kSecond / 2;
    EXPECT_EQ(admitted(now, from, proven), kRate / 2);
    now += kSecond;
    EXPECT_EQ(admitted(now, from, proven), kRate);
    now += 1000 * kSecond;
    EXPECT_EQ(admitted(now, from, proven), kRate);
  }
}

TEST_F(Guard, WhoHasNoCookieTakesNothingFromWhoHasOne) {
  const PathAddress from = address(7);
  Time now = kSecond;
  for (int i = 0; i < 50; i++) {
    // All that the address has without a cookie, and far more.
    EXPECT_LE(admitted(now, from, false), kRate);
    EXPECT_FALSE(guard_.admit_unproven(now, from));
    EXPECT_EQ(admitted(now, from, true), kRate);
    now += kSecond;
  }
  // Nor the other way round, nor does a session that renews its keys.
  EXPECT_EQ(admitted(now, from, true), kRate);
  EXPECT_TRUE(guard_.admit_renewal(now, from));
  EXPECT_EQ(admitted(now, from, false), kRate);
}

TEST_F(Guard, AddressesThatAreMadeUpPushOutNobodyWithACookie) {
  const PathAddress from = address(7);
  ASSERT_EQ(admitted(kSecond, from), kRate);
  for (uint32_t source = 1000; source < 1000 + 20 * RateTable::kPlaces; source++) {
    ASSERT_TRUE(guard_.admit_unproven(kSecond, address(source)));
  }
  EXPECT_FALSE(guard_.admit_proven(kSecond, from));
}

TEST_F(Guard, NobodyGetsMoreThanTheRateByAskingAllTheTime) {
  const PathAddress from = address(7);
  const Time begin = kSecond;
  constexpr int kSeconds = 20;
  for (const bool proven : {true, false}) {
    uint32_t taken = 0;
    for (Time now = begin; now < begin + kSeconds * kSecond; now += kMillisecond * 7 / 3) {
      taken += admit(now, from, proven) ? 1 : 0;
    }
    EXPECT_LE(taken, kRate * (kSeconds + 1));
    EXPECT_GE(taken, kRate * kSeconds);
  }
}

TEST_F(Guard, ThePortIsNotPartOfTheSource) {
  for (const bool proven : {true, false}) {
    EXPECT_EQ(admitted(kSecond, address(7, 1), proven), kRate);
    EXPECT_EQ(admitted(kSecond, address(7, 2), proven), 0u);
    // Each of the first eight bytes is.
    for (size_t i = 0; i < PathAddress::kSourceBytes; i++) {
      PathAddress from = address(7, 1);
      from.bytes[i] ^= 0x20;
      EXPECT_EQ(admitted(kSecond, from, proven), kRate) << i;
    }
  }
}

TEST_F(Guard, FullTableGivesMoreAndNeverLess) {
  // Far more sources than places: everybody still gets at least what is due, and the memory stays.
  for (const bool proven : {true, false}) {
    ASSERT_TRUE(admit(kSecond, address(0), proven));
    const size_t before = memory_.in_use();
    for (int round = 0; round < 3; round++) {
      for (uint32_t source = 1; source <= 20 * RateTable::kPlaces; source++) {
        ASSERT_TRUE(admit(kSecond + round, address(source), proven)) << source;
      }
    }
    EXPECT_EQ(memory_.in_use(), before);
  }
}

TEST_F(Guard, WithoutMemoryNobodyIsLetThroughAndItIsTriedAgain) {
  for (const bool proven : {true, false}) {
    memory_.fail_after(0, 1);
    EXPECT_FALSE(admit(kSecond, address(7), proven));
    EXPECT_TRUE(admit(kSecond, address(7), proven));
  }
}

TEST_F(Guard, LargestRateDoesNotOverflow) {
  InitGuard guard(memory_, random_, UINT32_MAX, UINT32_MAX);
  for (int i = 0; i < 1000; i++) {
    EXPECT_TRUE(guard.admit_proven(kSecond + i * (kSecond - 1), address(7)));
    EXPECT_TRUE(guard.admit_unproven(kSecond + i * (kSecond - 1), address(7)));
  }
}

TEST_F(Guard, NoRateNoHandshakes) {
  InitGuard guard(memory_, random_, 0, 0);
  for (const Time now : {kSecond, 100 * kSecond}) {
    EXPECT_FALSE(guard.admit_proven(now, address(7)));
    EXPECT_FALSE(guard.admit_unproven(now, address(7)));
  }
}

TEST_F(Guard, AdmitsAFewWithoutCookieInASecondWhereverTheyAreFrom) {
  InitGuard guard(memory_, random_, UINT32_MAX, 5);
  const Time start = 100 * kSecond;
  uint32_t source = 0;
  const auto admit = [&](Time now) { return guard.admit_unproven(now, address(++source)); };
  for (int i = 0; i < 5; i++) EXPECT_TRUE(admit(start)) << i;
  EXPECT_FALSE(admit(start));
  EXPECT_FALSE(admit(start + kSecond / 6));
  EXPECT_TRUE(admit(start + kSecond / 2));
  for (int i = 0; i < 5; i++) EXPECT_TRUE(admit(start + 3 * kSecond)) << i;
  EXPECT_FALSE(admit(start + 3 * kSecond));
  EXPECT_TRUE(guard.admit_proven(start + 3 * kSecond, address(source)));
}

TEST_F(Guard, AnAddressThatHasUsedUpItsOwnTakesNothingFromTheOthers) {
  InitGuard guard(memory_, random_, 2, 5);
  const Time now = 100 * kSecond;
  for (int i = 0; i < 1000; i++) EXPECT_EQ(guard.admit_unproven(now, address(7)), i < 2);
  for (int i = 0; i < 3; i++) EXPECT_TRUE(guard.admit_unproven(now, address(8 + i)));
}

}  // namespace
}  // namespace hawser::transport
