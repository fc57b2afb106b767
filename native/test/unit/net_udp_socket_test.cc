// Opening sockets, and what they are then.

#include <cerrno>

#include "test/unit/net_udp_support.h"

namespace hawser::net {
namespace {

TEST(NetUdpSocket, OpensWithWhatWasAskedFor) {
  UdpSocket socket;
  ASSERT_EQ(socket.open(loopback(false), SocketOptions()), 0);
  EXPECT_TRUE(socket.is_open());
  EXPECT_NE(socket.local_address().port, 0);
  EXPECT_TRUE(socket.local_address().is_loopback());
  EXPECT_GT(socket.features().receive_buffer_bytes, 0);
  EXPECT_GT(socket.features().send_buffer_bytes, 0);
  EXPECT_TRUE(socket.features().dont_fragment);
  ReceiveBatch batch;
  ASSERT_TRUE(batch.init());
  const ReceiveResult nothing = socket.receive(&batch);
  EXPECT_EQ(nothing.status, IoStatus::kWouldBlock);
  EXPECT_EQ(socket.counters().would_block_in, 1U);
  socket.close();
  EXPECT_FALSE(socket.is_open());
  EXPECT_EQ(socket.receive(&batch).error, EBADF);
  const uint8_t byte = 0;
  EXPECT_EQ(socket.send_train(loopback(false, 9), &byte, 1, 1).error, EBADF);
  OutgoingDatagram datagram{loopback(false, 9), &byte, 1, 0};
  EXPECT_EQ(socket.send_many(&datagram, 1).sent, 0U);
  EXPECT_EQ(datagram.error, EBADF);
}

TEST(NetUdpSocket, OpenReportsErrors) {
  UdpSocket first;
  ASSERT_EQ(first.open(loopback(false), SocketOptions()), 0);
  UdpSocket second;
  EXPECT_EQ(second.open(first.local_address(), SocketOptions()), EADDRINUSE);
  EXPECT_FALSE(second.is_open());
  EXPECT_EQ(second.open(Address(), SocketOptions()), EINVAL);
  Address foreign;
  ASSERT_TRUE(Address::parse("192.0.2.1", 0, &foreign));
  EXPECT_EQ(second.open(foreign, SocketOptions()), EADDRNOTAVAIL);
}

TEST(NetUdpSocket, PortsCanBeShared) {
  SocketOptions options;
  options.reuse_port = true;
  UdpSocket first;
  ASSERT_EQ(first.open(loopback(false), options), 0);
  UdpSocket second;
  EXPECT_EQ(second.open(first.local_address(), options), 0);
  EXPECT_TRUE(first.local_address() == second.local_address());
}

TEST(NetUdpSocket, BufferSizesAreReportedAsTheyAre) {
  SocketOptions options;
  options.receive_buffer_bytes = 100'000;
  options.send_buffer_bytes = 120'000;
  UdpSocket small;
  ASSERT_EQ(small.open(loopback(false), options), 0);
  EXPECT_EQ(small.features().receive_buffer_bytes, 100'000);
  EXPECT_EQ(small.features().send_buffer_bytes, 120'000);

  UdpSocket large;
  ASSERT_EQ(large.open(loopback(false), SocketOptions()), 0);
  EXPECT_GE(large.features().receive_buffer_bytes, small.features().receive_buffer_bytes);

  options.receive_buffer_bytes = 0;
  options.send_buffer_bytes = 0;
  UdpSocket untouched;
  ASSERT_EQ(untouched.open(loopback(false), options), 0);
  EXPECT_GT(untouched.features().receive_buffer_bytes, 0);
  EXPECT_GT(untouched.features().send_buffer_bytes, 0);
}

TEST(NetUdpSocket, DualStackSocketsSpeakIpv4) {
  if (!have_ipv6()) GTEST_SKIP() << "no IPv6 here";
  SocketOptions options;
  options.ipv6_only = false;
  UdpSocket dual;
  ASSERT_EQ(dual.open(Address::any_ipv6(), options), 0);
  EXPECT_TRUE(dual.features().dont_fragment);
  UdpSocket v4;
  ASSERT_EQ(v4.open(loopback(false), SocketOptions()), 0);
  const std::vector<uint8_t> data = pattern(3000);
  ReceiveBatch batch;
  ASSERT_TRUE(batch.init());

  ASSERT_EQ(dual.send_train(v4.local_address(), data.data(), 3000, 1000).segments, 3U);
  const std::vector<Received> there = receive_all(&v4, &batch, 3);
  ASSERT_EQ(there.size(), 3U);
  EXPECT_TRUE(there[0].from == loopback(false, dual.local_address().port));

  ASSERT_EQ(v4.send_train(loopback(false, dual.local_address().port), data.data(), 9, 9).segments,
            1U);
  const std::vector<Received> back = receive_all(&dual, &batch, 1);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_TRUE(back[0].from == v4.local_address());
}

TEST(NetUdpSocket, Ipv6OnlySocketsShareThePortWithIpv4) {
  if (!have_ipv6()) GTEST_SKIP() << "no IPv6 here";
  UdpSocket v6;
  ASSERT_EQ(v6.open(Address::any_ipv6(), SocketOptions()), 0);
  UdpSocket v4;
  EXPECT_EQ(v4.open(Address::any_ipv4(v6.local_address().port), SocketOptions()), 0);
}

}  // namespace
}  // namespace hawser::net
