// As many packets as can be had, one way.

#pragma once

#include "options.h"

namespace ceiling {

/// Sends for as long as it is told to and asks the other end what has come. Nothing holds it back
/// but the kernel: what the other end cannot take is lost. Returns the exit code.
int run_send(const Options& options);

/// Receives until the other end says that it has finished, or has been silent for seconds.
int run_receive(const Options& options);

}  // namespace ceiling
