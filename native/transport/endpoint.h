#pragma once

#include <cstdint>

#include "transport/block_pool.h"
#include "transport/half_open_sessions.h"
#include "transport/id_table.h"
#include "transport/init_guard.h"
#include "transport/list.h"
#include "transport/reply_queue.h"
#include "transport/security.h"
#include "transport/session.h"
#include "transport/siblings.h"
#include "transport/types.h"
#include "wire/packet.h"

namespace hawser::transport {

class Runtime;

// Datagrams that were dropped, by reason, and what else strangers caused.
struct EndpointCounters {
  uint64_t datagrams_in, bytes_in;
  uint64_t foreign;          // first byte below 0x80, or a reserved type
  uint64_t malformed;        // a packet that cannot be read
  uint64_t unknown_session;  // for a connection id that is not ours
  uint64_t not_for_us;       // INIT whose mac1 does not check, or from ourselves
  // INITs beyond a limit, and sessions that were begun within it and proven too late:
  uint64_t refused_sessions;   // max_sessions
  uint64_t refused_half_open;  // max_half_open, or the share of one source
  uint64_t refused_of_peer;    // max_sessions_per_peer
  uint64_t refused_by_rate;    // handshake_rate
  uint64_t refused_dialled;    // from a peer that we dial: it is to answer us
  uint64_t refused() const {
    return refused_sessions + refused_half_open + refused_of_peer + refused_by_rate +
           refused_dialled;
  }
  uint64_t unauthenticated;  // a tag, or a handshake's message, that does not check
  uint64_t duplicates;       // packet number seen before or too old
  uint64_t no_memory;        // packets dropped because memory ran out
  uint64_t protocol_errors;  // sessions closed because of what the peer sent
  uint64_t sessions_opened, sessions_closed;
  uint64_t handshakes_answered;  // that were begun by others, and cost a computation
  uint64_t cookies_sent;         // instead of an answer, while many came without one
  uint64_t resets_sent;          // to peers of sessions that are gone
  uint64_t displaced;            // half-open sessions that had to go for others
};

// One local peer, sans I/O: its sessions and the packets that make them.
class Endpoint {
 public:
  // `security` was made in the runtime's memory; the endpoint takes it over.
  Endpoint(Runtime& runtime, const EndpointConfig& config, Security& security);
  // Every session must be gone: call destroy_all() before.
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // For the owner's use.
  uint64_t user = 0;

  const EndpointConfig& config() const { return config_; }
  wire::PeerIdBytes id() const { return security_.id(); }
  Runtime& runtime() { return runtime_; }
  // Of all that belongs to a session. Handshakes under way have the runtime's, because they may
  // outlive the endpoint, and are counted here.
  QuotaMemory& memory() { return memory_; }
  // The part of it that messages to be sent may take: what comes in must find some when they have
  // none left. Both peers may have filled theirs, and get rid of it only by taking what the other
  // one sends.
  QuotaMemory& queues() { return queues_; }
  // Incoming channels are refused with SERVICE_UNKNOWN, and INIT ignored, unless set. Default off.
  void set_accepting(bool accepting) { accepting_ = accepting; }

  // One of several of a peer, `member` of `siblings`, which outlive it. Before the first session.
  // Each then makes connection ids that the siblings know for its own.
  void join(Siblings* siblings, uint32_t member) {
    siblings_ = siblings;
    member_ = member;
  }

  // A datagram from the network; opened in place.
  void receive(Time now, const PathAddress& from, uint8_t* data, size_t length);
  // One that Siblings::hand_over() has brought.
  void receive_handed_over(Time now, const PathAddress& from, uint8_t* data, size_t length,
                           bool admitted);

  // Of a train (Train::has_packets) of this endpoint the system took the first `sent` datagrams and
  // refused the others as longer than the interface's MTU; `bytes`: its segment size.
  void on_refused(Time now, const wire::ConnectionId& session, uint64_t first_number, size_t sent,
                  size_t bytes);
  // No path MTU discovery: the sockets cannot keep datagrams from being fragmented. Before the
  // first session.
  void fix_path_datagram() { config_.path_datagram_limit = 0; }

  // Starts a session with a peer at one of `count` addresses (1 to Opening::kMaxCandidates), giving
  // up at `deadline`. An existing open or connecting session with that peer is not looked up here:
  // see find(). nullptr: max_sessions, or memory, which is counted.
  Session* connect(Time now, const wire::PeerIdBytes& remote, const PathAddress* addresses,
                   size_t count, Time deadline);
  // A session with that peer that is open or connecting; nullptr if there is none.
  Session* find(const wire::PeerIdBytes& remote);
  // Somebody has begun a session in that peer's name, and not proven it yet.
  bool half_open_with(const wire::PeerIdBytes& remote) const;
  // As many sessions as there may be: connect() makes none.
  bool full();

