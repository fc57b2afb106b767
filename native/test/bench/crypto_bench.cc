// What cryptography costs here, in nanoseconds: the best of several runs, because everything that
// disturbs a run makes it longer.
//   cmake --build BUILD --target hawser_crypto_bench && BUILD/hawser_crypto_bench

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "crypto/aead.h"
#include "crypto/aead_packet_protection.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/header_mask.h"
#include "crypto/identity_key.h"
#include "crypto/noise.h"
#include "crypto/siphash.h"
#include "crypto/x25519.h"

namespace hawser::crypto {
namespace {

constexpr size_t kPacket = 1200;
constexpr size_t kHeader = 13;
constexpr size_t kText = kPacket - kHeader - kAeadTagBytes;
constexpr size_t kTrain = 64;  // packets
constexpr int kRuns = 15;

// `work` does `count` times what is measured; `prepare` comes before, outside the time.
template <typename Prepare, typename Work>
void measure(const char* name, size_t count, Prepare prepare, Work work) {
  using Clock = std::chrono::steady_clock;
  double best = 1e18;
  for (int run = 0; run < kRuns; run++) {
    double total = 0;
    constexpr int kRounds = 20;
    for (int round = 0; round < kRounds; round++) {
      prepare();
      const Clock::time_point start = Clock::now();
      if (!work()) {
        std::printf("%-44s failed\n", name);
        return;
      }
      total += std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    }
    best = std::min(best, total / (kRounds * static_cast<double>(count)));
  }
  std::printf("%-44s %9.0f ns\n", name, best);
}

template <typename Work>
void measure(const char* name, size_t count, Work work) {
  measure(
      name, count, [] {}, work);
}

// A train of packets, each with its number as nonce and its header as associated data.
class Train {
 public:
  explicit Train(AeadSuite suite) {
    const uint8_t key[kAeadKeyBytes] = {1};
    sealer_.init(suite, key);
    opener_.init(suite, key);
  }

  bool seal() {
    bool done = true;
    for (size_t i = 0; i < kTrain; i++) {
      uint8_t* packet = bytes_.data() + i * kPacket;
      number(i);
      done = done && sealer_.seal(nonce_, packet, kHeader, packet + kHeader, kText,
                                  packet + kHeader + kText);
    }
    return done;
  }
  bool open() {
    bool done = true;
    for (size_t i = 0; i < kTrain; i++) {
      uint8_t* packet = bytes_.data() + i * kPacket;
      number(i);
      done = done && opener_.open(nonce_, packet, kHeader, packet + kHeader, kText,
                                  packet + kHeader + kText);
    }
    return done;
  }

 private:
  void number(size_t i) { std::memcpy(nonce_, &i, sizeof(i)); }

  AeadSealer sealer_;
  AeadOpener opener_;
  uint8_t nonce_[kAeadNonceBytes] = {};
  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(kTrain * kPacket);
};

void packets(AeadSuite suite, const char* seal, const char* open, const char* masks) {
  Train train(suite);
  measure(seal, kTrain, [&] { return train.seal(); });
  measure(
      open, kTrain, [&] { train.seal(); }, [&] { return train.open(); });
  HeaderMask mask;
  const uint8_t key[kHeaderMaskKeyBytes] = {2};
  mask.init(suite, key);
  std::vector<uint8_t> samples(kTrain * kHeaderSampleBytes);
  measure(masks, kTrain, [&] { return mask.masks(samples.data(), kTrain, samples.data()); });
}

// What a session does with its packets: seal() of a train, and unmask() and open() of each.
class Session {
 public:
  Session(AeadSuite suite, size_t count, size_t segment) : segment_(segment) {
    const uint8_t first[kAeadKeyBytes] = {4};
    const uint8_t second[kAeadKeyBytes] = {5};
    ProtectionLimits limits;
    limits.sealed_in_epoch = UINT64_MAX;
    sender_.init(suite, true, Secret<kAeadKeyBytes>(first), Secret<kAeadKeyBytes>(second), limits);
    receiver_.init(suite, false, Secret<kAeadKeyBytes>(second), Secret<kAeadKeyBytes>(first),
                   limits);
    numbers_.resize(count);
    bytes_.resize(count * segment);
  }

  bool seal() {
    for (uint64_t& number : numbers_) number = next_++;
    return sender_.seal(bytes_.data(), bytes_.size(), segment_, numbers_.data());
  }
  bool open() {
    bool done = true;
    for (size_t i = 0; i < numbers_.size(); i++) {
      uint8_t* packet = bytes_.data() + i * segment_;
      done = done && receiver_.unmask(packet, segment_) &&
             receiver_.open(numbers_[i], packet, segment_) == PacketProtection::Opened::kYes;
    }
    return done;
  }

