#include "transport/ack_tracker.h"

#include <algorithm>

namespace hawser::transport {

namespace {

Time add_saturating(Time time, Duration duration) {
  return duration > kNever - std::max<Time>(time, 0) ? kNever : time + duration;
}

}  // namespace

void AckTracker::set_policy(const AckPolicy& policy) {
  if (policy.generation < policy_.generation) return;
  policy_ = policy;
  policy_.packets = std::max<uint32_t>(policy.packets, 1);
  policy_.max_delay = std::max<Duration>(policy.max_delay, 0);
}

bool AckTracker::on_packet(Time now, uint64_t number, bool ack_eliciting) {
  const bool first = received_.empty();
  const uint64_t largest_before = largest();
  if (received_.count() == kMaximumRanges && number + 1 < received_.front().begin) {
    // Older than every range kept: it would be the one to forget.
    return true;
  }
  if (!received_.add(number, number + 1)) {
    // A tracker that took no number any more would never send the ACK whose acknowledgement lets it
    // forget ranges: rather the oldest one goes.
    if (received_.count() < 2 || number + 1 < received_.front().begin) return false;
    received_.remove_below(received_.at(1).begin);
    if (!received_.add(number, number + 1)) return false;
  }
  if (received_.count() > kMaximumRanges) received_.remove_below(received_.at(1).begin);

  const bool late = !first && number < largest_before;
  if (!late) largest_received_at_ = now;
  if (!ack_eliciting) return true;

  if (pending_packets_ == 0) first_pending_at_ = now;
  pending_packets_++;
  const bool every_late_packet = policy_.reordering_threshold == 1;
  if (gap_reaches_threshold() || (late && every_late_packet)) request_now(AckCause::kGap);
  return true;
}

AckCause AckTracker::cause(Time now) const {
  if (requested_) return requested_for_;
  if (!ack_due(now)) return AckCause::kCarried;
  return pending_packets_ >= policy_.packets ? AckCause::kPackets : AckCause::kDelay;
}

bool AckTracker::ack_due(Time now) const {
  const Time due = deadline();
  return due != kNever && now >= due;
}

Time AckTracker::deadline() const {
  if (received_.empty()) return kNever;
  if (requested_) return pending() ? first_pending_at_ : largest_received_at_;
  if (!pending()) return kNever;
  if (pending_packets_ >= policy_.packets) return first_pending_at_;
  return add_saturating(first_pending_at_, policy_.max_delay);
}

void AckTracker::on_ack_sent(Time) {
  pending_packets_ = 0;
  requested_ = false;
  // The sender can now see every gap that is deep enough below the largest.
  const uint64_t threshold = policy_.reordering_threshold;
  if (threshold != 0 && largest() >= threshold) raise_reported(largest() - threshold + 1);
}

void AckTracker::on_ack_of_ack(uint64_t largest_acked_in_that_ack) {
  if (received_.empty()) return;
  received_.remove_below(std::min(largest_acked_in_that_ack + 1, received_.back().begin));
}

void AckTracker::release() {
  received_.release();
  pending_packets_ = 0;
  requested_ = false;
}

bool AckTracker::gap_reaches_threshold() const {
  if (policy_.reordering_threshold == 0) return false;
  for (size_t i = received_.count() - 1; i > 0; i--) {
    const uint64_t gap_end = received_.at(i).begin;
    if (gap_end <= reported_below_) return false;
    const uint64_t first_missing = std::max(received_.at(i - 1).end, reported_below_);
    if (largest() - first_missing >= policy_.reordering_threshold) return true;
  }
  return false;
}

// A gap that `bound` cuts counts as reported whole.
void AckTracker::raise_reported(uint64_t bound) {
  for (size_t i = received_.count(); i-- > 1;) {
    const uint64_t gap_end = received_.at(i).begin;
    if (gap_end <= bound) break;
    if (received_.at(i - 1).end < bound) {
      bound = gap_end;
      break;
    }
  }
  reported_below_ = std::max(reported_below_, bound);
}

}  // namespace hawser::transport
