#pragma once

#include <cstdint>

namespace hawser::transport {

// How many channels a session has had and may have. Ordinals count those of one side, from 1.
struct ChannelLimits {
  uint64_t next_ordinal = 1;  // of the next channel we open
  uint64_t allowed = 0;       // channels we may open in total
  uint64_t told = 0;          // channels the peer may open in total, as it was told
  uint64_t remote_gone = 0;   // channels of the peer of which nothing is left
  uint32_t unannounced = 0;   // channels of the peer whose OPEN has not come
};

}  // namespace hawser::transport
