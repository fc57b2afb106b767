#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/sim_memory.h"
#include "test/fuzz/check.h"
#include "test/fuzz/fuzz_peer.h"
#include "test/fuzz/script.h"
#include "transport/init_guard.h"
#include "transport/security.h"
#include "wire/packet.h"

namespace hawser::fuzz {

// Somebody who has an identity, knows those of others, sees what they send, and makes datagrams of
// the handshake and stateless resets as the input has it. Has no keys of anybody's session.
class Stranger {
 public:
  using Bytes = std::vector<uint8_t>;

  static constexpr uint8_t kNumber = 9;

  Stranger(Script& script, const Protected& how)
      : script_(script), security_(make_security(memory_, kNumber, how)) {}
  ~Stranger() { security_->retire(memory_); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  // Flips a few bits.
  void change(Bytes& bytes) {
    if (bytes.empty()) return;
    for (uint32_t count = 1 + script_.below(4); count != 0; count--) flip(bytes, script_.u16());
  }

  // Gives an INIT the mac1 for `responder`.
  void sign(const wire::PeerIdBytes& responder, Bytes& init) {
    if (init.empty()) return;
    uint8_t key[crypto::SipHash::kKeyBytes];
    mac_key(responder, key);
    transport::InitGuard::sign_mac1(key, init.data());
  }

  // An INIT of its own, but for the mac1.
  Bytes init(const wire::PeerIdBytes& responder) {
    wire::InitHeader header{};
    header.source = wire::ConnectionId::from_u64(script_.u8());
    wire::InitPayload payload{};
    payload.initiator = security_->id();
    payload.reset.bytes[0] = 1;
    payload.parameters.max_channels = 4;
    transport::Handshake* handshake = security_->initiate(memory_, responder, header, payload);
    handshake->compute();
    FUZZ_CHECK(handshake->succeeded(), "no first message");
    Bytes datagram(wire::kInitBytes);
    wire::write_init_header(datagram.data(), header);
    std::copy_n(handshake->message(), handshake->message_length(),
                wire::init_message(datagram.data()));
    security_->release(memory_, handshake);
    return datagram;
  }

  // An answer to `init`, which was for `responder`. `right`: with the mac that belongs to it.
  Bytes cookie(const Bytes& init, const wire::PeerIdBytes& responder, bool right) {
    wire::InitHeader header{};
    if (!wire::read_init_header(init.data(), init.size(), header)) return {};
    wire::Cookie packet{};
    packet.destination = header.source;
    for (uint8_t& byte : packet.cookie) byte = script_.u8();
    Bytes datagram(wire::kCookiePacketBytes);
    wire::write_cookie(datagram.data(), datagram.size(), packet);
    Bytes text(datagram.begin(), datagram.end() - wire::kHandshakeMacBytes);
    text.insert(text.end(), wire::init_mac1(init.data()), wire::init_mac2(init.data()));
    uint8_t key[crypto::SipHash::kKeyBytes];
    mac_key(responder, key);
    wire::store_u64(datagram.data() + datagram.size() - wire::kHandshakeMacBytes,
                    crypto::SipHash(key)(text.data(), text.size()));
    if (!right) change(datagram);
    return datagram;
  }

  // A stateless reset with `token`; but for one bit, unless it is to be `right`.
  Bytes reset(const wire::ResetToken& token, bool right) {
    Bytes datagram(wire::kMinResetBytes + script_.below(256));
    datagram[0] = 0x80;
    datagram[1] = script_.u8();
    Bytes end(std::begin(token.bytes), std::end(token.bytes));
    if (!right) flip(end, script_.u8());
    std::copy(end.begin(), end.end(), datagram.end() - wire::kResetTokenBytes);
    return datagram;
  }

 private:
  static void flip(Bytes& bytes, size_t bit) {
    bit %= bytes.size() * 8;
    bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }

  void mac_key(const wire::PeerIdBytes& responder, uint8_t out[crypto::SipHash::kKeyBytes]) {
    FUZZ_CHECK(security_->mac_key(responder, out), "no key");
  }

  Script& script_;
  sim::SimMemory memory_{kNumber};
  transport::Security* const security_;
};

}  // namespace hawser::fuzz
