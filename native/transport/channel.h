#pragma once

#include <atomic>
#include <cstdint>

#include "transport/inbound.h"
#include "transport/list.h"
#include "transport/outbound.h"
#include "transport/timer_wheel.h"
#include "transport/types.h"
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

  // The events since the last call.
  uint32_t take_events();

  bool accepted() const { return accepted_; }
  // Incoming: its OPEN has come.
  bool announced() const { return announced_; }
  bool gone() const { return gone_; }
  bool ended_locally() const { return end_wanted_; }
  // Why it is gone.
  const CloseReason& reason() const { return reason_; }
  // First message not acknowledged, and how many of those pushed are not. Producer thread.
  uint64_t base() const { return gone_ ? last_base_ : out_.base(); }
  uint64_t unacknowledged() const {
    return gone_ ? last_unacknowledged_ : out_.ring().written_sequence() - out_.base();
  }
  ChannelCounters counters() const;
  // This side's N and M now, and longest message that may be sent.
  uint32_t window() const { return out_.window(); }
  uint32_t ack_every() const { return ack_every_; }
  uint32_t max_send() const;

  // --- Session only.
  [[nodiscard]] bool configure_open(Time now, const ChannelConfig& config, const uint8_t* service,
                                    size_t service_length, const uint8_t* metadata,
                                    size_t metadata_length);
  // False: no memory.
  [[nodiscard]] bool on_open(Time now, const wire::Open& frame);
  void on_accept(Time now, const wire::Accept& frame);
  // END and RESET: the session has told inbound() the final sequence.
  void on_end(Time now);
  void on_reset(Time now, const wire::Reset& frame);
  void on_window(const wire::Window& frame);
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
  uint8_t* write_data(uint8_t* out, uint8_t* end, FrameRef& ref);
  // Number of the last message that arrived in sequence, for COUNT.
  uint64_t count_to_send() const { return in_.expected() - 1; }
  void on_count_sent();
  // When the idle timeout is due; kNever without one.
  Time idle_deadline() const;
  void on_idle(Time now);
  // The automatic N follows the congestion window, in bytes.
  void on_congestion_window(uint64_t bytes);
  // The peer's MAX_CHANNELS now allows this channel.
  void allow_open();

  Outbound& outbound() { return out_; }
  Inbound& inbound() { return in_; }

  ListHook<Channel> active_hook;   // Session: has messages to send
  ListHook<Channel> control_hook;  // Session: has control frames to send
  ListHook<Channel> count_hook;    // Session: has a COUNT to send
  ListHook<Channel> idle_hook;     // Session: has an idle timeout
  ListHook<Channel> notify_hook;   // Runtime: has events, or is to be freed
  ListHook<Channel> session_hook;  // Session: all channels

 private:
  void want(FrameRef::Kind kind);
  bool wanted(FrameRef::Kind kind) const { return (control_ & (1u << kind)) != 0; }
  void unwant(FrameRef::Kind kind) { control_ &= ~(1u << kind); }
  void notify(uint32_t events);
  void apply(Time now, const ChannelConfig& config);
  bool keep_names(const uint8_t* service, size_t service_length, const uint8_t* metadata,
                  size_t metadata_length);
  uint8_t* write_one(Time now, FrameRef::Kind kind, uint8_t* out, uint8_t* end, FrameRef& ref);
  void set_window(uint32_t messages, bool announce);
  void activate();
  void update_writable();
  void update_credit();
  Inbound::Result after_receive(Time now, uint64_t expected_before, Inbound::Result result);
  void after_handing_over();
  void after_progress();
  void check_done();
  void become_gone(const CloseReason& reason, bool hand_over);
  void maybe_free();

  Session* session_;
  const uint64_t id_;
  Outbound out_;
  Inbound in_;
  // Control frames that wait to be sent: bits by FrameRef::Kind.
  uint32_t control_ = 0;
  uint32_t events_ = 0;
  CloseReason reason_;

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
  uint32_t configured_window_ = 0;
  uint32_t configured_ack_every_ = 0;
  uint32_t ack_every_ = 0;
  Duration ack_timeout_ = 0;
  uint64_t window_generation_ = 0;
  uint64_t blocked_at_ = 0;
  // The peer's window settings.
  uint64_t peer_generation_ = 0;
  uint64_t peer_ack_every_ = wire::kDefaultMessagesPerAck;
  Duration peer_ack_timeout_ = 0;
  // The next number expected when the last COUNT was sent.
  uint64_t counted_;
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
