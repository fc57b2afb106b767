#pragma once

#include <cstdint>
#include <initializer_list>

#include "transport/frame_ref.h"
#include "transport/range_set.h"
#include "transport/ring.h"
#include "transport/send_ring.h"
#include "transport/types.h"
#include "wire/frames.h"

namespace hawser::transport {

// How the messages of one direction are sent. The defaults are the fast ones.
struct OutboundPolicy {
  // The base moves by COUNT alone, and a packet carries one message at most.
  bool counted = false;
  // Nothing leaves before N messages are there, the window was shifted, or release() was called.
  bool fill = false;
  // When a COUNT moves the base, everything in flight is sent again.
  bool resend_all = false;
  wire::Delivery delivery = wire::Delivery::kOrdered;
};

// The sending direction of a channel: which messages are in flight, which are lost, which may go.
// Works in positions of the SendRing, so that a message can be cut anywhere and anew.
//
// A *number* here counts what the application pushed. Messages that are dropped before anything of
// them was sent get no number on the wire: wire_number() and number_of() translate.
class Outbound {
 public:
  // `queue`: of the messages; `memory`: of all else.
  Outbound(Memory& memory, Memory& queue, uint64_t first_sequence);
  Outbound(Memory& memory, uint64_t first_sequence) : Outbound(memory, memory, first_sequence) {}

  SendRing& ring() { return ring_; }
  const SendRing& ring() const { return ring_; }

  // Before the first message.
  void set_policy(const OutboundPolicy& policy);
  const OutboundPolicy& policy() const { return policy_; }

  // Limits. `window` is N; `credit` the total cost the peer allows.
  void set_window(uint32_t window) { window_ = window; }
  uint32_t window() const { return window_; }
  // Returns true if this raised the limit.
  bool raise_credit(uint64_t limit);
  uint64_t credit() const { return credit_; }
  // Nothing may be sent until this is taken back.
  void hold(bool on) { held_ = on; }

  // The window's base: number of the first message not acknowledged.
  uint64_t base() const { return ring_.tail_sequence(); }
  // Number of the first message of which nothing was sent.
  uint64_t next_sequence() const { return next_sequence_; }
  uint64_t next_position() const { return next_position_; }
  // Number of the first message that was not sent whole.
  uint64_t fully_sent() const;
  // Messages of which something was sent and not all acknowledged.
  uint64_t in_flight() const { return wire_number(next_sequence_) - wire_number(base()); }
  // Total cost of all messages below `sequence` that were sent, or will be (PROTOCOL.md 5.6).
  // `sequence` >= base().
  uint64_t cost_below(uint64_t sequence) const;
  // The sequence on the wire of message `number`, and back. `number` >= base().
  uint64_t wire_number(uint64_t number) const;
  uint64_t number_of(uint64_t wire) const;

  // Something lost waits to be sent again.
  bool has_lost() const { return !lost_.empty(); }
  // Published bytes that window and credit allow to be sent for the first time.
  uint64_t sendable() const;
  bool has_work() const { return !held_ && (has_lost() || sendable() > 0); }
  // A published message waits that the credit does not allow; `wanted` is the cost with it.
  bool blocked_by_credit(uint64_t& wanted) const;
  // A published message waits that N does not allow.
  bool blocked_by_window() const;
  // All that was published has been sent at least once.
  bool all_sent() const { return next_position_ == ring_.published_position(); }
  // All that was published has been acknowledged.
  bool all_acknowledged() const { return base() == ring_.published_sequence(); }

  // Writes MESSAGE and FRAGMENT frames of `channel` into [out, end), what is lost first; returns
  // the new end of the output and what it carries. Nothing fits or nothing may go: returns `out`.
  // One call writes one contiguous piece of the stream.
  uint8_t* write(uint64_t channel, uint8_t* out, uint8_t* end, FrameRef& carried);

  // New messages were published.
  void on_published();
  // OutboundPolicy::counted: packets that were acknowledged move the base from now on, because the
  // receiver may have everything and be gone. Returns how far it moved.
  uint64_t trust_packets();

