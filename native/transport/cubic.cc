#include "transport/cubic.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hawser::transport {

namespace {

// RFC 9438, section 4: C in segments per cubic second.
constexpr double kC = 0.4;
// A window may grow by half a round trip (section 4.2).
constexpr double kMaximumGrowth = 1.5;
constexpr double kNoThreshold = std::numeric_limits<double>::infinity();
// RFC 9002, section 7.2: 14,720 bytes are ten packets of 1,472.
constexpr double kInitialPacketBytes = 1472;
constexpr double kMinimumWindowPackets = 2;
// RFC 9406, section 4.3: L for a sender that does not pace.
constexpr double kBurstPackets = 8;
// Sending a little faster than the window per round trip (RFC 9002, section 7.7) lets the window,
// and not the pacer, be the limit; slow start doubles a round trip.
constexpr double kPacingGain = 1.25;
constexpr double kPacingGainConservative = 1.5;
constexpr double kPacingGainSlowStart = 2;
constexpr double kMaximumRate = 1e12;

double seconds(Duration duration) { return static_cast<double>(duration) / kSecond; }

}  // namespace

Cubic::Cubic(uint64_t max_packet_bytes, const CubicOptions& options)
    : options_(options), packet_bytes_(std::max<uint64_t>(max_packet_bytes, 1)) {
  state_.window = initial_window();
  state_.threshold = kNoThreshold;
  clamp_window();
}

void Cubic::on_sent(Time now, uint64_t bytes, uint64_t in_flight_after, uint64_t) {
  // The first packet after a silence: the cubic must not have grown meanwhile.
  if (in_flight_after <= bytes) shift_epoch(now);
}

void Cubic::on_ack(const AckEvent& event) {
  const bool initial_slow_start = state_.threshold == kNoThreshold;
  if (initial_slow_start && options_.hystart &&
      hystart_.on_ack(event.largest_acked, event.next_packet_number, event.rtt_latest)) {
    state_.threshold = state_.window;
  }
  if (event.largest_sent_time <= recovery_start_) return;

  const bool unused =
      event.app_limited || static_cast<double>(event.prior_in_flight) * 2 < state_.window;
  if (in_slow_start()) {
    if (!unused) grow_slow_start(event);
    return;
  }
  if (state_.epoch_start == kNever) begin_epoch(event.now);
  if (unused) {
    shift_epoch(event.now);
    return;
  }
  clock_at_ = event.now;
  grow_cubic(event);
}

void Cubic::on_loss(const LossEvent& event) {
  untouched_ = false;
  if (event.largest_lost_sent_time > recovery_start_) {
    undo_ = state_;
    undo_recovery_start_ = recovery_start_;
    undo_possible_ = true;
    recovery_start_ = event.now;
    reduce();
    reductions_++;
  }
  if (event.persistent) {
    // As after a retransmission timeout (RFC 9438, section 4.8; RFC 9002, section 7.6.2).
    state_.window = minimum_window();
    state_.epoch_start = kNever;
    state_.after_reduction = false;
    recovery_start_ = kNoRecovery;
  }
}

void Cubic::on_spurious_loss(Time) {
  if (!undo_possible_) return;
  const double window = std::max(undo_.window, state_.window);
  state_ = undo_;
  state_.window = window;
  recovery_start_ = undo_recovery_start_;
  undo_possible_ = false;
  reductions_--;
  clamp_window();
}

void Cubic::on_mtu(uint64_t max_packet_bytes) {
  packet_bytes_ = std::max<uint64_t>(max_packet_bytes, 1);
  if (untouched_) state_.window = initial_window();
  clamp_window();
}

void Cubic::resume(uint64_t window) {
  state_ = State{};
  state_.window = static_cast<double>(window);
  clamp_window();
  state_.threshold = state_.window;
  undo_possible_ = false;
  untouched_ = false;
  recovery_start_ = kNoRecovery;
}

uint64_t Cubic::window() const { return static_cast<uint64_t>(state_.window); }

