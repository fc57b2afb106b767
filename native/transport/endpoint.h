#pragma once

#include <cstdint>

#include "transport/id_table.h"
#include "transport/list.h"
#include "transport/session.h"
#include "transport/types.h"
#include "wire/packet.h"

namespace hawser::transport {

class Runtime;

// Datagrams that were dropped, by reason.
struct EndpointCounters {
  uint64_t datagrams_in, bytes_in;
  uint64_t foreign;          // first byte below 0x80, or a reserved type
  uint64_t malformed;        // a packet that cannot be read
  uint64_t unknown_session;  // DATA for a connection id that is not ours
  uint64_t not_for_us;       // INIT for another peer id, of another version, or from ourselves
  uint64_t refused;          // INIT beyond a limit
  uint64_t unauthenticated;  // the tag did not check
  uint64_t duplicates;       // packet number seen before or too old
  uint64_t no_memory;        // packets dropped because memory ran out
  uint64_t protocol_errors;  // sessions closed because of what the peer sent
  uint64_t sessions_opened, sessions_closed;
};

// One local peer, sans I/O: its sessions and the packets that make them.
class Endpoint {
 public:
  Endpoint(Runtime& runtime, const EndpointConfig& config);
  // Every session must be gone: call destroy_all() before.
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // For the owner's use.
  uint64_t user = 0;

  const EndpointConfig& config() const { return config_; }
  Runtime& runtime() { return runtime_; }
  // Incoming channels are refused with SERVICE_UNKNOWN, and INIT ignored, unless set. Default off.
  void set_accepting(bool accepting) { accepting_ = accepting; }

  // A datagram from the network; opened in place.
  void receive(Time now, const PathAddress& from, uint8_t* data, size_t length);

  // Starts a session with a peer at one of `count` addresses (1 to kMaxCandidates), giving up at
  // `deadline`. An existing open or connecting session with that peer is not looked up here: see
  // find(). nullptr: a limit or memory; counted.
  Session* connect(Time now, const wire::PeerIdBytes& remote, const PathAddress* addresses,
                   size_t count, Time deadline);
  // A session with that peer that is open or connecting; nullptr if there is none.
  Session* find(const wire::PeerIdBytes& remote);

  size_t session_count() const { return by_connection_id_.size(); }
  template <typename Visit>
  void each_session(Visit visit) const {
    by_connection_id_.each(visit);
  }

  // Closes every session; CLOSE packets still have to be transmitted.
  void close_all(Time now, wire::Code code, const char* reason, size_t reason_length);
  // Frees everything at once, without a word to anybody and without events. The owner must have
  // dropped its pointers to sessions and channels.
  void destroy_all();

  EndpointCounters counters() const { return counters_; }

  // --- Core only.
  EndpointCounters& mutable_counters() { return counters_; }
  void on_half_open_done() { half_open_--; }
  // Takes it out of the tables; its memory is another matter.
  void forget(Session* session);
  // Gone, and not yet given back by its owner.
  void keep_gone(Session* session) { gone_.push_back(session); }
  void on_buried(Session* session) { gone_.remove(session); }

 private:
  void on_init(Time now, const PathAddress& from, const uint8_t* data, size_t length);
  void on_response(Time now, const PathAddress& from, const uint8_t* data, size_t length);
  uint64_t init_key(const PathAddress& from, const wire::ConnectionId& source) const;
  bool new_connection_id(wire::ConnectionId& id);

  Runtime& runtime_;
  EndpointConfig config_;
  EndpointCounters counters_{};
  bool accepting_ = false;
  uint32_t half_open_ = 0;
  uint64_t secret_;
  IdTable<Session> by_connection_id_;
  // Sessions that an INIT made, by where it came from.
  IdTable<Session> by_init_;
  List<Session, &Session::gone_hook> gone_;
};

}  // namespace hawser::transport
