// What several endpoints of one peer have in use together, each in an engine of its own: so that
// limits are those of the peer.
#pragma once

#include <atomic>
#include <cstddef>

namespace hawser::transport {

struct SharedUse {
  // Bytes.
  std::atomic<size_t> memory{0};
  // The part of it that messages to be sent have.
  std::atomic<size_t> queues{0};
  // Sessions that count towards EndpointConfig::max_sessions.
  std::atomic<size_t> sessions{0};
};

}  // namespace hawser::transport
