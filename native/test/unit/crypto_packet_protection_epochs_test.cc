#include <gtest/gtest.h>

#include "crypto/aead_packet_protection.h"
#include "crypto_protection_support.h"

namespace hawser::crypto {
namespace {

using testing::Bytes;
using testing::Ends;
using testing::opened;
using testing::Opened;
using testing::passed;
using testing::sealed_packet;

class CryptoPacketEpochs : public ::testing::TestWithParam<AeadSuite> {
 protected:
  CryptoPacketEpochs() {
    // The same keys, but it begins epochs as it likes.
    EXPECT_TRUE(rogue_.init(GetParam(), true, Secret<32>(Bytes(32, 0x52).data()),
                            Secret<32>(Bytes(32, 0x51).data()), {}));
  }

  Ends ends_ = Ends(GetParam());
  AeadPacketProtection& initiator_ = ends_.initiator;
  AeadPacketProtection& responder_ = ends_.responder;
  // A responder that takes itself for an initiator.
  AeadPacketProtection rogue_;
};

INSTANTIATE_TEST_SUITE_P(Suites, CryptoPacketEpochs, ::testing::ValuesIn(testing::kBothSuites));

TEST_P(CryptoPacketEpochs, AreBegunByTheInitiatorAndFollowedByTheResponder) {
  EXPECT_EQ(initiator_.epoch(), 0u);
  EXPECT_FALSE(initiator_.updating());
  EXPECT_FALSE(responder_.update());
  EXPECT_EQ(responder_.epoch(), 0u);

  const Bytes late = sealed_packet(&responder_, 4);
  ASSERT_TRUE(initiator_.update());
  EXPECT_EQ(initiator_.epoch(), 1u);
  EXPECT_TRUE(initiator_.updating());
  EXPECT_FALSE(initiator_.update()) << "one at a time";
  EXPECT_EQ(initiator_.epoch(), 1u);

  // The responder has not heard of it.
  EXPECT_EQ(passed(&responder_, &initiator_, 5), Opened::kYes);
  EXPECT_TRUE(initiator_.updating());
  EXPECT_EQ(passed(&initiator_, &responder_, 5), Opened::kYes);
  EXPECT_EQ(responder_.epoch(), 1u);
  EXPECT_FALSE(responder_.updating());
  EXPECT_EQ(passed(&responder_, &initiator_, 6), Opened::kYes);
  EXPECT_FALSE(initiator_.updating());
  EXPECT_EQ(opened(&initiator_, 4, late), Opened::kYes);
  EXPECT_FALSE(initiator_.updating()) << "a late packet takes nothing back";
  EXPECT_FALSE(responder_.update());
}

TEST_P(CryptoPacketEpochs, ShowInThePhaseBit) {
  for (uint64_t epoch = 0; epoch < 4; epoch++) {
    Bytes packet = sealed_packet(&initiator_, epoch * 10 + 1);
    ASSERT_TRUE(responder_.unmask(packet.data(), packet.size()));
    EXPECT_EQ(packet[0], 0x80 | (epoch & 1));
    ASSERT_NO_FATAL_FAILURE(ends_.advance(epoch * 10 + 2));
  }
  // What the caller left in the bit does not matter.
  uint64_t number = 99;
  Bytes packet = testing::plain_packet(number, 60);
  packet[0] |= kKeyPhaseBit;
  ASSERT_TRUE(initiator_.seal(packet.data(), packet.size(), packet.size(), &number));
  ASSERT_TRUE(responder_.unmask(packet.data(), packet.size()));
  EXPECT_EQ(packet[0], 0x80);
}

TEST_P(CryptoPacketEpochs, OpenInAnyOrder) {
  for (uint64_t epoch = 0; epoch < 3; epoch++) {
    const uint64_t base = 1000 * epoch;
    std::vector<Bytes> packets;
    for (uint64_t number = base; number < base + 4; number++) {
      packets.push_back(sealed_packet(&initiator_, number));
    }
    ASSERT_TRUE(initiator_.update());
    for (uint64_t number = base + 4; number < base + 8; number++) {
      packets.push_back(sealed_packet(&initiator_, number));
    }
    // New ones: the epoch does not begin with the first packet of it that comes. Then old and new
    // ones in turns.
    for (const uint64_t at : {1, 6, 3, 4, 0, 7, 2, 5, 3, 6}) {
      ASSERT_EQ(opened(&responder_, base + at, packets[at]), Opened::kYes) << at;
    }
    EXPECT_EQ(responder_.epoch(), epoch + 1);
    ASSERT_EQ(passed(&responder_, &initiator_, epoch), Opened::kYes);
  }
}

TEST_P(CryptoPacketEpochs, MayBeginBeforeAnythingWasOpened) {
  const Bytes late = sealed_packet(&initiator_, 10);
  ASSERT_TRUE(initiator_.update());
  EXPECT_EQ(passed(&initiator_, &responder_, 11), Opened::kYes);
  EXPECT_EQ(opened(&responder_, 10, late), Opened::kYes);
  EXPECT_EQ(passed(&responder_, &initiator_, 0), Opened::kYes);
  EXPECT_FALSE(initiator_.updating());
}

TEST_P(CryptoPacketEpochs, AreForgotten) {
  const Bytes first = sealed_packet(&initiator_, 1);
  const Bytes second = sealed_packet(&initiator_, 2);
  const Bytes third = sealed_packet(&initiator_, 3);
  ends_.advance(10);
  EXPECT_EQ(opened(&responder_, 1, first), Opened::kYes);
  responder_.forget_previous();
  EXPECT_EQ(opened(&responder_, 2, second), Opened::kForged);
  const Bytes of_one = sealed_packet(&initiator_, 11);
  // Also by the update that comes next, and then two epochs have the same phase.
  ends_.advance(20);
  EXPECT_EQ(opened(&responder_, 11, of_one), Opened::kYes);
  EXPECT_EQ(opened(&responder_, 3, third), Opened::kForged);
  EXPECT_EQ(passed(&initiator_, &responder_, 21), Opened::kYes);
  EXPECT_EQ(opened(&responder_, 11, of_one), Opened::kYes);
  EXPECT_EQ(responder_.epoch(), 2u);
}

// The same with a previous epoch, which has the phase of the upcoming one.
TEST_P(CryptoPacketEpochs, AreToldApartByTheirNumbers) {
  const Bytes old = sealed_packet(&initiator_, 5);
  ends_.advance(10);
  EXPECT_EQ(passed(&initiator_, &responder_, 20), Opened::kYes);
  const Bytes other_old = sealed_packet(&responder_, 11);
  ASSERT_TRUE(initiator_.update());
  // Numbers within the epoch that is there: of neither neighbour, although the keys would fit.
  const Bytes between = sealed_packet(&initiator_, 15);
  const Bytes at_lowest = sealed_packet(&initiator_, 10);
  const Bytes at_highest = sealed_packet(&initiator_, 20);
  EXPECT_EQ(opened(&responder_, 15, between), Opened::kForged);
  EXPECT_EQ(opened(&responder_, 10, at_lowest), Opened::kForged);
  EXPECT_EQ(opened(&responder_, 20, at_highest), Opened::kForged);
  EXPECT_EQ(responder_.epoch(), 1u);
  EXPECT_EQ(opened(&responder_, 5, old), Opened::kYes);
  EXPECT_EQ(passed(&initiator_, &responder_, 21), Opened::kYes);
  EXPECT_EQ(responder_.epoch(), 2u);
  EXPECT_EQ(opened(&initiator_, 11, other_old), Opened::kYes) << "still the present one there";
  EXPECT_EQ(passed(&responder_, &initiator_, 12), Opened::kYes);
  EXPECT_EQ(opened(&initiator_, 11, other_old), Opened::kYes);
}

TEST_P(CryptoPacketEpochs, AreNotBegunByForgedPackets) {
  EXPECT_EQ(passed(&initiator_, &responder_, 1), Opened::kYes);
  Bytes flipped = sealed_packet(&initiator_, 2);
  ASSERT_TRUE(responder_.unmask(flipped.data(), flipped.size()));
  flipped[0] ^= kKeyPhaseBit;
  for (int i = 0; i < 10; i++) {
    Bytes copy = flipped;
    EXPECT_EQ(responder_.open(2 + static_cast<uint64_t>(i), copy.data(), copy.size()),
              Opened::kForged);
    EXPECT_TRUE(testing::content_gone(copy));
    EXPECT_EQ(responder_.epoch(), 0u);
  }
  EXPECT_EQ(passed(&initiator_, &responder_, 3), Opened::kYes);
  EXPECT_EQ(passed(&responder_, &initiator_, 4), Opened::kYes);
  // What was made for the attempt serves the genuine update.
  ends_.advance(5);
}

TEST_P(CryptoPacketEpochs, AreNotBegunByTheResponder) {
  EXPECT_EQ(passed(&rogue_, &initiator_, 1), Opened::kYes);
  ASSERT_TRUE(rogue_.update());
  EXPECT_EQ(passed(&rogue_, &initiator_, 2), Opened::kForged);
  EXPECT_EQ(initiator_.epoch(), 0u);
  EXPECT_FALSE(initiator_.updating());
  // It follows the first packet that answers its own update.
  ASSERT_TRUE(initiator_.update());
  EXPECT_EQ(passed(&rogue_, &initiator_, 3), Opened::kYes);
  EXPECT_FALSE(initiator_.updating());
  EXPECT_EQ(initiator_.epoch(), 1u);
}

TEST_P(CryptoPacketEpochs, AreDueAfterEnoughPacketsInEitherDirection) {
  ProtectionLimits limits;
  limits.update_after = 4;
  Ends ends(GetParam(), limits);
  uint64_t number = 0;
  for (const bool sealing : {true, false, true}) {
    for (uint64_t i = ends.initiator.epoch() == 0 ? 0 : 1; i < 4; i++) {
      EXPECT_FALSE(ends.initiator.update_due());
      if (sealing) {
        sealed_packet(&ends.initiator, ++number);
      } else {
        EXPECT_EQ(passed(&ends.responder, &ends.initiator, ++number), Opened::kYes);
        // Those that did not open do not count.
        EXPECT_EQ(opened(&ends.initiator, number, Bytes(50, 1)), Opened::kForged);
      }
    }
    EXPECT_TRUE(ends.initiator.update_due());
    ASSERT_TRUE(ends.initiator.update());
    for (int i = 0; i < 5; i++) sealed_packet(&ends.initiator, ++number);
    EXPECT_FALSE(ends.initiator.update_due()) << "the last one is not complete";
    ASSERT_EQ(passed(&ends.initiator, &ends.responder, ++number), Opened::kYes);
    ASSERT_EQ(passed(&ends.responder, &ends.initiator, number), Opened::kYes);
    EXPECT_TRUE(ends.initiator.update_due());
    ends.advance(++number);
    EXPECT_FALSE(ends.responder.update_due()) << "it never is for the responder";
  }
}

// --- Fresh secrets
// -----------------------------------------------------------------------------------

TEST_P(CryptoPacketEpochs, TakeAFreshSecretFromTheNextOneOn) {
  const Bytes fresh(32, 0x33);
  ASSERT_TRUE(responder_.mix(fresh.data()));
  EXPECT_EQ(passed(&responder_, &initiator_, 1), Opened::kYes) << "not yet";
  ASSERT_TRUE(initiator_.mix(fresh.data()));
  EXPECT_EQ(passed(&initiator_, &responder_, 1), Opened::kYes) << "not yet";
  ends_.advance(2);
  // Who knew the keys of before knows none of these.
  ASSERT_TRUE(rogue_.update());
  EXPECT_EQ(opened(&rogue_, 3, sealed_packet(&initiator_, 3)), Opened::kForged);
  ends_.advance(4);
}

TEST_P(CryptoPacketEpochs, DoNotMeetWithDifferentSecrets) {
  const Bytes fresh(32, 0x33);
  const Bytes other(32, 0x34);
  for (int what = 0; what < 4; what++) {
    Ends ends(GetParam());
    ASSERT_TRUE(what != 0 || ends.initiator.mix(fresh.data()));
    ASSERT_TRUE(what != 1 || ends.responder.mix(fresh.data()));
    if (what == 2) {
      ASSERT_TRUE(ends.initiator.mix(fresh.data()) && ends.responder.mix(other.data()));
    }
    if (what == 3) {
      ASSERT_TRUE(ends.mix(fresh));
      ASSERT_TRUE(ends.initiator.mix(fresh.data())) << "twice";
    }
    EXPECT_EQ(passed(&ends.initiator, &ends.responder, 1), Opened::kYes);
    ASSERT_TRUE(ends.initiator.update());
    EXPECT_EQ(passed(&ends.initiator, &ends.responder, 2), Opened::kForged) << what;
    EXPECT_EQ(ends.responder.epoch(), 0u);
    EXPECT_EQ(passed(&ends.responder, &ends.initiator, 3), Opened::kYes);
  }
}

// A forged packet makes the responder prepare for the next epoch, of which it then learns more.
TEST_P(CryptoPacketEpochs, TakeAFreshSecretAfterAForgedPacketOfTheNextOne) {
  for (const bool parked : {false, true}) {
    Ends ends(GetParam());
    Bytes flipped = sealed_packet(&ends.initiator, 1);
    ASSERT_TRUE(ends.responder.unmask(flipped.data(), flipped.size()));
    flipped[0] ^= kKeyPhaseBit;
    EXPECT_EQ(ends.responder.open(1, flipped.data(), flipped.size()), Opened::kForged);
    if (parked) ends.responder.park();
    ASSERT_TRUE(ends.mix(Bytes(32, 0x33)));
    ends.advance(2);
    ends.advance(3);
  }
}

// The initiator's epoch is then ahead of what it receives.
TEST_P(CryptoPacketEpochs, TakeAFreshSecretWhileTheAnswerIsUnderWay) {
  ASSERT_TRUE(initiator_.update());
  ASSERT_EQ(passed(&initiator_, &responder_, 1), Opened::kYes);
  const Bytes answer = sealed_packet(&responder_, 1);
  ASSERT_TRUE(initiator_.updating());
  ASSERT_EQ(initiator_.epoch(), responder_.epoch());
  ASSERT_TRUE(ends_.mix(Bytes(32, 0x33)));
  ASSERT_TRUE(ends_.mix(Bytes(32, 0x34)));
  EXPECT_EQ(opened(&initiator_, 1, answer), Opened::kYes);
  EXPECT_FALSE(initiator_.updating());
  ends_.advance(2);
  ends_.advance(3);
}

TEST_P(CryptoPacketEpochs, OutliveParking) {
  const Bytes old = sealed_packet(&initiator_, 1);
  ends_.advance(2);
  ASSERT_TRUE(initiator_.update());
  ASSERT_TRUE(ends_.initiator.memory_bytes() > 0);
  initiator_.park();
  responder_.park();
  EXPECT_EQ(initiator_.memory_bytes() + responder_.memory_bytes(), 0u);
  EXPECT_EQ(opened(&responder_, 1, old), Opened::kYes);
  EXPECT_EQ(passed(&initiator_, &responder_, 3), Opened::kYes);
  initiator_.park();
  responder_.park();
  EXPECT_EQ(passed(&responder_, &initiator_, 3), Opened::kYes);
  EXPECT_FALSE(initiator_.updating());
}

}  // namespace
}  // namespace hawser::crypto
