#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <string>
#include <string_view>

#include "net/address.h"

namespace hawser::net {
namespace {

std::string host_text(const Address& address) {
  char text[Address::kTextCapacity];
  const size_t length = address.format_host(text, sizeof(text));
  EXPECT_EQ(length, std::strlen(text));
  return text;
}

std::string endpoint_text(const Address& address) {
  char text[Address::kTextCapacity];
  const size_t length = address.format(text, sizeof(text));
  EXPECT_EQ(length, std::strlen(text));
  return text;
}

Address parsed(std::string_view host, uint16_t port = 0) {
  Address address;
  EXPECT_TRUE(Address::parse(host, port, &address)) << host;
  return address;
}

std::string loopback_name() {
  char name[IF_NAMESIZE] = {};
  return if_indextoname(1, name) != nullptr ? name : "";
}

TEST(NetAddress, ParsesAndFormatsHosts) {
  for (const char* text : {"0.0.0.0", "127.0.0.1", "192.0.2.255", "::", "::1", "2001:db8::1",
                           "fe80::1", "2001:db8:1:2:3:4:5:6", "64:ff9b::c000:201"}) {
    EXPECT_EQ(host_text(parsed(text, 9)), text);
  }
  EXPECT_EQ(host_text(parsed("2001:DB8:0:0:0:0:0:A")), "2001:db8::a");
}

TEST(NetAddress, ParsesAndFormatsEndpoints) {
  for (const char* text : {"127.0.0.1:0", "192.0.2.1:65535", "[::1]:443", "[2001:db8::1]:4433"}) {
    Address address;
    ASSERT_TRUE(Address::parse_endpoint(text, &address)) << text;
    EXPECT_EQ(endpoint_text(address), text);
  }
  Address address;
  ASSERT_TRUE(Address::parse_endpoint("[2001:db8::7]:4433", &address));
  EXPECT_EQ(address.port, 4433);
  EXPECT_TRUE(address.is_ipv6());
  EXPECT_EQ(address.bytes[15], 7);
}

TEST(NetAddress, RefusesBadHosts) {
  using namespace std::string_view_literals;
  Address address = parsed("192.0.2.9", 9);
  const Address before = address;
  for (std::string_view text :
       {""sv,
        " "sv,
        "localhost"sv,
        "1.2.3"sv,
        "1.2.3.4.5"sv,
        "256.1.1.1"sv,
        "1.2.3.4 "sv,
        " 1.2.3.4"sv,
        "01.2.3.4"sv,
        "0x7f.0.0.1"sv,
        "127.1"sv,
        "2130706433"sv,
        "1.2.3.-4"sv,
        "127.0.0.1\0"sv,
        "127.0.0.1\0x"sv,
        "::1\0"sv,
        ":"sv,
        ":::"sv,
        "1::2::3"sv,
        "1:2:3:4:5:6:7"sv,
        "1:2:3:4:5:6:7:8:9"sv,
        "g::1"sv,
        "12345::"sv,
        "[::1]"sv,
        "::1%1"sv,
        "2001:db8::1%1"sv,
        "fe80::1%"sv,
        "fe80::1%0"sv,
        "fe80::1%4294967296"sv,
        "fe80::1%nonexistent9"sv,
        "fe80::1%much-longer-than-any-interface"sv,
        "127.0.0.1%1"sv,
        "::ffff:1.2.3.4.5"sv,
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"sv}) {
    EXPECT_FALSE(Address::parse(text, 1, &address)) << text;
    EXPECT_TRUE(address == before);
  }
}

TEST(NetAddress, RefusesBadEndpoints) {
  Address address;
  for (const char* text : {"",
                           ":",
                           "127.0.0.1",
                           "127.0.0.1:",
                           ":80",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:+1",
                           "127.0.0.1: 1",
                           "127.0.0.1:1 ",
                           "127.0.0.1:000080",
                           "127.0.0.1:1:2",
                           "::1:80",
                           "[::1]",
                           "[::1]80",
                           "[::1]:",
                           "[::1",
                           "[]:80",
                           "[127.0.0.1]:80",
                           "[::1]:80x",
                           "[[::1]]:80",
                           "127.0.0.1:99999999999999999999"}) {
    EXPECT_FALSE(Address::parse_endpoint(text, &address)) << text;
  }
}

TEST(NetAddress, MappedAddressesBecomeIpv4) {
  const Address plain = parsed("192.0.2.7", 80);
  const Address mapped = parsed("::ffff:192.0.2.7", 80);
  EXPECT_TRUE(mapped.is_ipv4());
  EXPECT_TRUE(mapped == plain);
  EXPECT_TRUE(parsed("::ffff:7f00:1").is_loopback());

  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(80);
  v6.sin6_scope_id = 3;
  const uint8_t raw[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
  std::memcpy(&v6.sin6_addr, raw, 16);
  Address from_kernel;
  ASSERT_TRUE(
      Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6), &from_kernel));
  EXPECT_TRUE(from_kernel == plain);
  EXPECT_TRUE(Address::from_ipv6_bytes(raw, 80) == plain);
}

TEST(NetAddress, KeepsScopeOnlyWhereItMeansSomething) {
  const Address numbered = parsed("fe80::1%7", 5);
  EXPECT_EQ(numbered.scope_id, 7U);
  EXPECT_EQ(endpoint_text(numbered), "[fe80::1%7]:5");
  Address again;
  ASSERT_TRUE(Address::parse_endpoint("[fe80::1%7]:5", &again));
  EXPECT_TRUE(again == numbered);
  EXPECT_FALSE(parsed("fe80::1%8", 5) == numbered);

  const std::string name = loopback_name();
  if (!name.empty()) {
    EXPECT_EQ(parsed("fe80::1%" + name).scope_id, 1U);
  }

  const uint8_t global[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(Address::from_ipv6_bytes(global, 1, 9).scope_id, 0U);
}

TEST(NetAddress, FormatNeedsRoomAndAValue) {
  char text[Address::kTextCapacity];
  const Address address = parsed("192.0.2.1", 4433);
  const size_t length = address.format(text, sizeof(text));
  EXPECT_EQ(length, std::strlen("192.0.2.1:4433"));
  EXPECT_EQ(address.format(text, length + 1), length);
  EXPECT_EQ(address.format(text, length), 0U);
  EXPECT_EQ(address.format(text, 0), 0U);
  EXPECT_EQ(address.format_host(text, 9), 0U);
  EXPECT_EQ(address.format_host(text, 10), 9U);
  EXPECT_EQ(Address().format(text, sizeof(text)), 0U);

  // The longest text there is.
  Address longest = parsed("fe80:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535);
  longest.scope_id = UINT32_MAX;
  EXPECT_GT(longest.format(text, sizeof(text)), 50U);
}

TEST(NetAddress, EqualityLooksAtEverything) {
  const Address address = parsed("192.0.2.1", 1);
  EXPECT_TRUE(address == parsed("192.0.2.1", 1));
  EXPECT_FALSE(address == parsed("192.0.2.1", 2));
  EXPECT_FALSE(address == parsed("192.0.2.2", 1));
  EXPECT_FALSE(parsed("::", 1) == parsed("0.0.0.0", 1));
  EXPECT_FALSE(Address() == Address::any_ipv4());

  // Equal values are equal bytes, as hashing and opaque copies need it.
  uint8_t blob[sizeof(Address)];
  std::memcpy(blob, &address, sizeof(blob));
  const Address same = parsed("::ffff:192.0.2.1", 1);
  EXPECT_EQ(std::memcmp(blob, same.hash_input(), Address::hash_input_size()), 0);
}

TEST(NetAddress, ClassifiesAddresses) {
  EXPECT_TRUE(parsed("127.0.0.1").is_loopback());
  EXPECT_TRUE(parsed("127.255.0.9").is_loopback());
  EXPECT_TRUE(parsed("::1").is_loopback());
  EXPECT_FALSE(parsed("128.0.0.1").is_loopback());
  EXPECT_FALSE(parsed("::2").is_loopback());
  EXPECT_FALSE(parsed("7f00::").is_loopback());

  EXPECT_TRUE(parsed("0.0.0.0").is_wildcard());
  EXPECT_TRUE(parsed("::").is_wildcard());
  EXPECT_TRUE(Address::any_ipv4(80).is_wildcard());
  EXPECT_TRUE(Address::any_ipv6(80).is_wildcard());
  EXPECT_FALSE(parsed("0.0.0.1").is_wildcard());
  EXPECT_FALSE(parsed("::1").is_wildcard());
  EXPECT_FALSE(Address().is_wildcard());

  EXPECT_TRUE(parsed("169.254.1.1").is_link_local());
  EXPECT_TRUE(parsed("fe80::1").is_link_local());
  EXPECT_TRUE(parsed("febf::1").is_link_local());
  EXPECT_FALSE(parsed("169.253.1.1").is_link_local());
  EXPECT_FALSE(parsed("fec0::1").is_link_local());
  EXPECT_FALSE(Address().is_link_local());
}

TEST(NetAddress, SockaddrRoundTrips) {
  for (const char* text : {"192.0.2.1:4433", "[2001:db8::1]:4433", "[fe80::1%3]:1", "[::]:0"}) {
    Address address;
    ASSERT_TRUE(Address::parse_endpoint(text, &address));
    sockaddr_storage storage{};
    const size_t length = address.to_sockaddr(address.family, &storage);
    ASSERT_GT(length, 0U);
    Address back;
    ASSERT_TRUE(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), length, &back));
    EXPECT_TRUE(back == address) << text;
    // Cut short.
    EXPECT_FALSE(
        Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), length - 1, &back));
    EXPECT_FALSE(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), 0, &back));
  }
}

TEST(NetAddress, SockaddrFollowsTheSocketsFamily) {
  sockaddr_storage storage{};
  const Address v4 = parsed("192.0.2.1", 4433);
  const Address v6 = parsed("2001:db8::1", 4433);
  ASSERT_EQ(v4.to_sockaddr(AddressFamily::kIpv6, &storage), sizeof(sockaddr_in6));
  EXPECT_EQ(storage.ss_family, AF_INET6);
  Address back;
  ASSERT_TRUE(Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage),
                                     sizeof(sockaddr_in6), &back));
  EXPECT_TRUE(back == v4);
  EXPECT_EQ(v6.to_sockaddr(AddressFamily::kIpv4, &storage), 0U);
  EXPECT_EQ(v4.to_sockaddr(AddressFamily::kNone, &storage), 0U);
  EXPECT_EQ(Address().to_sockaddr(AddressFamily::kIpv6, &storage), 0U);

  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(
      Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), sizeof(storage), &back));
}

}  // namespace
}  // namespace hawser::net
