#include "sim/clear_security.h"

#include <algorithm>
#include <cstring>

#include "wire/endian.h"

namespace hawser::sim {

using transport::Handshake;
using transport::Memory;

// Message: the payload, and zeros where a real one has keys and tags.
class ClearSecurity::ClearHandshake final : public Handshake {
 public:
  ClearHandshake(ClearSecurity& security, bool initiator) : Handshake(security), role_(initiator) {
    step_ = initiator ? Step::kInitiate : Step::kRespond;
  }

  void compute() override {
    switch (step_) {
      case Step::kInitiate:
        succeeded_ = say(wire::kFirstMessageOverhead);
        step_ = Step::kFinish;
        break;
      case Step::kRespond:
        succeeded_ = hear(wire::kFirstMessageOverhead) && say(wire::kSecondMessageOverhead);
        break;
      case Step::kFinish:
        succeeded_ = hear(wire::kSecondMessageOverhead);
        break;
    }
  }

  void set_message(const uint8_t* message, size_t length) {
    std::memcpy(answer_, message, length);
    answer_length_ = length;
  }
  uint8_t* own() { return own_; }
  void set_own(size_t length) { own_length_ = length; }
  bool initiator() const { return role_; }
  size_t memory_bytes() const override { return sizeof *this; }

 private:
  bool say(size_t overhead) {
    std::memcpy(message_, own_, own_length_);
    std::memset(message_ + own_length_, 0, overhead);
    message_length_ = own_length_ + overhead;
    return true;
  }
  bool hear(size_t overhead) {
    if (answer_length_ < overhead) return false;
    payload_ = answer_;
    payload_length_ = answer_length_ - overhead;
    return std::all_of(answer_ + payload_length_, answer_ + answer_length_,
                       [](uint8_t byte) { return byte == 0; });
  }

  const bool role_;
  uint8_t own_[wire::kInitPayloadBytes];
  size_t own_length_ = 0;
};

Handshake* ClearSecurity::initiate(Memory& memory, const wire::PeerIdBytes& /*remote*/,
                                   const wire::InitHeader& /*header*/,
                                   const wire::InitPayload& payload) {
  auto* made = memory.create<ClearHandshake>(*this, true);
  if (made == nullptr) return nullptr;
  if (!wire::write_init_payload(made->own(), payload)) {
    release(memory, made);
    return nullptr;
  }
  made->set_own(wire::kInitPayloadBytes);
  return made;
}

Handshake* ClearSecurity::respond(Memory& memory, const uint8_t* init,
                                  const wire::ResponsePayload& payload) {
  auto* made = memory.create<ClearHandshake>(*this, false);
  if (made == nullptr) return nullptr;
  made->set_message(wire::init_message(init), wire::kInitMessageBytes);
  made->set_own(wire::write_response_payload(made->own(), wire::kInitPayloadBytes, payload));
  return made;
}

Handshake* ClearSecurity::renew(Memory& memory, const wire::PeerIdBytes& /*remote*/,
                                wire::Suite /*suite*/, const uint8_t* /*binding*/,
                                uint64_t /*generation*/) {
  return memory.create<ClearHandshake>(*this, true);
}

Handshake* ClearSecurity::answer_renewal(Memory& memory, const wire::PeerIdBytes& /*remote*/,
                                         wire::Suite /*suite*/, const uint8_t* /*binding*/,
                                         uint64_t /*generation*/, const uint8_t* message,
                                         size_t length) {
  if (length > wire::kInitMessageBytes) return nullptr;
  auto* made = memory.create<ClearHandshake>(*this, false);
  if (made != nullptr) made->set_message(message, length);
  return made;
}

void ClearSecurity::destroy(Memory& memory, Handshake* handshake) {
  memory.destroy(static_cast<ClearHandshake*>(handshake));
}

crypto::PacketProtection* ClearSecurity::protect(Memory& memory, Handshake& handshake,
                                                 uint8_t binding[kBindingBytes]) {
  std::memset(binding, 0, kBindingBytes);
  return memory.create<ClearProtection>(*this, static_cast<ClearHandshake&>(handshake).initiator());
}

void ClearSecurity::release(Memory& memory, crypto::PacketProtection* protection) {
  memory.destroy(static_cast<ClearProtection*>(protection));
}

bool ClearSecurity::fresh_secret(Handshake& /*handshake*/,
                                 uint8_t out[crypto::PacketProtection::kFreshBytes]) {
  std::memset(out, 0, crypto::PacketProtection::kFreshBytes);
  return true;
}

bool ClearSecurity::key_of(const wire::PeerIdBytes& responder,
                           uint8_t out[crypto::SipHash::kKeyBytes]) {
  std::memcpy(out, responder.bytes, crypto::SipHash::kKeyBytes);
  return true;
}

bool ClearSecurity::mark(wire::ConnectionId* id) {
  const uint64_t hash = crypto::SipHash(id_.bytes)(id->bytes, sizeof id->bytes / 2);
  wire::store_u32(id->bytes + sizeof id->bytes / 2, static_cast<uint32_t>(hash));
  return true;
}

bool ClearSecurity::marked(const wire::ConnectionId& id) {
  wire::ConnectionId right = id;
  return mark(&right) && right == id;
}

bool ClearSecurity::reset_token(const wire::ConnectionId& id, wire::ResetToken* token) {
  for (size_t i = 0; i < 2; i++) {
    wire::store_u64(token->bytes + 8 * i,
                    crypto::SipHash(id_.bytes + 16 * i)(id.bytes, sizeof id.bytes));
  }
  return true;
}

// --- Packets.

bool ClearProtection::seal(uint8_t* train, size_t length, size_t segment,
                           const uint64_t* /*numbers*/) {
  for (size_t at = 0; at < length; at += segment) {
    const size_t packet = std::min(segment, length - at);
    std::memset(train + at + packet - wire::kTagBytes, 0, wire::kTagBytes);
    train[at] = static_cast<uint8_t>((train[at] & 0xfe) | (epoch_ & 1));
  }
  return true;
}

bool ClearProtection::unmask(uint8_t* /*packet*/, size_t length) {
  return length >= wire::kMinDataPacket;
}

crypto::PacketProtection::Opened ClearProtection::open(uint64_t number, uint8_t* packet,
                                                       size_t length) {
  const uint8_t* tag = packet + length - wire::kTagBytes;
  if (std::any_of(tag, tag + wire::kTagBytes, [](uint8_t byte) { return byte != 0; })) {
    return Opened::kForged;
  }
  if ((packet[0] & 1) != (opened_epoch_ & 1) && number > largest_) {
    // Of the next epoch, or forged.
    if (!initiator_) {
      epoch_++;
    } else if (opened_epoch_ == epoch_) {
      return Opened::kForged;
    }
    opened_epoch_++;
  }
  largest_ = std::max(largest_, number);
  return Opened::kYes;
}

bool ClearProtection::update() {
  if (!initiator_ || updating()) return false;
  if (security_.failing_updates > 0) {
    security_.failing_updates--;
    return false;
  }
  epoch_++;
  return true;
}

}  // namespace hawser::sim
