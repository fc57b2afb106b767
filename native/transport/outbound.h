#pragma once

#include <cstdint>

#include "transport/frame_ref.h"
#include "transport/range_set.h"
#include "transport/send_ring.h"
#include "transport/types.h"

namespace hawser::transport {

// The sending direction of a channel: which messages are in flight, which are lost, which may go.
// Works in positions of the SendRing, so that a message can be cut anywhere and anew.
class Outbound {
 public:
  Outbound(Memory& memory, uint64_t first_sequence);

  SendRing& ring() { return ring_; }
  const SendRing& ring() const { return ring_; }

  // Limits. `window` is N; `credit` the total cost the peer allows.
  void set_window(uint32_t window) { window_ = window; }
  uint32_t window() const { return window_; }
  // Returns true if this raised the limit.
  bool raise_credit(uint64_t limit);
  uint64_t credit() const { return credit_; }

  // The window's base: number of the first message not acknowledged.
  uint64_t base() const { return ring_.tail_sequence(); }
  // Number of the first message of which nothing was sent.
  uint64_t next_sequence() const { return next_sequence_; }
  uint64_t next_position() const { return next_position_; }
  // Number of the first message that was not sent whole.
  uint64_t fully_sent() const;
  // Messages of which something was sent and not all acknowledged.
  uint64_t in_flight() const { return next_sequence_ - base(); }
  // Total cost of all messages below `sequence` (PROTOCOL.md 5.6).
  uint64_t cost_below(uint64_t sequence) const;

  // Something lost waits to be sent again.
  bool has_lost() const { return !lost_.empty(); }
  // Published bytes that window and credit allow to be sent for the first time.
  uint64_t sendable() const;
  bool has_work() const { return has_lost() || sendable() > 0; }
  // A published message waits that the credit does not allow; `wanted` is the cost with it.
  bool blocked_by_credit(uint64_t& wanted) const;
  // All that was published has been sent at least once.
  bool all_sent() const { return next_position_ == ring_.published_position(); }
  // All that was published has been acknowledged.
  bool all_acknowledged() const { return base() == ring_.published_sequence(); }

  // Writes MESSAGE and FRAGMENT frames of `channel` into [out, end), what is lost first; returns
  // the new end of the output and what it carries. Nothing fits or nothing may go: returns `out`.
  // One call writes one contiguous piece of the stream.
  uint8_t* write(uint64_t channel, uint8_t* out, uint8_t* end, FrameRef& carried);

  // The fate of bytes [begin, end). False: no memory to remember it; the packet's acknowledgement
  // must then count as not received (nothing was changed).
  [[nodiscard]] bool on_acknowledged(uint64_t begin, uint64_t end);
  // What of it is still missing is sent again.
  [[nodiscard]] bool on_lost(uint64_t begin, uint64_t end);
  // The peer has everything below `sequence`, which must not exceed fully_sent(). Returns how far
  // the base moved, in messages.
  uint64_t on_count(uint64_t sequence);
  // Nothing will be sent any more: forget what was published.
  void abandon();

  // Messages and bytes sent for the first time, and again.
  uint64_t sent_messages() const { return next_sequence_ - first_sequence_; }
  uint64_t resent_bytes() const { return resent_bytes_; }
  uint64_t resent_messages() const { return resent_messages_; }
  size_t memory_bytes() const;

 private:
  uint8_t* write_range(uint64_t channel, uint64_t from, uint64_t until, uint8_t* out, uint8_t* end,
                       uint64_t& reached, uint64_t& messages);
  uint64_t limit_sequence() const;
  void advance_base();

  SendRing ring_;
  // Acknowledged bytes above the base.
  RangeSet acknowledged_;
  RangeSet lost_;
  const uint64_t first_sequence_;
  uint64_t next_sequence_;
  uint64_t next_position_ = 0;
  uint64_t credit_ = 0;
  uint64_t resent_bytes_ = 0;
  uint64_t resent_messages_ = 0;
  uint32_t window_ = 2;
};

}  // namespace hawser::transport
