#pragma once

#include <atomic>
#include <cstdint>

#include "transport/ack_cause.h"
#include "transport/expiry_marks.h"
#include "transport/inbound.h"
#include "transport/kept_reason.h"
#include "transport/list.h"
#include "transport/outbound.h"
#include "transport/runtime_timer.h"
#include "transport/types.h"
#include "transport/window_controller.h"
#include "wire/frames.h"

namespace hawser::transport {

class Session;

// What a channel has to tell its owner. Bits; see Channel::take_events.
enum ChannelEvent : uint32_t {
  kChannelIncoming = 1,      // the peer opened it: accept() or refuse()
  kChannelAccepted = 2,      // the peer accepted what we opened
  kChannelWritable = 4,      // push() may go on: below half the high water mark
  kChannelAcknowledged = 8,  // everything below the watched sequence is acknowledged
  kChannelReadable = 16,     // messages wait and the demand allows: deliver() them
  kChannelEnded = 32,        // the peer ended its direction and everything was handed over
  kChannelClosed = 64,       // gone; the last event. reason() says why
};

struct ChannelCounters {
  uint64_t messages_sent, messages_received;
  uint64_t bytes_received;
  uint64_t messages_resent, bytes_resent;
  uint64_t duplicates;
  uint64_t counts_sent, counts_received;
  uint64_t in_flight;  // messages
  uint64_t window;     // N of this side
  uint64_t ack_every;  // M of this side
  uint64_t unsent_bytes, credit_left;
  uint64_t held_messages;  // arrived, not handed over
  uint64_t memory_bytes;
  uint64_t expired;  // messages dropped or given up by this side
  uint64_t skipped;  // messages of the peer that did not come, or were replaced by newer ones
  uint64_t requests_sent, requests_received;  // REQUEST frames
  uint64_t resend_timeouts;
  uint64_t counts_by_cause[kAckCauses];  // COUNTs sent, by what called for them
  // Of the window controller: messages sent again, and packets the peer says it did not get; 0 to
  // 1.
  double loss, advised_loss;
  WindowCause window_cause;
  // The peer's N and M as it announced them, or their defaults.
  uint64_t peer_window, peer_ack_every;
};

// One bidirectional, ordered, reliable sequence of messages inside a session (PROTOCOL.md section
// 6).
//
// push() may be called by one producer thread without the owner's lock; everything else is called
// under it. Freed by the core once it is gone and the owner called release().
class Channel {
 public:
  enum class Push : uint8_t {
    kTaken,
    kFull,      // taken; above the high water mark: wait for kChannelWritable
    kNoRoom,    // not taken: call push_locked() under the lock
    kRefused,   // not taken: max_buffered reached, or no memory
    kTooLarge,  // not taken: longer than this side or the peer allows
    kClosed,    // not taken: ended, closed, or not yet accepted
  };

  Channel(Session& session, uint64_t id, bool incoming);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // --- Owner.
  // For the owner's use; the core never looks at it.
  uint64_t user = 0;

  uint64_t id() const { return id_; }
  Session& session() const { return *session_; }
  bool incoming() const { return incoming_; }
  const uint8_t* service() const { return service_; }
  size_t service_length() const { return service_length_; }
  const uint8_t* metadata() const { return metadata_; }
  size_t metadata_length() const { return metadata_length_; }

  // Producer thread, with or without the lock.
  Push push(const uint8_t* data, size_t length);
  // Producer thread, under the lock: makes room first.
  Push push_locked(const uint8_t* data, size_t length);
  // Number of the next message to be pushed. Producer thread.
  uint64_t written_sequence() const { return out_.ring().written_sequence(); }
  uint64_t unsent() const { return out_.ring().unsent(); }
  // What max_buffered bounds: the same, and what is kept of messages that will not be sent.
  uint64_t buffered() const { return unsent() + out_.ring().dropped(); }

