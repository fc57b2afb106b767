#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "crypto/noise.h"
#include "crypto_noise_support.h"

namespace hawser::crypto {
namespace {

using testing::all_zero;
using testing::Bytes;
using testing::bytes_of;
using testing::Case;
using testing::expect_dead;
using testing::kProtocols;
using testing::Pair;
using testing::part;
using testing::Protocol;
using testing::Random;
using testing::read;
using testing::run_cases;
using testing::to_hex;
using testing::vector_file;
using testing::written;

NoiseConfig config_of(const Case& one) {
  const std::string& protocol = one.word("protocol");
  NoiseConfig config;
  config.pattern = protocol.starts_with("Noise_IK_") ? NoisePattern::kIk : NoisePattern::kIkPsk2;
  config.suite = protocol.find("_AESGCM_") != std::string::npos ? AeadSuite::kAes256Gcm
                                                                : AeadSuite::kChaCha20Poly1305;
  const std::string expected =
      std::string("Noise_IK") + (config.pattern == NoisePattern::kIk ? "" : "psk2") + "_25519_" +
      (config.suite == AeadSuite::kAes256Gcm ? "AESGCM" : "ChaChaPoly") + "_SHA256";
  EXPECT_EQ(protocol, expected);
  return config;
}

void check_noise(const Case& one) {
  const Bytes prologue = one.bytes("prologue");
  const Bytes psk = one.has("psk") ? one.bytes("psk") : Bytes();
  X25519Key initiator_key;
  X25519Key responder_key;
  ASSERT_TRUE(initiator_key.init(one.bytes("init_static").data()));
  ASSERT_TRUE(responder_key.init(one.bytes("resp_static").data()));

  NoiseConfig config = config_of(one);
  config.prologue = part(prologue);
  if (config.pattern == NoisePattern::kIkPsk2) {
    ASSERT_EQ(psk.size(), kNoisePskBytes);
    config.psk = psk.data();
  }
  NoiseHandshake responder;
  config.static_key = &responder_key;
  ASSERT_TRUE(responder.start(config));
  NoiseHandshake initiator;
  config.initiator = true;
  config.static_key = &initiator_key;
  config.remote_static = responder_key.public_key();
  ASSERT_TRUE(initiator.start(config));
  ASSERT_TRUE(initiator.inject_ephemeral_for_vectors(one.bytes("init_ephemeral").data()));
  ASSERT_TRUE(responder.inject_ephemeral_for_vectors(one.bytes("resp_ephemeral").data()));

  const std::vector<Bytes> payloads = one.all("payload");
  const std::vector<Bytes> messages = one.all("message");
  ASSERT_EQ(payloads.size(), messages.size());
  ASSERT_GE(messages.size(), 2u);  // some sets end with the handshake
  const std::optional<Bytes> first = written(&initiator, payloads[0]);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(to_hex(*first), to_hex(messages[0]));
  EXPECT_EQ(read(&responder, messages[0]), payloads[0]);
  EXPECT_EQ(bytes_of(responder.remote_static()), bytes_of(initiator_key.public_key()));
  const std::optional<Bytes> second = written(&responder, payloads[1]);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(to_hex(*second), to_hex(messages[1]));
  EXPECT_EQ(read(&initiator, messages[1]), payloads[1]);

  ASSERT_TRUE(initiator.complete());
  ASSERT_TRUE(responder.complete());
  EXPECT_EQ(bytes_of(initiator.hash()), bytes_of(responder.hash()));
  if (one.has("hash")) {
    EXPECT_EQ(bytes_of(initiator.hash()), one.bytes("hash"));
  }

  // What follows goes from the initiator and from the responder by turns.
  Secret<32> keys[2];
  Secret<32> mirrored[2];
  ASSERT_TRUE(initiator.split(&keys[0], &keys[1]));
  ASSERT_TRUE(responder.split(&mirrored[1], &mirrored[0]));
  NoiseCipher sealing[2];
  NoiseCipher opening[2];
  for (int side = 0; side < 2; side++) {
    EXPECT_TRUE(keys[side].equals(mirrored[side]));
    sealing[side].init(config.suite);
    sealing[side].init_key(keys[side].data());
    opening[side].init(config.suite);
    opening[side].init_key(keys[side].data());
  }
  for (size_t i = 2; i < messages.size(); i++) {
    Bytes data = payloads[i];
    data.resize(payloads[i].size() + sealing[i % 2].overhead());
    ASSERT_TRUE(sealing[i % 2].encrypt({nullptr, 0}, data.data(), payloads[i].size()));
    EXPECT_EQ(to_hex(data), to_hex(messages[i])) << i;
    ASSERT_TRUE(opening[i % 2].decrypt({nullptr, 0}, data.data(), data.size()));
    data.resize(payloads[i].size());
    EXPECT_EQ(data, payloads[i]);
  }
}

TEST(CryptoNoise, OfFlynn) { run_cases(vector_file("noise_flynn.txt"), 16, check_noise); }

TEST(CryptoNoise, OfCacophony) { run_cases(vector_file("noise_cacophony.txt"), 4, check_noise); }

TEST(CryptoNoise, OfSnow) { run_cases(vector_file("noise_snow.txt"), 2, check_noise); }

class CryptoNoiseProtocol : public ::testing::TestWithParam<Protocol> {};

TEST_P(CryptoNoiseProtocol, CarriesPayloadsOfAllSizes) {
  HAWSER_TRACE_SEED();
  Random random(8);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{500}, size_t{1200}}) {
    Pair pair(GetParam().pattern, GetParam().suite);
    const Bytes prologue = random.bytes(0, 100);
    pair.initiator_config.prologue = part(prologue);
    pair.responder_config.prologue = part(prologue);
    ASSERT_NO_FATAL_FAILURE(pair.start());
    const Bytes asked = random.bytes(size, size);
    const Bytes answered = random.bytes(size, size);
    const std::optional<Bytes> first = written(&pair.initiator, asked);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->size(), kNoiseFirstOverhead + size);
    EXPECT_EQ(read(&pair.responder, *first), asked);
    EXPECT_EQ(bytes_of(pair.responder.remote_static()), bytes_of(pair.initiator_key.public_key()));
    EXPECT_FALSE(pair.responder.complete());
    EXPECT_EQ(bytes_of(pair.responder.hash()), Bytes(32, 0)) << "not before the end";
    const std::optional<Bytes> second = written(&pair.responder, answered);
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(second->size(), kNoiseSecondOverhead + size);
    EXPECT_EQ(read(&pair.initiator, *second), answered);
    EXPECT_NE(bytes_of(pair.initiator.hash()), Bytes(32, 0));
    EXPECT_EQ(bytes_of(pair.initiator.hash()), bytes_of(pair.responder.hash()));

