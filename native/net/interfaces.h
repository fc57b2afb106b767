// The addresses of this host's network interfaces, for choosing which of them to advertise.
// Asked rarely (at start and when the network changes), so it may allocate.
#pragma once

#include <cstdint>
#include <vector>

#include "net/address.h"

namespace hawser::net {

struct InterfaceAddress {
  char name[16] = {};  // the kernel's name with a closing zero, as "eth0"
  Address address;     // port 0; IPv6 link-local addresses carry their scope id
  uint32_t index = 0;  // interface index, 0 when unknown
  uint8_t prefix_length = 0;
  bool up = false;  // administratively up and with a carrier
  bool loopback = false;
  bool point_to_point = false;
};

// Replaces `out` by all IPv4 and IPv6 addresses. Returns 0 or an errno.
int list_interfaces(std::vector<InterfaceAddress>* out);

}  // namespace hawser::net