uint64_t Cubic::pacing_rate(const RttEstimator& rtt) const {
  // Nothing but the initial window can be in flight before the first sample.
  if (!rtt.has_sample()) return 0;
  double gain = kPacingGain;
  if (in_slow_start()) {
    gain = hystart_.conservative() ? kPacingGainConservative : kPacingGainSlowStart;
  }
  const double rate = gain * state_.window / seconds(rtt.smoothed());
  return static_cast<uint64_t>(std::clamp(rate, 1.0, kMaximumRate));
}

bool Cubic::in_slow_start() const { return state_.window < state_.threshold; }

uint64_t Cubic::slow_start_threshold() const {
  return state_.threshold == kNoThreshold ? UINT64_MAX : static_cast<uint64_t>(state_.threshold);
}

// Makes the additive increase of W_est that of Reno with a decrease of beta (section 4.3).
double Cubic::reno_alpha() const { return 3 * (1 - options_.beta) / (1 + options_.beta); }

double Cubic::initial_window() const {
  const auto packet = static_cast<double>(packet_bytes_);
  const auto packets = static_cast<double>(options_.initial_window_packets);
  return std::min(packets * packet,
                  std::max(packets * kInitialPacketBytes, kMinimumWindowPackets * packet));
}

double Cubic::minimum_window() const {
  return kMinimumWindowPackets * static_cast<double>(packet_bytes_);
}

void Cubic::clamp_window() {
  const double maximum = std::max(static_cast<double>(options_.maximum_window), minimum_window());
  state_.window = std::clamp(state_.window, minimum_window(), maximum);
}

void Cubic::reduce() {
  state_.w_prior = state_.window;
  const bool shrinking = state_.window < state_.w_max;
  state_.w_max = options_.fast_convergence && shrinking ? state_.window * (1 + options_.beta) / 2
                                                        : state_.window;
  state_.window *= options_.beta;
  clamp_window();
  state_.threshold = state_.window;
  state_.epoch_start = kNever;
  state_.after_reduction = true;
}

void Cubic::begin_epoch(Time now) {
  state_.epoch_start = now;
  clock_at_ = now;
  if (!state_.after_reduction || state_.w_max < state_.window) {
    state_.w_max = state_.window;
    if (!state_.after_reduction) state_.w_prior = state_.window;
  }
  const double packets = (state_.w_max - state_.window) / static_cast<double>(packet_bytes_);
  state_.k = std::cbrt(packets / kC);
  state_.w_est = state_.window;
}

void Cubic::shift_epoch(Time now) {
  if (state_.epoch_start == kNever || now <= clock_at_) return;
  state_.epoch_start += now - clock_at_;
  clock_at_ = now;
}

void Cubic::grow_slow_start(const AckEvent& event) {
  auto grown = static_cast<double>(event.acked_bytes);
  if (!options_.paced) {
    grown = std::min(grown, kBurstPackets * static_cast<double>(packet_bytes_));
  }
  if (state_.threshold == kNoThreshold && hystart_.conservative()) {
    grown /= HyStart::kConservativeGrowthDivisor;
  }
  state_.window = std::min(state_.window + grown, state_.threshold);
  untouched_ = false;
  clamp_window();
}

void Cubic::grow_cubic(const AckEvent& event) {
  const auto packet = static_cast<double>(packet_bytes_);
  const auto acked = static_cast<double>(event.acked_bytes);
  const double elapsed = seconds(event.now - state_.epoch_start);
  const auto cubic = [&](double t) {
    const double distance = t - state_.k;
    return kC * distance * distance * distance * packet + state_.w_max;
  };

  const double alpha = state_.w_est >= state_.w_prior ? 1.0 : reno_alpha();
  state_.w_est += alpha * packet * acked / state_.window;
  if (cubic(elapsed) < state_.w_est) {
    state_.window = std::max(state_.window, state_.w_est);
  } else {
    const double target = std::clamp(cubic(elapsed + seconds(event.rtt_smoothed)), state_.window,
                                     state_.window * kMaximumGrowth);
    state_.window += (target - state_.window) * acked / state_.window;
  }
  untouched_ = false;
  clamp_window();
}

}  // namespace hawser::transport
