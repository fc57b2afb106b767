// An IP address and a UDP port as a plain value: 24 bytes without padding, so that it can be
// copied, compared and hashed as bytes, and carried by rooms that know nothing of sockets.
//
// One endpoint has exactly one representation: an IPv4-mapped IPv6 address (::ffff:a.b.c.d) becomes
// the IPv4 address wherever an Address is made, and a scope id is kept only where it means
// something (link-local). So filters and tables cannot be fooled by a second spelling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

struct sockaddr;
struct sockaddr_storage;

namespace hawser::net {

enum class AddressFamily : uint8_t { kNone = 0, kIpv4 = 4, kIpv6 = 6 };

struct Address {
  // Room for every formatted address with scope, brackets, port and the closing zero.
  static constexpr size_t kTextCapacity = 72;

  uint8_t bytes[16] = {};  // network order; IPv4 uses the first four, the rest is zero
  uint32_t scope_id = 0;   // interface index; IPv6 link-local only, meaningful on this host only
  uint16_t port = 0;       // host order
  AddressFamily family = AddressFamily::kNone;
  uint8_t reserved = 0;  // always zero: spelled out so that no byte of the value is undefined

  static Address from_ipv4_bytes(const uint8_t* four_bytes, uint16_t port);
  static Address from_ipv6_bytes(const uint8_t* sixteen_bytes, uint16_t port,
                                 uint32_t scope_id = 0);
  static Address any_ipv4(uint16_t port = 0);
  static Address any_ipv6(uint16_t port = 0);

  // A numeric host: "192.0.2.1", "2001:db8::1", "fe80::1%eth0", "fe80::1%2". No names, no brackets.
  // Returns false, and leaves `out` alone, for anything else.
  static bool parse(std::string_view host, uint16_t port, Address* out);

  // Host and port: "192.0.2.1:4433" or "[2001:db8::1]:4433". The port is 0 to 65535 in decimal.
  static bool parse_endpoint(std::string_view text, Address* out);

  // Accepts AF_INET and AF_INET6 structures of at least their full length.
  static bool from_sockaddr(const sockaddr* from, size_t length, Address* out);

  // Writes the form that a socket of `socket_family` takes and returns its length. An IPv6 socket
  // reaches IPv4 through the mapped form; an IPv4 socket cannot reach IPv6: returns 0.
  size_t to_sockaddr(AddressFamily socket_family, sockaddr_storage* out) const;

  // Text with a closing zero; returns the length without it, or 0 when `capacity` is too small or
  // the address is empty. format() gives what parse_endpoint() reads, format_host() what parse()
  // reads.
  size_t format(char* out, size_t capacity) const;
  size_t format_host(char* out, size_t capacity) const;

  bool is_valid() const { return family != AddressFamily::kNone; }
  bool is_ipv4() const { return family == AddressFamily::kIpv4; }
  bool is_ipv6() const { return family == AddressFamily::kIpv6; }
  bool is_wildcard() const;    // 0.0.0.0, ::
  bool is_loopback() const;    // 127.0.0.0/8, ::1
  bool is_link_local() const;  // 169.254.0.0/16, fe80::/10

  // The bytes to feed a keyed hash with: the whole value.
  const uint8_t* hash_input() const { return bytes; }
  static constexpr size_t hash_input_size() { return sizeof(Address); }

  friend bool operator==(const Address& a, const Address& b);
};

static_assert(sizeof(Address) == 24);
static_assert(std::is_trivially_copyable_v<Address> && std::is_standard_layout_v<Address>);
static_assert(std::has_unique_object_representations_v<Address>);

}  // namespace hawser::net
