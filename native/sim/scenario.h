#pragma once

#include <cstdint>
#include <string>

#include "transport/time.h"

namespace hawser::sim {

struct SeedResult {
  // Empty when every invariant held.
  std::string failure;
  uint64_t hash = 0;
  uint64_t messages = 0;   // handed over
  uint64_t datagrams = 0;  // sent
  uint64_t channels = 0;
  uint64_t impairments = 0;
  // Sessions that gave up because the path carried too little. Rare, or timers do not run.
  uint64_t dead_paths = 0;
  transport::Duration simulated = 0;
};

// Runs one scenario that follows from the seed: 2 or 3 peers, 3 to 6 channels, 5,000 messages and
// more, at least 3 impairments on every path. trace: prints what the scenario is and every
// datagram.
SeedResult run_seed(uint64_t seed, bool trace);

}  // namespace hawser::sim
