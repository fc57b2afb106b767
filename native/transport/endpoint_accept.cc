// Sessions that others begin.

#include <algorithm>
#include <cstring>

#include "transport/endpoint.h"
#include "transport/runtime.h"

namespace hawser::transport {

// The cheap checks first: nothing is kept before mac1 checks, and with many half-open sessions
// nothing before the sender has shown that it receives at its address.
void Endpoint::on_init(Time now, const PathAddress& from, const uint8_t* data, size_t length,
                       bool admitted) {
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
    if (!(known->path() == from) || !(known->remote_id() == header.source)) return;
    if (!known->outlives_init(now)) {
      known->on_repeated_init(now);
      return;
    }
  }
  if (pending_.find(key) != nullptr || !admits(now, from, data, admitted)) return;
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
  if (siblings_ != nullptr && siblings_->any_dials()) {
    // Whose it is will be known when it is read, and it is read in place. Without memory for a
    // copy, one comes again.
    handshake->init = static_cast<uint8_t*>(memory_.allocate(length));
    if (handshake->init != nullptr) std::memcpy(handshake->init, data, length);
  }
  counters_.handshakes_answered++;
  runtime_.submit(handshake);
}

bool Endpoint::admits(Time now, const PathAddress& from, const uint8_t* init, bool admitted) {
  // Whose cookie is right is at that address: nobody else can use up what it has.
  const bool proven = admitted || guard_.mac2_valid(now, from, init);
  const size_t cookies_above =
      std::min<size_t>(config_.cookies_above, std::max<size_t>(1, half_open_.most() / 2));
  if (!proven && (half_open_count() >= cookies_above || !guard_.admit_unproven(now, from))) {
    uint8_t cookie[wire::kCookiePacketBytes];
    guard_.write_cookie(now, from, init, cookie);
    if (reply(from, cookie, sizeof cookie)) counters_.cookies_sent++;
    return false;
  }
  if (full()) {
    counters_.refused_sessions++;
    return false;
  }
  if (!half_open_.takes(now, from, pending_.size())) {
    counters_.refused_half_open++;
    return false;
  }
  if (proven && !admitted && !guard_.admit_proven(now, from)) {
    counters_.refused_by_rate++;
    return false;
  }
  return true;
}

void Endpoint::on_handshake(Time now, Handshake* handshake) {
  pending_.erase(handshake->key);
  // Computed, and gone in a moment: what comes of it may have its room.
  handshake->refund();
  accept(now, *handshake);
  release_init(handshake);
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
  if (is_siblings(handshake, payload.initiator)) return;
  // Made since, by chance of one in 2^64: the INIT comes again.
  if (by_connection_id_.find(handshake.local.as_u64()) != nullptr) return;
  if (full()) {
    counters_.refused_sessions++;
    return;
  }
  if (proven_count(payload.initiator) >= config_.max_sessions_per_peer) {
    counters_.refused_of_peer++;
    return;
  }
  if (yields(now, payload.initiator)) {
    counters_.refused_dialled++;
    return;
  }
  if (Session* before = by_init_.find(handshake.key); before != nullptr) {
    // It was half-open for long when this one was begun, and has been proven since.
    if (before->state() != Session::State::kHalfOpen) return;
    before->give_way(now);
  }
  make_room(now, handshake, payload.initiator);
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
      !session->start_half_open(now, handshake, payload) || !half_open_.add(session)) {
    counters_.no_memory++;
    runtime_.not_ready(session);
    by_init_.erase(handshake.key);
    by_connection_id_.erase(handshake.local.as_u64());
    unlink_peer(session);
    memory_.destroy(session);
  }
}

// Two peers that dial each other have to meet in one place: where our own attempt is.
bool Endpoint::is_siblings(const Handshake& handshake, const wire::PeerIdBytes& remote) {
  if (siblings_ == nullptr || !siblings_->any_dials()) return false;
  const int32_t other = siblings_->dialler_of(remote);
  if (other == Siblings::kNobody || static_cast<uint32_t>(other) == member_) return false;
  // Nobody had dialled when it came: it comes again, and then there is a copy.
  if (handshake.init != nullptr) {
    siblings_->hand_over(static_cast<uint32_t>(other), handshake.from, handshake.init,
                         wire::kInitBytes, true);
  }
  return true;
}

void Endpoint::release_init(Handshake* handshake) {
  memory_.release(handshake->init, wire::kInitBytes);
  handshake->init = nullptr;
}

// What is half-open is begun in a peer's name, and not by it for sure: it counts for nobody.
size_t Endpoint::proven_count(const wire::PeerIdBytes& remote) const {
  size_t count = 0;
  for (const Session* s = by_peer_.find(peer_key(remote)); s != nullptr; s = s->next_with_peer) {
    if (!s->initiator() && s->state() != Session::State::kHalfOpen) count++;
  }
  return count;
}

bool Endpoint::admits_proven(const Session& session) {
  // It is not among the half-open ones any more, so the first count holds it; the second does not
  // yet.
  if (counted_sessions() > config_.max_sessions) {
    counters_.refused_sessions++;
    return false;
  }
  if (proven_count(session.remote()) >= config_.max_sessions_per_peer) {
    counters_.refused_of_peer++;
    return false;
  }
  return true;
}

void Endpoint::displace(Time now, Session* session) {
  if (session == nullptr) return;
  counters_.displaced++;
  session->give_way(now);
}

// A recorded INIT may come from any number of addresses. Its copies push out each other, and what
// its author begins now has its own room.
void Endpoint::make_room(Time now, const Handshake& handshake, const wire::PeerIdBytes& remote) {
  const auto older = [](Session* a, Session* b) {
    return a == nullptr || b->connecting_since() <= a->connecting_since() ? b : a;
  };
  size_t of_peer = 0;
  size_t of_init = 0;
  Session* oldest = nullptr;
  Session* oldest_copy = nullptr;
  for (Session* s = by_peer_.find(peer_key(remote)); s != nullptr; s = s->next_with_peer) {
    if (s->state() != Session::State::kHalfOpen) continue;
    of_peer++;
    oldest = older(oldest, s);
    if (!(s->remote_id() == handshake.source)) continue;
    of_init++;
    oldest_copy = older(oldest_copy, s);
  }
  if (of_init >= HalfOpenSessions::kMostOfInit) {
    displace(now, oldest_copy);
  } else if (of_peer >= HalfOpenSessions::kMostOfPeer) {
    displace(now, oldest);
  }
  displace(now, half_open_.in_the_way(handshake.from));
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
  publish();
}

}  // namespace hawser::transport
