// The phases of Bbr: what ends each, and what follows.

#include <algorithm>

#include "transport/bbr.h"

namespace hawser::transport {

namespace {

constexpr double kStartupGrowth = 1.25;
constexpr double kDoubling = 1.75;
constexpr double kUpGrowth = 1.1;
constexpr uint64_t kBoundGrowth = 4;
constexpr unsigned kFlatRounds = 3;
constexpr int kPlainQueueDivisor = 4;
// Draining takes no more rounds than it takes to empty a queue as long as the path.
constexpr uint32_t kDrainRounds = 5;
constexpr uint32_t kDownRounds = 5;
constexpr unsigned kUpRounds = 2;
constexpr unsigned kSuspiciousRounds = 2;
constexpr double kArrives = 0.95;
// Between two probes; and in rounds, so that where Reno would grow faster we do not wait for it.
constexpr Duration kShortestCycle = 2 * kSecond;
constexpr uint64_t kCycleSpread = kSecond;
constexpr uint32_t kCycleRounds = 63;
constexpr uint32_t kGenerationRounds = 10;
// Of the present rate. More than that is a path that has become slower.
constexpr uint64_t kMostClaimed = 3;
constexpr Duration kProbeRttTime = 200 * kMillisecond;
constexpr Duration kQuiet = 4 * kSecond;
constexpr Duration kFirstTrial = 5 * kSecond;
constexpr Duration kLastTrial = 80 * kSecond;
// Another queue so soon after Compete has ended: it should not have.
constexpr Duration kRelapse = 10 * kSecond;

// Flows that probe at the same time measure each other.
Duration spread_by(uint64_t number) {
  uint64_t mixed = number * 0x9e3779b97f4a7c15;
  mixed ^= mixed >> 32;
  return static_cast<Duration>(mixed % kCycleSpread);
}

}  // namespace

void Bbr::enter(Phase phase, Time now) {
  phase_ = phase;
  phase_since_ = now;
  phase_rounds_ = 0;
  suspicious_rounds_ = 0;
  flat_rounds_ = 0;
}

void Bbr::begin_cruise(const AckEvent& event) {
  if (phase_ != Phase::kDown) rounds_since_probe_ = 0;
  enter(Phase::kCruise, event.now);
  if (next_probe_ <= event.now) {
    next_probe_ = event.now + kShortestCycle + spread_by(event.next_packet_number);
  }
}

void Bbr::begin_down(const AckEvent& event) { enter(Phase::kDown, event.now); }

void Bbr::on_round(const AckEvent& event) {
  rounds_++;
  phase_rounds_++;
  rounds_since_probe_++;
  const bool measured = queue_.end_round(event.now);
  if (queue_.standing()) queue_seen_ = event.now;
  if (rounds_ % kGenerationRounds == 0) {
    extra_acked_.advance();
    if (phase_ == Phase::kCompete) max_bandwidth_.advance();
  }
  const bool congested = loss_is_congestion();
  switch (phase_) {
    case Phase::kStartup:
      on_startup_round(event, congested);
      break;
    case Phase::kDrain:
      full_seen_ = full_seen_ || plainly_full();
      if (phase_rounds_ >= kDrainRounds) begin_cruise(event);
      break;
    case Phase::kDown:
      if (congested) adapt_bounds();
      on_down_round(event, measured);
      break;
    case Phase::kCruise:
      if (congested) adapt_bounds();
      if (!queue_.standing() && phase_rounds_ >= 2) learn_background();
      if (measured) suspicious_rounds_ = queue_.standing() ? suspicious_rounds_ + 1 : 0;
      if (!full_seen_) doubt_startup(event);
      if (suspicious_rounds_ >= kSuspiciousRounds) {
        on_suspicion(event);
      } else if (event.now >= next_probe_ || rounds_since_probe_ >= kCycleRounds) {
        bounds_.bandwidth_lo = bounds_.inflight_lo = kNoBound;
        enter(Phase::kRefill, event.now);
      }
      break;
    case Phase::kRefill:
      enter(Phase::kUp, event.now);
      full_bandwidth_ = max_bandwidth_.value();
      break;
    case Phase::kUp:
      on_up_round(event, congested);
      break;
    case Phase::kProbeRtt:
      break;
    case Phase::kCompete:
      on_compete_round(event);
      break;
  }
  const bool settled = phase_ == Phase::kCruise || phase_ == Phase::kCompete;
  if (settled && queue_.stale(event.now) && !queue_.renewing()) {
    resume_ = phase_;
    base_before_probe_ = queue_.base() + queue_.margin();
    probe_rtt_step_ = 0;
    enter(Phase::kProbeRtt, event.now);
  }
}

// A queue stands, although we have not probed. The first time the model may be too high: what has
// been delivered with a queue is all there is for us. After that it cannot be ours.
void Bbr::on_suspicion(const AckEvent& event) {
  if (++suspicions_ > 1 && !noisy()) {
    begin_compete(event);
    return;
  }
  // Unless all that was sent arrived: then it is no sign of that. A short queue is that of a model
  // a little too high; what one round delivered is too uncertain to go further down.
  lower_model(event);
  begin_down(event);
}

void Bbr::lower_model(const AckEvent& event) {
  uint64_t rate = mean_rate(event.now);
  const double arrives = static_cast<double>(bandwidth()) * (1 - background_loss());
  if (round_.app_limited || static_cast<double>(rate) >= kArrives * arrives) return;
  if (!long_queue()) rate = std::max(rate, static_cast<uint64_t>(kArrives * arrives));
  bounds_.bandwidth_lo = std::min(bounds_.bandwidth_lo, rate);
}

bool Bbr::long_queue() const { return queue_.latest() > queue_.base() + queue_.base() / 2; }

void Bbr::on_startup_round(const AckEvent& event, bool congested) {
  const uint64_t bandwidth = max_bandwidth_.value();
  const double growth =
      static_cast<double>(bandwidth) / static_cast<double>(std::max<uint64_t>(full_bandwidth_, 1));
  const bool grown = growth >= kStartupGrowth;
  // While the rate doubles nothing queues; and the first packets, far apart, are no measure.
  if (growth > kDoubling) queue_.rebase();
  if (grown) {
    full_bandwidth_ = bandwidth;
    flat_rounds_ = 0;
  } else if (!round_.app_limited) {
    flat_rounds_++;
  }
  // Where the delay varies, a short queue that is seen once may be none.
  if (!round_.app_limited) {
    suspicious_rounds_ = !grown && queue_.standing() ? suspicious_rounds_ + 1 : 0;
  }
  const bool queued = suspicious_rounds_ >= kSuspiciousRounds || plainly_full();
  if (flat_rounds_ < kFlatRounds && (grown || !(queued || congested))) return;
  full_seen_ = plainly_full();
  // Of what is lost at random nothing is known yet: only a heavy loss teaches a bound.
  if (lost_unbearably()) adapt_bounds();
  pipe_filled_ = true;
  enter(Phase::kDrain, event.now);
}

// Deviation 8. Asked a round after Drain, when all that Startup has sent is answered for.
void Bbr::doubt_startup(const AckEvent& event) {
  full_seen_ = true;
  if (!plainly_full()) next_probe_ = event.now;
}

// What Startup leaves on a path that it has filled, because it had twice in flight what that holds:
// a queue that no jitter explains, or much more loss than is lost at random.
bool Bbr::plainly_full() const {
  return lost_unbearably() || queue_.latest() > queue_.base() + queue_.base() / kPlainQueueDivisor;
}

// Over as soon as no queue is seen. One that outlasts it is not ours.
void Bbr::on_down_round(const AckEvent& event, bool measured) {
  const bool empty = measured && !queue_.rising();
  // A path that became slower just when more was probed for: what is sent now may be more than it
  // takes, so that the queue cannot empty.
  if (measured && !empty && phase_rounds_ >= kSuspiciousRounds && long_queue()) lower_model(event);
  if (empty) {
    if (bounds_.bandwidth_lo < max_bandwidth_.value()) {
      // It was ours, so the model was too high.
      max_bandwidth_.reset();
      max_bandwidth_.update(bounds_.bandwidth_lo);
    }
    begin_cruise(event);
  } else if (phase_rounds_ >= kDownRounds) {
    if (queue_.standing() && !noisy()) {
      begin_compete(event);
    } else {
      begin_cruise(event);
    }
  }
}

bool Bbr::growing() const {
  return static_cast<double>(max_bandwidth_.value()) >=
         kUpGrowth * static_cast<double>(full_bandwidth_);
}

void Bbr::on_up_round(const AckEvent& event, bool congested) {
  if (congested) {
    adapt_bounds();
    end_up(event);
    return;
  }
  if (bounds_.inflight_hi != kNoBound && round_.flight + packet_bytes_ > bounds_.inflight_hi) {
    // The bound kept us from more, and nothing was lost.
    bounds_.inflight_hi += bounds_.inflight_hi / kBoundGrowth;
  }
  if (growing()) {
    full_bandwidth_ = max_bandwidth_.value();
    flat_rounds_ = 0;
  } else if (++flat_rounds_ >= kUpRounds) {
    // What is sent faster is seen to arrive faster a round later.
    end_up(event);
  }
}

void Bbr::end_up(const AckEvent& event) {
  max_bandwidth_.advance();
  rounds_since_probe_ = 0;
  suspicions_ = 0;
  next_probe_ = event.now + kShortestCycle + spread_by(event.next_packet_number);
  begin_down(event);
}

void Bbr::begin_compete(const AckEvent& event) {
  const bool relapse = compete_ended_ != 0 && event.now - compete_ended_ < kRelapse;
  trial_pause_ = relapse ? std::min(2 * trial_pause_, kLastTrial) : kFirstTrial;
  uint64_t flight = std::max({round_.flight, bdp(1), minimum_window()});
  if (queue_.latest() > 2 * queue_.base()) {
    // While others have filled a long queue, we kept to what the path holds: what it takes to get
    // the rate that we had.
    const uint64_t held = std::min(max_bandwidth_.value(), kMostClaimed * round_.rate);
    const double claim = static_cast<double>(held) * static_cast<double>(queue_.latest());
    flight = std::max(flight, static_cast<uint64_t>(claim / kSecond));
  }
  // What the others have taken meanwhile is half theirs.
  cubic_.resume(relapse ? (cubic_.window() + flight) / 2 : flight);
  bounds_ = Bounds{};
  undo_possible_ = false;
  enter(Phase::kCompete, event.now);
  queue_seen_ = event.now;
  next_trial_ = event.now + trial_pause_;
}

void Bbr::end_compete(const AckEvent& event) {
  compete_ended_ = event.now;
  next_probe_ = 0;
  suspicions_ = 0;
  begin_cruise(event);
}

void Bbr::on_compete_round(const AckEvent& event) {
  if (lost_unbearably()) {
    LossEvent loss;
    loss.now = event.now;
    loss.lost_bytes = round_.lost;
    loss.largest_lost_sent_time = event.largest_sent_time;
    loss.prior_in_flight = event.prior_in_flight;
    cubic_.on_loss(loss);
  }
  if (!queue_.standing()) learn_background();
  if (noisy() || event.now - queue_seen_ > kQuiet) end_compete(event);
}

void Bbr::advance_probe_rtt(const AckEvent& event, bool round) {
  const uint64_t flight =
      event.prior_in_flight - std::min(event.prior_in_flight, event.acked_bytes);
  switch (probe_rtt_step_) {
    case 0:
      if (flight > probe_rtt_window() && phase_rounds_ < kDrainRounds) return;
      probe_rtt_low_since_ = event.now;
      probe_rtt_step_ = 1;
      return;
    case 1:
      if (!round) return;
      queue_.renew();
      probe_rtt_step_ = 2;
      return;
    default:
      break;
  }
  if (!round || queue_.renewing() || event.now - probe_rtt_low_since_ < kProbeRttTime) return;
  const bool empty = queue_.base() <= base_before_probe_;
  enter(resume_, event.now);
  if (resume_ == Phase::kCompete) {
    if (empty && event.now >= next_trial_) end_compete(event);
  } else {
    begin_cruise(event);
  }
}

}  // namespace hawser::transport
