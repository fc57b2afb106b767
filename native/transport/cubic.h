#pragma once

#include <cstdint>

#include "transport/congestion_controller.h"
#include "transport/hystart.h"
#include "transport/time.h"

namespace hawser::transport {

struct CubicOptions {
  // RFC 9438, section 4.7: give way faster to new flows.
  bool fast_convergence = true;
  // RFC 9406: leave the first slow start when the round trip grows.
  bool hystart = true;
  // Sent packets are paced, so one ACK may raise the window by any amount (RFC 9406, L = infinity).
  bool paced = true;
  // What is left of the window after a loss, 0 to 1 (RFC 9438, section 4.6).
  double beta = 0.7;
  // RFC 9002, section 7.2.
  uint64_t initial_window_packets = 10;
  // Bytes. Above any window a path can use; keeps arithmetic finite.
  uint64_t maximum_window = uint64_t{1} << 34;
};

// CUBIC congestion control (RFC 9438), counted in bytes.
//
// Deviations and choices the RFC leaves open:
// - a reduction takes `window` and not the flight as its base (section 4.6 allows it), which is
//   safe because the window never grows while it is not used: an ACK of a packet that was sent
//   application-limited, or one that finds less than half of the window in flight, raises nothing
//   and the time it took is taken out of the cubic's clock (section 5.8);
// - one reduction a round trip: a loss of a packet that was sent before the last reduction is part
//   of it (RFC 9002, section 7.3.2);
// - when every loss of an episode proves spurious, the reduction is undone (section 4.9.2).
class Cubic final : public CongestionController {
 public:
  explicit Cubic(uint64_t max_packet_bytes, const CubicOptions& options = CubicOptions());

  void on_sent(Time now, uint64_t bytes, uint64_t in_flight_after, uint64_t packet_number) override;
  void on_ack(const AckEvent& event) override;
  void on_loss(const LossEvent& event) override;
  void on_spurious_loss(Time now) override;
  void on_mtu(uint64_t max_packet_bytes) override;

  uint64_t window() const override;
  uint64_t pacing_rate(const RttEstimator& rtt) const override;
  bool in_slow_start() const override;
  const char* name() const override { return "cubic"; }

  // Goes on from this window in congestion avoidance, as after a slow start that ended without
  // loss. Bytes.
  void resume(uint64_t window);

  // Bytes; UINT64_MAX before the first reduction.
  uint64_t slow_start_threshold() const;
  // Reductions of the window so far, not counting those undone.
  uint64_t reductions() const { return reductions_; }
  bool in_conservative_slow_start() const { return hystart_.conservative(); }

 private:
  // Everything a reduction changes, so that it can be undone. Windows in bytes, times in seconds.
  struct State {
    double window = 0;
    double threshold = 0;
    // W_max: the window before the last reduction (less, with fast convergence).
    double w_max = 0;
    // cwnd_prior: the window before the last reduction.
    double w_prior = 0;
    // W_est: what Reno would have.
    double w_est = 0;
    // K: seconds from the start of the epoch until the cubic is back at w_max.
    double k = 0;
    // Start of the current congestion avoidance stage; kNever: none has begun.
    Time epoch_start = kNever;
    // The stage follows a reduction, and does not follow a slow start that ended without one.
    bool after_reduction = false;
  };

  static constexpr Time kNoRecovery = INT64_MIN;

  double initial_window() const;
  double reno_alpha() const;
  double minimum_window() const;
  void reduce();
  void begin_epoch(Time now);
  // Takes the time since clock_at_ out of the cubic's clock.
  void shift_epoch(Time now);
  void grow_slow_start(const AckEvent& event);
  void grow_cubic(const AckEvent& event);
  void clamp_window();

  CubicOptions options_;
  uint64_t packet_bytes_;
  State state_;
  // As it was before the last reduction.
  State undo_;
  bool undo_possible_ = false;
  // The window is still the initial one, so it follows the packet size.
  bool untouched_ = true;
  // Packets sent up to here belong to the episode of the last reduction.
  Time recovery_start_ = kNoRecovery;
  Time undo_recovery_start_ = kNoRecovery;
  // The cubic's clock is right up to here.
  Time clock_at_ = 0;
  uint64_t reductions_ = 0;
  HyStart hystart_;
};

}  // namespace hawser::transport
