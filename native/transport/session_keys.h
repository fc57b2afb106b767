#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/packet_protection.h"
#include "transport/security.h"
#include "transport/time.h"
#include "wire/packet.h"

namespace hawser::transport {

// What a renewal of the keys waits for.
enum class Renewal : uint8_t {
  kNone,
  kMaking,     // initiator: our message is computed
  kAsked,      // initiator: the answer is on its way
  kFinishing,  // initiator: the answer is computed
  kAnswering,  // responder: our message is computed
  kAnswered,   // responder: the next epoch has not come
};

// The keys of a session, and how far it is with the next ones (session_keys.cc).
struct SessionKeys {
  // nullptr before there are keys.
  crypto::PacketProtection* protection = nullptr;
  // Counted in the endpoint's memory for what libcrypto takes; 0 while parked.
  size_t charged = 0;
  // The handshake that makes the session, then those that renew its keys.
  Handshake* handshake = nullptr;
  uint64_t generation = 0;  // of the last handshake that renews
  uint64_t epoch = 0;
  // When the keys of the epoch before go.
  Time forget_at = kNever;
  // Initiator: when the next handshake begins. Responder: when those answered so far are paid for,
  // one for each `answer_renewals_every`; one may be ahead.
  Time renew_at = kNever;
  wire::Suite suite = wire::Suite::kAes256Gcm;
  Renewal renewal = Renewal::kNone;
  // An epoch begun by an update of ours that the peer has not followed yet.
  bool updating = false;
  // Initiator: a fresh secret waits in the keys of the next epoch, which has to begin before the
  // next handshake.
  bool epoch_wanted = false;
  // CRYPTO is to be sent.
  bool crypto_wanted = false;
  uint8_t binding[Security::kBindingBytes] = {};
};

}  // namespace hawser::transport
