#include "transport/queue_signal.h"

#include <algorithm>
#include <cstdlib>

namespace hawser::transport {

namespace {
constexpr int kMarginDivisor = 8;
constexpr int kMarginDeviations = 3;
constexpr int kRecentWeight = 8;
constexpr int kDeviationWeight = 32;
constexpr int kWanderWeight = 16;
constexpr int kMarginSteps = 4;
}  // namespace

void QueueSignal::on_sample(Duration round_trip) {
  recent_ = recent_ == 0 ? round_trip : recent_ + (round_trip - recent_) / kRecentWeight;
  // From what the last few were: a queue that grows slowly is not jitter.
  deviation_ += (std::abs(round_trip - recent_) - deviation_) / kDeviationWeight;
  sum_ += round_trip;
  count_++;
}

bool QueueSignal::end_round(Time now) {
  if (count_ < kSamples) return false;
  const Duration before = latest_;
  latest_ = sum_ / count_;
  if (before != 0) {
    // A queue that comes or goes is one large step, a path whose delay varies many small ones.
    const Duration step = std::min(std::abs(latest_ - before), base_ / kMarginDivisor);
    wander_ += (step - wander_) / kWanderWeight;
  }
  sum_ = 0;
  count_ = 0;
  if (base_ == 0 || latest_ <= base_ || renew_) {
    base_ = latest_;
    base_at_ = now;
    renew_ = false;
  }
  return true;
}

Duration QueueSignal::margin() const {
  return std::max({base_ / kMarginDivisor, deviation_ * kMarginDeviations, wander_ * kMarginSteps,
                   grain_, kShortestMargin});
}

}  // namespace hawser::transport
