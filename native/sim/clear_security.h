// Security without secrets: what is sent has the form and length of what NoiseSecurity makes, and
// can be read. For tests that make packets by hand and judge what comes back.
#pragma once

#include "transport/security.h"

namespace hawser::sim {

class ClearSecurity final : public transport::Security {
 public:
  explicit ClearSecurity(const wire::PeerIdBytes& id) : id_(id) {}

  wire::PeerIdBytes id() const override { return id_; }
  wire::Suite suite() const override { return wire::Suite::kAes256Gcm; }

  transport::Handshake* initiate(transport::Memory& memory, const wire::PeerIdBytes& remote,
                                 const wire::InitHeader& header,
                                 const wire::InitPayload& payload) override;
  transport::Handshake* respond(transport::Memory& memory, const uint8_t* init,
                                const wire::ResponsePayload& payload) override;
  transport::Handshake* renew(transport::Memory& memory, const wire::PeerIdBytes& remote,
                              wire::Suite suite, const uint8_t binding[kBindingBytes],
                              uint64_t generation) override;
  transport::Handshake* answer_renewal(transport::Memory& memory, const wire::PeerIdBytes& remote,
                                       wire::Suite suite, const uint8_t binding[kBindingBytes],
                                       uint64_t generation, const uint8_t* message,
                                       size_t length) override;

  using Security::release;
  crypto::PacketProtection* protect(transport::Memory& memory, transport::Handshake& handshake,
                                    uint8_t binding[kBindingBytes]) override;
  void release(transport::Memory& memory, crypto::PacketProtection* protection) override;
  bool fresh_secret(transport::Handshake& handshake,
                    uint8_t out[crypto::PacketProtection::kFreshBytes]) override;

  bool mac_key(const wire::PeerIdBytes& responder,
               uint8_t out[crypto::SipHash::kKeyBytes]) override {
    return key_of(responder, out);
  }
  bool mark(wire::ConnectionId* id) override;
  bool marked(const wire::ConnectionId& id) override;
  bool reset_token(const wire::ConnectionId& id, wire::ResetToken* token) override;

  // So many updates of keys fail, as if libcrypto had no memory.
  uint32_t failing_updates = 0;

  static bool key_of(const wire::PeerIdBytes& responder, uint8_t out[crypto::SipHash::kKeyBytes]);

 private:
  class ClearHandshake;

  void destroy(transport::Memory& memory, transport::Handshake* handshake) override;
  void destroy_self(transport::Memory& memory) override { memory.destroy(this); }

  const wire::PeerIdBytes id_;
};

// A tag of zeros, nothing hidden. The key phase follows as it should.
class ClearProtection final : public crypto::PacketProtection {
 public:
  ClearProtection(ClearSecurity& security, bool initiator)
      : security_(security), initiator_(initiator) {}

  bool seal(uint8_t* train, size_t length, size_t segment, const uint64_t* numbers) override;
  bool unmask(uint8_t* packet, size_t length) override;
  Opened open(uint64_t number, uint8_t* packet, size_t length) override;
  uint64_t epoch() const override { return epoch_; }
  bool update_due() const override { return false; }
  bool updating() const override { return opened_epoch_ != epoch_; }
  bool update() override;
  bool mix(const uint8_t /*fresh*/[kFreshBytes]) override { return true; }
  void forget_previous() override {}
  void park() override {}
  size_t memory_bytes() const override { return 0; }
  // About as much as real keys, so that what is counted for them matters here, too.
  size_t active_bytes() const override { return 6'000; }

 private:
  ClearSecurity& security_;
  const bool initiator_;
  uint64_t epoch_ = 0;
  uint64_t opened_epoch_ = 0;
  uint64_t largest_ = 0;
};

}  // namespace hawser::sim