  // Producer thread, under the lock: what was pushed may leave now.
  void flush(Time now);
  // Producer thread, under the lock: gives back the ring of an idle channel.
  void trim();

  // Answers kChannelIncoming.
  void accept(Time now, const ChannelConfig& config);
  void refuse(Time now, wire::Code code, const char* reason, size_t reason_length);

  void set_demand(Time now, Demand demand);
  // Hands waiting messages to the runtime's sink, as far as demand and sink allow.
  void deliver(Time now);
  // Reports kChannelAcknowledged once base() >= sequence.
  void watch_acknowledged(Time now, uint64_t sequence);

  // No more messages from this side; what was pushed is still delivered.
  void end(Time now);
  // Ends both directions at once. With kNoError only after everything was acknowledged.
  void reset(Time now, wire::Code code, const char* reason, size_t reason_length);
  // The owner will not touch this channel again. Resets it (CANCELLED) if it is still alive.
  void release(Time now);

  // The events since the last call. Not while another thread pushes.
  uint32_t take_events();

  bool accepted() const { return accepted_; }
  // Incoming: its OPEN has come.
  bool announced() const { return announced_; }
  bool gone() const { return gone_; }
  bool ended_locally() const { return end_wanted_; }
  // Why it is gone.
  CloseReason reason() const { return reason_.get(); }
  // First message not acknowledged, and how many of those pushed are not. Producer thread.
  uint64_t base() const { return gone_ ? last_base_ : out_.base(); }
  uint64_t unacknowledged() const {
    return gone_ ? last_unacknowledged_ : out_.ring().written_sequence() - out_.base();
  }
  ChannelCounters counters() const;
  // This side's N and M now, and longest message that may be sent.
  uint32_t window() const { return out_.window(); }
  uint32_t ack_every() const { return controller_.ack_every(); }
  uint32_t max_send() const { return max_send_.load(std::memory_order_relaxed); }

  // --- Session only.
  // Before anything of it was sent.
  void change_id(uint64_t id) { id_ = id; }
  [[nodiscard]] bool configure_open(Time now, const ChannelConfig& config, const uint8_t* service,
                                    size_t service_length, const uint8_t* metadata,
                                    size_t metadata_length);
  // False: no memory.
  [[nodiscard]] bool on_open(Time now, const wire::Open& frame);
  void on_accept(Time now, const wire::Accept& frame);
  // END and RESET: the session has told inbound() the final sequence.
  void on_end(Time now);
  void on_reset(Time now, const wire::Reset& frame);
  // False: it says another mode than the first one.
  [[nodiscard]] bool on_window(const wire::Window& frame);
  void on_window_hint(const wire::WindowHint& frame);
  void on_request(Time now, const wire::Request& frame);
  Inbound::Result on_skip(Time now, const wire::Skip& frame);
  void on_count_now(Time now);
  void on_credit(Time now, uint64_t limit);
  void on_blocked(uint64_t wanted);
  Inbound::Result on_message(Time now, const wire::Message& frame);
  Inbound::Result on_fragment(Time now, const wire::Fragment& frame);
  // False: acknowledges what was never sent.
  bool on_count(Time now, uint32_t count);
  // False: no memory to note it.
  [[nodiscard]] bool on_frame_acknowledged(Time now, const FrameRef& ref);
  [[nodiscard]] bool on_frame_lost(const FrameRef& ref);
  void on_session_closed(const CloseReason& reason);

