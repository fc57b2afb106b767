#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "net/poller.h"
#include "net/udp_socket.h"

// What the tests of UdpSocket share: addresses, content, and a receiver that waits.
namespace hawser::net {

inline Address loopback(bool ipv6, uint16_t port = 0) {
  Address address;
  EXPECT_TRUE(Address::parse(ipv6 ? "::1" : "127.0.0.1", port, &address));
  return address;
}

inline bool have_ipv6() {
  UdpSocket socket;
  return socket.open(loopback(true), SocketOptions()) == 0;
}

inline std::vector<uint8_t> pattern(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
  return bytes;
}

struct Received {
  Address from;
  std::vector<uint8_t> bytes;
};

// Receives until `count` datagrams are there; the poller sleeps in between.
inline std::vector<Received> receive_all(UdpSocket* socket, ReceiveBatch* batch, size_t count) {
  std::vector<Received> all;
  Poller poller;
  EXPECT_EQ(poller.open(), 0);
  EXPECT_TRUE(poller.add(socket->fd()));
  while (all.size() < count) {
    const ReceiveResult result = socket->receive(batch);
    if (result.status == IoStatus::kWouldBlock) {
      if (poller.wait(monotonic_now_ns() + int64_t{20} * 1'000'000'000).timed_out) break;
      continue;
    }
    EXPECT_EQ(result.status, IoStatus::kOk) << std::strerror(result.error);
    if (result.status != IoStatus::kOk) break;
    size_t datagrams = 0;
    size_t bytes = 0;
    batch->for_each_datagram([&](const Address& from, uint8_t* data, size_t size) {
      all.push_back({from, std::vector<uint8_t>(data, data + size)});
      // In place, as decryption does it.
      std::memset(data, 0, size);
      ++datagrams;
      bytes += size;
    });
    EXPECT_EQ(datagrams, result.datagrams);
    EXPECT_EQ(bytes, result.bytes);
  }
  EXPECT_EQ(all.size(), count);
  return all;
}

}  // namespace hawser::net
