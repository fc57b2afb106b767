#pragma once

#include <cstddef>
#include <cstdint>

#include "transport/memory.h"
#include "transport/mtu_search.h"
#include "transport/pacer.h"
#include "transport/path_congestion.h"
#include "transport/rtt_estimator.h"
#include "transport/time.h"
#include "transport/types.h"

namespace hawser::transport {

// A way to the peer: an address, and what is known of the network on the way there.
struct Path {
  // `base`, `limit`: of the search for the longest datagram, bytes.
  // Good only if congestion.ready().
  Path(Memory& memory, const PathAddress& to, uint32_t name, size_t base, size_t limit,
       CongestionAlgorithm algorithm = CongestionAlgorithm::kBbr)
      : address(to), number(name), mtu(base, limit), congestion(memory, algorithm, base) {}

  // Only the port differs: probably a NAT has forgotten, and the network is the same (RFC 9000,
  // section 9.4).
  bool same_host(const Path& other) const;
  // The network is that of `other`: knows what that knows.
  void inherit(const Path& other);
  // Longest datagram sent, but for probes of a longer one. Bytes.
  size_t datagram() const { return mtu.size(); }
  // The probe timeout without back-off.
  Duration pto(Duration peer_max_ack_delay) const { return rtt.pto_base() + peer_max_ack_delay; }

  PathAddress address;
  // Of all the paths that the session has had, which.
  uint32_t number;
  MtuSearch mtu;
  RttEstimator rtt;
  PathCongestion congestion;
  Pacer pacer;
  // The largest packet number that came from there.
  uint64_t largest = 0;
};

}  // namespace hawser::transport
