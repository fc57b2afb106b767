#include "transport/hystart.h"

#include <algorithm>

namespace hawser::transport {

bool HyStart::on_ack(uint64_t largest_acked, uint64_t next_packet_number, Duration rtt) {
  if (!started_) {
    started_ = true;
    begin_round(next_packet_number);
  } else if (largest_acked >= round_end_) {
    // A partial round counts, as section 4.2 says.
    if (conservative_ && ++conservative_rounds_ >= kConservativeRounds) return true;
    begin_round(next_packet_number);
  }
  if (rtt <= 0) return false;

  round_minimum_ = std::min(round_minimum_, rtt);
  round_samples_++;
  if (round_samples_ < kSamples) return false;

  if (conservative_) {
    if (round_minimum_ < conservative_baseline_) {
      // The growth was noise: slow start goes on.
      conservative_ = false;
    }
    return false;
  }
  if (last_round_minimum_ == kUnknown) return false;
  const Duration threshold =
      std::clamp(last_round_minimum_ / kMinRttDivisor, kMinRttThreshold, kMaxRttThreshold);
  if (round_minimum_ >= last_round_minimum_ + threshold) {
    conservative_ = true;
    conservative_baseline_ = round_minimum_;
    conservative_rounds_ = 0;
  }
  return false;
}

void HyStart::begin_round(uint64_t next_packet_number) {
  round_end_ = next_packet_number;
  last_round_minimum_ = round_minimum_;
  round_minimum_ = kUnknown;
  round_samples_ = 0;
}

}  // namespace hawser::transport
