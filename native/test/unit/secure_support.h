#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "crypto/identity_key.h"
#include "crypto/noise.h"
#include "sim/sim_memory.h"
#include "sim/sim_random.h"
#include "transport/noise_security.h"
#include "transport/runtime.h"
#include "wire/endian.h"

// Endpoints with real security and without a network: a test sees every byte that they send, and is
// what they hear from.
namespace hawser::sim {

using transport::ClosedBy;
using transport::CloseReason;
using transport::Duration;
using transport::EndpointConfig;
using transport::Handshake;
using transport::kMicrosecond;
using transport::kMillisecond;
using transport::kSecond;
using transport::PathAddress;
using transport::Session;
using transport::Time;

using Bytes = std::vector<uint8_t>;

inline PathAddress address_of(uint32_t source, uint32_t port = 1) {
  PathAddress address;
  wire::store_u32(address.bytes, source);
  wire::store_u32(address.bytes + PathAddress::kSourceBytes, port);
  return address;
}

inline Bytes seed_of(uint32_t index) {
  Bytes seed(crypto::kEd25519SeedBytes, 0x3c);
  wire::store_u32(seed.data(), index);
  return seed;
}

struct LoneOptions {
  // Whose identity; also where it is.
  uint32_t index = 1;
  crypto::AeadSuite suite = crypto::AeadSuite::kAes256Gcm;
  const uint8_t* network_key = nullptr;
  EndpointConfig config;
  crypto::ProtectionLimits limits;
  // Of its random numbers: another one after a restart.
  uint64_t luck = 1;
  bool accepting = true;
};

class Lone {
 public:
  struct Sent {
    PathAddress to;
    Bytes bytes;
  };

