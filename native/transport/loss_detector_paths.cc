// What becomes of packets in flight when the path changes.

#include <algorithm>

#include "transport/loss_detector.h"

namespace hawser::transport {

void LossDetector::change_path(Time now, uint32_t path, Time give_up_at, Visitor& visitor) {
  const uint32_t before = path_;
  path_ = path;
  path_since_ = now;
  rate_.restart();
  // Nothing is known of the new path, nor of the one that it comes back to: the next
  // acknowledgement tells.
  any_acked_ = false;
  pto_count_ = 0;
  first_sample_at_ = kNever;
  last_probe_timeout_at_ = now;
  reordering_threshold_ = kInitialReorderingThreshold;
  reordering_eighths_ = kInitialReorderingEighths;
  reordering_persist_ = 0;
  // What was lost before is no part of an episode of this path.
  episode_start_ = now;
  episode_lost_ = episode_spurious_ = 0;

  const uint64_t begin = first_in_flight();
  bytes_in_flight_ = eliciting_in_flight_ = deferred_in_flight_ = 0;
  left_in_flight_ = 0;
  left_first_ = next_number();
  cursor_ = next_number();
  for (uint64_t number = begin; number < next_number(); number++) {
    SentPacket& packet = packets_.at(number);
    if (!is_in_flight(packet)) continue;
    if (packet.path == path) {
      cursor_ = std::min(cursor_, number);
      enter_flight(packet);
      continue;
    }
    left_in_flight_++;
    left_kept_++;
    if (packet.path != before) {
      lose_left(now, packet, visitor);
    } else {
      left_first_ = std::min(left_first_, number);
    }
  }
  left_until_ = give_up_at;
  trim(now);
}

void LossDetector::lose_left(Time now, SentPacket& packet, Visitor& visitor) {
  left_in_flight_--;
  packet.state = kSentLost;
  packet.lost_at = now;
  // Whatever comes of it says nothing about any path.
  packet.path = SentPacket::kNoPath;
  lost_packets_++;
  visitor.on_lost(packet);
}

void LossDetector::give_up_left(Time now, Visitor& visitor) {
  const uint64_t begin = std::max(left_first_, packets_.first_number());
  for (uint64_t number = begin; left_in_flight_ != 0; number++) {
    SentPacket& packet = packets_.at(number);
    if (is_in_flight(packet) && packet.path != path_) lose_left(now, packet, visitor);
  }
  trim(now);
}

}  // namespace hawser::transport
