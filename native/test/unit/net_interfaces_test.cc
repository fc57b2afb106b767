#include <gtest/gtest.h>
#include <net/if.h>

#include <cstring>

#include "net/interfaces.h"

namespace hawser::net {
namespace {

TEST(NetInterfaces, FindsLoopback) {
  std::vector<InterfaceAddress> list(3);
  ASSERT_EQ(list_interfaces(&list), 0);
  Address loopback;
  ASSERT_TRUE(Address::parse("127.0.0.1", 0, &loopback));
  const InterfaceAddress* found = nullptr;
  for (const InterfaceAddress& entry : list) {
    if (entry.address == loopback) found = &entry;
  }
  ASSERT_NE(found, nullptr);
  EXPECT_TRUE(found->up);
  EXPECT_TRUE(found->loopback);
  EXPECT_FALSE(found->point_to_point);
  EXPECT_EQ(found->prefix_length, 8);
  EXPECT_NE(found->index, 0U);
  EXPECT_EQ(found->index, if_nametoindex(found->name));
}

TEST(NetInterfaces, EntriesAreComplete) {
  std::vector<InterfaceAddress> list;
  ASSERT_EQ(list_interfaces(&list), 0);
  ASSERT_FALSE(list.empty());
  for (const InterfaceAddress& entry : list) {
    EXPECT_TRUE(entry.address.is_valid());
    EXPECT_EQ(entry.address.port, 0);
    EXPECT_GT(std::strlen(entry.name), 0U);
    EXPECT_LE(entry.prefix_length, entry.address.is_ipv4() ? 32 : 128);
    EXPECT_EQ(entry.loopback, entry.address.is_loopback()) << entry.name;
    if (entry.address.is_ipv6() && entry.address.is_link_local()) {
      EXPECT_EQ(entry.address.scope_id, entry.index);
    }
  }
}

}  // namespace
}  // namespace hawser::net
