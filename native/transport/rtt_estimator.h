#pragma once

#include "transport/time.h"

namespace hawser::transport {

// Estimates the round-trip time of one path (RFC 9002, section 5). The variation is updated from
// the smoothed value before the new sample goes into it, as in RFC 9002 A.7 and RFC 6298.
class RttEstimator {
 public:
  // Assumed before the first sample (RFC 9002, section 6.2.2).
  static constexpr Duration kInitialRtt = 333 * kMillisecond;
  // Timers are not trusted to be finer than this (RFC 9002, section 6.1.2). It is far above the
  // round trip of a loopback path (50 us): there every loss timer is this, not a multiple of the
  // round trip, because a peer that is not scheduled for a millisecond has lost nothing.
  static constexpr Duration kGranularity = kMillisecond;
  // A sample is clamped to [1 ns, 60 s]; more is a stopped process, not a path.
  static constexpr Duration kMaximumRtt = 60 * kSecond;

  // latest: from sending a packet to receiving the first ACK that names it as the largest.
  // ack_delay: what the peer says it waited; taken for at most peer_max_ack_delay once the
  // handshake is confirmed, and never below the minimum seen.
  void on_sample(Duration latest, Duration ack_delay, Duration peer_max_ack_delay,
                 bool handshake_confirmed);

  // The next sample starts a new minimum; for persistent congestion (RFC 9002, section 5.2).
  void forget_minimum() { minimum_known_ = false; }

  bool has_sample() const { return has_sample_; }
  // Before the first sample: latest and minimum are 0, smoothed is kInitialRtt, variation half of
  // it.
  Duration latest() const { return latest_; }
  Duration smoothed() const { return smoothed_; }
  Duration variation() const { return variation_; }
  Duration minimum() const { return minimum_; }

  // smoothed + max(4 * variation, granularity): the probe timeout without the peer's ACK delay and
  // without back-off (RFC 9002, section 6.2.1).
  Duration pto_base() const;
  // 9/8 of the larger of latest and smoothed, at least the granularity (RFC 9002, section 6.1.2).
  Duration loss_delay() const;

 private:
  Duration latest_ = 0;
  Duration smoothed_ = kInitialRtt;
  Duration variation_ = kInitialRtt / 2;
  Duration minimum_ = 0;
  bool has_sample_ = false;
  bool minimum_known_ = false;
};

}  // namespace hawser::transport
