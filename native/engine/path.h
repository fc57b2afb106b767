// What the engine puts into the transport's opaque PathAddress: an address and which socket of the
// host it is reached through.
#pragma once

#include <cstdint>
#include <cstring>

#include "net/address.h"
#include "transport/types.h"

namespace hawser::engine {

struct Path {
  net::Address address;
  uint32_t socket = 0;  // index in its host
};

inline transport::PathAddress to_path_address(const net::Address& address, uint32_t socket) {
  transport::PathAddress out;
  static_assert(sizeof address + sizeof socket <= sizeof out.bytes);
  std::memcpy(out.bytes, &address, sizeof address);
  std::memcpy(out.bytes + sizeof address, &socket, sizeof socket);
  return out;
}

inline Path from_path_address(const transport::PathAddress& path) {
  Path out;
  std::memcpy(&out.address, path.bytes, sizeof out.address);
  std::memcpy(&out.socket, path.bytes + sizeof out.address, sizeof out.socket);
  return out;
}

}  // namespace hawser::engine
