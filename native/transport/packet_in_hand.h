#pragma once

#include "transport/types.h"

namespace hawser::transport {

// What is noted of the packet that is being read, for the time of reading.
struct PacketInHand {
  // Where it came from.
  const PathAddress* origin = nullptr;
  // A challenge in it was noted.
  bool challenged = false;
  // It holds something that is to be acknowledged by packet.
  bool prompt = false;
  // It is not so old that its COUNTs are ambiguous.
  bool counts_current = true;
};

}  // namespace hawser::transport