  // Messages wait that window and credit allow, or that were lost.
  bool wants_data() const { return !gone_ && out_.has_work(); }
  bool wants_control() const { return control_ != 0; }
  // Writes control frames as far as they fit. Adds what it carried to refs; returns the new end of
  // the output.
  uint8_t* write_control(Time now, uint8_t* out, uint8_t* end, FrameRef* refs, size_t& ref_count,
                         size_t ref_capacity);
  uint8_t* write_data(Time now, uint8_t* out, uint8_t* end, FrameRef& ref);
  // Number of the last message that arrived in sequence, for COUNT.
  uint64_t count_to_send() const { return (peer_counted_ ? due_count_ : in_.expected()) - 1; }
  // `cause` is why the ACK was sent; a counted channel knows better.
  void on_count_sent(Time now, AckCause cause);
  // When the idle timeout is due; kNever without one.
  Time idle_deadline() const;
  void on_idle(Time now);
  // Its messages are acknowledged on the receiver's count alone.
  bool counted() const { return out_.policy().counted; }
  bool peer_counted() const { return peer_counted_; }
  uint8_t priority() const { return priority_; }
  uint16_t weight() const { return weight_; }
  // Something was acknowledged or lost: the window controller may decide anew. `congestion_window`
  // in bytes.
  void adapt(Time now, uint64_t congestion_window);
  // What is measured of the peer's packets has changed.
  void advise(double loss);
  void on_timer(Time now);
  // The peer's MAX_CHANNELS now allows this channel.
  void allow_open();

  Outbound& outbound() { return out_; }
  Inbound& inbound() { return in_; }

  // Resend timeout, T, requests, expiry: whichever is first.
  RuntimeTimer timer;

  ListHook<Channel> active_hook;   // Session: has messages to send
  ListHook<Channel> control_hook;  // Session: has control frames to send
  ListHook<Channel> count_hook;    // Session: has a COUNT to send
  ListHook<Channel> idle_hook;     // Session: has an idle timeout
  ListHook<Channel> notify_hook;   // Runtime: has events, or is to be freed
  ListHook<Channel> session_hook;  // Session: all channels
  // Session's scheduler: bytes that may still be sent in this turn.
  int64_t turn = 0;

 private:
  void want(FrameRef::Kind kind);
  bool wanted(FrameRef::Kind kind) const { return (control_ & (1u << kind)) != 0; }
  void unwant(FrameRef::Kind kind) { control_ &= ~(1u << kind); }
  void notify(uint32_t events);
  void apply(Time now, const ChannelConfig& config);
  bool keep_names(const uint8_t* service, size_t service_length, const uint8_t* metadata,
                  size_t metadata_length);
  uint8_t* write_one(Time now, FrameRef::Kind kind, uint8_t* out, uint8_t* end, FrameRef& ref);
  // channel_send.cc
  void announce_window();
  void activate();
  void watch_published(Time now);
  void request_flush(Time now);
  void rearm(Time now);
  Duration resend_timeout() const;
  void start_resend_timer(Time now);
  void on_resend_timeout(Time now);
  void want_skip();
  // channel_receive.cc
  Duration count_delay() const;
  void count_receipt(Time now);
  void make_count_due(uint64_t count, AckCause cause);
  void look_for_gaps(Time now, bool moved);
  Duration request_pause() const;
  uint64_t request_limit() const;
  bool gap_below(uint64_t limit) const;
  // False: nothing is missing.
  bool compose_request(Time now, wire::Request& request);
  wire::WindowHint compose_hint() const;
  void on_receive_timer(Time now);
  void update_writable();
  void update_credit();
  Inbound::Result after_receive(Time now, uint64_t expected_before, Inbound::Result result);
  void after_handing_over();
  MessageSink* sink() const;
  void say_hint();
  void after_progress(Time now, bool moved);
  void check_done();
  void become_gone(const CloseReason& reason, bool hand_over);
  void maybe_free();

  Session* session_;
  uint64_t id_;
  Outbound out_;
  Inbound in_;
  // Control frames that wait to be sent: bits by FrameRef::Kind.
  uint32_t control_ = 0;
  uint32_t events_ = 0;
  KeptReason reason_;

