#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstring>

namespace hawser::net {
namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// fe80::/10, and multicast up to link scope (RFC 4291 section 2.7).
bool needs_scope(const uint8_t* ipv6) {
  if (ipv6[0] == 0xfe) return (ipv6[1] & 0xc0) == 0x80;
  return ipv6[0] == 0xff && (ipv6[1] & 0x0f) <= 2;
}

// Digits only, no sign and no blank, at most `limit`.
bool parse_decimal(std::string_view text, uint64_t limit, uint64_t* out) {
  if (text.empty() || text.size() > 10) return false;
  uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value > limit) return false;
  *out = value;
  return true;
}

bool parse_scope(std::string_view text, uint32_t* out) {
  uint64_t number = 0;
  if (parse_decimal(text, UINT32_MAX, &number)) {
    *out = static_cast<uint32_t>(number);
    return number != 0;
  }
  char name[IF_NAMESIZE];
  if (text.empty() || text.size() >= sizeof(name)) return false;
  std::memcpy(name, text.data(), text.size());
  name[text.size()] = '\0';
  *out = if_nametoindex(name);
  return *out != 0;
}

}  // namespace

Address Address::from_ipv4_bytes(const uint8_t* four_bytes, uint16_t port) {
  Address address;
  std::memcpy(address.bytes, four_bytes, 4);
  address.port = port;
  address.family = AddressFamily::kIpv4;
  return address;
}

Address Address::from_ipv6_bytes(const uint8_t* sixteen_bytes, uint16_t port, uint32_t scope_id) {
  if (std::memcmp(sixteen_bytes, kMappedPrefix, sizeof(kMappedPrefix)) == 0) {
    return from_ipv4_bytes(sixteen_bytes + sizeof(kMappedPrefix), port);
  }
  Address address;
  std::memcpy(address.bytes, sixteen_bytes, 16);
  address.scope_id = needs_scope(sixteen_bytes) ? scope_id : 0;
  address.port = port;
  address.family = AddressFamily::kIpv6;
  return address;
}

Address Address::any_ipv4(uint16_t port) {
  Address address;
  address.port = port;
  address.family = AddressFamily::kIpv4;
  return address;
}

Address Address::any_ipv6(uint16_t port) {
  Address address;
  address.port = port;
  address.family = AddressFamily::kIpv6;
  return address;
}

bool Address::parse(std::string_view host, uint16_t port, Address* out) {
  std::string_view scope;
  const size_t percent = host.find('%');
  const bool has_scope = percent != std::string_view::npos;
  if (has_scope) {
    scope = host.substr(percent + 1);
    host = host.substr(0, percent);
  }

  // inet_pton wants a closing zero; an inner one would hide what follows it.
  char text[INET6_ADDRSTRLEN];
  if (host.empty() || host.size() >= sizeof(text)) return false;
  if (host.find('\0') != std::string_view::npos) return false;
  std::memcpy(text, host.data(), host.size());
  text[host.size()] = '\0';

  uint8_t raw[16];
  if (host.find(':') == std::string_view::npos) {
    if (has_scope || inet_pton(AF_INET, text, raw) != 1) return false;
    *out = from_ipv4_bytes(raw, port);
    return true;
  }
  if (inet_pton(AF_INET6, text, raw) != 1) return false;
  uint32_t scope_id = 0;
  if (has_scope && (!needs_scope(raw) || !parse_scope(scope, &scope_id))) return false;
  *out = from_ipv6_bytes(raw, port, scope_id);
  return true;
}

bool Address::parse_endpoint(std::string_view text, Address* out) {
  std::string_view host;
  std::string_view port_text;
  const bool bracketed = !text.empty() && text.front() == '[';
  if (bracketed) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || end + 1 >= text.size() || text[end + 1] != ':') {
      return false;
    }
    host = text.substr(1, end - 1);
    port_text = text.substr(end + 2);
  } else {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    host = text.substr(0, colon);
    port_text = text.substr(colon + 1);
  }
  // Brackets belong to IPv6 and only to it.
  if (bracketed != (host.find(':') != std::string_view::npos)) return false;
  uint64_t port = 0;
  if (port_text.size() > 5 || !parse_decimal(port_text, UINT16_MAX, &port)) return false;
  return parse(host, static_cast<uint16_t>(port), out);
}

