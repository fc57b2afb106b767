#pragma once

#include <cstdint>

#include "net/prng.h"
#include "transport/time.h"

namespace hawser::sim {

// What a scenario draws from its seed. Streams of one seed do not depend on each other.
class Luck {
 public:
  explicit Luck(uint64_t seed, uint64_t stream = 0x7363656e) : prng_(seed, stream) {}
  uint64_t between(uint64_t low, uint64_t high) { return low + prng_.below(high - low + 1); }
  transport::Duration duration(transport::Duration low, transport::Duration high) {
    return static_cast<transport::Duration>(
        between(static_cast<uint64_t>(low), static_cast<uint64_t>(high)));
  }
  // One in `n`.
  bool one_in(uint64_t n) { return prng_.below(n) == 0; }
  double part(uint64_t low_percent, uint64_t high_percent) {
    return static_cast<double>(between(low_percent * 10, high_percent * 10)) / 1000.0;
  }

 private:
  net::Prng prng_;
};

}  // namespace hawser::sim
