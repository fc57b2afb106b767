#pragma once

#include <cstdint>

#include "transport/time.h"

namespace hawser::transport {

// HyStart++ (RFC 9406): notices in slow start that the round trip grows, slows the growth for a few
// rounds (conservative slow start), and either ends slow start or, when the growth of the round
// trip was noise, goes back to it. A round lasts from sending a packet to its acknowledgement.
class HyStart {
 public:
  // RFC 9406, section 4.3.
  static constexpr Duration kMinRttThreshold = 4 * kMillisecond;
  static constexpr Duration kMaxRttThreshold = 16 * kMillisecond;
  static constexpr int kMinRttDivisor = 8;
  static constexpr unsigned kSamples = 8;
  static constexpr unsigned kConservativeGrowthDivisor = 4;
  static constexpr unsigned kConservativeRounds = 5;

  // One ACK in slow start. rtt: the sample it gave, 0 for none.
  // True: slow start is over.
  bool on_ack(uint64_t largest_acked, uint64_t next_packet_number, Duration rtt);
  bool conservative() const { return conservative_; }

 private:
  static constexpr Duration kUnknown = kNever;

  void begin_round(uint64_t next_packet_number);

  bool started_ = false;
  bool conservative_ = false;
  // The round ends when this number is acknowledged.
  uint64_t round_end_ = 0;
  Duration last_round_minimum_ = kUnknown;
  Duration round_minimum_ = kUnknown;
  Duration conservative_baseline_ = kUnknown;
  unsigned round_samples_ = 0;
  unsigned conservative_rounds_ = 0;
};

}  // namespace hawser::transport
