#pragma once

#include "transport/time.h"

namespace hawser::transport {

// Since when packets that carry something have waited for an acknowledgement, and none of them got
// one.
struct Unanswered {
  void wait(Time now) {
    if (since == kNever) since = first = now;
  }

  // kNever: none waits.
  Time since = kNever;
  // The same, not put off by silences.
  Time first = kNever;
};

}  // namespace hawser::transport
