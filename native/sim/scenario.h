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
  // Times that a peer got another address.
  uint64_t moves = 0;
  transport::Duration simulated = 0;
};

// What of a scenario is left out, to find the little that a failure needs. Everything else stays as
// the seed has it.
struct Reduction {
  uint32_t channels = UINT32_MAX;     // a bit for each channel that is kept
  uint32_t impairments = UINT32_MAX;  // a bit for each kind of impairment that is kept
  uint32_t features = UINT32_MAX;     // a bit for each of kFeatureNames that is kept
  uint32_t divisor = 1;               // of the number of messages

  // "channels,impairments,features,divisor", the first three in hexadecimal.
  std::string text() const;
  static bool parse(const char* text, Reduction& out);
};

inline constexpr const char* kFeatureNames[] = {
    "window options",
    "counted",
    "fill",
    "delivery",
    "expiry",
    "priority",
    "bursts",
    "readers",
    "refusals",
    "resets",
    "no memory",
    "dead paths",
    "other endpoint limits",
    "moves",
};
inline constexpr int kFeatures = 14;
inline constexpr int kImpairments = 8;

// Runs one scenario that follows from the seed: 2 to 6 peers, 3 to 6 channels, 5,000 messages and
// more, at least 3 impairments on every path. trace: prints what the scenario is and every
// datagram.
SeedResult run_seed(uint64_t seed, bool trace, const Reduction& reduction = {});

// The smallest reduction found with which the seed still fails; the seed must fail without one.
// Tries to leave out one thing after the other, until nothing more can be left out.
Reduction shrink(uint64_t seed);

}  // namespace hawser::sim
