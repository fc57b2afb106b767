#include "transport/endpoint.h"

#include "transport/runtime.h"

namespace hawser::transport {

Endpoint::Endpoint(Runtime& runtime, const EndpointConfig& config)
    : runtime_(runtime),
      config_(config),
      secret_(runtime.random().next()),
      by_connection_id_(runtime.memory(), runtime.random().next()),
      by_init_(runtime.memory(), runtime.random().next()) {}

Endpoint::~Endpoint() { destroy_all(); }

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
      on_init(now, from, data, length);
      return;
    case wire::PacketType::kResponse:
      on_response(now, from, data, length);
      return;
    case wire::PacketType::kData:
      break;
  }
  wire::DataHeader header{};
  if (!wire::read_data_header(data, length, header)) {
    counters_.malformed++;
    return;
  }
  Session* session = by_connection_id_.find(header.destination.as_u64());
  if (session == nullptr) {
    counters_.unknown_session++;
    return;
  }
  session->on_data(now, from, data, length, header.number);
}

void Endpoint::on_init(Time now, const PathAddress& from, const uint8_t* data, size_t length) {
  wire::Init init{};
  if (!wire::read_init(data, length, init)) {
    counters_.malformed++;
    return;
  }
  if (!accepting_ || !(init.responder == config_.id) || init.initiator == config_.id) {
    counters_.not_for_us++;
    return;
  }
  const uint64_t key = init_key(from, init.source);
  if (Session* known = by_init_.find(key); known != nullptr) {
    if (known->path() == from && known->remote_id() == init.source) known->on_repeated_init();
    return;
  }
  if (session_count() >= config_.max_sessions || half_open_ >= config_.max_half_open) {
    counters_.refused++;
    return;
  }
  wire::ConnectionId id{};
  if (!new_connection_id(id)) return;
  auto* session = runtime_.memory().create<Session>(*this, false, id);
  if (session == nullptr) {
    counters_.no_memory++;
    return;
  }
  if (!by_connection_id_.insert(id.as_u64(), session)) {
    counters_.no_memory++;
    runtime_.memory().destroy(session);
    return;
  }
  if (!by_init_.insert(key, session) || !session->start_half_open(now, from, init, key)) {
    counters_.no_memory++;
    by_init_.erase(key);
    by_connection_id_.erase(id.as_u64());
    runtime_.memory().destroy(session);
    return;
  }
  half_open_++;
}

void Endpoint::on_response(Time now, const PathAddress& from, const uint8_t* data, size_t length) {
  wire::Response response{};
  if (!wire::read_response(data, length, response)) {
    counters_.malformed++;
    return;
  }
  Session* session = by_connection_id_.find(response.destination.as_u64());
  if (session == nullptr) {
    counters_.unknown_session++;
    return;
  }
  session->on_response(now, from, response);
}

Session* Endpoint::connect(Time now, const wire::PeerIdBytes& remote, const PathAddress* addresses,
                           size_t count, Time deadline) {
  if (count == 0 || session_count() >= config_.max_sessions) {
    counters_.refused++;
    return nullptr;
  }
  wire::ConnectionId id{};
  if (!new_connection_id(id)) return nullptr;
  auto* session = runtime_.memory().create<Session>(*this, true, id);
  if (session == nullptr) {
    counters_.no_memory++;
    return nullptr;
  }
  if (!by_connection_id_.insert(id.as_u64(), session)) {
    counters_.no_memory++;
    runtime_.memory().destroy(session);
    return nullptr;
  }
  if (!session->start_connecting(now, remote, addresses, count, deadline)) {
    counters_.no_memory++;
    by_connection_id_.erase(id.as_u64());
    runtime_.memory().destroy(session);
    return nullptr;
  }
  return session;
}

Session* Endpoint::find(const wire::PeerIdBytes& remote) {
  Session* found = nullptr;
  by_connection_id_.each([&](Session* session) {
    const Session::State state = session->state();
    const bool usable = state == Session::State::kOpen || state == Session::State::kConnecting;
    if (usable && session->remote() == remote && (found == nullptr || session->open())) {
      found = session;
    }
  });
  return found;
}

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
    runtime_.memory().destroy(session);
  }
  half_open_ = 0;
}

void Endpoint::forget(Session* session) {
  by_connection_id_.erase(session->local_id().as_u64());
  if (!session->initiator()) by_init_.erase(session->init_key());
}

bool Endpoint::new_connection_id(wire::ConnectionId& id) {
  do {
    runtime_.random().fill(id.bytes, sizeof id.bytes);
  } while (by_connection_id_.find(id.as_u64()) != nullptr);
  return true;
}

// Keyed, so that nobody can aim at one cell; what is found is compared in full.
uint64_t Endpoint::init_key(const PathAddress& from, const wire::ConnectionId& source) const {
  uint64_t hash = secret_ ^ source.as_u64();
  for (size_t i = 0; i < sizeof from.bytes; i += 8) {
    hash = (hash ^ wire::load_u64(from.bytes + i)) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return hash * (secret_ | 1);
}

}  // namespace hawser::transport
