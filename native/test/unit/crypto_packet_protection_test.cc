#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "crypto/aead_packet_protection.h"
#include "crypto_protection_support.h"

namespace hawser::crypto {
namespace {

using testing::Bytes;
using testing::Case;
using testing::Ends;
using testing::opened;
using testing::Opened;
using testing::passed;
using testing::plain_packet;
using testing::sealed_packet;

constexpr size_t kLeast = wire::kPacketOverhead;

class CryptoPacketProtection : public ::testing::TestWithParam<AeadSuite> {
 protected:
  Ends ends_ = Ends(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Suites, CryptoPacketProtection, ::testing::ValuesIn(testing::kBothSuites));

// --- Trains
// ----------------------------------------------------------------------------------------

void check_train(Ends* ends, size_t count, size_t segment, size_t last, uint64_t first_number) {
  SCOPED_TRACE(std::to_string(count) + " packets of " + std::to_string(segment) + ", the last of " +
               std::to_string(last));
  Bytes train;
  std::vector<uint64_t> numbers;
  for (size_t i = 0; i < count; i++) {
    // With gaps, as a sender may leave them.
    numbers.push_back(first_number + i * 3);
    const Bytes packet = plain_packet(numbers[i], i + 1 < count ? segment : last);
    train.insert(train.end(), packet.begin(), packet.end());
  }
  const Bytes plain = train;
  ASSERT_TRUE(ends->initiator.seal(train.data(), train.size(), segment, numbers.data()));
  for (size_t i = 0; i < count; i++) {
    const size_t length = i + 1 < count ? segment : last;
    const auto at = static_cast<ptrdiff_t>(i * segment);
    Bytes packet(train.begin() + at, train.begin() + at + static_cast<ptrdiff_t>(length));
    ASSERT_TRUE(ends->responder.unmask(packet.data(), packet.size()));
    ASSERT_EQ(ends->responder.open(numbers[i], packet.data(), packet.size()), Opened::kYes) << i;
    // The header as well, which is in clear again.
    packet.resize(length - wire::kTagBytes);
    ASSERT_EQ(packet,
              Bytes(plain.begin() + at, plain.begin() + at + static_cast<ptrdiff_t>(length) -
                                            static_cast<ptrdiff_t>(wire::kTagBytes)))
        << i;
  }
}

TEST_P(CryptoPacketProtection, OpensEveryTrainItSealed) {
  uint64_t number = (uint64_t{1} << 32) - 500;
  for (const size_t count : {1, 2, 3, 16, 63, 64, 65, 128, 131}) {
    for (const size_t segment : {kLeast, kLeast + 1, kLeast + 2, size_t{100}, size_t{1200}}) {
      for (const size_t last : {kLeast, kLeast + 1, segment - 1, segment}) {
        if (last < kLeast || last > segment) continue;
        ASSERT_NO_FATAL_FAILURE(check_train(&ends_, count, segment, last, number));
        number += count * 3;
      }
    }
  }
  ASSERT_NO_FATAL_FAILURE(check_train(&ends_, 1, 32768, 32768, number));
  ASSERT_NO_FATAL_FAILURE(check_train(&ends_, 2, wire::kMaxDatagram, wire::kMaxDatagram, number));
  // A segment that says more than there is, as for a packet alone.
  ASSERT_NO_FATAL_FAILURE(check_train(&ends_, 1, 2000, 70, number));
}

TEST_P(CryptoPacketProtection, RefusesTrainsWithPacketsThatAreTooShort) {
  const std::vector<uint64_t> numbers(8, 1);
  for (const auto& [length, segment] :
       std::vector<std::pair<size_t, size_t>>{{kLeast - 1, kLeast - 1},
                                              {4, 1200},
                                              {2 * kLeast, kLeast - 1},
                                              {100, 0},
                                              {1200 + kLeast - 1, 1200},
                                              {1201, 1200}}) {
    Bytes train(length, 7);
    EXPECT_FALSE(ends_.initiator.seal(train.data(), length, segment, numbers.data())) << length;
    EXPECT_EQ(train, Bytes(length, 0)) << "nothing of it may be sent";
  }
  EXPECT_FALSE(ends_.initiator.seal(nullptr, 0, 1200, numbers.data()));
  EXPECT_EQ(passed(&ends_.initiator, &ends_.responder, 1), Opened::kYes);
}

TEST_P(CryptoPacketProtection, DoesNothingWithoutKeys) {
  AeadPacketProtection none;
  Bytes packet(100, 7);
  const uint64_t number = 1;
  EXPECT_FALSE(none.unmask(packet.data(), packet.size()));
  EXPECT_NE(none.open(1, packet.data(), packet.size()), Opened::kYes);
  EXPECT_FALSE(none.seal(packet.data(), packet.size(), packet.size(), &number));
  EXPECT_FALSE(none.update());
  EXPECT_FALSE(none.mix(packet.data()));
  EXPECT_EQ(none.memory_bytes(), 0u);
}

// --- What others see
// -------------------------------------------------------------------------------

TEST_P(CryptoPacketProtection, HidesFlagsAndNumbers) {
  constexpr size_t kPackets = 1000;
  size_t flag_bits[4] = {};
  size_t number_bits[32] = {};
  std::set<uint32_t> shown;
  std::set<uint32_t> steps;
  uint32_t previous = 0;
  for (uint64_t number = 0; number < kPackets; number++) {
    const Bytes packet = sealed_packet(&ends_.initiator, number, 60);
    EXPECT_EQ(packet[0] & 0xf0, 0x80);
    EXPECT_EQ(wire::load_u64(packet.data() + 1), testing::kConnection);
    const uint32_t now = wire::load_u32(packet.data() + 9);
    for (size_t bit = 0; bit < 4; bit++) flag_bits[bit] += packet[0] >> bit & 1;
    for (size_t bit = 0; bit < 32; bit++) number_bits[bit] += now >> bit & 1;
    shown.insert(now);
    steps.insert(now - previous);
    previous = now;
  }
  // Each bit is as a coin: 6 standard deviations.
  for (const size_t ones : flag_bits) EXPECT_NEAR(static_cast<double>(ones), 500, 95);
  for (const size_t ones : number_bits) EXPECT_NEAR(static_cast<double>(ones), 500, 95);
  // Nor is there a step by which neighbours are known.
  EXPECT_GT(shown.size(), kPackets - 3);
  EXPECT_GT(steps.size(), kPackets - 3);
}

TEST_P(CryptoPacketProtection, SealsTheSameTextDifferently) {
  const Bytes frames(60, 0x42);
  std::set<Bytes> sealed;
  for (uint64_t number = 0; number < 100; number++) {
    for (AeadPacketProtection* by : {&ends_.initiator, &ends_.responder}) {
      Bytes packet = plain_packet(number, kLeast + frames.size());
      std::copy(frames.begin(), frames.end(), packet.begin() + wire::kHeaderBytes);
      ASSERT_TRUE(by->seal(packet.data(), packet.size(), packet.size(), &number));
      sealed.insert(Bytes(packet.begin() + wire::kHeaderBytes, packet.begin() + 40));
    }
  }
  EXPECT_EQ(sealed.size(), 200u);
}

// --- What others send
// ------------------------------------------------------------------------------

// With the number that was meant, and with that which the changed header says.
TEST_P(CryptoPacketProtection, RefusesEveryChangedBit) {
  uint64_t number = 0x1234567890;
  for (const bool after_update : {false, true}) {
    if (after_update) {
      ASSERT_NO_FATAL_FAILURE(ends_.advance(++number));
    }
    for (const bool to_responder : {true, false}) {
      AeadPacketProtection* from = to_responder ? &ends_.initiator : &ends_.responder;
      AeadPacketProtection* to = to_responder ? &ends_.responder : &ends_.initiator;
      const Bytes packet = sealed_packet(from, ++number, kLeast + 5);
      for (size_t bit = 0; bit < packet.size() * 8; bit++) {
        Bytes changed = packet;
        changed[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
        ASSERT_EQ(opened(to, number, changed), Opened::kForged) << bit;
        Bytes unmasked = changed;
        ASSERT_TRUE(to->unmask(unmasked.data(), unmasked.size()));
        const uint64_t said = (number >> 32 << 32) | wire::load_u32(unmasked.data() + 9);
        ASSERT_EQ(opened(to, said, changed), Opened::kForged) << bit;
      }
      EXPECT_EQ(opened(to, number, packet), Opened::kYes);
    }
  }
}

TEST_P(CryptoPacketProtection, RefusesOtherLengthsNumbersAndDirections) {
  const Bytes packet = sealed_packet(&ends_.initiator, 7, 90);
  for (size_t length = 0; length < 110; length++) {
    if (length == packet.size()) continue;
    Bytes cut = packet;
    cut.resize(length);
    if (length < kLeast) {
      EXPECT_FALSE(ends_.responder.unmask(cut.data(), length));
      EXPECT_EQ(ends_.responder.open(7, cut.data(), length), Opened::kForged);
    } else {
      EXPECT_EQ(opened(&ends_.responder, 7, cut), Opened::kForged) << length;
    }
  }
  for (const uint64_t number : {uint64_t{6}, uint64_t{8}, uint64_t{7} + (uint64_t{1} << 32),
                                uint64_t{7} + (uint64_t{1} << 63)}) {
    EXPECT_EQ(opened(&ends_.responder, number, packet), Opened::kForged) << number;
  }
  EXPECT_EQ(opened(&ends_.initiator, 7, packet), Opened::kForged) << "our own";
  Ends others(GetParam(), {}, Secret<32>(Bytes(32, 1).data()), Secret<32>(Bytes(32, 2).data()));
  EXPECT_EQ(opened(&others.responder, 7, packet), Opened::kForged);
  Bytes shown = packet;
  EXPECT_EQ(ends_.responder.open(7, shown.data(), shown.size()), Opened::kForged) << "not unmasked";
  EXPECT_EQ(opened(&ends_.responder, 7, packet), Opened::kYes);
}

// --- Limits
// ----------------------------------------------------------------------------------------

TEST_P(CryptoPacketProtection, SealsNoMoreThanTheLimitOfAnEpoch) {
  ProtectionLimits limits;
  limits.sealed_in_epoch = 10;
  Ends ends(GetParam(), limits);
  uint64_t number = 0;
  for (int epoch = 0; epoch < 3; epoch++) {
    // advance() has used one of each side.
    const uint64_t left = epoch == 0 ? 10 : 9;
    for (AeadPacketProtection* by : {&ends.initiator, &ends.responder}) {
      std::vector<uint64_t> numbers;
      for (uint64_t i = 0; i <= left; i++) numbers.push_back(number++);
      Bytes train((left + 1) * 50, 1);
      EXPECT_FALSE(by->seal(train.data(), train.size(), 50, numbers.data())) << "one too many";
      EXPECT_EQ(train, Bytes(train.size(), 0));
      EXPECT_TRUE(by->seal(train.data(), left * 50, 50, numbers.data()));
      EXPECT_FALSE(by->seal(train.data(), 50, 50, &numbers[left]));
      EXPECT_FALSE(by->seal(train.data(), 50, 50, &numbers[left])) << "nor the next time";
    }
    ends.advance(number++);
  }
}

TEST_P(CryptoPacketProtection, EndsWithTooManyForgedPackets) {
  const bool gcm = GetParam() == AeadSuite::kAes256Gcm;
  ProtectionLimits limits;
  (gcm ? limits.forged_aes_gcm : limits.forged_chacha20_poly1305) = 5;
  (gcm ? limits.forged_chacha20_poly1305 : limits.forged_aes_gcm) = 2;
  Ends ends(GetParam(), limits);
  Bytes changed = sealed_packet(&ends.initiator, 1);
  changed.back() ^= 1;
  for (int i = 0; i < 2; i++) EXPECT_EQ(opened(&ends.responder, 1, changed), Opened::kForged);
  // Whatever was wrong, in whatever epoch.
  ends.advance(2);
  Bytes little(10, 1);
  EXPECT_EQ(ends.responder.open(1, little.data(), little.size()), Opened::kForged);
  EXPECT_EQ(passed(&ends.initiator, &ends.responder, 3), Opened::kYes);
  ends.responder.park();
  EXPECT_EQ(opened(&ends.responder, 4, changed), Opened::kForged);
  EXPECT_EQ(opened(&ends.responder, 4, changed), Opened::kExhausted);
  EXPECT_EQ(opened(&ends.responder, 4, changed), Opened::kExhausted);
  EXPECT_EQ(passed(&ends.initiator, &ends.responder, 5), Opened::kExhausted) << "genuine, too late";
  EXPECT_EQ(passed(&ends.responder, &ends.initiator, 6), Opened::kYes) << "the other is as it was";
}

TEST_P(CryptoPacketProtection, HasTheLimitsOfTheRfc) {
  const ProtectionLimits limits;
  EXPECT_EQ(limits.update_after, 1048576u);
  EXPECT_EQ(limits.sealed_in_epoch, 8388608u);
  EXPECT_EQ(limits.forged_aes_gcm, 4503599627370496u);
  EXPECT_EQ(limits.forged_chacha20_poly1305, 68719476736u);
}

// --- Memory
// ----------------------------------------------------------------------------------------

TEST_P(CryptoPacketProtection, GivesBackWhatItCanMakeAgain) {
  const size_t whole = ends_.initiator.memory_bytes();
  EXPECT_GT(whole, 1000u);
  EXPECT_LT(whole, 10000u);
  ends_.initiator.park();
  EXPECT_EQ(ends_.initiator.memory_bytes(), 0u);
  const Bytes sealed = sealed_packet(&ends_.initiator, 1);
  const size_t sending = ends_.initiator.memory_bytes();
  EXPECT_GT(sending, 0u);
  EXPECT_LT(sending, whole);
  ends_.responder.park();
  EXPECT_EQ(opened(&ends_.responder, 1, sealed), Opened::kYes);
  EXPECT_EQ(passed(&ends_.responder, &ends_.initiator, 2), Opened::kYes);
  EXPECT_EQ(ends_.initiator.memory_bytes(), whole);
  // With the previous epoch there is one context more.
  ends_.advance(3);
  EXPECT_EQ(passed(&ends_.initiator, &ends_.responder, 4), Opened::kYes);
  EXPECT_GT(ends_.initiator.memory_bytes(), whole);
  ends_.initiator.forget_previous();
  EXPECT_EQ(ends_.initiator.memory_bytes(), whole);
}

// --- Known answers
// ---------------------------------------------------------------------------------

void check_case(const Case& one) {
  const AeadSuite suite =
      one.word("suite") == "aes-256-gcm" ? AeadSuite::kAes256Gcm : AeadSuite::kChaCha20Poly1305;
  const Secret<32> initiator(one.bytes("initiator").data());
  const Secret<32> responder(one.bytes("responder").data());
  const Secret<32> fresh_initiator(one.bytes("fresh_initiator").data());
  const Secret<32> fresh_responder(one.bytes("fresh_responder").data());
  TrafficSecret fresh;
  TrafficSecret fresh_there;
  ASSERT_TRUE(fresh_secret(true, fresh_initiator, fresh_responder, &fresh));
  ASSERT_TRUE(fresh_secret(false, fresh_responder, fresh_initiator, &fresh_there));
  const Bytes mixed(fresh.data(), fresh.data() + fresh.size());
  EXPECT_EQ(mixed, one.bytes("fresh"));
  EXPECT_TRUE(fresh.equals(fresh_there));

  Ends ends(suite, {}, initiator, responder);
  const uint64_t epoch = std::stoull(one.word("epoch"));
  for (uint64_t now = 0; now < epoch; now++) {
    ASSERT_TRUE(now != 1 || ends.mix(mixed));
    ASSERT_TRUE(now != 2 || ends.mix(Bytes(mixed.rbegin(), mixed.rend())));
    ASSERT_NO_FATAL_FAILURE(ends.advance(now + 1));
  }
  const bool by_initiator = one.word("sender") == "initiator";
  AeadPacketProtection* from = by_initiator ? &ends.initiator : &ends.responder;
  AeadPacketProtection* to = by_initiator ? &ends.responder : &ends.initiator;
  const uint64_t number = std::stoull(one.word("number"), nullptr, 16);
  const Bytes frames = one.bytes("frames");
  Bytes packet =
      plain_packet(number, kLeast + frames.size(), std::stoull(one.word("id"), nullptr, 16));
  std::copy(frames.begin(), frames.end(), packet.begin() + wire::kHeaderBytes);
  ASSERT_TRUE(from->seal(packet.data(), packet.size(), packet.size(), &number));
  EXPECT_EQ(packet, one.bytes("packet"));
  ASSERT_TRUE(to->unmask(packet.data(), packet.size()));
  ASSERT_EQ(to->open(number, packet.data(), packet.size()), Opened::kYes);
  EXPECT_EQ(testing::frames_of(packet), frames);
}

TEST(CryptoPacketProtectionVectors, AreWhatAnotherImplementationMakes) {
  testing::run_cases(testing::vector_file("packet_protection.txt"), 48, check_case);
}

}  // namespace
}  // namespace hawser::crypto
