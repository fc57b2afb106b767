#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/noise.h"
#include "crypto_noise_support.h"

namespace hawser::crypto {
namespace {

using testing::Bytes;
using testing::expect_dead;
using testing::kProtocols;
using testing::Pair;
using testing::part;
using testing::Protocol;
using testing::read;
using testing::written;

class CryptoNoiseHostile : public ::testing::TestWithParam<Protocol> {
 protected:
  // The initiator takes this answer, and both have the same keys then.
  void expect_taken(const Bytes& second, const Bytes& payload) {
    const std::optional<Bytes> got = read(&pair_.initiator, second);
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(*got, payload);
    EXPECT_EQ(testing::bytes_of(pair_.initiator.hash()), testing::bytes_of(pair_.responder.hash()));
    Secret<32> keys[4];
    ASSERT_TRUE(pair_.initiator.split(&keys[0], &keys[1]));
    ASSERT_TRUE(pair_.responder.split(&keys[2], &keys[3]));
    EXPECT_TRUE(keys[0].equals(keys[3]));
    EXPECT_TRUE(keys[1].equals(keys[2]));
    EXPECT_FALSE(keys[0].equals(keys[1]));
  }

  Pair pair_ = Pair(GetParam().pattern, GetParam().suite);
};

// Whatever bit of the first message is turned over, its reader gives up for good.
TEST_P(CryptoNoiseHostile, RefusesEveryChangedBit) {
  const Bytes payload(3, 0x77);
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  const Bytes first = *written(&pair_.initiator, payload);
  for (size_t bit = 0; bit < first.size() * 8; bit++) {
    // The top bit of a public key is not looked at by X25519; the hash sees it.
    Bytes changed = first;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    NoiseHandshake responder;
    ASSERT_TRUE(responder.start(pair_.responder_config));
    ASSERT_FALSE(read(&responder, changed).has_value()) << bit;
    if (bit % 97 == 0) expect_dead(&responder);
  }
}

// Forged answers leave the initiator where it was: the genuine one still completes the handshake.
TEST_P(CryptoNoiseHostile, RefusesEveryChangedBitOfTheAnswerAndTakesTheGenuineOne) {
  const Bytes payload(3, 0x77);
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  ASSERT_TRUE(read(&pair_.responder, *written(&pair_.initiator, {})).has_value());
  const Bytes second = *written(&pair_.responder, payload);
  for (size_t bit = 0; bit < second.size() * 8; bit++) {
    Bytes changed = second;
    changed[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    ASSERT_FALSE(read(&pair_.initiator, changed).has_value()) << bit;
    ASSERT_FALSE(pair_.initiator.complete());
  }
  expect_taken(second, payload);
}

TEST_P(CryptoNoiseHostile, RefusesEveryOtherLengthOfTheAnswerAndTakesTheGenuineOne) {
  const Bytes payload(4, 0x78);
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  ASSERT_TRUE(read(&pair_.responder, *written(&pair_.initiator, {})).has_value());
  const Bytes second = *written(&pair_.responder, payload);
  for (size_t length = 0; length <= second.size() + 20; length++) {
    if (length == second.size()) continue;
    Bytes cut = second;
    cut.resize(length);
    ASSERT_FALSE(read(&pair_.initiator, cut).has_value()) << length;
  }
  ASSERT_FALSE(read(&pair_.initiator, Bytes(kMaxNoiseMessage + 1, 1)).has_value());
  // A point of small order, with which agreement fails.
  Bytes zero = second;
  std::fill(zero.begin(), zero.begin() + kX25519Bytes, 0);
  ASSERT_FALSE(read(&pair_.initiator, zero).has_value());
  expect_taken(second, payload);
}

// The answer of another responder, and that to another first message of ours.
TEST_P(CryptoNoiseHostile, RefusesTheAnswerToAnotherAndTakesTheGenuineOne) {
  Pair other(GetParam().pattern, GetParam().suite);
  ASSERT_NO_FATAL_FAILURE(other.start());
  ASSERT_TRUE(read(&other.responder, *written(&other.initiator, {})).has_value());
  const Bytes of_another = *written(&other.responder, {});

  ASSERT_NO_FATAL_FAILURE(pair_.start());
  NoiseHandshake earlier;
  NoiseHandshake answering;
  ASSERT_TRUE(earlier.start(pair_.initiator_config));
  ASSERT_TRUE(answering.start(pair_.responder_config));
  ASSERT_TRUE(read(&answering, *written(&earlier, {})).has_value());
  const Bytes to_another = *written(&answering, {});

  ASSERT_TRUE(read(&pair_.responder, *written(&pair_.initiator, {})).has_value());
  const Bytes second = *written(&pair_.responder, {});
  EXPECT_FALSE(read(&pair_.initiator, of_another).has_value());
  EXPECT_FALSE(read(&pair_.initiator, to_another).has_value());
  EXPECT_EQ(testing::bytes_of(pair_.initiator.remote_static()),
            testing::bytes_of(pair_.responder_key.public_key()));
  expect_taken(second, {});
}

// Waiting for a better answer is no way around the order.
TEST_P(CryptoNoiseHostile, StillKeepsToTheOrderAfterAForgedAnswer) {
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  ASSERT_TRUE(read(&pair_.responder, *written(&pair_.initiator, {})).has_value());
  EXPECT_FALSE(read(&pair_.initiator, Bytes(100, 1)).has_value());
  Secret<32> send;
  Secret<32> receive;
  EXPECT_FALSE(pair_.initiator.split(&send, &receive));
  expect_dead(&pair_.initiator);
}

TEST_P(CryptoNoiseHostile, RefusesEveryOtherLength) {
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  const Bytes first = *written(&pair_.initiator, Bytes(4, 1));
  for (size_t length = 0; length <= first.size() + 20; length++) {
    if (length == first.size()) continue;
    Bytes cut = first;
    cut.resize(length);
    NoiseHandshake responder;
    ASSERT_TRUE(responder.start(pair_.responder_config));
    ASSERT_FALSE(read(&responder, cut).has_value()) << length;
    expect_dead(&responder);
  }
}

TEST_P(CryptoNoiseHostile, RefusesAnotherResponderPrologueOrSuite) {
  X25519Key stranger;
  ASSERT_TRUE(stranger.generate());
  const Bytes prologue(1, 1);
  for (int what = 0; what < 3; what++) {
    Pair pair(GetParam().pattern, GetParam().suite);
    if (what == 0) pair.initiator_config.remote_static = stranger.public_key();
    if (what == 1) pair.responder_config.prologue = part(prologue);
    if (what == 2) {
      pair.responder_config.suite = GetParam().suite == AeadSuite::kAes256Gcm
                                        ? AeadSuite::kChaCha20Poly1305
                                        : AeadSuite::kAes256Gcm;
    }
    ASSERT_NO_FATAL_FAILURE(pair.start());
    EXPECT_FALSE(read(&pair.responder, *written(&pair.initiator, {})).has_value()) << what;
    expect_dead(&pair.responder);
  }
}

TEST_P(CryptoNoiseHostile, RefusesPointsOfSmallOrder) {
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  Bytes first = *written(&pair_.initiator, {});
  std::fill(first.begin(), first.begin() + kX25519Bytes, 0);
  EXPECT_FALSE(read(&pair_.responder, first).has_value());
  expect_dead(&pair_.responder);

  const Bytes zero(kX25519Bytes, 0);
  NoiseHandshake initiator;
  NoiseConfig config = pair_.initiator_config;
  config.remote_static = zero.data();
  ASSERT_TRUE(initiator.start(config));
  EXPECT_FALSE(written(&initiator, {}).has_value());
  expect_dead(&initiator);
}

TEST_P(CryptoNoiseHostile, KeepsToTheOrder) {
  Bytes message(200);
  size_t length = 0;
  Part payload;
  Secret<32> send;
  Secret<32> receive;

  ASSERT_NO_FATAL_FAILURE(pair_.start());
  EXPECT_FALSE(pair_.responder.write({nullptr, 0}, message.data(), message.size(), &length));
  expect_dead(&pair_.responder);
  EXPECT_FALSE(pair_.initiator.read(message.data(), message.size(), &payload));
  expect_dead(&pair_.initiator);

  ASSERT_NO_FATAL_FAILURE(pair_.start());
  ASSERT_TRUE(read(&pair_.responder, *written(&pair_.initiator, {})).has_value());
  EXPECT_FALSE(written(&pair_.initiator, {}).has_value()) << "twice";
  expect_dead(&pair_.initiator);
  EXPECT_FALSE(pair_.responder.split(&send, &receive)) << "too early";
  expect_dead(&pair_.responder);

  ASSERT_NO_FATAL_FAILURE(pair_.start());
  ASSERT_TRUE(read(&pair_.responder, *written(&pair_.initiator, {})).has_value());
  ASSERT_TRUE(read(&pair_.initiator, *written(&pair_.responder, {})).has_value());
  EXPECT_FALSE(written(&pair_.responder, {}).has_value()) << "a third message";
  expect_dead(&pair_.responder);
}

TEST_P(CryptoNoiseHostile, NeedsRoomForItsMessage) {
  Bytes message(kMaxNoiseMessage + 100);
  size_t length = 0;
  Part read_payload;
  const Bytes payload(10, 1);
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  EXPECT_FALSE(
      pair_.initiator.write(part(payload), message.data(), kNoiseFirstOverhead + 9, &length));
  expect_dead(&pair_.initiator);
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  const Bytes too_much(kMaxNoiseMessage - kNoiseFirstOverhead + 1, 1);
  EXPECT_FALSE(pair_.initiator.write(part(too_much), message.data(), message.size(), &length));
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  EXPECT_TRUE(pair_.initiator.write({too_much.data(), too_much.size() - 1}, message.data(),
                                    message.size(), &length));
  EXPECT_EQ(length, kMaxNoiseMessage);
  EXPECT_TRUE(pair_.responder.read(message.data(), length, &read_payload));
  EXPECT_EQ(read_payload.length, too_much.size() - 1);
}

TEST_P(CryptoNoiseHostile, RefusesAnIncompleteConfig) {
  ASSERT_NO_FATAL_FAILURE(pair_.start());
  X25519Key empty;
  const NoiseConfig good = pair_.initiator_config;
  for (int what = 0; what < 5; what++) {
    NoiseConfig config = good;
    if (what == 0) config.static_key = nullptr;
    if (what == 1) config.static_key = &empty;
    if (what == 2) config.remote_static = nullptr;
    if (what == 3) config.initiator = false;
    if (what == 4) config.psk = config.psk == nullptr ? pair_.psk.data() : nullptr;
    EXPECT_FALSE(pair_.initiator.start(config)) << what;
    expect_dead(&pair_.initiator);
  }
  EXPECT_TRUE(pair_.initiator.start(good));
}

INSTANTIATE_TEST_SUITE_P(Protocols, CryptoNoiseHostile, ::testing::ValuesIn(kProtocols));

TEST(CryptoNoisePsk, IsCheckedByTheInitiator) {
  Pair pair(NoisePattern::kIkPsk2);
  pair.responder_config.psk = pair.other_psk.data();
  ASSERT_NO_FATAL_FAILURE(pair.start());
  // IKpsk2 mixes the PSK into the second message alone.
  ASSERT_TRUE(read(&pair.responder, *written(&pair.initiator, {})).has_value());
  EXPECT_FALSE(read(&pair.initiator, *written(&pair.responder, {})).has_value());
  EXPECT_FALSE(pair.initiator.complete());
}

}  // namespace
}  // namespace hawser::crypto