  size_t session_count() const { return by_connection_id_.size(); }
  // Those that count towards max_sessions: all but what others have begun and not proven.
  size_t established_count() const { return by_connection_id_.size() - half_open_.size(); }
  // Sessions that others have begun and not proven, handshakes under way included.
  size_t half_open_count() const { return half_open_.size() + pending_.size(); }
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
  BlockPool& pool() { return pool_; }
  Security& security() { return security_; }
  EndpointCounters& mutable_counters() { return counters_; }
  void on_half_open_done(Session* session) {
    half_open_.remove(session);
    publish();
  }
  // False: its peer has just proven itself, and there are too many sessions, or too many of that
  // peer; counted.
  bool admits_proven(const Session& session);
  // False: sessions of this address have begun too many handshakes lately.
  bool admits_renewal(Time now, const PathAddress& from) { return guard_.admit_renewal(now, from); }
  // The handshake that Security has just made, counted; nullptr, and it is given back: no memory.
  Handshake* counted(Handshake* made);
  // What another's INIT has led to.
  void on_handshake(Time now, Handshake* handshake);
  // False: nothing to say.
  bool transmit_reply(Train& train);
  // The session of ours that wants to become one with a peer who has just proven itself in `other`;
  // nullptr: there is none.
  Session* heir_of(const Session& other);
  // `heir` takes the place of `other` in the tables.
  void inherit(Session* heir, Session* other);
  // False: no memory.
  [[nodiscard]] bool expect_reset(Session* session, const wire::ResetToken& token);
  // Takes it out of the tables; its memory is another matter.
  void forget(Session* session);
  // Gone, and not yet given back by its owner.
  void keep_gone(Session* session) { gone_.push_back(session); }
  void on_buried(Session* session) { gone_.remove(session); }

  ListHook<Endpoint> ready_hook;

 private:
  // How long a peer that dials us is not answered because we dial it and have the larger id. Its
  // own side answers us meanwhile, so that there is one session and not two; after that time our
  // INIT probably does not reach it.
  static constexpr Duration kDialFirst = kSecond;

  // `admitted`: within the limits of a sibling, which need not be looked at again.
  void on_init(Time now, const PathAddress& from, const uint8_t* data, size_t length,
               bool admitted);
  void on_response(Time now, const PathAddress& from, const uint8_t* data, size_t length);
  void on_cookie(Time now, const PathAddress& from, const uint8_t* data, size_t length);
  void on_unknown_data(Time now, const PathAddress& from, const uint8_t* data, size_t length);
  void accept(Time now, Handshake& handshake);
  bool yields(Time now, const wire::PeerIdBytes& remote);
  // Proven sessions that this peer has begun.
  size_t proven_count(const wire::PeerIdBytes& remote) const;
  void make_room(Time now, const Handshake& handshake, const wire::PeerIdBytes& remote);
  void displace(Time now, Session* session);
  bool admits(Time now, const PathAddress& from, const uint8_t* init, bool admitted);
  // True: it is a sibling's, to which it was given.
  bool is_siblings(const Handshake& handshake, const wire::PeerIdBytes& remote);
  void release_init(Handshake* handshake);
  // Tells the others how many sessions there are here.
  void publish();
  // That count towards max_sessions, here and at the siblings.
  size_t counted_sessions();
  // False: too many wait already.
  bool reply(const PathAddress& to, const uint8_t* data, size_t length);
  // False: no memory, `session` is destroyed.
  [[nodiscard]] bool enter(Session* session, const wire::PeerIdBytes& remote);
  uint64_t init_key(const PathAddress& from, const wire::ConnectionId& source) const;
  uint64_t peer_key(const wire::PeerIdBytes& id) const;
  void unlink_peer(Session* session);
  bool new_connection_id(wire::ConnectionId& id);

  Runtime& runtime_;
  Security& security_;
  EndpointConfig config_;
  QuotaMemory memory_;
  QuotaMemory queues_;
  BlockPool pool_;
  EndpointCounters counters_{};
  bool accepting_ = false;
  Siblings* siblings_ = nullptr;
  uint32_t member_ = 0;
  size_t published_ = 0;
  uint8_t hash_key_[crypto::SipHash::kKeyBytes];
  InitGuard guard_;
  ReplyQueue replies_;
  Time resets_since_ = 0;
  uint32_t resets_ = 0;
  IdTable<Session> by_connection_id_;
  // Sessions that an INIT made, by where it came from; and handshakes that will make one.
  IdTable<Session> by_init_;
  IdTable<Handshake> pending_;
  // The first of the sessions with a peer; the others follow by Session::next_with_peer.
  IdTable<Session> by_peer_;
  // By the first half of the token that ends them.
  IdTable<Session> by_reset_token_;
  List<Session, &Session::gone_hook> gone_;
  HalfOpenSessions half_open_;
};

}  // namespace hawser::transport