  const bool incoming_;
  bool announced_ = false;  // incoming: OPEN has come, the owner was told
  bool accepted_ = false;
  bool open_allowed_ = false;  // the peer's MAX_CHANNELS covers it
  bool end_wanted_ = false;
  bool end_sent_ = false;
  bool end_acknowledged_ = false;
  bool ended_reported_ = false;
  bool gone_ = false;             // no messages any more, either way
  bool closed_reported_ = false;  // gone, and the owner was told
  bool lingering_ = false;        // gone, but our RESET is not acknowledged
  bool released_ = false;
  ClosedBy first_ender_ = ClosedBy::kNobody;
  // Read by the producer without the lock.
  std::atomic<bool> writable_{false};
  std::atomic<bool> drain_wanted_{false};
  std::atomic<uint32_t> max_send_{0};

  uint64_t high_water_mark_ = 0;
  uint64_t max_buffered_ = 0;
  uint64_t watched_ = 0;
  // What RESET says.
  uint64_t reset_final_ = 0;
  uint64_t reset_cost_ = 0;
  // The base and the messages left when the channel went.
  uint64_t last_base_ = 0;
  uint64_t last_unacknowledged_ = 0;

  // This side's window settings and their generation.
  uint32_t local_max_message_ = 0;
  uint32_t remote_max_message_ = 0;
  WindowController controller_;
  uint16_t weight_ = 16;
  uint8_t priority_ = 3;
  bool window_limited_ = false;
  // The peer has the first WINDOW.
  bool window_confirmed_ = false;
  Duration ack_timeout_ = 0;
  uint64_t window_generation_ = 0;
  uint64_t blocked_at_ = 0;

  // Timeouts of messages sent. 0: automatic, or none.
  Duration resend_timeout_ = 0;
  Duration flush_after_ = 0;
  Duration expires_after_ = 0;
  ExpiryMarks expiry_;
  Time resend_at_ = kNever;
  unsigned resend_backoff_ = 0;
  // Since when resend timeouts have brought nothing.
  Time stalled_since_ = kNever;
  // The COUNT_NOW that waits repeats a question of a resend timeout.
  bool count_now_again_ = false;
  Time release_at_ = kNever;
  // A COUNT of everything below is wanted, once that was sent.
  uint64_t count_now_below_ = 0;
  uint64_t resend_timeouts_ = 0;
  uint64_t skip_sent_ = 0;  // the newest SKIP said so
  uint64_t requests_received_ = 0;

  // The peer's window settings.
  uint64_t peer_generation_ = 0;
  uint64_t peer_window_ = 0;
  uint64_t peer_ack_every_ = wire::kDefaultMessagesPerAck;
  Duration peer_ack_timeout_ = 0;
  bool peer_counted_ = false;
  uint64_t hint_generation_ = 0;
  uint64_t peer_hint_generation_ = 0;
  double measured_loss_ = 0;
  uint64_t advised_at_ = 0;  // messages received then
  bool hint_owed_ = false;   // measured_loss_ was not said yet

  // The next number expected when the last COUNT was sent.
  uint64_t counted_;
  // Counted mode: the COUNT that is due says this, why, and when the next one is due whatever has
  // come (T; kNever: not running).
  uint64_t due_count_;
  AckCause due_cause_ = AckCause::kMessages;
  Time count_at_ = kNever;
  // What is missing below this was asked for; when to ask again, and for how long to wait then.
  uint64_t requested_below_;
  Time request_at_ = kNever;
  Duration request_pause_ = 0;
  bool request_all_ = false;  // also what may only be late
  uint64_t requests_sent_ = 0;
  uint64_t counts_by_cause_[kAckCauses] = {};

  uint64_t counts_sent_ = 0;
  uint64_t counts_received_ = 0;

  Duration idle_timeout_ = 0;
  Time last_activity_ = 0;

  uint8_t* service_ = nullptr;  // service and metadata, one block
  uint8_t* metadata_ = nullptr;
  uint16_t service_length_ = 0;
  uint16_t metadata_length_ = 0;
};

}  // namespace hawser::transport
