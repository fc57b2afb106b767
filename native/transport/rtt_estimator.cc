#include "transport/rtt_estimator.h"

#include <algorithm>

namespace hawser::transport {

void RttEstimator::on_sample(Duration latest, Duration ack_delay, Duration peer_max_ack_delay,
                             bool handshake_confirmed) {
  latest_ = std::clamp<Duration>(latest, 1, kMaximumRtt);
  if (!minimum_known_ || latest_ < minimum_) minimum_ = latest_;
  minimum_known_ = true;

  if (!has_sample_) {
    has_sample_ = true;
    smoothed_ = latest_;
    variation_ = latest_ / 2;
    return;
  }

  Duration delay = std::clamp<Duration>(ack_delay, 0, kMaximumRtt);
  if (handshake_confirmed) delay = std::min(delay, std::max<Duration>(peer_max_ack_delay, 0));
  // What the peer claims to have waited never brings a sample below the minimum.
  const Duration adjusted = latest_ >= minimum_ + delay ? latest_ - delay : latest_;
  const Duration deviation = smoothed_ > adjusted ? smoothed_ - adjusted : adjusted - smoothed_;
  variation_ = (3 * variation_ + deviation) / 4;
  smoothed_ = (7 * smoothed_ + adjusted) / 8;
}

Duration RttEstimator::pto_base() const {
  return smoothed_ + std::max(4 * variation_, kGranularity);
}

Duration RttEstimator::loss_delay() const {
  const Duration longest = std::max(latest_, smoothed_);
  return std::max(longest + longest / 8, kGranularity);
}

}  // namespace hawser::transport
