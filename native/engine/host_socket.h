#pragma once

#include <cstdint>

#include "net/udp_socket.h"

namespace hawser::engine {

class Host;

// One socket of a host, as the SocketSet hands it back.
struct HostSocket {
  net::UdpSocket udp;
  // On a DatagramNetwork instead of the kernel: where it is, and what it did. `udp` stays closed.
  bool simulated = false;
  net::Address simulated_address;
  net::SocketCounters simulated_counters;

  bool is_open() const { return simulated || udp.is_open(); }
  const net::Address& local_address() const {
    return simulated ? simulated_address : udp.local_address();
  }
  const net::SocketFeatures& features() const { return udp.features(); }

  Host* host = nullptr;
  uint32_t index = 0;
  // A send would have blocked; cleared when the socket can be written again.
  bool blocked = false;
  // Errors of receive calls in a row that were not about a single datagram.
  uint32_t receive_errors = 0;
  // Position in the SocketSet, for the sets that need one.
  uint32_t set_position = 0;
};

}  // namespace hawser::engine
