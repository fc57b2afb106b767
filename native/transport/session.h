#pragma once

#include <cstdint>

#include "transport/ack_tracker.h"
#include "transport/channel.h"
#include "transport/channel_limits.h"
#include "transport/closing.h"
#include "transport/frame_ref.h"
#include "transport/id_table.h"
#include "transport/kept_reason.h"
#include "transport/list.h"
#include "transport/loss_detector.h"
#include "transport/opening.h"
#include "transport/packet_in_hand.h"
#include "transport/packet_window.h"
#include "transport/path.h"
#include "transport/range_set.h"
#include "transport/reception_monitor.h"
#include "transport/ring.h"
#include "transport/runtime_timer.h"
#include "transport/scheduler.h"
#include "transport/session_counters.h"
#include "transport/session_keys.h"
#include "transport/session_paths.h"
#include "transport/types.h"
#include "transport/unanswered.h"
#include "wire/frames.h"
#include "wire/packet.h"

namespace hawser::transport {

class Endpoint;
class Runtime;

// The association of two peers (PROTOCOL.md section 4): packet numbers, acknowledgement, loss and
// rate, the path in use, and the channels inside. Called under the owner's lock.
class Session {
 public:
  enum class State : uint8_t { kConnecting, kHalfOpen, kOpen, kClosing, kDraining, kGone };

  Session(Endpoint& endpoint, bool initiator, const wire::ConnectionId& local_id,
          const wire::PeerIdBytes& remote);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // --- Owner.
  uint64_t user = 0;

  Endpoint& endpoint() const { return endpoint_; }
  Runtime& runtime() const { return runtime_; }
  State state() const { return state_; }
  bool open() const { return state_ == State::kOpen; }
  bool initiator() const { return initiator_; }
  const wire::PeerIdBytes& remote() const { return remote_; }
  // Where packets go now. While connecting: the first candidate.
  const PathAddress& path() const { return path_.address; }
  CloseReason reason() const { return reason_.get(); }
  SessionCounters counters() const;
  // Bytes outside of Memory that protecting packets takes now.
  size_t protection_bytes() const {
    return keys_.protection == nullptr ? 0 : keys_.protection->memory_bytes();
  }
  uint32_t take_events();

  // Opens a channel; messages go once it was accepted. May be called while still connecting.
  // nullptr: memory, the session is closing, or service and metadata do not fit an OPEN
  // (wire::kMaxOpenText). The peer's channel limit delays, it does not refuse.
  Channel* open_channel(Time now, const ChannelConfig& config, const uint8_t* service,
                        size_t service_length, const uint8_t* metadata, size_t metadata_length);
  // Ends the session and its channels; says CLOSE to the peer.
  void close(Time now, wire::Code code, const char* reason, size_t reason_length);
  // The owner keeps no pointer to this session any more (call after kSessionClosed, or any time to
  // say that it does not care). A session without channels and owner goes away by idling.
  void release();
  bool released() const { return released_; }
  size_t channel_count() const { return channels_.size(); }

  // For tests. Builds one packet of this session around `frames`, which may be anything; nothing of
  // it is sent again. False: the session is not open, there is no memory, or it does not fit.
  [[nodiscard]] bool build_foreign(Time now, const uint8_t* frames, size_t length, Train& train);
  // Nothing will happen but keep-alive and its own idle timeout, unless a packet or a call comes.
  bool resting() const;

  // --- Endpoint and Runtime only.
  // False: no memory; the session must be destroyed.
  [[nodiscard]] bool start_connecting(Time now, const PathAddress* addresses, size_t count,
                                      Time deadline);
  // `handshake` has answered an INIT that held `payload`.
  [[nodiscard]] bool start_half_open(Time now, Handshake& handshake,
                                     const wire::InitPayload& payload);
  // An INIT that this half-open session has answered has come again, and still belongs to it.
  void on_repeated_init(Time now);
  // It has been half-open for so long that the INIT which made it begins another one instead: to
  // repeat an INIT prolongs nothing for ever.
  bool outlives_init(Time now) const;
  // Makes room for another half-open one.
  void give_way(Time now);
  void on_response(Time now, const PathAddress& from, const uint8_t* message, size_t length);
  void on_cookie(Time now, const PathAddress& from, const wire::Cookie& cookie);
  void on_handshake(Time now, Handshake* handshake);
  // A datagram that looks like a DATA packet for us.
  void on_data(Time now, const PathAddress& from, uint8_t* data, size_t length);
  // The peer does not know this session any more.
  void on_stateless_reset(Time now);
  // Frees every channel without a word; for the end of the endpoint.
  void destroy_channels();
  void on_timer(Time now);
  // Builds datagrams. False: nothing (the session leaves the ready queue).
  bool transmit(Time now, Train& train);
  // Of the packets of a train whose first has the number `first`, all but the first `sent` were
  // refused as longer than the interface's MTU; `bytes`: the length of the longest.
  void on_refused(Time now, uint64_t first, size_t sent, size_t bytes);
  const wire::ConnectionId& local_id() const { return local_id_; }
  uint64_t init_key() const { return init_key_; }
  const wire::ConnectionId& remote_id() const { return remote_id_; }
  // While it is connecting or half-open.
  Time connecting_since() const { return opening_->began_at; }
  const wire::ResetToken& remote_reset() const { return remote_reset_; }
  bool expects_reset() const { return expects_reset_; }
  void note_reset_expected() { expects_reset_ = true; }
  // What is told to peers.
  static wire::Parameters parameters(const EndpointConfig& config);
  Session* next_with_peer = nullptr;

