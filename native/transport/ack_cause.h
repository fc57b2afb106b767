#pragma once

#include <cstddef>
#include <cstdint>

namespace hawser::transport {

// What called for an acknowledgement.
enum class AckCause : uint8_t {
  kMessages,   // M messages in sequence
  kPackets,    // P packets
  kDelay,      // the delay of the ACK policy
  kTimeout,    // T
  kGap,        // a gap that reached the reordering threshold
  kRequested,  // ACK_NOW or COUNT_NOW
  kEnd,        // everything up to the peer's END is here
  kCarried,    // nothing yet: it went along with something else
};

inline constexpr size_t kAckCauses = 8;

}  // namespace hawser::transport
