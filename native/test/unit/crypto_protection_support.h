#pragma once

// What the tests of packet protection share: packets, and both ends of a session.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "crypto/aead_packet_protection.h"
#include "crypto_support.h"
#include "wire/endian.h"
#include "wire/limits.h"

namespace hawser::crypto::testing {

using Opened = PacketProtection::Opened;

inline constexpr AeadSuite kBothSuites[] = {AeadSuite::kAes256Gcm, AeadSuite::kChaCha20Poly1305};
inline constexpr uint64_t kConnection = 0xc0de0123456789ab;

// Header, frames that follow from the number, and room for the tag.
inline Bytes plain_packet(uint64_t number, size_t length, uint64_t connection = kConnection) {
  Bytes packet(length);
  packet[0] = 0x80;
  wire::store_u64(packet.data() + 1, connection);
  wire::store_u32(packet.data() + 9, static_cast<uint32_t>(number));
  for (size_t i = wire::kHeaderBytes; i + wire::kTagBytes < length; i++) {
    packet[i] = static_cast<uint8_t>(number * 31 + i * 7 + 1);
  }
  return packet;
}

inline Bytes frames_of(const Bytes& packet) {
  return Bytes(packet.begin() + wire::kHeaderBytes, packet.end() - wire::kTagBytes);
}

inline bool content_gone(const Bytes& packet) {
  const size_t behind = std::min<size_t>(packet.size(), wire::kHeaderBytes);
  // AeadOpener leaves the tag, which says nothing.
  const size_t end = std::max(behind, packet.size() - std::min(packet.size(), wire::kTagBytes));
  return std::all_of(packet.begin() + static_cast<ptrdiff_t>(behind),
                     packet.begin() + static_cast<ptrdiff_t>(end),
                     [](uint8_t byte) { return byte == 0; });
}

inline Bytes sealed_packet(PacketProtection* by, uint64_t number, size_t length = 80) {
  Bytes packet = plain_packet(number, length);
  EXPECT_TRUE(by->seal(packet.data(), packet.size(), packet.size(), &number));
  return packet;
}

// Unmasks and opens a copy; what opens must be what plain_packet() made.
inline Opened opened(PacketProtection* by, uint64_t number, Bytes packet) {
  EXPECT_TRUE(by->unmask(packet.data(), packet.size()));
  const Opened result = by->open(number, packet.data(), packet.size());
  if (result == Opened::kYes) {
    EXPECT_EQ(frames_of(packet), frames_of(plain_packet(number, packet.size()))) << number;
  } else {
    EXPECT_TRUE(content_gone(packet)) << number;
  }
  return result;
}

// A packet from one to the other.
inline Opened passed(PacketProtection* from, PacketProtection* to, uint64_t number) {
  return opened(to, number, sealed_packet(from, number));
}

class Ends {
 public:
  explicit Ends(AeadSuite suite, const ProtectionLimits& limits = {})
      : Ends(suite, limits, Secret<32>(Bytes(32, 0x51).data()),
             Secret<32>(Bytes(32, 0x52).data())) {}
  Ends(AeadSuite suite, const ProtectionLimits& limits, const Secret<32>& from_initiator,
       const Secret<32>& from_responder) {
    EXPECT_TRUE(initiator.init(suite, true, from_initiator, from_responder, limits));
    EXPECT_TRUE(responder.init(suite, false, from_responder, from_initiator, limits));
  }

  // Both go to the next epoch, with two packets of these numbers.
  void advance(uint64_t number) {
    ASSERT_TRUE(initiator.update());
    ASSERT_EQ(passed(&initiator, &responder, number), Opened::kYes);
    ASSERT_EQ(passed(&responder, &initiator, number), Opened::kYes);
    ASSERT_FALSE(initiator.updating());
    ASSERT_EQ(initiator.epoch(), responder.epoch());
  }
  bool mix(const Bytes& fresh) {
    return initiator.mix(fresh.data()) && responder.mix(fresh.data());
  }

  AeadPacketProtection initiator;
  AeadPacketProtection responder;
};

}  // namespace hawser::crypto::testing
