// Sessions that others begin.

#include <algorithm>
#include <cstring>

#include "transport/endpoint.h"
#include "transport/runtime.h"

namespace hawser::transport {

// The cheap checks first: nothing is kept before mac1 checks, and with many half-open sessions
// nothing before the sender has shown that it receives at its address.
void Endpoint::on_init(Time now, const PathAddress& from, const uint8_t* data, size_t length) {
  wire::InitHeader header{};
  if (!wire::read_init_header(data, length, header)) {
    counters_.malformed++;
    return;
  }
  if (!accepting_ || !guard_.mac1_valid(data)) {
    counters_.not_for_us++;
    return;
  }
  const uint64_t key = init_key(from, header.source);
  if (Session* known = by_init_.find(key); known != nullptr) {
    if (known->path() == from && known->remote_id() == header.source) known->on_repeated_init(now);
    return;
  }
  if (pending_.find(key) != nullptr || !admits(now, from, data)) return;
  wire::ResponsePayload payload{};
  payload.parameters = Session::parameters(config_);
  if (!new_connection_id(payload.source) ||
      !security_.reset_token(payload.source, &payload.reset)) {
    return;
  }
  Handshake* handshake = counted(security_.respond(runtime_.memory(), data, payload));
  if (handshake == nullptr || !pending_.insert(key, handshake)) {
    counters_.no_memory++;
    security_.release(runtime_.memory(), handshake);
    return;
  }
  handshake->endpoint = this;
  handshake->from = from;
  handshake->suite = header.suite;
  handshake->source = header.source;
  handshake->local = payload.source;
  handshake->key = key;
  counters_.handshakes_answered++;
  runtime_.submit(handshake);
}

bool Endpoint::admits(Time now, const PathAddress& from, const uint8_t* init) {
  // Whose cookie is right is at that address: nobody else can use up what it has.
  const bool proven = guard_.mac2_valid(now, from, init);
  if (!proven &&
      (half_open_count() >= config_.cookies_above || !guard_.admit_unproven(now, from))) {
    uint8_t cookie[wire::kCookiePacketBytes];
    guard_.write_cookie(now, from, init, cookie);
    if (reply(from, cookie, sizeof cookie)) counters_.cookies_sent++;
    return false;
  }
  if (session_count() + pending_.size() >= config_.max_sessions ||
      half_open_count() >= config_.max_half_open || (proven && !guard_.admit_proven(now, from))) {
    counters_.refused++;
    return false;
  }
  return true;
}

void Endpoint::on_handshake(Time now, Handshake* handshake) {
  pending_.erase(handshake->key);
  // Computed, and gone in a moment: what comes of it may have its room.
  handshake->refund();
  accept(now, *handshake);
  security_.release(runtime_.memory(), handshake);
}

void Endpoint::accept(Time now, Handshake& handshake) {
  if (!handshake.succeeded()) {
    counters_.unauthenticated++;
    return;
  }
  wire::InitPayload payload{};
  if (!wire::read_init_payload(handshake.payload(), handshake.payload_length(), payload)) {
    counters_.malformed++;
    return;
  }
  if (payload.initiator == id()) {
    counters_.not_for_us++;
    return;
  }
  if (by_connection_id_.find(handshake.local.as_u64()) != nullptr ||
      session_count() >= config_.max_sessions || has_too_many(payload.initiator) ||
      yields(now, payload.initiator)) {
    counters_.refused++;
    return;
  }
  auto* session = memory_.create<Session>(*this, false, handshake.local, payload.initiator);
  if (session == nullptr) {
    counters_.no_memory++;
    return;
  }
  if (!enter(session, payload.initiator)) {
    counters_.no_memory++;
    memory_.destroy(session);
    return;
  }
  if (!by_init_.insert(handshake.key, session) ||
      !session->start_half_open(now, handshake, payload)) {
    counters_.no_memory++;
    by_init_.erase(handshake.key);
    by_connection_id_.erase(handshake.local.as_u64());
    unlink_peer(session);
    memory_.destroy(session);
    return;
  }
  half_open_++;
}

bool Endpoint::has_too_many(const wire::PeerIdBytes& remote) const {
  uint32_t count = 0;
  for (const Session* s = by_peer_.find(peer_key(remote)); s != nullptr; s = s->next_with_peer) {
    if (!s->initiator()) count++;
  }
  return count >= config_.max_sessions_per_peer;
}

// Two peers that dial each other at the same time. The one with the smaller id answers and, once
// the other is proven, makes its own attempt part of that session (heir_of); the one with the
// larger id waits for that.
bool Endpoint::yields(Time now, const wire::PeerIdBytes& remote) {
  const Session* own = find(remote);
  if (own == nullptr || own->state() != Session::State::kConnecting) return false;
  const wire::PeerIdBytes ours = id();
  return std::memcmp(ours.bytes, remote.bytes, sizeof ours.bytes) > 0 &&
         now - own->connecting_since() < kDialFirst;
}

Session* Endpoint::heir_of(const Session& other) {
  for (Session* s = by_peer_.find(peer_key(other.remote())); s != nullptr; s = s->next_with_peer) {
    if (s->state() == Session::State::kConnecting && s->remote() == other.remote()) return s;
  }
  return nullptr;
}

void Endpoint::inherit(Session* heir, Session* other) {
  by_connection_id_.erase(heir->local_id().as_u64());
  by_connection_id_.replace(other->local_id().as_u64(), heir);
  by_init_.replace(other->init_key(), heir);
  if (other->expects_reset()) {
    by_reset_token_.replace(wire::load_u64(other->remote_reset().bytes), heir);
  }
  unlink_peer(other);
}

}  // namespace hawser::transport
