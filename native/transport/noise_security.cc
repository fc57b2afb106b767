#include "transport/noise_security.h"

#include <cstring>

#include "crypto/hash.h"
#include "crypto/identity_key.h"
#include "crypto/traffic_keys.h"
#include "wire/endian.h"

namespace hawser::transport {

namespace {

using crypto::AeadSuite;
using crypto::Part;

// What the texts that go into hashes begin with, so that no two uses of a key can be confused.
constexpr uint8_t kSessionLabel[] = {'h', 'a', 'w', 's', 'e', 'r', ' ', 's', 'e', 's', 's'};
constexpr uint8_t kRenewalLabel[] = {'h', 'a', 'w', 's', 'e', 'r', ' ', 'r', 'e', 'n', 'w'};
constexpr uint8_t kMacLabel[] = {'h', 'a', 'w', 's', 'e', 'r', ' ', 'm', 'a', 'c', '1'};
constexpr uint8_t kResetLabel[] = {'h', 'a', 'w', 's', 'e', 'r', ' ', 'r', 's', 'e', 't'};
constexpr uint8_t kIdLabel[] = {'h', 'a', 'w', 's', 'e', 'r', ' ', 'c', 'i', 'd', 's'};
constexpr size_t kLabelBytes = sizeof kSessionLabel;
constexpr size_t kRandomIdBytes = 4;

AeadSuite aead_of(wire::Suite suite) {
  return suite == wire::Suite::kAes256Gcm ? AeadSuite::kAes256Gcm : AeadSuite::kChaCha20Poly1305;
}

}  // namespace

// The handshake's own part of the work.
class NoiseSecurity::NoiseSession final : public Handshake {
 public:
  // What libcrypto keeps for an initiator that waits for the answer: the ephemeral key and a
  // cipher. The growth of mallinfo2().uordblks by 1,000 of them, for each (OpenSSL 3.0, x86-64,
  // glibc). What compute() takes for itself it takes once for each thread that computes.
  static constexpr size_t kContextBytes = 1'700;
  static constexpr size_t kMaxPrologue =
      kLabelBytes + wire::kInitHeaderBytes + kBindingBytes + sizeof(uint64_t);

  NoiseSession(NoiseSecurity& security, bool initiator, wire::Suite suite)
      : Handshake(security), noise_security_(security), initiator_(initiator), suite_(suite) {
    step_ = initiator ? Step::kInitiate : Step::kRespond;
  }
  ~NoiseSession() override { crypto::wipe(own_payload_, sizeof own_payload_); }

  void compute() override {
    switch (step_) {
      case Step::kInitiate:
        succeeded_ = initiate();
        break;
      case Step::kRespond:
        succeeded_ = respond();
        break;
      case Step::kFinish:
        succeeded_ = finish();
        break;
    }
  }

  size_t memory_bytes() const override { return sizeof *this + kContextBytes; }

  void add_prologue(const uint8_t* data, size_t length) {
    std::memcpy(prologue_ + prologue_length_, data, length);
    prologue_length_ += length;
  }
  // Who it is, where that is known before.
  void set_remote(const wire::PeerIdBytes& remote) {
    remote_ = remote;
    knows_remote_ = true;
  }
  void set_message(const uint8_t* message, size_t length) {
    std::memcpy(answer_, message, length);
    answer_length_ = length;
  }
  uint8_t* own_payload() { return own_payload_; }
  void set_own_payload(size_t length) { own_payload_length_ = length; }

  wire::Suite suite() const { return suite_; }
  bool initiator() const { return initiator_; }
  crypto::NoiseHandshake& noise() { return noise_; }

 private:
  bool start(const uint8_t* remote_static) {
    crypto::NoiseConfig config;
    config.pattern =
        noise_security_.closed_network_ ? crypto::NoisePattern::kIkPsk2 : crypto::NoisePattern::kIk;
    config.suite = aead_of(suite_);
    config.initiator = initiator_;
    config.prologue = Part{prologue_, prologue_length_};
    config.static_key = &noise_security_.static_key_;
    config.remote_static = remote_static;
    if (noise_security_.closed_network_) config.psk = noise_security_.network_key_.data();
    return noise_.start(config);
  }

  bool write() {
    return noise_.write(Part{own_payload_, own_payload_length_}, message_, sizeof message_,
                        &message_length_);
  }

  bool take(const Part& payload) {
    payload_ = payload.data;
    payload_length_ = payload.length;
    return true;
  }

  bool initiate() {
    uint8_t remote_static[crypto::kX25519Bytes];
    if (!crypto::x25519_from_ed25519(remote_.bytes, remote_static) || !start(remote_static) ||
        !write()) {
      return false;
    }
    step_ = Step::kFinish;
    return true;
  }

