// Security by the Noise handshakes IK and IKpsk2 and by AEADs (docs/SECURITY.md): what every
// session outside of tests uses.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/aead.h"
#include "crypto/aead_packet_protection.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "crypto/noise.h"
#include "crypto/secret.h"
#include "crypto/x25519.h"
#include "transport/security.h"

namespace hawser::transport {

struct NoiseSecurityConfig {
  // The Ed25519 seed of the identity, 32 bytes.
  const uint8_t* seed = nullptr;
  // 32 bytes that all peers of a closed network share; nullptr: an open one.
  const uint8_t* network_key = nullptr;
  // Of sessions that start here.
  crypto::AeadSuite suite = crypto::AeadSuite::kAes256Gcm;
  crypto::ProtectionLimits limits;
};

class NoiseSecurity final : public Security {
 public:
  NoiseSecurity() = default;

  // Once, before anything else. False: no libcrypto, or one without what is needed here.
  bool init(const NoiseSecurityConfig& config);

  wire::PeerIdBytes id() const override { return id_; }
  wire::Suite suite() const override;

  Handshake* initiate(Memory& memory, const wire::PeerIdBytes& remote,
                      const wire::InitHeader& header, const wire::InitPayload& payload) override;
  Handshake* respond(Memory& memory, const uint8_t* init,
                     const wire::ResponsePayload& payload) override;
  Handshake* renew(Memory& memory, const wire::PeerIdBytes& remote, wire::Suite suite,
                   const uint8_t binding[kBindingBytes], uint64_t generation) override;
  Handshake* answer_renewal(Memory& memory, const wire::PeerIdBytes& remote, wire::Suite suite,
                            const uint8_t binding[kBindingBytes], uint64_t generation,
                            const uint8_t* message, size_t length) override;

  using Security::release;
  crypto::PacketProtection* protect(Memory& memory, Handshake& handshake,
                                    uint8_t binding[kBindingBytes]) override;
  void release(Memory& memory, crypto::PacketProtection* protection) override;
  bool fresh_secret(Handshake& handshake,
                    uint8_t out[crypto::PacketProtection::kFreshBytes]) override;

  bool mac_key(const wire::PeerIdBytes& responder,
               uint8_t out[crypto::SipHash::kKeyBytes]) override;
  bool mark(wire::ConnectionId* id) override;
  bool marked(const wire::ConnectionId& id) override;
  bool reset_token(const wire::ConnectionId& id, wire::ResetToken* token) override;

 private:
  class NoiseSession;

  crypto::Part network_part() const {
    return closed_network_ ? crypto::Part{network_key_.data(), network_key_.size()}
                           : crypto::Part{nullptr, 0};
  }

  NoiseSession* make_renewal(Memory& memory, bool initiator, const wire::PeerIdBytes& remote,
                             wire::Suite suite, const uint8_t* binding, uint64_t generation);
  void destroy(Memory& memory, Handshake* handshake) override;
  void destroy_self(Memory& memory) override;

  wire::PeerIdBytes id_{};
  crypto::X25519Key static_key_;
  bool closed_network_ = false;
  crypto::Secret<crypto::kNoisePskBytes> network_key_;
  crypto::Secret<crypto::kSha256Bytes> reset_key_;
  crypto::AeadSuite suite_ = crypto::AeadSuite::kAes256Gcm;
  crypto::ProtectionLimits limits_;
};

}  // namespace hawser::transport
