// The keys of a session while it lives: epochs, and the handshakes within it that make them fresh
// (docs/SECURITY.md).

#include <algorithm>
#include <cstring>

#include "crypto/secret.h"
#include "transport/endpoint.h"
#include "transport/runtime.h"
#include "transport/session.h"

namespace hawser::transport {

bool Session::seal(Time now, uint8_t* train, size_t length, size_t segment,
                   const uint64_t* numbers) {
  if (keys_.protection->seal(train, length, segment, numbers)) return true;
  // Nothing can be said any more, not even this.
  static constexpr char kWhy[] = "the keys are used up";
  become_gone(now, CloseReason::make(ClosedBy::kFailure, wire::Code::kKeysExhausted, kWhy,
                                     sizeof kWhy - 1));
  return false;
}

// What libcrypto takes for the keys, which it makes whenever they are needed: all of it at once, so
// that a session which may seal and open never fails to for the limit.
bool Session::charge_keys() {
  if (keys_.charged != 0) return true;
  const size_t bytes = keys_.protection->active_bytes();
  if (!endpoint_.memory().charge(bytes)) return false;
  keys_.charged = bytes;
  parked_ = false;  // so that it is given back again
  return true;
}

void Session::refund_keys() {
  endpoint_.memory().refund(keys_.charged);
  keys_.charged = 0;
}

// --- Epochs. Only the initiator begins one, so that both sides always mean the same one by "next".

// Not before the keys of the epoch before the present one are gone: a new epoch would take them
// away from packets that are still on their way (RFC 9001, section 6.5).
bool Session::may_change_keys() const {
  return initiator_ && keys_.renewal == Renewal::kNone && !keys_.updating &&
         keys_.forget_at == kNever;
}

// Nor before the secret of the last handshake is in use: the responder takes no other one until
// then.
bool Session::may_renew() const { return may_change_keys() && !keys_.epoch_wanted; }

// When libcrypto fails, the next packet tries again.
void Session::begin_epoch(Time /*now*/) {
  if (!keys_.protection->update()) return;
  keys_.epoch_wanted = false;
  keys_.epoch = keys_.protection->epoch();
  keys_.updating = true;
  totals_.key_updates++;
}

// After each packet that was opened.
void Session::note_epoch(Time now) {
  const bool followed = keys_.updating && !keys_.protection->updating();
  const bool moved = keys_.protection->epoch() != keys_.epoch;
  if (!followed && !moved) return;
  keys_.updating = false;
  if (moved) {
    keys_.epoch = keys_.protection->epoch();
    totals_.key_updates++;
    // The answer has arrived: its secret is in the keys of this epoch.
    if (keys_.renewal == Renewal::kAnswered) drop_handshake();
  }
  // What is still on its way was sealed with the keys before (RFC 9001, section 6.5).
  keys_.forget_at = now + 3 * loss_.pto(path_.rtt, peer_max_ack_delay());
}

// --- Fresh handshakes.

void Session::begin_renewal(Time now) {
  // Once the last update is complete: which epoch the secret goes into must not be in doubt.
  if (!may_renew()) return;
  keys_.renew_at = now + endpoint_.config().renew_after;
  keys_.handshake = endpoint_.counted(endpoint_.security().renew(
      runtime_.memory(), remote_, keys_.suite, keys_.binding, keys_.generation + 1));
  if (keys_.handshake == nullptr) return;  // later, then
  keys_.generation++;
  keys_.renewal = Renewal::kMaking;
  keys_.handshake->session = this;
  runtime_.submit(keys_.handshake);
}

// Two at once, then one for each interval: the generic cell rate algorithm of ITU-T I.371.
bool Session::may_answer_renewal(Time now) const {
  return keys_.renew_at <= now + endpoint_.config().answer_renewals_every;
}

Session::Taken Session::on_crypto(Time now, const wire::Crypto& frame) {
  static constexpr char kWhy[] = "a handshake out of turn";
  if (initiator_ != (frame.step == 2)) return protocol_error(now, wire::Code::kCryptoFailed, kWhy);
  if (initiator_) {
    if (frame.generation > keys_.generation) {
      return protocol_error(now, wire::Code::kCryptoFailed, kWhy);
    }
    const bool awaited = frame.generation == keys_.generation && keys_.renewal == Renewal::kAsked;
    if (!awaited || !keys_.handshake->take_answer(frame.message, frame.length)) return Taken::kYes;
    keys_.renewal = Renewal::kFinishing;
    keys_.crypto_wanted = false;
    runtime_.submit(keys_.handshake);
    return Taken::kYes;
  }
  if (frame.generation <= keys_.generation) return Taken::kYes;
  if (frame.generation != keys_.generation + 1 || keys_.renewal != Renewal::kNone) {
    return protocol_error(now, wire::Code::kCryptoFailed, kWhy);
  }
  // As dear as any other handshake. What comes too early is not acknowledged, so that it comes
  // again.
  if (!may_answer_renewal(now) || !endpoint_.admits_renewal(now, path_.address)) {
    return Taken::kNoMemory;
  }
  keys_.handshake = endpoint_.counted(
      endpoint_.security().answer_renewal(runtime_.memory(), remote_, keys_.suite, keys_.binding,
                                          frame.generation, frame.message, frame.length));
  if (keys_.handshake == nullptr) return Taken::kNoMemory;
  const Duration each = endpoint_.config().answer_renewals_every;
  keys_.renew_at = std::max(keys_.renew_at, now) + each;
  keys_.generation = frame.generation;
  keys_.renewal = Renewal::kAnswering;
  keys_.handshake->session = this;
  runtime_.submit(keys_.handshake);
  return Taken::kYes;
}

void Session::on_renewal_computed(Time now) {
  if (keys_.renewal == Renewal::kMaking) {
    if (!keys_.handshake->succeeded()) {
      drop_handshake();
      keys_.generation--;  // nobody has heard of it: the next one follows what the peer knows
      return;
    }
    keys_.renewal = Renewal::kAsked;
    keys_.crypto_wanted = true;
    runtime_.make_ready(this);
    return;
  }
  uint8_t fresh[crypto::PacketProtection::kFreshBytes];
  const bool mixed = keys_.handshake->succeeded() &&
                     endpoint_.security().fresh_secret(*keys_.handshake, fresh) &&
                     keys_.protection->mix(fresh);
  crypto::wipe(fresh, sizeof fresh);
  if (!mixed) {
    // It came sealed, so the peer has sent it: there is no right one to wait for.
    drop_handshake();
    protocol_error(now, wire::Code::kCryptoFailed, "a handshake that does not check");
    return;
  }
  totals_.renewals++;
  if (keys_.renewal == Renewal::kAnswering) {
    keys_.renewal = Renewal::kAnswered;
    keys_.crypto_wanted = true;
    runtime_.make_ready(this);
    return;
  }
  drop_handshake();
  keys_.epoch_wanted = true;
  begin_epoch(now);
  // Something has to go under the new keys, so that the peer follows.
  ping_wanted_ = true;
  runtime_.make_ready(this);
}

}  // namespace hawser::transport
