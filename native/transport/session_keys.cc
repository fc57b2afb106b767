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
  if (protection_->seal(train, length, segment, numbers)) return true;
  // Nothing can be said any more, not even this.
  static constexpr char kWhy[] = "the keys are used up";
  become_gone(now, CloseReason::make(ClosedBy::kFailure, wire::Code::kKeysExhausted, kWhy,
                                     sizeof kWhy - 1));
  return false;
}

// What libcrypto takes for the keys, which it makes whenever they are needed: all of it at once, so
// that a session which may seal and open never fails to for the limit.
bool Session::charge_keys() {
  if (keys_charged_ != 0) return true;
  const size_t bytes = protection_->active_bytes();
  if (!endpoint_.memory().charge(bytes)) return false;
  keys_charged_ = bytes;
  parked_ = false;  // so that it is given back again
  return true;
}

void Session::refund_keys() {
  endpoint_.memory().refund(keys_charged_);
  keys_charged_ = 0;
}

// --- Epochs. Only the initiator begins one, so that both sides always mean the same one by "next".

// Not before the keys of the epoch before the present one are gone: a new epoch would take them
// away from packets that are still on their way (RFC 9001, section 6.5).
bool Session::may_change_keys() const {
  return initiator_ && renewal_ == Renewal::kNone && !updating_ && forget_keys_at_ == kNever;
}

// Nor before the secret of the last handshake is in use: the responder takes no other one until
// then.
bool Session::may_renew() const { return may_change_keys() && !epoch_wanted_; }

// When libcrypto fails, the next packet tries again.
void Session::begin_epoch(Time /*now*/) {
  if (!protection_->update()) return;
  epoch_wanted_ = false;
  epoch_ = protection_->epoch();
  updating_ = true;
  counters_.key_updates++;
}

// After each packet that was opened.
void Session::note_epoch(Time now) {
  const bool followed = updating_ && !protection_->updating();
  const bool moved = protection_->epoch() != epoch_;
  if (!followed && !moved) return;
  updating_ = false;
  if (moved) {
    epoch_ = protection_->epoch();
    counters_.key_updates++;
    // The answer has arrived: its secret is in the keys of this epoch.
    if (renewal_ == Renewal::kAnswered) drop_handshake();
  }
  // What is still on its way was sealed with the keys before (RFC 9001, section 6.5).
  forget_keys_at_ = now + 3 * loss_.pto(path_.rtt, peer_max_ack_delay());
}

// --- Fresh handshakes.

void Session::begin_renewal(Time now) {
  // Once the last update is complete: which epoch the secret goes into must not be in doubt.
  if (!may_renew()) return;
  renew_at_ = now + endpoint_.config().renew_after;
  handshake_ = endpoint_.counted(endpoint_.security().renew(runtime_.memory(), remote_, suite_,
                                                            binding_, renewal_generation_ + 1));
  if (handshake_ == nullptr) return;  // later, then
  renewal_generation_++;
  renewal_ = Renewal::kMaking;
  handshake_->session = this;
  runtime_.submit(handshake_);
}

// Two at once, then one for each interval: the generic cell rate algorithm of ITU-T I.371.
bool Session::may_answer_renewal(Time now) const {
  return renew_at_ <= now + endpoint_.config().answer_renewals_every;
}

Session::Taken Session::on_crypto(Time now, const wire::Crypto& frame) {
  static constexpr char kWhy[] = "a handshake out of turn";
  if (initiator_ != (frame.step == 2)) return protocol_error(now, wire::Code::kCryptoFailed, kWhy);
  if (initiator_) {
    if (frame.generation > renewal_generation_) {
      return protocol_error(now, wire::Code::kCryptoFailed, kWhy);
    }
    const bool awaited = frame.generation == renewal_generation_ && renewal_ == Renewal::kAsked;
    if (!awaited || !handshake_->take_answer(frame.message, frame.length)) return Taken::kYes;
    renewal_ = Renewal::kFinishing;
    crypto_wanted_ = false;
    runtime_.submit(handshake_);
    return Taken::kYes;
  }
  if (frame.generation <= renewal_generation_) return Taken::kYes;
  if (frame.generation != renewal_generation_ + 1 || renewal_ != Renewal::kNone) {
    return protocol_error(now, wire::Code::kCryptoFailed, kWhy);
  }
  // As dear as any other handshake. What comes too early is not acknowledged, so that it comes
  // again.
  if (!may_answer_renewal(now) || !endpoint_.admits_renewal(now, path_.address)) {
    return Taken::kNoMemory;
  }
  handshake_ = endpoint_.counted(endpoint_.security().answer_renewal(
      runtime_.memory(), remote_, suite_, binding_, frame.generation, frame.message, frame.length));
  if (handshake_ == nullptr) return Taken::kNoMemory;
  const Duration each = endpoint_.config().answer_renewals_every;
  renew_at_ = std::max(renew_at_, now) + each;
  renewal_generation_ = frame.generation;
  renewal_ = Renewal::kAnswering;
  handshake_->session = this;
  runtime_.submit(handshake_);
  return Taken::kYes;
}

void Session::on_renewal_computed(Time now) {
  if (renewal_ == Renewal::kMaking) {
    if (!handshake_->succeeded()) {
      drop_handshake();
      renewal_generation_--;  // nobody has heard of it: the next one follows what the peer knows
      return;
    }
    renewal_ = Renewal::kAsked;
    crypto_wanted_ = true;
    runtime_.make_ready(this);
    return;
  }
  uint8_t fresh[crypto::PacketProtection::kFreshBytes];
  const bool mixed = handshake_->succeeded() &&
                     endpoint_.security().fresh_secret(*handshake_, fresh) &&
                     protection_->mix(fresh);
  crypto::wipe(fresh, sizeof fresh);
  if (!mixed) {
    // It came sealed, so the peer has sent it: there is no right one to wait for.
    drop_handshake();
    protocol_error(now, wire::Code::kCryptoFailed, "a handshake that does not check");
    return;
  }
  counters_.renewals++;
  if (renewal_ == Renewal::kAnswering) {
    renewal_ = Renewal::kAnswered;
    crypto_wanted_ = true;
    runtime_.make_ready(this);
    return;
  }
  drop_handshake();
  epoch_wanted_ = true;
  begin_epoch(now);
  // Something has to go under the new keys, so that the peer follows.
  ping_wanted_ = true;
  runtime_.make_ready(this);
}

}  // namespace hawser::transport
