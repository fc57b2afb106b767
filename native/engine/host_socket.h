#pragma once

#include <cstdint>

#include "net/udp_socket.h"

namespace hawser::engine {

class Host;

// One socket of a host, as the SocketSet hands it back.
struct HostSocket {
  net::UdpSocket udp;
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
