#pragma once

// What the tests of the handshake share: both ends of one, and what must be true of one that
// failed.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "crypto/noise.h"
#include "crypto_support.h"

namespace hawser::crypto::testing {

inline Bytes bytes_of(const uint8_t* data) { return Bytes(data, data + 32); }
inline Bytes bytes_of(Part what) { return Bytes(what.data, what.data + what.length); }

inline bool all_zero(const uint8_t* data, size_t length) {
  return std::all_of(data, data + length, [](uint8_t byte) { return byte == 0; });
}

// Both ends of one handshake.
class Pair {
 public:
  explicit Pair(NoisePattern pattern = NoisePattern::kIk, AeadSuite suite = AeadSuite::kAes256Gcm) {
    EXPECT_TRUE(initiator_key.generate());
    EXPECT_TRUE(responder_key.generate());
    for (NoiseConfig* config : {&initiator_config, &responder_config}) {
      config->pattern = pattern;
      config->suite = suite;
      if (pattern == NoisePattern::kIkPsk2) config->psk = psk.data();
    }
    initiator_config.initiator = true;
    initiator_config.static_key = &initiator_key;
    responder_config.static_key = &responder_key;
  }

  void start() {
    if (initiator_config.remote_static == nullptr) {
      initiator_config.remote_static = responder_key.public_key();
    }
    ASSERT_TRUE(initiator.start(initiator_config));
    ASSERT_TRUE(responder.start(responder_config));
  }

  const Bytes psk = Bytes(kNoisePskBytes, 0x11);
  const Bytes other_psk = Bytes(kNoisePskBytes, 0x12);
  X25519Key initiator_key;
  X25519Key responder_key;
  NoiseConfig initiator_config;
  NoiseConfig responder_config;
  NoiseHandshake initiator;
  NoiseHandshake responder;
};

inline std::optional<Bytes> written(NoiseHandshake* from, const Bytes& payload) {
  Bytes message(2000 + payload.size());
  size_t length = 0;
  if (!from->write(part(payload), message.data(), message.size(), &length)) {
    EXPECT_EQ(length, 0u);
    return std::nullopt;
  }
  message.resize(length);
  return message;
}

inline std::optional<Bytes> read(NoiseHandshake* by, const Bytes& message) {
  Exact copy(message);
  Part payload = {nullptr, 7};
  if (!by->read(copy.begin(), copy.size(), &payload)) {
    EXPECT_EQ(payload.length, 0u);
    EXPECT_TRUE(all_zero(copy.begin(), copy.size()));
    return std::nullopt;
  }
  return bytes_of(payload);
}

// Nothing works any more, and nothing is told.
inline void expect_dead(NoiseHandshake* handshake) {
  EXPECT_FALSE(handshake->complete());
  EXPECT_EQ(bytes_of(handshake->hash()), Bytes(32, 0));
  EXPECT_EQ(bytes_of(handshake->remote_static()), Bytes(32, 0));
  EXPECT_FALSE(written(handshake, {}).has_value());
  EXPECT_FALSE(read(handshake, Bytes(200, 1)).has_value());
  EXPECT_FALSE(handshake->inject_ephemeral_for_vectors(Bytes(32, 1).data()));
  Secret<32> send(Bytes(32, 1).data());
  Secret<32> receive(Bytes(32, 1).data());
  EXPECT_FALSE(handshake->split(&send, &receive));
  EXPECT_TRUE(all_zero(send.data(), 32));
  EXPECT_TRUE(all_zero(receive.data(), 32));
}

struct Protocol {
  NoisePattern pattern;
  AeadSuite suite;
};

inline constexpr Protocol kProtocols[] = {
    {NoisePattern::kIk, AeadSuite::kAes256Gcm},
    {NoisePattern::kIk, AeadSuite::kChaCha20Poly1305},
    {NoisePattern::kIkPsk2, AeadSuite::kAes256Gcm},
    {NoisePattern::kIkPsk2, AeadSuite::kChaCha20Poly1305},
};

}  // namespace hawser::crypto::testing