 private:
  AeadPacketProtection sender_;
  AeadPacketProtection receiver_;
  const size_t segment_;
  uint64_t next_ = 0;
  std::vector<uint64_t> numbers_;
  std::vector<uint8_t> bytes_;
};

void sessions(AeadSuite suite, const char* name) {
  struct Shape {
    size_t count, segment;
  };
  for (const Shape shape : {Shape{1, kPacket}, {16, kPacket}, {kTrain, kPacket}, {1, 32768}}) {
    Session session(suite, shape.count, shape.segment);
    // Short trains several times, so that the clock does not count.
    const size_t times = kTrain / shape.count;
    char text[64];
    std::snprintf(text, sizeof(text), "%s, %zu x %zu B, seal", name, shape.count, shape.segment);
    measure(text, times * shape.count, [&] {
      bool done = true;
      for (size_t i = 0; i < times; i++) done = session.seal() && done;
      return done;
    });
    // A packet opens once: what is opened must be sealed before, outside the time.
    std::snprintf(text, sizeof(text), "%s, %zu x %zu B, open", name, shape.count, shape.segment);
    measure(
        text, shape.count, [&] { session.seal(); }, [&] { return session.open(); });
  }
}

bool handshake(const X25519Key& ours, const X25519Key& theirs) {
  NoiseConfig config;
  config.static_key = &theirs;
  NoiseHandshake responder;
  NoiseHandshake initiator;
  if (!responder.start(config)) return false;
  config.initiator = true;
  config.static_key = &ours;
  config.remote_static = theirs.public_key();
  uint8_t message[256];
  size_t length = 0;
  Part payload;
  return initiator.start(config) &&
         initiator.write({nullptr, 0}, message, sizeof(message), &length) &&
         responder.read(message, length, &payload) &&
         responder.write({nullptr, 0}, message, sizeof(message), &length) &&
         initiator.read(message, length, &payload);
}

void keys() {
  const uint8_t seed[32] = {3};
  Ed25519Key identity;
  identity.init(seed);
  X25519Key ours;
  X25519Key theirs;
  ours.generate();
  theirs.generate();
  uint8_t bytes[64] = {};
  Secret<32> shared;
  measure("X25519 key generation", 1, [&] { return X25519Key().generate(); });
  measure("X25519 agreement", 1, [&] { return ours.agree(theirs.public_key(), &shared); });
  measure("Ed25519 sign 32 B", 1, [&] { return identity.sign(seed, sizeof(seed), bytes); });
  measure("Ed25519 verify 32 B", 1,
          [&] { return ed25519_verify(identity.public_key(), seed, sizeof(seed), bytes); });
  uint8_t mapped[32];
  measure("Ed25519 id to X25519 key", 1,
          [&] { return x25519_from_ed25519(identity.public_key(), mapped); });
  measure("Noise IK, both sides", 1, [&] { return handshake(ours, theirs); });
}

void hashes() {
  const std::vector<uint8_t> bytes(kPacket);
  uint8_t out[kSha256Bytes];
  const SipHash hash(bytes.data());
  uint64_t sum = 0;
  measure("SHA-256 1200 B", 1, [&] { return sha256({{bytes.data(), kPacket}}, out); });
  measure("HMAC-SHA-256 1200 B", 1, [&] {
    return hmac_sha256({out, sizeof(out)}, {{bytes.data(), kPacket}}, out);
  });
  measure("SipHash 8 B", 1000, [&] {
    for (int i = 0; i < 1000; i++) sum += hash(bytes.data() + (sum & 7), 8);
    return sum != 0;
  });
}

}  // namespace
}  // namespace hawser::crypto

int main() {
  using namespace hawser::crypto;
  if (openssl() == nullptr) {
    std::printf("%s\n", openssl_missing());
    return 1;
  }
  packets(AeadSuite::kAes256Gcm, "AES-256-GCM, seal 1200 B", "AES-256-GCM, open 1200 B",
          "AES-256 header mask, in trains of 64");
  packets(AeadSuite::kChaCha20Poly1305, "ChaCha20-Poly1305, seal 1200 B",
          "ChaCha20-Poly1305, open 1200 B", "ChaCha20 header mask, in trains of 64");
  sessions(AeadSuite::kAes256Gcm, "AES-256-GCM session");
  sessions(AeadSuite::kChaCha20Poly1305, "ChaCha20 session");
  hashes();
  keys();
  return 0;
}
