#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/ack_cause.h"
#include "transport/memory.h"
#include "transport/range_set.h"
#include "transport/time.h"

namespace hawser::transport {

// When the receiver of packets acknowledges them. The sender of the packets chooses it.
struct AckPolicy {
  // P: ack-eliciting packets that make an ACK due. 0 counts as 1.
  uint32_t packets = 2;
  // Time from the first unacknowledged ack-eliciting packet until an ACK is due.
  Duration max_delay = 25 * kMillisecond;
  // A missing number this far below the newest makes an ACK due at once. 0: never.
  // 1: also every packet that comes late (RFC 9000, section 13.2.1).
  uint32_t reordering_threshold = 3;
  // A policy older than the one in force is ignored.
  uint64_t generation = 0;
};

// The receiver's side of acknowledging packets: which numbers came, and when to say so (RFC 9000,
// section 13.2; the reordering threshold as in draft-ietf-quic-ack-frequency).
// Duplicates are filtered before (PacketWindow).
//
// A gap makes an ACK due at once when its first missing number reaches the reordering threshold,
// and does so only once: what is then missing in it is known to the sender, whose own loss timer
// deals with the rest of it. So sustained loss costs one ACK a gap, not one a packet.
class AckTracker {
 public:
  // More gaps than this, and the oldest range is forgotten: what it held is simply not
  // acknowledged again (RFC 9000, section 13.2.3).
  static constexpr size_t kMaximumRanges = 64;

  explicit AckTracker(Memory& memory) : received_(memory) {}

  void set_policy(const AckPolicy& policy);
  const AckPolicy& policy() const { return policy_; }

  // A packet came whose number is not a duplicate. false: no memory, nothing changed; the packet
  // will not be acknowledged, so the caller must drop it.
  [[nodiscard]] bool on_packet(Time now, uint64_t number, bool ack_eliciting);
  // The next ACK is due now, whatever the policy says (as soon as there is anything to name).
  void request_now(AckCause cause = AckCause::kRequested) {
    if (!requested_) requested_for_ = cause;
    requested_ = true;
  }
  // What calls for an ACK; kCarried when none is due.
  AckCause cause(Time now) const;

  bool ack_due(Time now) const;
  // When ack_due() becomes true; in the past when it is; kNever when nothing waits for an ACK.
  Time deadline() const;
  // Did an ack-eliciting packet come since the last ACK?
  bool pending() const { return pending_packets_ != 0; }

  // The content of an ACK: ranges newest first, 0 <= index < range_count().
  size_t range_count() const { return received_.count(); }
  Interval range(size_t index) const { return received_.at(received_.count() - 1 - index); }
  // When the largest came; its distance to now is the ACK delay.
  Time largest_received_time() const { return largest_received_at_; }
  // 0 when nothing came.
  uint64_t largest() const { return received_.empty() ? 0 : received_.back().end - 1; }

  // An ACK of the current ranges was sent.
  void on_ack_sent(Time now);
  // An ACK that we sent, which named `largest_acked_in_that_ack` as its largest, has reached the
  // peer: ranges up to there need not be repeated. The newest range is kept whole.
  void on_ack_of_ack(uint64_t largest_acked_in_that_ack);

  // Gives the memory back and forgets the ranges; only while nothing is pending.
  void release();
  size_t memory_bytes() const { return received_.memory_bytes(); }

 private:
  bool gap_reaches_threshold() const;
  void raise_reported(uint64_t bound);

  AckPolicy policy_;
  RangeSet received_;
  // The ACKs sent so far have shown every gap below this.
  uint64_t reported_below_ = 0;
  Time largest_received_at_ = 0;
  Time first_pending_at_ = 0;
  uint64_t pending_packets_ = 0;
  bool requested_ = false;
  AckCause requested_for_ = AckCause::kRequested;
};

}  // namespace hawser::transport
