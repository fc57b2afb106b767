#include "transport/path.h"

#include <cstring>

namespace hawser::transport {

bool Path::same_host(const Path& other) const {
  return std::memcmp(address.bytes, other.address.bytes, PathAddress::kSourceBytes) == 0;
}

void Path::inherit(const Path& other) {
  rtt = other.rtt;
  congestion.inherit(other.congestion);
  pacer = other.pacer;
  mtu = other.mtu;
  // What becomes of it is told to the path that it was sent on.
  mtu.forget_probe();
}

}  // namespace hawser::transport
