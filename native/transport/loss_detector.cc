#include "transport/loss_detector.h"

#include <algorithm>

namespace hawser::transport {

void LossDetector::start_at(uint64_t first_number) {
  packets_.start_at(first_number);
  cursor_ = first_number;
}

bool LossDetector::reserve_one(Time now) {
  trim(std::max(now, last_sent_at_));
  return packets_.reserve_one() || (drop_lost_at_front() && packets_.reserve_one());
}

bool LossDetector::on_sent(const SentPacket& packet) {
  if (packet.number < next_number()) return false;
  SentPacket record = packet;
  record.state = kSentInFlight;
  record.settled_run = 0;
  // Order of numbers is order of sending.
  record.sent_at = std::max(packet.sent_at, last_sent_at_);
  if (record.in_flight_counted) rate_.on_sent(record, bytes_in_flight_);

  trim(record.sent_at);
  if (!packets_.push(record)) {
    // Rather forget early what is only kept in case its loss was spurious.
    if (!drop_lost_at_front() || !packets_.push(record)) return false;
  }
  last_sent_at_ = record.sent_at;
  enter_flight(record);
  settle_cursor();
  return true;
}

void LossDetector::enter_flight(const SentPacket& packet) {
  if (packet.in_flight_counted) bytes_in_flight_ += packet.bytes;
  if (!packet.ack_eliciting) return;
  eliciting_in_flight_++;
  if (packet.deferred) {
    deferred_in_flight_++;
  } else {
    last_eliciting_sent_at_ = packet.sent_at;
  }
}

LossDetector::AckResult LossDetector::on_ack(Time now, const Interval* ranges, size_t count,
                                             Duration ack_delay, Duration peer_max_ack_delay,
                                             RttEstimator& rtt, Visitor& visitor) {
  AckResult result;
  result.prior_in_flight = bytes_in_flight_;
  if (!valid_ranges(ranges, count)) return result;
  result.valid = true;
  if (count == 0) return result;

  const uint64_t largest = ranges[0].end - 1;
  const uint64_t largest_before = any_acked_ ? largest_acked_ : 0;
  uint64_t largest_new = SentPackets::kNone;
  uint64_t largest_on_path = SentPackets::kNone;
  bool any_eliciting = false;
  undone_episode_ = 0;
  rate_.begin();
  for (size_t i = 0; i < count; i++) {
    const uint64_t begin = std::max(ranges[i].begin, packets_.first_number());
    if (ranges[i].end <= begin) break;
    uint64_t number = packets_.unsettled_at_or_below(ranges[i].end - 1);
    while (number != SentPackets::kNone && number >= begin) {
      SentPacket& packet = packets_.at(number);
      if (largest_new == SentPackets::kNone) {
        largest_new = number;
        result.any_new = true;
      }
      if (packet.path == path_) {
        if (largest_on_path == SentPackets::kNone) {
          largest_on_path = number;
          result.any_on_path = true;
          result.largest_newly_acked_sent_at = packet.sent_at;
          result.app_limited = packet.app_limited;
        }
        any_eliciting = any_eliciting || packet.ack_eliciting;
      }
      acknowledge(now, packet, largest_before, result, visitor);
      packets_.settle(number);
      number = packets_.unsettled_at_or_below(number);
    }
  }
  if (!result.any_on_path) {
    if (result.any_new) trim(now);
    return result;
  }
  largest_acked_ = any_acked_ ? std::max(largest_acked_, largest_on_path) : largest_on_path;
  any_acked_ = true;

  // RFC 9002, section 5.1: the largest is new, and something asked for the ACK.
  if (largest_on_path == largest && any_eliciting) {
    Duration sample = now - result.largest_newly_acked_sent_at;
    if (packets_.contains(largest) && packets_.at(largest).deferred) {
      // It waited for its channel's count, which has nothing to do with the path.
      sample = std::max({sample - ack_delay, rtt.has_sample() ? rtt.minimum() : 0, kMicrosecond});
      ack_delay = 0;
    }
    rtt.on_sample(sample, ack_delay, peer_max_ack_delay, true);
    result.rtt_sampled = true;
    if (first_sample_at_ == kNever) first_sample_at_ = now;
  }
  keep_lost_ = 2 * (rtt.pto_base() + peer_max_ack_delay);
  pto_count_ = 0;

  result.rate = rate_.end(rtt.minimum());
  const Losses losses = detect(now, rtt, peer_max_ack_delay, visitor);
  result.lost_packets = losses.packets;
  result.lost_bytes = losses.bytes;
  result.largest_lost_sent_at = losses.largest_sent_at;
  result.persistent_congestion = losses.persistent;
  if (losses.persistent) rtt.forget_minimum();
  result.loss_undone = undone_episode_ != 0;
  trim(now);
  return result;
}

Time LossDetector::deadline(const RttEstimator& rtt, Duration peer_max_ack_delay) const {
  const Time left = left_in_flight_ == 0 ? kNever : left_until_;
  if (eliciting_in_flight_ == 0) return left;
  if (loss_timer_armed()) return std::min(left, packets_.at(cursor_).sent_at + loss_delay(rtt));
  if (!probe_pending()) return left;
  const Time since = std::max(last_eliciting_sent_at_, last_probe_timeout_at_);
  return std::min(left, since + pto(rtt, peer_max_ack_delay));
}

LossDetector::TimeoutResult LossDetector::on_timeout(Time now, RttEstimator& rtt,
                                                     Duration peer_max_ack_delay,
                                                     Visitor& visitor) {
  TimeoutResult result;
  result.prior_in_flight = bytes_in_flight_;
  if (now < deadline(rtt, peer_max_ack_delay)) return result;
  if (left_in_flight_ != 0 && now >= left_until_) {
    give_up_left(now, visitor);
    if (now < deadline(rtt, peer_max_ack_delay)) return result;
  }
  if (!loss_timer_armed()) {
    pto_count_++;
    last_probe_timeout_at_ = now;
    result.probes = kProbes;
    return result;
  }
  const Losses losses = detect(now, rtt, peer_max_ack_delay, visitor);
  result.loss = losses.packets != 0;
  result.lost_bytes = losses.bytes;
  result.largest_lost_sent_at = losses.largest_sent_at;
  result.persistent_congestion = losses.persistent;
  if (losses.persistent) rtt.forget_minimum();
  trim(now);
  return result;
}

Time LossDetector::oldest_unacked_sent_at() const {
  return cursor_ == next_number() ? kNever : packets_.at(cursor_).sent_at;
}

const SentPacket* LossDetector::oldest_to_probe() const {
  for (uint64_t number = cursor_; number < next_number(); number++) {
    const SentPacket& packet = packets_.at(number);
    if (is_watched(packet) && packet.ack_eliciting && !packet.deferred) return &packet;
  }
  return nullptr;
}

Duration LossDetector::loss_delay(const RttEstimator& rtt) const {
  const Duration round_trip = std::max(rtt.latest(), rtt.smoothed());
  const Duration widened = round_trip + round_trip / 8 * reordering_eighths_;
  return std::max(widened, rtt.loss_delay());
}

Duration LossDetector::pto(const RttEstimator& rtt, Duration peer_max_ack_delay) const {
  Duration timeout = rtt.pto_base() + peer_max_ack_delay;
  const Duration most = std::clamp(timeout, kMaximumPto, kLongestPto);
  for (unsigned i = 0; i < pto_count_ && timeout < most; i++) timeout *= 2;
  return std::min(timeout, most);
}

void LossDetector::release() {
  packets_.release();
  cursor_ = next_number();
  bytes_in_flight_ = 0;
  eliciting_in_flight_ = 0;
  deferred_in_flight_ = 0;
  left_in_flight_ = left_kept_ = 0;
  pto_count_ = 0;
  episode_lost_ = episode_spurious_ = 0;
}

bool LossDetector::valid_ranges(const Interval* ranges, size_t count) const {
  uint64_t bound = next_number();
  for (size_t i = 0; i < count; i++) {
    const Interval& range = ranges[i];
    if (range.begin >= range.end || range.end > bound) return false;
    if (range.begin < packets_.start_number()) return false;
    if (packets_.skipped_in(range.begin, range.end)) return false;
    bound = range.begin;
  }
  return true;
}

void LossDetector::leave_flight(const SentPacket& packet) {
  if (packet.path != path_) {
    if (is_in_flight(packet)) left_in_flight_--;
    return;
  }
  if (packet.in_flight_counted) bytes_in_flight_ -= packet.bytes;
  if (packet.ack_eliciting) eliciting_in_flight_--;
  if (packet.ack_eliciting && packet.deferred) deferred_in_flight_--;
}

void LossDetector::acknowledge(Time now, const SentPacket& packet, uint64_t largest_before,
                               AckResult& result, Visitor& visitor) {
  result.acked_packets++;
  acked_packets_++;
  // What was left on another path says nothing about this one.
  if (packet.in_flight_counted && packet.path == path_) rate_.on_acked(now, packet);
  if (packet.state == kSentLost && packet.mtu_probe) {
    visitor.on_spurious(packet);
    return;
  }
  if (packet.state == kSentLost) {
    spurious_++;
    const bool of_path = packet.path == path_ && packet.lost_at >= path_since_;
    if (of_path) adapt_to_spurious(packet, largest_before);
    visitor.on_spurious(packet);
    return;
  }
  leave_flight(packet);
  if (packet.in_flight_counted && packet.path == path_) result.acked_bytes += packet.bytes;
  visitor.on_acked(packet);
}

void LossDetector::adapt_to_spurious(const SentPacket& packet, uint64_t largest_before) {
  reordering_persist_ = kReorderingPersist;
  if (!packet.lost_by_time) {
    const uint64_t distance = largest_before - packet.number;
    const uint64_t enough = std::min<uint64_t>(distance + 1, kMaximumReorderingThreshold);
    reordering_threshold_ = std::max(reordering_threshold_, static_cast<uint32_t>(enough));
  } else if (!episode_widened_) {
    episode_widened_ = true;
    reordering_eighths_ = std::min(reordering_eighths_ + 1, kMaximumReorderingEighths);
  }
  if (packet.lost_at < episode_start_) return;
  episode_spurious_++;
  if (episode_spurious_ == episode_lost_) undone_episode_ = episodes_;
}

// The cursor passes every record between the first and the last that it declares lost, so a run
// without an acknowledged packet between is seen as it is (RFC 9002, section 7.6.2).
LossDetector::Losses LossDetector::detect(Time now, const RttEstimator& rtt,
                                          Duration peer_max_ack_delay, Visitor& visitor) {
  Losses losses;
  const Duration delay = loss_delay(rtt);
  const Duration persistent_after =
      (rtt.pto_base() + peer_max_ack_delay) * kPersistentCongestionThreshold;
  bool in_run = false;
  Time run_start = 0;
  for (; any_acked_ && cursor_ < next_number() && cursor_ < largest_acked_; cursor_++) {
    SentPacket& packet = packets_.at(cursor_);
    if (packet.state == kSentAcked && packet.path == path_) in_run = false;
    if (!is_watched(packet)) continue;
    const bool by_number = largest_acked_ - packet.number >= reordering_threshold_;
    const bool by_time = now - packet.sent_at >= delay;
    // What was sent later is neither.
    if (!by_number && !by_time) break;

    packet.lost_by_time = !by_number;
    lose(now, packet, losses);
    if (packet.ack_eliciting && !packet.mtu_probe && packet.sent_at > first_sample_at_) {
      if (!in_run) {
        in_run = true;
        run_start = packet.sent_at;
      }
      if (packet.sent_at - run_start >= persistent_after) losses.persistent = true;
    }
    visitor.on_lost(packet);
  }
  settle_cursor();
  return losses;
}

void LossDetector::lose(Time now, SentPacket& packet, Losses& losses) {
  packet.state = kSentLost;
  packet.lost_at = now;
  leave_flight(packet);
  if (packet.mtu_probe) return;
  note_episode(now, packet);
  lost_packets_++;
  losses.packets++;
  if (packet.in_flight_counted) losses.bytes += packet.bytes;
  losses.largest_sent_at = packet.sent_at;
}

LossDetector::TimeoutResult LossDetector::give_up(Time now, Picker& picker, Visitor& visitor) {
  TimeoutResult result;
  result.prior_in_flight = bytes_in_flight_;
  Losses losses;
  for (uint64_t number = first_in_flight(); number < next_number(); number++) {
    SentPacket& packet = packets_.at(number);
    if (!is_in_flight(packet) || !picker.picks(packet)) continue;
    if (packet.path != path_) {
      lose_left(now, packet, visitor);
      continue;
    }
    packet.lost_by_time = true;
    lose(now, packet, losses);
    visitor.on_lost(packet);
  }
  if (losses.packets == 0) return result;
  result.loss = true;
  result.lost_bytes = losses.bytes;
  result.largest_lost_sent_at = losses.largest_sent_at;
  settle_cursor();
  trim(now);
  return result;
}

void LossDetector::note_episode(Time now, const SentPacket& packet) {
  if (episodes_ != 0 && packet.sent_at <= episode_start_) {
    if (undone_episode_ == episodes_) undone_episode_ = 0;
    episode_lost_++;
    return;
  }
  episodes_++;
  episode_start_ = now;
  episode_lost_ = 1;
  episode_spurious_ = 0;
  episode_widened_ = false;
  if (reordering_persist_ > 0 && --reordering_persist_ == 0) {
    reordering_threshold_ = kInitialReorderingThreshold;
    reordering_eighths_ = kInitialReorderingEighths;
  }
}

bool LossDetector::loss_timer_armed() const {
  return any_acked_ && cursor_ < next_number() && cursor_ < largest_acked_;
}

void LossDetector::settle_cursor() {
  while (cursor_ < next_number() && !is_watched(packets_.at(cursor_))) cursor_++;
}

void LossDetector::trim(Time now) {
  if (left_in_flight_ == 0 && now - left_until_ >= keep_lost_) left_kept_ = 0;
  while (!packets_.empty()) {
    // A number left out is remembered for as long as what was sent right after it, so that an ACK
    // that claims both is caught.
    uint64_t number = packets_.first_number();
    while (packets_.at(number).state == kSentSkipped) number++;
    const SentPacket& packet = packets_.at(number);
    if (is_in_flight(packet)) return;
    const Time since = packet.state == kSentLost ? packet.lost_at : packet.sent_at;
    const uint64_t flight = eliciting_in_flight_ + left_kept_;
    const bool room = packets_.size() <= kKeptRecords + 4 * flight;
    if (packet.state != kSentAcked && room && now - since < keep_lost_) return;
    while (packets_.first_number() <= number) packets_.pop_front();
  }
}

bool LossDetector::drop_lost_at_front() {
  const uint64_t before = packets_.first_number();
  const uint64_t end = first_in_flight();
  while (packets_.first_number() < end) packets_.pop_front();
  return packets_.first_number() != before;
}

}  // namespace hawser::transport