  // --- Channel only.
  void activate(Channel* channel);
  void want_control(Channel* channel);
  // Messages of `channel` arrived in sequence. `at_once`: M is reached. `timeout`: T, 0 if none.
  void want_count(Channel* channel, Time now, bool at_once, Duration timeout);
  // A COUNT of a counted channel is due at the end of the receive batch.
  void want_counted(Channel* channel, AckCause cause);
  // What `channel` has in flight for longer than `pause` is lost. False: no memory to note it.
  bool time_out(Channel* channel, Time now, Duration pause);
  void arm(RuntimeTimer& timer, Time deadline);
  // A channel repeats its messages in vain since then. True: the peer was heard meanwhile; after
  // the idle timeout that ends the session, as a path that carries only small packets does. False:
  // the peer was not heard, which is another matter.
  // Not before `least` has passed.
  bool may_be_stalled(Time now, Time since, Duration least);
  // srtt + 4 rttvar, at least a millisecond.
  Duration round_trip_bound() const;
  uint32_t reordering_threshold() const { return acks_.policy().reordering_threshold; }
  // The delay that the peer's ACK policy allows us.
  Duration ack_delay() const { return acks_.policy().max_delay; }
  uint64_t congestion_window() const { return path_.congestion.window(); }
  void watch_idle(Channel* channel, Time now);
  // Takes it off every queue; its id stays taken.
  void on_channel_gone(Channel* channel);
  void free_channel(Channel* channel);
  Duration round_trip() const { return path_.rtt.smoothed(); }
  // How long a window of credit should last a sender.
  Duration credit_lead() const;
  uint32_t initial_credit() const;
  uint32_t max_credit() const;
  uint64_t first_sequence() const;
  // 0 until the peer has said it.
  uint32_t initial_credit_received() const {
    return state_ == State::kConnecting ? 0 : remote_parameters_.initial_credit;
  }

  ListHook<Session> ready_hook;
  ListHook<Session> notify_hook;
  ListHook<Session> half_open_hook;  // HalfOpenSessions, of all and of those from one source
  ListHook<Session> source_hook;
  ListHook<Session> gone_hook;  // Endpoint: gone, but its owner still holds something of it

 private:
  class Fate;
  enum class Taken : uint8_t { kYes, kNoMemory, kClosed };

  // Packet numbers below this are looked for among duplicates; a path that reorders more loses
  // them. There is memory for so many once so many have come.
  static constexpr size_t kDuplicateWindow = 8'192;
  // Frame references that one packet may carry, and how many one may carry at least: most sessions
  // of a server have few on their way, and keep room for few.
  static constexpr size_t kMaxRefs = 64;
  static constexpr size_t kFewRefs = 4;
  void notify(uint32_t events);
  void open_now(Time now);
  // Instead of open_now(): the peer is told, the owner never hears of it.
  void refuse_now(Time now);
  void begin(Time now, const wire::ConnectionId& remote_id, const wire::ResetToken& reset,
             const wire::Parameters& parameters);
  void on_init_computed(Time now);
  void on_answer_computed(Time now);
  // False: another one is computed, or it is none for us.
  [[nodiscard]] bool submit_answer(const PathAddress& from, const uint8_t* message, size_t length);
  void fail_handshake(Time now, wire::Code code, const char* why);
  void drop_handshake();
  // False: no memory, neither for this nor for what the session needs besides.
  [[nodiscard]] bool begin_opening(Time now, Time deadline);
  void drop_opening();
  // Becomes what `proven` is, and takes its place: its peer is the one that we are dialling.
  // False: no memory, nothing changed.
  [[nodiscard]] bool adopt(Time now, Session& proven);
  [[nodiscard]] bool swap_channel_ids();

