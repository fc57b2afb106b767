#pragma once

#include <cstdint>

#include "transport/delivery_rate.h"
#include "transport/rtt_estimator.h"
#include "transport/time.h"

namespace hawser::transport {

// One ACK that acknowledged something new, as a congestion controller sees it.
struct AckEvent {
  Time now = 0;
  // Newly acknowledged bytes that counted as in flight.
  uint64_t acked_bytes = 0;
  // Bytes in flight just before this ACK was applied.
  uint64_t prior_in_flight = 0;
  // When the newest packet it newly acknowledged was sent.
  Time largest_sent_time = 0;
  // latest is 0 when this ACK gave no round-trip sample.
  Duration rtt_latest = 0;
  Duration rtt_min = 0;
  Duration rtt_smoothed = 0;
  // The newest packet it newly acknowledged was sent when something other than the congestion
  // window or the pacer (data, the peer's credit, the message window) was the limit.
  bool app_limited = false;
  // The largest number acknowledged, and the number the next packet will have: these count rounds.
  uint64_t largest_acked = 0;
  uint64_t next_packet_number = 0;
  RateSample rate;
};

// Packets declared lost in one go.
struct LossEvent {
  Time now = 0;
  uint64_t lost_bytes = 0;
  // When the newest of them was sent.
  Time largest_lost_sent_time = 0;
  // Bytes in flight before they were declared lost.
  uint64_t prior_in_flight = 0;
  // They make persistent congestion (RFC 9002, section 7.6).
  bool persistent = false;
};

// Decides how much may be in flight on one path, in bytes. Knows no packets; sees them sent,
// acknowledged and lost. For one ACK the order is: on_spurious_loss, on_loss, on_ack.
class CongestionController {
 public:
  CongestionController() = default;
  virtual ~CongestionController() = default;

  // A packet that counts as in flight was sent. in_flight_after includes it.
  virtual void on_sent(Time now, uint64_t bytes, uint64_t in_flight_after,
                       uint64_t packet_number) = 0;
  virtual void on_ack(const AckEvent& event) = 0;
  virtual void on_loss(const LossEvent& event) = 0;
  // Every packet of the last loss episode has been acknowledged after all
  // (LossDetector::AckResult::loss_undone).
  virtual void on_spurious_loss(Time now) = 0;
  // The largest packet of the path changed.
  virtual void on_mtu(uint64_t max_packet_bytes) = 0;

  // Bytes that may be in flight.
  virtual uint64_t window() const = 0;
  // Bytes a second; 0: do not pace.
  virtual uint64_t pacing_rate(const RttEstimator& rtt) const = 0;
  virtual bool in_slow_start() const = 0;
  virtual const char* name() const = 0;

 protected:
  // As a whole only: the state of one path may become that of another.
  CongestionController(const CongestionController&) = default;
  CongestionController& operator=(const CongestionController&) = default;
};

}  // namespace hawser::transport
