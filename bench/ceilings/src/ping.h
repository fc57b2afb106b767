// One packet there and back, again and again.

#pragma once

#include "options.h"

namespace ceiling {

/// Asks for as long as it is told to, one packet at a time, and reports percentiles of the round
/// trip.
int run_ping(const Options& options);

/// Sends back what comes, until the other end says that it has finished, or has been silent for
/// seconds.
int run_echo(const Options& options);

}  // namespace ceiling