  // Keys (session_keys.cc).
  // False: the session is gone.
  bool seal(Time now, uint8_t* train, size_t length, size_t segment, const uint64_t* numbers);
  bool may_change_keys() const;
  bool may_renew() const;
  bool may_answer_renewal(Time now) const;
  // False: no memory.
  [[nodiscard]] bool charge_keys();
  void refund_keys();
  void begin_epoch(Time now);
  void note_epoch(Time now);
  void begin_renewal(Time now);
  void on_renewal_computed(Time now);
  Taken on_crypto(Time now, const wire::Crypto& frame);
  void sample_handshake(Time now);
  void become_gone(Time now, const CloseReason& reason);
  void maybe_bury();
  void time_out_session(Time now);
  Duration closing_time() const;
  Taken protocol_error(Time now, wire::Code code, const char* detail);

  // Paths (session_path.cc).
  void note_origin(Time now, const PathAddress& from, uint64_t number, size_t length, bool newest);
  void consider(Time now, const PathAddress& from, uint64_t number, size_t length, bool newest);
  void challenge_again(Time now);
  void try_address(Time now, const PathAddress& address, uint64_t number, size_t length);
  void try_rival(Time now);
  Time rival_deadline() const;
  void ask_previous(Time now);
  [[nodiscard]] bool begin_trial(const PathAddress& address);
  void challenge_trial(Time now);
  void fail_trial();
  void change_path(Time now);
  // False: no memory to note what became of packets, the session closes.
  bool leave_flight(Time now, uint32_t path, Time give_up_at);
  void on_path_challenge(const uint8_t* data);
  Time trial_deadline() const;
  // False: nothing to send, or it cannot be sent now.
  bool transmit_path(Time now, Train& train);
  // One packet for `to` that is not missed when it is lost, and does not count as in flight.
  bool build_alone(Time now, const PathAddress& to, const uint8_t* frames, size_t length,
                   Train& train);

  // Receiving.
  Taken on_frames(Time now, const uint8_t* frames, size_t length, bool& eliciting);
  Taken on_frame(Time now, const wire::Frame& frame);
  Taken on_ack(Time now, const wire::Ack& ack);
  Taken on_count(Time now, const wire::Count& count);
  Taken on_open(Time now, const wire::Open& frame);
  Taken on_end(Time now, const wire::End& frame);
  Taken on_reset(Time now, const wire::Reset& frame);
  Taken on_close(Time now, const wire::Close& frame);
  Taken on_max_channels(uint64_t total);
  Taken on_stored(Time now, Inbound::Result result);
  // A packet that is new and opens; false: it was counted as dropped.
  bool open_packet(Time now, uint8_t* data, size_t length, uint64_t& number);
  // An authentic packet; `data` is the whole datagram, opened.
  void take_packet(Time now, const PathAddress& from, uint64_t number, const uint8_t* data,
                   size_t length);
  void on_packet_while_closing(Time now, const uint8_t* frames, size_t length);
  // The channel a frame speaks of, made if it is new and the peer may open it. nullptr: the frame
  // is to be ignored, or `taken` says what is wrong.
  // `names`: the frame tells what the channel is, or that it is gone.
  Channel* channel_for(Time now, uint64_t id, Taken& taken, bool names = false);
  Channel* make_channel(uint64_t id, bool incoming);
  // False: no memory to note it.
  bool frame_acknowledged(Time now, const FrameRef& ref);
  bool frame_lost(const FrameRef& ref);
  Duration peer_max_ack_delay() const;

  // Sending.
  bool transmit_handshake(Time now, Train& train);
  bool transmit_close(Time now, Train& train);
  bool transmit_packets(Time now, Train& train);
  // Path MTU discovery (session_mtu.cc).
  // Of the longest datagram that both sides take.
  size_t longest_datagram() const;
  // 0: no probe should go now.
  size_t mtu_probe_due(Time now);
  bool transmit_mtu_probe(Time now, Train& train);
  // The longest datagram of the path in use was `before`.
  void follow_mtu(size_t before);
  // 0: nothing to send. `allowed`: the congestion window and the pacer let more than
  // acknowledgements go.
  size_t build_packet(Time now, uint8_t* out, size_t capacity, bool allowed, bool probe);
  // There is no memory now.
  void try_later(Time now);
  // Room to record one packet. `urgent`: at the cost of an older one, if there is no memory. False:
  // nothing can be sent before retry_at_.
  [[nodiscard]] bool make_record(Time now, bool urgent);
  // False: no memory; the number was not used.
  [[nodiscard]] bool record(Time now, const SentPacket& packet);
  uint8_t* write_session_control(uint8_t* out, uint8_t* end, FrameRef* refs, size_t& ref_count,
                                 size_t most_refs);
  uint8_t* write_channel_control(Time now, uint8_t* out, uint8_t* end, FrameRef* refs,
                                 size_t& ref_count, size_t most_refs);
  // `counted`: it wrote a message of a counted channel, and nothing else.
  uint8_t* write_channel_data(Time now, uint8_t* out, uint8_t* end, FrameRef* refs,
                              size_t& ref_count, size_t most_refs, bool& counted);
  uint8_t* write_acks(Time now, uint8_t* out, uint8_t* end);
  AckCause ack_cause(Time now) const;
  void advise_channels();
  bool has_control() const;
  bool congestion_allows(size_t bytes) const;
  void prepare_probe();
  uint64_t take_number();
  void plan_skip();