    const Bytes hash = bytes_of(pair.initiator.hash());
    Secret<32> there;
    Secret<32> back;
    Secret<32> there_again;
    Secret<32> back_again;
    ASSERT_TRUE(pair.initiator.split(&there, &back));
    ASSERT_TRUE(pair.responder.split(&back_again, &there_again));
    EXPECT_TRUE(there.equals(there_again));
    EXPECT_TRUE(back.equals(back_again));
    EXPECT_FALSE(there.equals(back));
    EXPECT_EQ(bytes_of(pair.initiator.hash()), hash) << "outlives the split";
    EXPECT_FALSE(pair.initiator.split(&there, &back)) << "once";
    expect_dead(&pair.initiator);
  }
}

INSTANTIATE_TEST_SUITE_P(Protocols, CryptoNoiseProtocol, ::testing::ValuesIn(kProtocols));

TEST(CryptoNoise, EveryHandshakeIsAnother) {
  Pair pair;
  ASSERT_NO_FATAL_FAILURE(pair.start());
  const Bytes first = *written(&pair.initiator, {});
  ASSERT_NO_FATAL_FAILURE(pair.start());
  EXPECT_NE(*written(&pair.initiator, {}), first);
}

TEST(CryptoNoiseCipher, PassesTextUnchangedWithoutAKey) {
  NoiseCipher cipher;
  Bytes data(5, 3);
  EXPECT_FALSE(cipher.encrypt({nullptr, 0}, data.data(), data.size())) << "before init";
  cipher.init(AeadSuite::kAes256Gcm);
  EXPECT_EQ(cipher.overhead(), 0u);
  EXPECT_TRUE(cipher.encrypt({nullptr, 0}, data.data(), data.size()));
  EXPECT_TRUE(cipher.decrypt({nullptr, 0}, data.data(), data.size()));
  EXPECT_EQ(data, Bytes(5, 3));
}

