#include "transport/bbr.h"

#include <algorithm>
#include <cmath>

namespace hawser::transport {

namespace {

// draft-ietf-ccwg-bbr-04, section 2: 2.77 is 4 ln 2, the least gain that doubles the rate a round.
constexpr double kStartupGain = 2.77;
constexpr double kDrainGain = 0.35;
constexpr double kDownGain = 0.75;
constexpr double kUpGain = 1.25;
constexpr double kWindowGain = 2;
constexpr double kUpWindowGain = 2.25;
constexpr double kProbeRttGain = 0.5;
// A little below the bandwidth, so that the estimate's noise builds no queue.
constexpr double kPacingMargin = 0.99;
// Deviation 6.
constexpr double kReplaced = 0.75;
// Deviation 7. The gain is that of CUBIC.
constexpr double kQuietLoss = 0.001;
constexpr double kShortPathGain = 1.25;
constexpr double kLossThreshold = 0.02;
constexpr double kBeta = 0.7;
// What Cruise leaves free of inflight_hi.
constexpr double kHeadroom = 0.85;
constexpr uint64_t kQuantaInFlight = 3;
constexpr uint64_t kMaximumQuantum = 64 * 1024;
constexpr uint64_t kMaximumWindow = uint64_t{1} << 34;
constexpr double kMaximumRate = 1e12;
constexpr uint64_t kBackgroundPackets = 2'000;
constexpr uint64_t kFewLost = 3;
// draft-ietf-ccwg-bbr-04, BBRStartupFullLossCnt: three of a first window's ten are no rare luck.
constexpr uint64_t kFewLostInStartup = 6;
// Fewer packets of Cruise do not say what the background is.
constexpr uint64_t kFewSent = 100;

// Deviation 5.
CubicOptions competing() {
  CubicOptions options;
  options.beta = 0.5;
  return options;
}
double seconds(Duration duration) { return static_cast<double>(duration) / kSecond; }
uint64_t scaled(uint64_t value, double factor) {
  return static_cast<uint64_t>(static_cast<double>(value) * factor);
}

}  // namespace

Bbr::Bbr(uint64_t max_packet_bytes)
    : packet_bytes_(std::max<uint64_t>(max_packet_bytes, 1)),
      window_(0),
      cubic_(packet_bytes_, competing()) {
  // That of RFC 9002, section 7.2.
  window_ = cubic_.window();
}

void Bbr::on_sent(Time now, uint64_t bytes, uint64_t in_flight_after, uint64_t packet_number) {
  cubic_.on_sent(now, bytes, in_flight_after, packet_number);
  if (in_flight_after > bytes) return;
  // The path has run empty by itself: that is as good as ProbeRtt.
  if (queue_.stale(now)) queue_.renew();
  // Not so where one acknowledgement was for all that the window allows, and is answered at once.
  const bool idle = now - acked_at_ > (queue_.known() ? queue_.base() : shortest_rtt_) / 4;
  const bool probing = phase_ == Phase::kDown || phase_ == Phase::kRefill || phase_ == Phase::kUp;
  if (probing && idle) {
    enter(Phase::kCruise, now);
    rounds_since_probe_ = 0;
    next_probe_ = std::max(next_probe_, now + kSecond);
  }
}

void Bbr::on_ack(const AckEvent& event) {
  untouched_ = false;
  if (event.rtt_latest != 0) queue_.on_sample(event.rtt_latest);
  shortest_rtt_ = event.rtt_min;
  acked_at_ = event.now;
  round_.acked += event.acked_bytes;
  round_.flight = std::max(round_.flight, event.prior_in_flight);
  take_rate(event);
  take_extra_acked(event);
  const bool round = event.rate.prior_delivered >= round_end_ && event.rate.total_delivered != 0;
  if (round) {
    round_end_ = event.rate.total_delivered;
    on_round(event);
    round_ = Round{};
    round_.began_at = event.now;
  }
  if (phase_ == Phase::kDrain && within_path(event)) begin_cruise(event);
  if (phase_ == Phase::kProbeRtt) {
    advance_probe_rtt(event, round);
  } else if (phase_ == Phase::kCompete) {
    cubic_.on_ack(event);
  } else if (phase_ == Phase::kUp) {
    if (phase_rounds_ != 0 && queue_.rising() && !growing()) end_up(event);
  }
  update_window(event);
}

void Bbr::on_loss(const LossEvent& event) {
  untouched_ = false;
  round_.lost += event.lost_bytes;
  if (phase_ == Phase::kCompete && (overflowing() || event.persistent)) cubic_.on_loss(event);
  if (event.persistent) {
    // The path was away: begin with little, at the rate that was known. What was lost with it says
    // nothing about its rate.
    window_ = minimum_window();
    round_.lost = 0;
    bounds_.inflight_lo = bounds_.bandwidth_lo = kNoBound;
    queue_.renew();
  }
}

void Bbr::on_spurious_loss(Time now) {
  if (phase_ == Phase::kCompete) cubic_.on_spurious_loss(now);
  if (!undo_possible_) return;
  bounds_ = undo_;
  undo_possible_ = false;
}

void Bbr::on_mtu(uint64_t max_packet_bytes) {
  packet_bytes_ = std::max<uint64_t>(max_packet_bytes, 1);
  cubic_.on_mtu(packet_bytes_);
  window_ = untouched_ ? cubic_.window() : std::max(window_, minimum_window());
}

uint64_t Bbr::window() const {
  if (phase_ == Phase::kCompete) return cubic_.window();
  uint64_t bound = window_;
  if (phase_ == Phase::kProbeRtt) {
    bound = std::min(bound, probe_rtt_window());
  } else if (pipe_filled_ && bounds_.inflight_hi != kNoBound) {
    const bool probing = phase_ == Phase::kUp || phase_ == Phase::kRefill;
    bound = std::min(bound, scaled(bounds_.inflight_hi, probing ? 1 : kHeadroom));
  }
  bound = std::min(bound, bounds_.inflight_lo);
  return std::max(bound, minimum_window());
}

uint64_t Bbr::pacing_rate(const RttEstimator& rtt) const {
  // Nothing but the initial window can be in flight before the first sample.
  if (!rtt.has_sample()) return 0;
  if (phase_ == Phase::kCompete) return cubic_.pacing_rate(rtt);
  double rate = pacing_gain() * static_cast<double>(bandwidth()) * kPacingMargin;
  rate /= 1 - kReplaced * background_loss();
  if (phase_ == Phase::kStartup) {
    // A first sample of a few packets is no reason to send the first window slowly.
    const double initial = static_cast<double>(cubic_.window()) / seconds(rtt.smoothed());
    rate = std::max(rate, kStartupGain * initial);
  }
  if (short_path())
    rate = std::max(rate, kShortPathGain * static_cast<double>(window()) / seconds(rtt.smoothed()));
  const double least = static_cast<double>(packet_bytes_) / seconds(rtt.smoothed());
  return static_cast<uint64_t>(std::clamp(rate, std::min(least, kMaximumRate), kMaximumRate));
}

uint64_t Bbr::bandwidth() const { return std::min(max_bandwidth_.value(), bounds_.bandwidth_lo); }

double Bbr::background_loss() const {
  if (background_sent_ == 0) return 0;
  const double part = static_cast<double>(background_lost_) / static_cast<double>(background_sent_);
  return std::min(part, kMostTolerated);
}

uint64_t Bbr::bdp(double gain) const {
  const Duration round_trip = queue_.known() ? queue_.base() : shortest_rtt_;
  const double bytes = static_cast<double>(bandwidth()) * seconds(round_trip) * gain;
  return static_cast<uint64_t>(std::min(bytes, static_cast<double>(kMaximumWindow)));
}

// As the pacer's.
uint64_t Bbr::send_quantum() const {
  return std::max(std::min(bandwidth() / 1000, kMaximumQuantum), 2 * packet_bytes_);
}

bool Bbr::short_path() const {
  const bool full = phase_ == Phase::kCruise || phase_ == Phase::kRefill || phase_ == Phase::kUp;
  return full && background_loss() < kQuietLoss && queue_.known() &&
         queue_.base() < QueueSignal::kShortestMargin;
}

uint64_t Bbr::probe_rtt_window() const { return std::max(bdp(kProbeRttGain), minimum_window()); }

double Bbr::pacing_gain() const {
  switch (phase_) {
    case Phase::kStartup:
      return kStartupGain;
    case Phase::kDrain:
      return kDrainGain;
    case Phase::kDown:
      return kDownGain;
    case Phase::kUp:
      return kUpGain;
    case Phase::kCruise:
    case Phase::kRefill:
    case Phase::kProbeRtt:
    case Phase::kCompete:
      break;
  }
  return 1;
}

double Bbr::window_gain() const { return phase_ == Phase::kUp ? kUpWindowGain : kWindowGain; }

bool Bbr::within_path(const AckEvent& event) const {
  return event.prior_in_flight - std::min(event.prior_in_flight, event.acked_bytes) <= bdp(1);
}

void Bbr::take_rate(const AckEvent& event) {
  const RateSample& sample = event.rate;
  round_.app_limited = round_.app_limited || sample.app_limited;
  if (sample.bytes_per_second == 0) return;
  if (!sample.app_limited) round_.rate = std::max(round_.rate, sample.bytes_per_second);
  // A limited sample can only be too low.
  if (!sample.app_limited || sample.bytes_per_second >= max_bandwidth_.value()) {
    max_bandwidth_.update(sample.bytes_per_second);
  }
  const double quantum = static_cast<double>(send_quantum()) / static_cast<double>(bandwidth());
  queue_.set_grain(static_cast<Duration>(quantum * kSecond));
}

void Bbr::take_extra_acked(const AckEvent& event) {
  const double expected = static_cast<double>(bandwidth()) * seconds(event.now - aggregate_since_);
  uint64_t owed = static_cast<uint64_t>(std::min(expected, static_cast<double>(kMaximumWindow)));
  if (aggregate_acked_ <= owed) {
    aggregate_acked_ = 0;
    aggregate_since_ = event.now;
    owed = 0;
  }
  aggregate_acked_ += event.acked_bytes;
  extra_acked_.update(std::min(aggregate_acked_ - std::min(aggregate_acked_, owed), window_));
}

// Deviation 1: more than the background by two hundredths and by three standard deviations.
bool Bbr::lost_too_much() const {
  const auto packet = static_cast<double>(packet_bytes_);
  const double lost = static_cast<double>(round_.lost) / packet;
  const double sent = lost + static_cast<double>(round_.acked) / packet;
  const double background = background_loss();
  const double spread = 3 * std::sqrt(sent * background * (1 - background));
  return lost > sent * background + std::max(kLossThreshold * sent, spread);
}

// Less than the largest sample, which jitter makes larger than the path is fast.
uint64_t Bbr::mean_rate(Time now) const {
  const double time = seconds(std::max<Duration>(now - round_.began_at, kMicrosecond));
  return static_cast<uint64_t>(std::min(static_cast<double>(round_.acked) / time, kMaximumRate));
}

bool Bbr::lost_unbearably() const {
  const uint64_t few = phase_ == Phase::kStartup ? kFewLostInStartup : kFewLost;
  return round_.lost > scaled(round_.lost + round_.acked, kMostTolerated) &&
         round_.lost >= few * packet_bytes_;
}

bool Bbr::loss_is_congestion() const {
  // What an application that sends little loses says nothing about more.
  if (round_.lost < kFewLost * packet_bytes_ || round_.app_limited) return lost_unbearably();
  if (lost_unbearably()) return true;
  const bool comparable = phase_ == Phase::kUp && background_sent_ >= kFewSent * packet_bytes_;
  return (queue_.standing() || comparable) && lost_too_much();
}

// Whether loss in Compete is of a full queue.
bool Bbr::overflowing() const { return queue_.rising() && (!noisy() || lost_too_much()); }

void Bbr::learn_background() {
  background_sent_ += round_.acked + round_.lost;
  background_lost_ += round_.lost;
  if (background_sent_ > kBackgroundPackets * packet_bytes_) {
    background_sent_ /= 2;
    background_lost_ /= 2;
  }
}

// draft-ietf-ccwg-bbr-04, section 5.5.10.3.
void Bbr::adapt_bounds() {
  undo_ = bounds_;
  undo_possible_ = true;
  if (phase_ == Phase::kUp || phase_ == Phase::kStartup) {
    bounds_.inflight_hi = std::max(round_.flight, scaled(bdp(1), kBeta));
    return;
  }
  const uint64_t rate = std::max(round_.rate, scaled(bandwidth(), kBeta));
  const uint64_t flight = std::min(bounds_.inflight_lo, window_);
  // A round that the application limited has measured no rate.
  if (round_.rate != 0) bounds_.bandwidth_lo = std::min(bounds_.bandwidth_lo, rate);
  bounds_.inflight_lo = std::max({round_.acked, scaled(flight, kBeta), minimum_window()});
}

void Bbr::update_window(const AckEvent& event) {
  if (phase_ == Phase::kCompete) {
    window_ = cubic_.window();
    return;
  }
  uint64_t target = kMaximumWindow;
  if (bandwidth() != 0 && shortest_rtt_ != 0) {
    target = bdp(window_gain()) + extra_acked_.value();
    target = std::max(target, kQuantaInFlight * send_quantum());
    if (phase_ == Phase::kUp) target += 2 * packet_bytes_;
  }
  const uint64_t grown = window_ + event.acked_bytes;
  if (pipe_filled_) {
    window_ = std::min(grown, target);
  } else if (window_ < target) {
    window_ = grown;
  }
  window_ = std::clamp(window_, minimum_window(), std::max(kMaximumWindow, minimum_window()));
}

}  // namespace hawser::transport
