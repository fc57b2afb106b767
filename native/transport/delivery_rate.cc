#include "transport/delivery_rate.h"

#include <algorithm>

namespace hawser::transport {

void DeliveryRate::on_sent(SentPacket& packet, uint64_t in_flight) {
  if (in_flight == 0) {
    // Nothing is under way: the time of silence before is not the path's.
    first_sent_at_ = packet.sent_at;
    delivered_at_ = packet.sent_at;
  }
  packet.delivered_bytes = delivered_;
  packet.delivered_at = delivered_at_;
  packet.first_sent_at = first_sent_at_;
  packet.rate_limited = app_limited();
}

void DeliveryRate::begin() { chosen_ = false; }

void DeliveryRate::on_acked(Time now, const SentPacket& packet) {
  delivered_ += packet.bytes;
  delivered_at_ = now;
  const bool newer =
      !chosen_ || packet.delivered_bytes > chosen_delivered_ ||
      (packet.delivered_bytes == chosen_delivered_ && packet.sent_at > chosen_sent_at_);
  if (!newer) return;
  chosen_ = true;
  chosen_limited_ = packet.rate_limited;
  chosen_delivered_ = packet.delivered_bytes;
  chosen_delivered_at_ = packet.delivered_at;
  chosen_sent_at_ = packet.sent_at;
  chosen_send_time_ = packet.sent_at - packet.first_sent_at;
}

RateSample DeliveryRate::end(Duration round_trip_min) {
  RateSample sample;
  sample.total_delivered = delivered_;
  if (app_limited_until_ != 0 && delivered_ > app_limited_until_) app_limited_until_ = 0;
  if (!chosen_) return sample;
  chosen_ = false;
  first_sent_at_ = chosen_sent_at_;
  sample.prior_delivered = chosen_delivered_;
  sample.app_limited = chosen_limited_;
  sample.delivered = delivered_ - chosen_delivered_;
  sample.interval = std::max(chosen_send_time_, delivered_at_ - chosen_delivered_at_);
  // Faster than a round trip: the ACKs were squeezed together, and the rate is not the path's.
  if (sample.interval <= 0 || sample.interval < round_trip_min) return sample;
  const double rate =
      static_cast<double>(sample.delivered) * kSecond / static_cast<double>(sample.interval);
  constexpr double kMaximumRate = 1e12;
  sample.bytes_per_second = static_cast<uint64_t>(std::clamp(rate, 1.0, kMaximumRate));
  return sample;
}

}  // namespace hawser::transport
