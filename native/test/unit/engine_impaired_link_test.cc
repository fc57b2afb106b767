#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "engine/impaired_link.h"

namespace hawser::engine {
namespace {

using transport::kMillisecond;
using transport::kNever;

net::Address destination() {
  net::Address address;
  EXPECT_TRUE(net::Address::parse("192.0.2.7", 99, &address));
  return address;
}

void push(ImpairedLink& link, transport::Time now, const std::string& text, uint32_t socket = 0) {
  link.push(now, destination(), socket, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::string text_of(const net::DelayedDatagram* datagram) {
  return {reinterpret_cast<const char*>(datagram->data), datagram->size};
}

std::vector<std::string> all_due(ImpairedLink& link, transport::Time now) {
  std::vector<std::string> out;
  while (const net::DelayedDatagram* datagram = link.front(now)) {
    out.push_back(text_of(datagram));
    link.pop();
  }
  return out;
}

TEST(ImpairedLink, HoldsForTheDelayAndKeepsAddressSocketAndOrder) {
  net::ImpairmentOptions options;
  options.delay_ns = 10 * kMillisecond;
  ImpairedLink link(options);
  EXPECT_EQ(link.next_release(), kNever);
  push(link, 1000, "one", 3);
  push(link, 2000, "two", 4);
  EXPECT_EQ(link.next_release(), 1000 + 10 * kMillisecond);
  EXPECT_EQ(link.front(10 * kMillisecond), nullptr);

  const net::DelayedDatagram* first = link.front(1000 + 10 * kMillisecond);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(text_of(first), "one");
  EXPECT_EQ(first->tag, 3u);
  EXPECT_EQ(first->address, destination());
  link.pop();
  EXPECT_EQ(link.next_release(), 2000 + 10 * kMillisecond);
  EXPECT_EQ(all_due(link, 20 * kMillisecond), std::vector<std::string>{"two"});
  EXPECT_EQ(link.next_release(), kNever);
}

TEST(ImpairedLink, FrontIsTheSameUntilPopped) {
  net::ImpairmentOptions options;
  options.delay_ns = 1;
  ImpairedLink link(options);
  push(link, 0, "a");
  push(link, 0, "b");
  ASSERT_NE(link.front(5), nullptr);
  EXPECT_TRUE(link.waiting());
  EXPECT_EQ(text_of(link.front(5)), "a");
  EXPECT_EQ(text_of(link.front(5)), "a");
  link.pop();
  EXPECT_FALSE(link.waiting());
  EXPECT_EQ(text_of(link.front(5)), "b");
}

TEST(ImpairedLink, CountsWhatItLoses) {
  net::ImpairmentOptions options;
  options.loss = 1;
  ImpairedLink link(options);
  for (int i = 0; i < 10; i++) push(link, i, "gone");
  EXPECT_EQ(link.dropped(), 10u);
  EXPECT_EQ(link.next_release(), kNever);
}

TEST(ImpairedLink, DuplicatesAndCorruptsOneBitOfACopy) {
  net::ImpairmentOptions options;
  options.duplicate = 1;
  options.corrupt = 1;
  ImpairedLink link(options);
  const std::string sent(100, 'x');
  push(link, 0, sent);
  const std::vector<std::string> got = all_due(link, kMillisecond);
  ASSERT_EQ(got.size(), 2u);
  for (const std::string& copy : got) {
    ASSERT_EQ(copy.size(), sent.size());
    int bits = 0;
    for (size_t i = 0; i < copy.size(); i++) {
      bits += std::popcount(static_cast<uint8_t>(copy[i] ^ sent[i]));
    }
    EXPECT_EQ(bits, 1);
  }
}

TEST(ImpairedLink, ClearForgetsAlsoTheFront) {
  net::ImpairmentOptions options;
  options.delay_ns = 1;
  ImpairedLink link(options);
  push(link, 0, "a");
  push(link, 0, "b");
  ASSERT_NE(link.front(5), nullptr);
  link.clear();
  EXPECT_EQ(link.front(5), nullptr);
  EXPECT_EQ(link.next_release(), kNever);
}

}  // namespace
}  // namespace hawser::engine