  // OutboundPolicy::fill: what was published may leave; something was published that may not.
  void release();
  bool holds_back() const { return policy_.fill && released_ < ring_.published_sequence(); }

  // The fate of bytes [begin, end). False: no memory to remember it; the packet's acknowledgement
  // must then count as not received (nothing was changed).
  [[nodiscard]] bool on_acknowledged(uint64_t begin, uint64_t end);
  // What of it is still missing is sent again, or given up where the delivery says so.
  // `again`: the packet did not carry it for the first time. What was repeated because the peer had
  // asked for it is not repeated once more for its first packet.
  [[nodiscard]] bool on_lost(uint64_t begin, uint64_t end, bool again);
  // The peer has, or was told to do without, everything below `number`, which must not exceed
  // fully_sent(). Returns how far the base moved, in messages.
  uint64_t on_count(uint64_t number);
  // The peer asks for messages [first, first + count) again. What was sent again after `since` is
  // on its way and is passed over.
  void on_request(uint64_t first, uint64_t count, Time since);
  // Bytes [begin, end) were sent again at `now`; what was before `since` need not be remembered.
  void note_resent(Time now, uint64_t begin, uint64_t end, Time since);

  // Messages below `number` need not arrive any more. What was never sent is dropped, the rest
  // given up: skip_target() then says what the peer has to be told.
  void expire_below(uint64_t number);
  // Everything below this number was acknowledged or given up, and the peer must be told so that
  // the base can move (SKIP); base() when there is nothing to tell.
  uint64_t skip_target() const;

  // Nothing will be sent any more: forget what was published.
  void abandon();

  // Messages sent for the first time, and again; dropped or given up.
  uint64_t sent_messages() const { return wire_number(next_sequence_) - first_sequence_; }
  uint64_t resent_bytes() const { return resent_bytes_; }
  uint64_t resent_messages() const { return resent_messages_; }
  uint64_t expired_messages() const { return expired_messages_; }
  size_t memory_bytes() const;

 private:
  // Messages that got no number on the wire: from message `from` on, numbers on the wire are lower
  // by `count` and costs by `cost`.
  struct Drop {
    uint64_t from;
    uint64_t count;
    uint64_t cost;
  };

  struct Resent {
    uint64_t begin;
    uint64_t end;
    Time at;
  };

  uint8_t* write_range(uint64_t channel, uint64_t from, uint64_t until, uint8_t* out, uint8_t* end,
                       uint64_t& reached, uint64_t& messages);
  uint64_t limit_sequence() const;
  void advance_base();
  void release_shifted(uint64_t base_before);
  void free_below(uint64_t number);
  [[nodiscard]] bool add_lost(uint64_t begin, uint64_t end,
                              std::initializer_list<const RangeSet*> except);
  void drop_unsent();
  // False: no memory; they are repeated like any other.
  bool give_up(uint64_t first, uint64_t end);
  void keep_newest_acknowledged(uint64_t end);
  const Drop& drop_at(uint64_t number) const;
  uint64_t past_dropped(uint64_t number) const;

  SendRing ring_;
  OutboundPolicy policy_;
  // Acknowledged bytes above the base.
  RangeSet acknowledged_;
  RangeSet lost_;
  // Bytes of whole messages that were sent and will not be repeated.
  RangeSet given_up_;
  // What was sent again lately.
  Ring<Resent> resent_;
  // Bytes asked for.
  RangeSet requested_;
  // Of resent_, what a request asks for; kept for its memory.
  RangeSet under_way_;
  Ring<Drop> drops_;
  // In force below the first of drops_.
  Drop dropped_before_{};
  const uint64_t first_sequence_;
  uint64_t next_sequence_;
  uint64_t next_position_ = 0;
  // What was never sent below this is to be dropped.
  uint64_t drop_below_ = 0;
  // OutboundPolicy::fill: messages below this may leave.
  uint64_t released_;
  uint64_t credit_ = 0;
  uint64_t resent_bytes_ = 0;
  uint64_t resent_messages_ = 0;
  uint64_t expired_messages_ = 0;
  uint32_t window_ = 2;
  bool held_ = false;
  bool packets_trusted_ = true;
};

}  // namespace hawser::transport
