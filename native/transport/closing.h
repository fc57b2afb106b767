#pragma once

#include <cstdint>

#include "transport/time.h"

namespace hawser::transport {

// How a session ends that has something to say about it: CLOSE, repeated, for a while.
struct Closing {
  // A CLOSE is to be sent.
  bool wanted = false;
  // It is gone then.
  Time until = kNever;
  // When the next CLOSE goes, if nothing comes.
  Time next = kNever;
  // That came meanwhile.
  uint64_t packets = 0;
};

}  // namespace hawser::transport
