#pragma once

#include <cstdint>

#include "transport/time.h"

namespace hawser::transport {

// Spreads packets over the round trip: a token bucket that fills at the controller's rate.
//
// What it holds is bounded two ways. Idle, at most max(quantum, 10 packets), ten packets of at most
// 1,472 bytes as in the initial window, so that a sender that comes back does not dump a window at
// once, nor ten datagrams of the size that loopback takes. While its user waits for it, as much as
// the rate gives in kCatchUp, so that a wake-up that comes a little late costs no throughput even
// at rates where a millisecond is worth many quanta.
class Pacer {
 public:
  // A wake-up may be this late without loss of rate.
  static constexpr Duration kCatchUp = 4 * kMillisecond;
  // A longer silence is idleness, even when the last call had found nothing to spend.
  static constexpr Duration kIdle = 25 * kMillisecond;
  static constexpr uint64_t kMaximumQuantum = 64 * 1024;
  static constexpr uint64_t kIdlePackets = 10;
  static constexpr uint64_t kIdlePacketBytes = 1472;

  // bytes_per_second 0: unpaced. Time that has passed since the last call of budget() or on_sent()
  // is counted at the new rate.
  void set_rate(uint64_t bytes_per_second, uint64_t max_packet_bytes);

  // Bytes worth waking up for: clamp(rate * 1 ms, 2 packets, 64 KiB); 2 packets win over 64 KiB.
  uint64_t quantum() const { return quantum_; }
  // Bytes that may go now; UINT64_MAX when unpaced.
  uint64_t budget(Time now);
  // More than the budget may be sent (a probe must go); it is owed afterwards.
  void on_sent(Time now, uint64_t bytes);
  // So much of what was sent never left.
  void give_back(uint64_t bytes);
  // `now` when at least one packet may go, else the moment when a quantum may: one wake-up for a
  // train and not for each packet. budget() of that moment is at least the quantum.
  Time next_release(Time now) const;

 private:
  // Tokens are counted in units of a byte times a nanosecond times 1/s (bytes * 10^9), so that
  // nothing is lost to rounding however often time is looked at.
  static constexpr int64_t kUnit = kSecond;

  int64_t credit_at(Time now) const;
  void advance(Time now);

  uint64_t rate_ = 0;
  uint64_t packet_bytes_ = 1200;
  uint64_t quantum_ = 2 * 1200;
  int64_t credit_ = 0;
  int64_t idle_limit_ = 0;
  int64_t busy_limit_ = 0;
  Time last_ = kNever;
  // The last look found less than a packet, so the user is waiting.
  bool waiting_ = false;
};

}  // namespace hawser::transport