// Revision 34, 12.3 and 12.4. The published handshakes hardly get to a second nonce.
TEST(CryptoNoiseCipher, CountsInTheOrderOfItsSuite) {
  const Bytes key(32, 1);
  const Bytes ad(3, 2);
  for (const AeadSuite suite : {AeadSuite::kAes256Gcm, AeadSuite::kChaCha20Poly1305}) {
    NoiseCipher sealing;
    NoiseCipher opening;
    AeadSealer expected;
    for (NoiseCipher* cipher : {&sealing, &opening}) {
      cipher->init(suite);
      cipher->init_key(key.data());
    }
    ASSERT_TRUE(expected.init(suite, key.data()));
    for (unsigned int count = 0; count < 600; count++) {
      Bytes nonce(kAeadNonceBytes, 0);
      const bool big = suite == AeadSuite::kAes256Gcm;
      nonce[big ? 11 : 4] = static_cast<uint8_t>(count);
      nonce[big ? 10 : 5] = static_cast<uint8_t>(count >> 8);
      Bytes data(20 + kAeadTagBytes, 7);
      Bytes other = data;
      ASSERT_TRUE(sealing.encrypt(part(ad), data.data(), 20));
      ASSERT_TRUE(
          expected.seal(nonce.data(), ad.data(), ad.size(), other.data(), 20, other.data() + 20));
      ASSERT_EQ(data, other) << count;
      ASSERT_TRUE(opening.decrypt(part(ad), data.data(), data.size()));
      ASSERT_EQ(Bytes(data.begin(), data.begin() + 20), Bytes(20, 7));
    }
  }
}

TEST(CryptoNoiseCipher, EndsWithTheFirstForgery) {
  NoiseCipher cipher;
  cipher.init(AeadSuite::kChaCha20Poly1305);
  cipher.init_key(Bytes(32, 1).data());
  Bytes data(40, 3);
  EXPECT_FALSE(cipher.decrypt({nullptr, 0}, data.data(), data.size()));
  EXPECT_TRUE(all_zero(data.data(), data.size()));
  EXPECT_FALSE(cipher.encrypt({nullptr, 0}, data.data(), data.size() - kAeadTagBytes));
  cipher.init_key(Bytes(32, 1).data());
  EXPECT_FALSE(cipher.encrypt({nullptr, 0}, data.data(), data.size() - kAeadTagBytes));
}

TEST(CryptoNoiseSymmetric, EndsWithItsSplit) {
  NoiseSymmetric symmetric;
  ASSERT_TRUE(symmetric.init(AeadSuite::kAes256Gcm, "name"));
  Secret<32> one;
  Secret<32> two;
  ASSERT_TRUE(symmetric.split(&one, &two));
  EXPECT_FALSE(one.equals(two));
  EXPECT_FALSE(symmetric.split(&one, &two));
  EXPECT_TRUE(zero_constant_time(one.data(), 32));
  EXPECT_TRUE(zero_constant_time(two.data(), 32));
}

TEST(CryptoNoiseSymmetric, HashesANameThatIsTooLong) {
  NoiseSymmetric symmetric;
  const std::string longest(32, 'x');
  ASSERT_TRUE(symmetric.init(AeadSuite::kAes256Gcm, longest));
  EXPECT_EQ(bytes_of(symmetric.hash()), Bytes(32, 'x'));
  const std::string longer(33, 'x');
  ASSERT_TRUE(symmetric.init(AeadSuite::kAes256Gcm, longer));
  Bytes hashed(32);
  ASSERT_TRUE(sha256({{reinterpret_cast<const uint8_t*>(longer.data()), 33}}, hashed.data()));
  EXPECT_EQ(bytes_of(symmetric.hash()), hashed);
  symmetric.clear();
  EXPECT_FALSE(symmetric.mix_hash({nullptr, 0}));
  EXPECT_FALSE(symmetric.mix_key({nullptr, 0}));
  EXPECT_FALSE(symmetric.mix_key_and_hash({nullptr, 0}));
}

}  // namespace
}  // namespace hawser::crypto
