#include "transport/endpoint.h"

#include <algorithm>
#include <cstring>

#include "transport/runtime.h"

namespace hawser::transport {

namespace {
// However few sessions there may be: these are what an attacker has to fill.
constexpr uint32_t kLeastHalfOpen = 64;
// Of the memory that an endpoint may have, the part that may lie idle in blocks. Where several
// share it, those of one are not given back for another.
constexpr size_t kIdlePart = 16;

// The part of the memory limit that messages to be sent may take.
constexpr size_t kQueuePart = 2;
// This part is not for messages that came before their turn, nor for those to be sent.
constexpr size_t kSparePart = 8;

size_t idle_blocks(size_t limit) {
  return limit == 0 ? BlockPool::kKeepBytes : std::min(BlockPool::kKeepBytes, limit / kIdlePart);
}
}  // namespace

Endpoint::Endpoint(Runtime& runtime, const EndpointConfig& config, Security& security)
    : runtime_(runtime),
      security_(security),
      config_(config),
      memory_(runtime.memory(), config.memory_limit,
              config.shared == nullptr ? nullptr : &config.shared->memory),
      queues_(memory_, config.memory_limit / kQueuePart,
              config.shared == nullptr ? nullptr : &config.shared->queues),
      pool_(memory_, idle_blocks(config.memory_limit), config.memory_limit / kSparePart),
      guard_(memory_, runtime.random(), config.handshake_rate, config.unproven_rate),
      replies_(memory_),
      by_connection_id_(memory_, runtime.random()),
      by_init_(memory_, runtime.random()),
      pending_(memory_, runtime.random()),
      by_peer_(memory_, runtime.random()),
      by_reset_token_(memory_, runtime.random()),
      half_open_(memory_, runtime.random(),
                 std::min(config.max_half_open, std::max(config.max_sessions, kLeastHalfOpen))) {
  memory_.set_reserve(&pool_);
  queues_.leave(&memory_, config.memory_limit / kSparePart);
  runtime_.random().fill(hash_key_, sizeof hash_key_);
  uint8_t key[crypto::SipHash::kKeyBytes];
  // Without one no INIT is for us.
  if (!security_.mac_key(security_.id(), key)) runtime_.random().fill(key, sizeof key);
  guard_.set_mac_key(key);
}

Endpoint::~Endpoint() {
  destroy_all();
  security_.retire(runtime_.memory());
}

// --- What comes.

void Endpoint::receive(Time now, const PathAddress& from, uint8_t* data, size_t length) {
  runtime_.collect();
  counters_.datagrams_in++;
  counters_.bytes_in += length;
  wire::PacketType type{};
  if (!wire::classify(data, length, type)) {
    counters_.foreign++;
    return;
  }
  switch (type) {
    case wire::PacketType::kInit:
      on_init(now, from, data, length, false);
      return;
    case wire::PacketType::kResponse:
      on_response(now, from, data, length);
      return;
    case wire::PacketType::kCookie:
      on_cookie(now, from, data, length);
      return;
    case wire::PacketType::kData:
      break;
  }
  wire::ConnectionId destination{};
  if (!wire::read_destination(data, length, destination)) {
    counters_.malformed++;
    return;
  }
  Session* session = by_connection_id_.find(destination.as_u64());
  if (session == nullptr) {
    counters_.unknown_session++;
    on_unknown_data(now, from, data, length);
    return;
  }
  session->on_data(now, from, data, length);
}

void Endpoint::receive_handed_over(Time now, const PathAddress& from, uint8_t* data, size_t length,
                                   bool admitted) {
  if (!admitted) {
    receive(now, from, data, length);
    return;
  }
  runtime_.collect();
  on_init(now, from, data, length, true);
}

void Endpoint::on_response(Time now, const PathAddress& from, const uint8_t* data, size_t length) {
  wire::ResponseHeader header{};
  const uint8_t* message = nullptr;
  size_t message_length = 0;
  if (!wire::read_response(data, length, header, message, message_length)) {
    counters_.malformed++;
    return;
  }
  Session* session = by_connection_id_.find(header.destination.as_u64());
  if (session == nullptr) {
    counters_.unknown_session++;
    return;
  }
  session->on_response(now, from, message, message_length);
}

void Endpoint::on_cookie(Time now, const PathAddress& from, const uint8_t* data, size_t length) {
  wire::Cookie cookie{};
  if (!wire::read_cookie(data, length, cookie)) {
    counters_.malformed++;
    return;
  }
  Session* session = by_connection_id_.find(cookie.destination.as_u64());
  if (session == nullptr) {
    counters_.unknown_session++;
    return;
  }
  session->on_cookie(now, from, cookie);
}

void Endpoint::on_refused(Time now, const wire::ConnectionId& session, uint64_t first_number,
                          size_t sent, size_t bytes) {
  // It may be gone if a full socket held its packets up.
  Session* found = by_connection_id_.find(session.as_u64());
  if (found != nullptr) found->on_refused(now, first_number, sent, bytes);
}

// A packet of a session that is gone, or the news that one of ours is gone on the other side
// (RFC 9000, section 10.3). Only an id that we have made is answered, so that nobody finds us, or
// knows us again elsewhere, by asking for any. Answers are shorter than what they answer, so that
// two peers never talk like this for long.
void Endpoint::on_unknown_data(Time now, const PathAddress& from, const uint8_t* data,
                               size_t length) {
  wire::ResetToken token{};
  std::memcpy(token.bytes, data + length - sizeof token.bytes, sizeof token.bytes);
  Session* session = by_reset_token_.find(wire::load_u64(token.bytes));
  if (session != nullptr && session->remote_reset() == token) {
    session->on_stateless_reset(now);
    return;
  }
  if (siblings_ != nullptr) {
    // Its first bytes are random: it may come to any of us.
    const int32_t other = siblings_->expecting_reset(wire::load_u64(token.bytes));
    if (other != Siblings::kNobody && static_cast<uint32_t>(other) != member_) {
      siblings_->hand_over(static_cast<uint32_t>(other), from, data, length, false);
      return;
    }
  }
  if (length <= wire::kMinDataPacket) return;
  if (now - resets_since_ >= kSecond) {
    resets_since_ = now;
    resets_ = 0;
  }
  if (resets_ >= config_.reset_rate) return;
  wire::ConnectionId id{};
  (void)wire::read_destination(data, length, id);
  if (!security_.marked(id) || !security_.reset_token(id, &token)) return;
  uint8_t reset[ReplyQueue::kMaxBytes];
  const size_t most = std::min(length - 1, sizeof reset);
  // Of a length that says nothing.
  const size_t bytes =
      wire::kMinDataPacket +
      static_cast<size_t>(runtime_.random().next() % (most - wire::kMinDataPacket + 1));
  runtime_.random().fill(reset, bytes - sizeof token.bytes);
  reset[0] = static_cast<uint8_t>(0x80 | (reset[0] & 0x0f));
  std::memcpy(reset + bytes - sizeof token.bytes, token.bytes, sizeof token.bytes);
  resets_++;
  if (reply(from, reset, bytes)) counters_.resets_sent++;
}

bool Endpoint::reply(const PathAddress& to, const uint8_t* data, size_t length) {
  if (!replies_.push(to, data, length)) return false;
  runtime_.make_ready(this);
  return true;
}

bool Endpoint::transmit_reply(Train& train) {
  train.from = this;
  train.length = replies_.pop(train.to, train.buffer);
  train.segments = 1;
  train.segment_size = train.length;
  return train.length != 0;
}

// --- Sessions begun by others: endpoint_accept.cc. By us:

bool Endpoint::enter(Session* session, const wire::PeerIdBytes& remote) {
  const uint64_t id = session->local_id().as_u64();
  if (!by_connection_id_.insert(id, session)) return false;
  Session* first = by_peer_.find(peer_key(remote));
  if (first != nullptr) {
    session->next_with_peer = first->next_with_peer;
    first->next_with_peer = session;
    return true;
  }
  if (by_peer_.insert(peer_key(remote), session)) return true;
  by_connection_id_.erase(id);
  return false;
}

void Endpoint::publish() {
  if (config_.shared == nullptr) return;
  const size_t count = established_count();
  // Unsigned, so that less than before is right, too.
  config_.shared->sessions.fetch_add(count - published_, std::memory_order_relaxed);
  published_ = count;
}

size_t Endpoint::counted_sessions() {
  if (config_.shared == nullptr) return established_count();
  publish();
  return config_.shared->sessions.load(std::memory_order_relaxed);
}

bool Endpoint::full() { return counted_sessions() >= config_.max_sessions; }

Session* Endpoint::connect(Time now, const wire::PeerIdBytes& remote, const PathAddress* addresses,
                           size_t count, Time deadline) {
  // What others have begun and not proven does not keep us from dialling.
  if (count == 0 || full()) return nullptr;
  wire::ConnectionId id{};
  if (!new_connection_id(id)) return nullptr;
  auto* session = memory_.create<Session>(*this, true, id, remote);
  if (session == nullptr) {
    counters_.no_memory++;
    return nullptr;
  }
  if (!enter(session, remote)) {
    counters_.no_memory++;
    memory_.destroy(session);
    return nullptr;
  }
  if (!session->start_connecting(now, addresses, count, deadline)) {
    counters_.no_memory++;
    forget(session);
    memory_.destroy(session);
    return nullptr;
  }
  publish();
  return session;
}

Session* Endpoint::find(const wire::PeerIdBytes& remote) {
  Session* found = nullptr;
  for (Session* s = by_peer_.find(peer_key(remote)); s != nullptr; s = s->next_with_peer) {
    const Session::State state = s->state();
    const bool usable = state == Session::State::kOpen || state == Session::State::kConnecting;
    if (usable && s->remote() == remote && (found == nullptr || s->open())) found = s;
  }
  return found;
}

bool Endpoint::half_open_with(const wire::PeerIdBytes& remote) const {
  for (const Session* s = by_peer_.find(peer_key(remote)); s != nullptr; s = s->next_with_peer) {
    if (s->state() == Session::State::kHalfOpen && s->remote() == remote) return true;
  }
  return false;
}

// --- The end.

void Endpoint::close_all(Time now, wire::Code code, const char* reason, size_t reason_length) {
  // An open session stays in the table while it closes.
  by_connection_id_.each([&](Session* session) {
    if (session->open()) session->close(now, code, reason, reason_length);
  });
  // The others leave it at once, so each look begins anew.
  for (;;) {
    Session* next = nullptr;
    by_connection_id_.each([&](Session* session) {
      const Session::State state = session->state();
      if (state != Session::State::kClosing && state != Session::State::kDraining) next = session;
    });
    if (next == nullptr) return;
    next->close(now, code, reason, reason_length);
  }
}

void Endpoint::destroy_all() {
  runtime_.collect();
  runtime_.not_ready(this);
  while (Handshake* handshake = pending_.any()) {
    pending_.erase(handshake->key);
    release_init(handshake);
    runtime_.abandon(handshake);
  }
  for (;;) {
    Session* session = by_connection_id_.any();
    if (session == nullptr) session = gone_.front();
    if (session == nullptr) break;
    session->destroy_channels();
    runtime_.forget(session);
    runtime_.not_ready(session);
    if (gone_.linked(session)) {
      gone_.remove(session);
    } else {
      forget(session);
    }
    memory_.destroy(session);
  }
}

void Endpoint::forget(Session* session) {
  half_open_.remove(session);
  by_connection_id_.erase(session->local_id().as_u64());
  if (!session->initiator()) by_init_.erase(session->init_key());
  if (session->expects_reset()) {
    const uint64_t token = wire::load_u64(session->remote_reset().bytes);
    by_reset_token_.erase(token);
    if (siblings_ != nullptr) siblings_->forget_reset(member_, token);
  }
  unlink_peer(session);
  publish();
}

void Endpoint::unlink_peer(Session* session) {
  const uint64_t key = peer_key(session->remote());
  Session* first = by_peer_.find(key);
  if (first == session) {
    if (session->next_with_peer != nullptr) {
      by_peer_.replace(key, session->next_with_peer);
    } else {
      by_peer_.erase(key);
    }
  } else {
    for (Session* s = first; s != nullptr; s = s->next_with_peer) {
      if (s->next_with_peer != session) continue;
      s->next_with_peer = session->next_with_peer;
      break;
    }
  }
  session->next_with_peer = nullptr;
}

bool Endpoint::expect_reset(Session* session, const wire::ResetToken& token) {
  const uint64_t key = wire::load_u64(token.bytes);
  // Tokens of strangers may collide on purpose: the second one is not believed.
  if (by_reset_token_.find(key) != nullptr) return true;
  if (!by_reset_token_.insert(key, session)) return false;
  if (siblings_ != nullptr) siblings_->expect_reset(member_, key);
  session->note_reset_expected();
  return true;
}

Handshake* Endpoint::counted(Handshake* made) {
  if (made == nullptr || made->charge(memory_)) return made;
  security_.release(runtime_.memory(), made);
  return nullptr;
}

bool Endpoint::new_connection_id(wire::ConnectionId& id) {
  do {
    do {
      runtime_.random().fill(id.bytes, sizeof id.bytes);
    } while (siblings_ != nullptr && siblings_->member_of(id) != member_);
    if (!security_.mark(&id)) return false;
  } while (by_connection_id_.find(id.as_u64()) != nullptr);
  return true;
}

// Keyed, so that nobody can aim at one cell; what is found is compared in full.
uint64_t Endpoint::init_key(const PathAddress& from, const wire::ConnectionId& source) const {
  uint8_t text[sizeof from.bytes + sizeof source.bytes];
  std::memcpy(text, from.bytes, sizeof from.bytes);
  std::memcpy(text + sizeof from.bytes, source.bytes, sizeof source.bytes);
  return crypto::SipHash(hash_key_)(text, sizeof text);
}

uint64_t Endpoint::peer_key(const wire::PeerIdBytes& id) const {
  // An id and its negation are one key.
  wire::PeerIdBytes unsigned_id = id;
  unsigned_id.bytes[sizeof id.bytes - 1] &= 0x7f;
  return crypto::SipHash(hash_key_)(unsigned_id.bytes, sizeof unsigned_id.bytes);
}

}  // namespace hawser::transport
