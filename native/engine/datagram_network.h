// What an engine may be given instead of the system: a network that is not the kernel's, and random
// numbers that come from a seed. The simulator of hawser/testing is made of these.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/host_socket.h"
#include "net/address.h"
#include "transport/types.h"

namespace hawser::engine {

class DatagramNetwork {
 public:
  // Takes `length` bytes as datagrams of `segment_size`, the last one may be shorter. Must not call
  // the engine. from == nullptr: the socket is closed, nothing leaves.
  virtual void send(const HostSocket* from, const net::Address& to, const uint8_t* data,
                    size_t length, size_t segment_size) = 0;

 protected:
  ~DatagramNetwork() = default;
};

// nullptr: the system's.
struct Surroundings {
  DatagramNetwork* network = nullptr;
  transport::Random* random = nullptr;
};

}  // namespace hawser::engine