bool Address::from_sockaddr(const sockaddr* from, size_t length, Address* out) {
  if (length < offsetof(sockaddr, sa_data)) return false;
  if (from->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in v4;
    std::memcpy(&v4, from, sizeof(v4));
    uint8_t raw[4];
    std::memcpy(raw, &v4.sin_addr, sizeof(raw));
    *out = from_ipv4_bytes(raw, ntohs(v4.sin_port));
    return true;
  }
  if (from->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6;
    std::memcpy(&v6, from, sizeof(v6));
    uint8_t raw[16];
    std::memcpy(raw, &v6.sin6_addr, sizeof(raw));
    *out = from_ipv6_bytes(raw, ntohs(v6.sin6_port), v6.sin6_scope_id);
    return true;
  }
  return false;
}

size_t Address::to_sockaddr(AddressFamily socket_family, sockaddr_storage* out) const {
  if (socket_family == AddressFamily::kIpv4 && is_ipv4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, bytes, 4);
    std::memcpy(out, &v4, sizeof(v4));
    return sizeof(v4);
  }
  if (socket_family != AddressFamily::kIpv6 || !is_valid()) return 0;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (is_ipv4()) {
    uint8_t mapped[16];
    std::memcpy(mapped, kMappedPrefix, sizeof(kMappedPrefix));
    std::memcpy(mapped + sizeof(kMappedPrefix), bytes, 4);
    std::memcpy(&v6.sin6_addr, mapped, sizeof(mapped));
  } else {
    std::memcpy(&v6.sin6_addr, bytes, 16);
    v6.sin6_scope_id = scope_id;
  }
  std::memcpy(out, &v6, sizeof(v6));
  return sizeof(v6);
}

size_t Address::format_host(char* out, size_t capacity) const {
  char text[INET6_ADDRSTRLEN];
  int length = -1;
  if (is_ipv4()) {
    length = std::snprintf(out, capacity, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
  } else if (is_ipv6() && inet_ntop(AF_INET6, bytes, text, sizeof(text)) != nullptr) {
    length = scope_id == 0 ? std::snprintf(out, capacity, "%s", text)
                           : std::snprintf(out, capacity, "%s%%%u", text, scope_id);
  }
  return length > 0 && static_cast<size_t>(length) < capacity ? static_cast<size_t>(length) : 0;
}

size_t Address::format(char* out, size_t capacity) const {
  char host[kTextCapacity];
  if (format_host(host, sizeof(host)) == 0) return 0;
  const unsigned port_number = port;
  const int length = is_ipv4() ? std::snprintf(out, capacity, "%s:%u", host, port_number)
                               : std::snprintf(out, capacity, "[%s]:%u", host, port_number);
  return length > 0 && static_cast<size_t>(length) < capacity ? static_cast<size_t>(length) : 0;
}

bool Address::is_wildcard() const {
  static constexpr uint8_t kZeros[16] = {};
  return is_valid() && std::memcmp(bytes, kZeros, sizeof(kZeros)) == 0;
}

bool Address::is_loopback() const {
  if (is_ipv4()) return bytes[0] == 127;
  static constexpr uint8_t kLoopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return is_ipv6() && std::memcmp(bytes, kLoopback, sizeof(kLoopback)) == 0;
}

bool Address::is_link_local() const {
  if (is_ipv4()) return bytes[0] == 169 && bytes[1] == 254;
  return is_ipv6() && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool operator==(const Address& a, const Address& b) {
  return std::memcmp(&a, &b, sizeof(Address)) == 0;
}

}  // namespace hawser::net
