#pragma once

#include "crypto/packet_protection.h"

namespace hawser::crypto {

// Wire version 0: a tag of zeros, nothing encrypted (PROTOCOL.md 2.1).
class NullProtection final : public PacketProtection {
 public:
  void seal(uint64_t number, uint8_t* packet, size_t header, size_t frames) override;
  bool open(uint64_t number, uint8_t* packet, size_t header, size_t length) override;
};

}  // namespace hawser::crypto