  explicit Lone(const LoneOptions& options = {})
      : memory(options.luck * 77 + options.index), random_(options.luck, options.index) {
    const Bytes seed = seed_of(options.index);
    auto* security = memory.create<transport::NoiseSecurity>();
    transport::NoiseSecurityConfig config;
    config.seed = seed.data();
    config.network_key = options.network_key;
    config.suite = options.suite;
    config.limits = options.limits;
    EXPECT_TRUE(security->init(config));
    runtime = std::make_unique<transport::Runtime>(memory, random_, now);
    endpoint = std::make_unique<transport::Endpoint>(*runtime, options.config, *security);
    endpoint->set_accepting(options.accepting);
    address = address_of(options.index);
    buffer_.resize(65'535);
  }
  ~Lone() {
    if (endpoint != nullptr) destroy();
  }
  Lone(const Lone&) = delete;
  Lone& operator=(const Lone&) = delete;

  wire::PeerIdBytes id() const { return endpoint->id(); }

  Session* connect(const Lone& to, Duration give_up_after = 10 * kSecond) {
    return endpoint->connect(now, to.id(), &to.address, 1, now + give_up_after);
  }

  void receive(const PathAddress& from, Bytes bytes) {
    in += bytes.size();
    endpoint->receive(now, from, bytes.data(), bytes.size());
  }

  // Everything that is to be done now. Handshakes, unless they are held, take no time.
  void service() {
    for (int round = 0;; round++) {
      ASSERT_LT(round, 10'000) << "never comes to rest";
      runtime->run_timers(now);
      while (!held) {
        Handshake* handshake = runtime->next_handshake();
        if (handshake == nullptr) break;
        handshake->compute();
        runtime->finish(now, handshake);
      }
      transmit();
      while (Session* session = runtime->next_session()) {
        const uint32_t events = session->take_events();
        if ((events & transport::kSessionOpen) != 0) opened.push_back(session);
        if ((events & transport::kSessionClosed) != 0) {
          closed.push_back(session->reason());
          std::erase(opened, session);
          session->release();
        }
      }
      while (transport::Channel* channel = runtime->next_channel()) (void)channel->take_events();
      if (!runtime->has_output() && !runtime->has_events() &&
          (held || !runtime->has_handshakes())) {
        return;
      }
    }
  }

  void advance(Time to) {
    service();
    while (runtime->next_timeout() <= to) {
      now = std::max(now, runtime->next_timeout());
      service();
    }
    now = to;
    service();
  }

  std::vector<Sent> take_sent() { return std::exchange(sent, {}); }

  // Every byte of memory must have come back.
  void destroy() {
    endpoint->destroy_all();
    // What was counted beside it has been given back, too.
    EXPECT_LE(endpoint->memory().in_use(), memory.in_use());
    endpoint.reset();
    runtime.reset();
    EXPECT_EQ(memory.in_use(), 0u);
    EXPECT_EQ(memory.blocks(), 0u);
    EXPECT_EQ(memory.misuse(), nullptr);
  }

  Time now = kSecond;
  SimMemory memory;
  std::unique_ptr<transport::Runtime> runtime;
  std::unique_ptr<transport::Endpoint> endpoint;
  PathAddress address;
  std::vector<Sent> sent;
  std::vector<Session*> opened;
  std::vector<CloseReason> closed;
  // Handshakes are not computed.
  bool held = false;
  // Bytes of datagrams.
  uint64_t in = 0;
  uint64_t out = 0;

 private:
  void transmit() {
    transport::Train train;
    train.buffer = buffer_.data();
    train.capacity = buffer_.size();
    while (runtime->transmit(now, train)) {
      for (size_t at = 0; at < train.length; at += train.segment_size) {
        const size_t length = std::min(train.segment_size, train.length - at);
        sent.push_back({train.to, Bytes(train.buffer + at, train.buffer + at + length)});
        out += length;
      }
      train.max_segments = 64;
      train.segments = train.segment_size = train.length = 0;
    }
  }

  SimRandom random_;
  Bytes buffer_;
};

// What one has sent to the other arrives, until both have nothing more to say.
inline void exchange(Lone& a, Lone& b) {
  for (int round = 0; round < 1000; round++) {
    a.service();
    b.service();
    if (a.sent.empty() && b.sent.empty()) return;
    for (Lone::Sent& one : a.take_sent()) {
      if (one.to == b.address) b.receive(a.address, std::move(one.bytes));
    }
    for (Lone::Sent& one : b.take_sent()) {
      if (one.to == a.address) a.receive(b.address, std::move(one.bytes));
    }
  }
  FAIL() << "they talk for ever";
}

inline void advance_both(Lone& a, Lone& b, Time to) {
  exchange(a, b);
  while (std::min(a.runtime->next_timeout(), b.runtime->next_timeout()) <= to) {
    const Time next = std::min(a.runtime->next_timeout(), b.runtime->next_timeout());
    a.now = b.now = std::max(a.now, next);
    exchange(a, b);
  }
  a.now = b.now = to;
  exchange(a, b);
}

inline std::string text_of(const CloseReason& reason) {
  return std::string(reason.detail, reason.detail_length);
}

// An id that `peer` has made, or would have made before a restart, and that names no session.
inline wire::ConnectionId forgotten_id(Lone& peer, uint32_t number) {
  wire::ConnectionId id = wire::ConnectionId::from_u64(uint64_t{number} << 32);
  EXPECT_TRUE(peer.endpoint->security().mark(&id));
  return id;
}

// Looks like DATA; at least 9 bytes.
inline Bytes data_for(const wire::ConnectionId& id, size_t length) {
  Bytes bytes(length, 0x80);
  std::copy_n(id.bytes, sizeof id.bytes, bytes.begin() + 1);
  return bytes;
}

// The initiator's side of a handshake, made by hand from PROTOCOL.md: it says what no endpoint
// would.
class HandMade {
 public:
  HandMade(uint32_t index, const wire::PeerIdBytes& responder, const uint8_t* network_key = nullptr)
      : responder_(responder) {
    crypto::Secret<crypto::kX25519Bytes> secret;
    crypto::Ed25519Key identity;
    EXPECT_TRUE(identity.init(seed_of(index).data()));
    EXPECT_TRUE(crypto::x25519_secret_from_seed(seed_of(index).data(), &secret));
    EXPECT_TRUE(key_.init(secret.data()));
    std::memcpy(id.bytes, identity.public_key(), sizeof id.bytes);
    if (network_key != nullptr) network_key_.assign(network_key, network_key + 32);
    header.source = wire::ConnectionId::from_u64(0x1122'3344'0000'0000 + index);
    payload.initiator = id;
  }

  static constexpr char kSessionLabel[] = "hawser sess";
  static constexpr char kMacLabel[] = "hawser mac1";

  // The INIT; `text` is the payload, kInitPayloadBytes.
  Bytes init(const Bytes& text) {
    Bytes init(wire::kInitBytes);
    wire::write_init_header(init.data(), header);
    Bytes prologue(kSessionLabel, kSessionLabel + sizeof kSessionLabel - 1);
    prologue.insert(prologue.end(), init.begin(), init.begin() + wire::kInitHeaderBytes);
    uint8_t remote_static[crypto::kX25519Bytes];
    EXPECT_TRUE(crypto::x25519_from_ed25519(responder_.bytes, remote_static));
    crypto::NoiseConfig config;
    config.pattern =
        network_key_.empty() ? crypto::NoisePattern::kIk : crypto::NoisePattern::kIkPsk2;
    config.suite = header.suite == wire::Suite::kAes256Gcm ? crypto::AeadSuite::kAes256Gcm
                                                           : crypto::AeadSuite::kChaCha20Poly1305;
    config.initiator = true;
    config.prologue = crypto::Part{prologue.data(), prologue.size()};
    config.static_key = &key_;
    config.remote_static = remote_static;
    if (!network_key_.empty()) config.psk = network_key_.data();
    size_t written = 0;
    EXPECT_TRUE(noise.start(config));
    EXPECT_TRUE(noise.write(crypto::Part{text.data(), text.size()}, wire::init_message(init.data()),
                            wire::kInitMessageBytes, &written));
    EXPECT_EQ(written, wire::kInitMessageBytes);
    sign(init);
    return init;
  }
  Bytes init() { return init(text()); }
  Bytes text() const {
    Bytes text(wire::kInitPayloadBytes);
    EXPECT_TRUE(wire::write_init_payload(text.data(), payload));
    return text;
  }

  void sign(Bytes& init) const {
    uint8_t hash[crypto::kSha256Bytes];
    EXPECT_TRUE(crypto::sha256(
        {crypto::Part{reinterpret_cast<const uint8_t*>(kMacLabel), sizeof kMacLabel - 1},
         crypto::Part{responder_.bytes, sizeof responder_.bytes},
         crypto::Part{network_key_.data(), network_key_.size()}},
        hash));
    transport::InitGuard::sign_mac1(hash, init.data());
  }

  wire::PeerIdBytes id{};
  wire::InitHeader header;
  wire::InitPayload payload{};
  crypto::NoiseHandshake noise;

 private:
  wire::PeerIdBytes responder_;
  crypto::X25519Key key_;
  Bytes network_key_;
};

}  // namespace hawser::sim
