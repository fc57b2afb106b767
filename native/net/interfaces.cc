#include "net/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <bit>
#include <cerrno>
#include <cstring>

namespace hawser::net {
namespace {

// getifaddrs does not say how long its structures are; the family does.
size_t sockaddr_size(const sockaddr* address) {
  if (address->sa_family == AF_INET) return sizeof(sockaddr_in);
  if (address->sa_family == AF_INET6) return sizeof(sockaddr_in6);
  return 0;
}

uint8_t count_prefix_bits(const sockaddr* netmask, sa_family_t family) {
  if (netmask == nullptr) return 0;
  uint8_t mask[16] = {};
  if (family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, netmask, sizeof(v4));
    std::memcpy(mask, &v4.sin_addr, 4);
  } else {
    sockaddr_in6 v6;
    std::memcpy(&v6, netmask, sizeof(v6));
    std::memcpy(mask, &v6.sin6_addr, 16);
  }
  int bits = 0;
  for (uint8_t byte : mask) bits += std::popcount(byte);
  return static_cast<uint8_t>(bits);
}

}  // namespace

int list_interfaces(std::vector<InterfaceAddress>* out) {
  out->clear();
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return errno;
  for (const ifaddrs* item = list; item != nullptr; item = item->ifa_next) {
    if (item->ifa_addr == nullptr || item->ifa_name == nullptr) continue;
    InterfaceAddress entry;
    const size_t size = sockaddr_size(item->ifa_addr);
    if (size == 0 || !Address::from_sockaddr(item->ifa_addr, size, &entry.address)) continue;
    entry.address.port = 0;
    const size_t name_length = strnlen(item->ifa_name, sizeof(entry.name) - 1);
    std::memcpy(entry.name, item->ifa_name, name_length);
    entry.index = if_nametoindex(item->ifa_name);
    entry.prefix_length = count_prefix_bits(item->ifa_netmask, item->ifa_addr->sa_family);
    entry.up = (item->ifa_flags & IFF_UP) != 0 && (item->ifa_flags & IFF_RUNNING) != 0;
    entry.loopback = (item->ifa_flags & IFF_LOOPBACK) != 0;
    entry.point_to_point = (item->ifa_flags & IFF_POINTOPOINT) != 0;
    out->push_back(entry);
  }
  freeifaddrs(list);
  return 0;
}

}  // namespace hawser::net