  bool respond() {
    Part payload{nullptr, 0};
    if (!start(nullptr) || !noise_.read(answer_, answer_length_, &payload)) return false;
    // The name that the peer gives itself has to be that of the key it has proven.
    wire::PeerIdBytes claimed = remote_;
    if (!knows_remote_) {
      if (payload.length < sizeof claimed.bytes) return false;
      std::memcpy(claimed.bytes, payload.data, sizeof claimed.bytes);
    }
    uint8_t expected[crypto::kX25519Bytes];
    if (!crypto::x25519_from_ed25519(claimed.bytes, expected) ||
        !crypto::equal_constant_time(expected, noise_.remote_static(), sizeof expected)) {
      return false;
    }
    return write() && take(payload);
  }

  bool finish() {
    Part payload{nullptr, 0};
    return noise_.read(answer_, answer_length_, &payload) && take(payload);
  }

  NoiseSecurity& noise_security_;
  const bool initiator_;
  const wire::Suite suite_;
  bool knows_remote_ = false;
  wire::PeerIdBytes remote_{};
  crypto::NoiseHandshake noise_;
  uint8_t prologue_[kMaxPrologue];
  size_t prologue_length_ = 0;
  uint8_t own_payload_[wire::kInitPayloadBytes];
  size_t own_payload_length_ = 0;
};

bool NoiseSecurity::init(const NoiseSecurityConfig& config) {
  suite_ = config.suite;
  limits_ = config.limits;
  closed_network_ = config.network_key != nullptr;
  if (closed_network_) network_key_.set(config.network_key);
  crypto::Secret<crypto::kX25519Bytes> secret;
  uint8_t reset_key[crypto::kSha256Bytes];
  crypto::Ed25519Key identity;
  const bool made =
      identity.init(config.seed) && crypto::x25519_secret_from_seed(config.seed, &secret) &&
      static_key_.init(secret.data()) &&
      crypto::hmac_sha256(Part{config.seed, crypto::kEd25519SeedBytes},
                          {Part{kResetLabel, kLabelBytes}, network_part()}, reset_key);
  if (!made) return false;
  std::memcpy(id_.bytes, identity.public_key(), sizeof id_.bytes);
  reset_key_.set(reset_key);
  crypto::wipe(reset_key, sizeof reset_key);
  return crypto::aead_available(AeadSuite::kAes256Gcm) &&
         crypto::aead_available(AeadSuite::kChaCha20Poly1305);
}

wire::Suite NoiseSecurity::suite() const {
  return suite_ == AeadSuite::kAes256Gcm ? wire::Suite::kAes256Gcm : wire::Suite::kChaCha20Poly1305;
}

// --- Handshakes.

Handshake* NoiseSecurity::initiate(Memory& memory, const wire::PeerIdBytes& remote,
                                   const wire::InitHeader& header,
                                   const wire::InitPayload& payload) {
  auto* made = memory.create<NoiseSession>(*this, true, header.suite);
  if (made == nullptr) return nullptr;
  uint8_t bytes[wire::kInitHeaderBytes];
  wire::write_init_header(bytes, header);
  made->add_prologue(kSessionLabel, kLabelBytes);
  made->add_prologue(bytes, sizeof bytes);
  made->set_remote(remote);
  if (!wire::write_init_payload(made->own_payload(), payload)) {
    release(memory, made);
    return nullptr;
  }
  made->set_own_payload(wire::kInitPayloadBytes);
  return made;
}

Handshake* NoiseSecurity::respond(Memory& memory, const uint8_t* init,
                                  const wire::ResponsePayload& payload) {
  wire::InitHeader header{};
  if (!wire::read_init_header(init, wire::kInitBytes, header)) return nullptr;
  auto* made = memory.create<NoiseSession>(*this, false, header.suite);
  if (made == nullptr) return nullptr;
  made->add_prologue(kSessionLabel, kLabelBytes);
  made->add_prologue(init, wire::kInitHeaderBytes);
  made->set_message(wire::init_message(init), wire::kInitMessageBytes);
  made->set_own_payload(
      wire::write_response_payload(made->own_payload(), wire::kInitPayloadBytes, payload));
  return made;
}

// Both sides of a handshake within a session begin alike.
NoiseSecurity::NoiseSession* NoiseSecurity::make_renewal(Memory& memory, bool initiator,
                                                         const wire::PeerIdBytes& remote,
                                                         wire::Suite suite, const uint8_t* binding,
                                                         uint64_t generation) {
  auto* made = memory.create<NoiseSession>(*this, initiator, suite);
  if (made == nullptr) return nullptr;
  uint8_t number[sizeof generation];
  wire::store_u64(number, generation);
  made->add_prologue(kRenewalLabel, kLabelBytes);
  made->add_prologue(binding, kBindingBytes);
  made->add_prologue(number, sizeof number);
  made->set_remote(remote);
  return made;
}

Handshake* NoiseSecurity::renew(Memory& memory, const wire::PeerIdBytes& remote, wire::Suite suite,
                                const uint8_t binding[kBindingBytes], uint64_t generation) {
  return make_renewal(memory, true, remote, suite, binding, generation);
}

Handshake* NoiseSecurity::answer_renewal(Memory& memory, const wire::PeerIdBytes& remote,
                                         wire::Suite suite, const uint8_t binding[kBindingBytes],
                                         uint64_t generation, const uint8_t* message,
                                         size_t length) {
  if (length > wire::kInitMessageBytes) return nullptr;
  NoiseSession* made = make_renewal(memory, false, remote, suite, binding, generation);
  if (made != nullptr) made->set_message(message, length);
  return made;
}

void NoiseSecurity::destroy(Memory& memory, Handshake* handshake) {
  memory.destroy(static_cast<NoiseSession*>(handshake));
}

void NoiseSecurity::destroy_self(Memory& memory) { memory.destroy(this); }

// --- What comes of them.

crypto::PacketProtection* NoiseSecurity::protect(Memory& memory, Handshake& handshake,
                                                 uint8_t binding[kBindingBytes]) {
  auto& noise_session = static_cast<NoiseSession&>(handshake);
  crypto::Secret<crypto::kAeadKeyBytes> send;
  crypto::Secret<crypto::kAeadKeyBytes> receive;
  auto* made = memory.create<crypto::AeadPacketProtection>();
  if (made == nullptr) return nullptr;
  std::memcpy(binding, noise_session.noise().hash(), kBindingBytes);
  if (noise_session.noise().split(&send, &receive) &&
      made->init(aead_of(noise_session.suite()), noise_session.initiator(), send, receive,
                 limits_)) {
    return made;
  }
  memory.destroy(made);
  return nullptr;
}

void NoiseSecurity::release(Memory& memory, crypto::PacketProtection* protection) {
  memory.destroy(static_cast<crypto::AeadPacketProtection*>(protection));
}

bool NoiseSecurity::fresh_secret(Handshake& handshake,
                                 uint8_t out[crypto::PacketProtection::kFreshBytes]) {
  auto& noise_session = static_cast<NoiseSession&>(handshake);
  crypto::Secret<crypto::kAeadKeyBytes> send;
  crypto::Secret<crypto::kAeadKeyBytes> receive;
  if (!noise_session.noise().split(&send, &receive)) return false;
  crypto::TrafficSecret fresh;
  if (!crypto::fresh_secret(noise_session.initiator(), send, receive, &fresh)) return false;
  std::memcpy(out, fresh.data(), fresh.size());
  return true;
}

// --- Secrets beside.

bool NoiseSecurity::mac_key(const wire::PeerIdBytes& responder,
                            uint8_t out[crypto::SipHash::kKeyBytes]) {
  uint8_t hash[crypto::kSha256Bytes];
  if (!crypto::sha256({Part{kMacLabel, kLabelBytes}, Part{responder.bytes, sizeof responder.bytes},
                       network_part()},
                      hash)) {
    return false;
  }
  std::memcpy(out, hash, crypto::SipHash::kKeyBytes);
  return true;
}

// Four random bytes, and four that only who has our identity and the network's key can make of
// them: who has not seen one of our ids gets no reset.
bool NoiseSecurity::mark(wire::ConnectionId* id) {
  uint8_t hash[crypto::kSha256Bytes];
  if (!crypto::hmac_sha256(Part{reset_key_.data(), reset_key_.size()},
                           {Part{kIdLabel, kLabelBytes}, Part{id->bytes, kRandomIdBytes}}, hash)) {
    return false;
  }
  std::memcpy(id->bytes + kRandomIdBytes, hash, sizeof id->bytes - kRandomIdBytes);
  crypto::wipe(hash, sizeof hash);
  return true;
}

bool NoiseSecurity::marked(const wire::ConnectionId& id) {
  wire::ConnectionId right = id;
  return mark(&right) && right == id;
}

bool NoiseSecurity::reset_token(const wire::ConnectionId& id, wire::ResetToken* token) {
  uint8_t hash[crypto::kSha256Bytes];
  if (!crypto::hmac_sha256(Part{reset_key_.data(), reset_key_.size()},
                           {Part{id.bytes, sizeof id.bytes}}, hash)) {
    return false;
  }
  std::memcpy(token->bytes, hash, sizeof token->bytes);
  crypto::wipe(hash, sizeof hash);
  return true;
}

}  // namespace hawser::transport