  void update_rates(Time now);
  void update_policy();
  void rearm(Time now);
  void release_refs();
  // The oldest packet in flight is lost, for want of memory, and its record free. False: there is
  // none, or what it carried could not be noted as lost.
  [[nodiscard]] bool displace_oldest(Time now);
  // What it carried is sent again. False: no memory to note that of all of it.
  bool repeat_frames(const SentPacket& packet);
  Time ack_deadline() const;
  Duration idle_timeout() const;  // of both sides the shorter one; kNever: none
  Time idle_deadline() const;
  Time keep_alive_deadline() const;
  Time renewal_deadline() const;
  // When a session that does nothing gives back its memory.
  Time park_deadline() const;
  void park();
  // False: no memory.
  [[nodiscard]] bool unpark(Time now);
  // What a session must have before it takes a packet: it could not tell it from a copy, and send
  // no acknowledgement. False: no memory.
  [[nodiscard]] bool ensure_least();
  void check_idle_channels(Time now);
  void close_channels();
  bool on_open_timer(Time now);
  // False: no memory, the session closes.
  bool on_loss_timer(Time now);
  void apply_loss(Time now, uint64_t bytes, Time largest_sent_at, uint64_t prior, bool persistent);

  Endpoint& endpoint_;
  Runtime& runtime_;
  State state_ = State::kConnecting;
  bool initiator_;
  bool announced_ = false;  // the owner knows it
  bool released_ = false;
  bool buried_ = false;
  uint32_t events_ = 0;
  KeptReason reason_;
  Closing closing_;

  wire::PeerIdBytes remote_{};
  wire::ConnectionId local_id_;
  wire::ConnectionId remote_id_{};
  wire::Parameters remote_parameters_{};
  uint64_t init_key_ = 0;

  // The path in use.
  Path path_;
  SessionPaths paths_;

  SessionKeys keys_;
  wire::ResetToken remote_reset_{};
  bool expects_reset_ = false;
  // nullptr once it is open or gone.
  Opening* opening_ = nullptr;

  // Receiving.
  PacketWindow received_;
  AckTracker acks_;
  ReceptionMonitor reception_;
  PacketInHand reading_;
  bool parked_ = false;
  Time last_received_ = 0;
  // When a packet came or went.
  Time last_activity_ = 0;
  // T of some channel's window: when its COUNT is due.
  Time count_deadline_ = kNever;

  // Sending.
  LossDetector loss_;
  Ring<FrameRef> refs_;
  AckPolicy peer_policy_;  // what the peer is told to do
  bool policy_wanted_ = false;
  bool ping_wanted_ = false;
  bool max_channels_wanted_ = false;
  unsigned probes_ = 0;
  // The next packet is not longer than the base of the path.
  bool brief_ = false;
  uint64_t next_number_;
  // The number that will be left out next.
  uint64_t skip_at_ = UINT64_MAX;
  // What the ACK in the packet being built names as its largest; only if it holds one.
  uint64_t ack_in_packet_ = 0;
  Unanswered unanswered_;
  // ACKs sent since the last packet that the peer has to acknowledge.
  uint32_t unanswered_acks_ = 0;
  bool has_ack_in_packet_ = false;
  // No memory for something: try again then.
  Time retry_at_ = kNever;
  Time last_ping_ = 0;
  // When messages were sent.
  Time last_data_at_ = INT64_MIN / 2;

  // Channels.
  IdTable<Channel> channels_;
  List<Channel, &Channel::session_hook> all_channels_;
  Scheduler active_;
  List<Channel, &Channel::control_hook> control_;
  List<Channel, &Channel::count_hook> counts_;
  List<Channel, &Channel::idle_hook> idle_watched_;
  Time idle_check_ = kNever;
  ChannelLimits limits_;
  // Channels the peer has used, by their ordinal on its side.
  RangeSet remote_used_;

  SessionTotals totals_{};
  RuntimeTimer timer_;
};

}  // namespace hawser::transport
