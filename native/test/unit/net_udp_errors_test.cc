// What cannot be sent: it is reported, counted, and the socket lives.

#include <sys/socket.h>

#include <cerrno>

#include "test/unit/net_udp_support.h"

namespace hawser::net {
namespace {

TEST(NetUdpSocket, WrongFamilyIsAnErrorOfThatDatagramOnly) {
  UdpSocket sender;
  UdpSocket receiver;
  ASSERT_EQ(sender.open(loopback(false), SocketOptions()), 0);
  ASSERT_EQ(receiver.open(loopback(false), SocketOptions()), 0);
  const std::vector<uint8_t> data = pattern(100);
  const SendResult refused = sender.send_train(loopback(true, 9), data.data(), 10, 10);
  EXPECT_EQ(refused.status, IoStatus::kError);
  EXPECT_EQ(refused.error, EAFNOSUPPORT);
  EXPECT_EQ(refused.segments, 0U);

  OutgoingDatagram datagrams[4];
  for (OutgoingDatagram& datagram : datagrams) {
    datagram = OutgoingDatagram{receiver.local_address(), data.data(), 10, 0};
  }
  datagrams[0].to = loopback(true, 9);
  datagrams[2].to = Address();
  const SendManyResult result = sender.send_many(datagrams, 4);
  EXPECT_EQ(result.handled, 4U);
  EXPECT_EQ(result.sent, 2U);
  EXPECT_EQ(datagrams[0].error, EAFNOSUPPORT);
  EXPECT_EQ(datagrams[1].error, 0);
  EXPECT_EQ(datagrams[2].error, EAFNOSUPPORT);
  EXPECT_EQ(datagrams[3].error, 0);
  ReceiveBatch batch;
  ASSERT_TRUE(batch.init());
  receive_all(&receiver, &batch, 2);
}

TEST(NetUdpSocket, TooLargeADatagramIsReportedAndTheSocketLives) {
  for (bool gso : {true, false}) {
    SocketOptions options;
    options.gso = gso;
    UdpSocket sender;
    UdpSocket receiver;
    ASSERT_EQ(sender.open(loopback(false), options), 0);
    ASSERT_EQ(receiver.open(loopback(false), SocketOptions()), 0);
    const bool had_gso = sender.features().gso;
    const std::vector<uint8_t> data = pattern(200'000);
    SendResult result =
        sender.send_train(receiver.local_address(), data.data(), data.size(), 66'000);
    EXPECT_EQ(result.status, IoStatus::kError);
    EXPECT_EQ(result.error, EMSGSIZE);
    EXPECT_EQ(result.segments, 0U);
    EXPECT_EQ(sender.counters().errors_out.too_big, 1U);
    EXPECT_EQ(sender.features().gso, had_gso);

    OutgoingDatagram datagrams[2] = {{receiver.local_address(), data.data(), 66'000, 0},
                                     {receiver.local_address(), data.data(), 5, 0}};
    const SendManyResult many = sender.send_many(datagrams, 2);
    EXPECT_EQ(many.handled, 2U);
    EXPECT_EQ(many.sent, 1U);
    EXPECT_EQ(datagrams[0].error, EMSGSIZE);
    EXPECT_EQ(datagrams[1].error, 0);
    ReceiveBatch batch;
    ASSERT_TRUE(batch.init());
    receive_all(&receiver, &batch, 1);
  }
}

TEST(NetUdpSocket, BadArguments) {
  UdpSocket sender;
  ASSERT_EQ(sender.open(loopback(false), SocketOptions()), 0);
  const uint8_t byte = 0;
  EXPECT_EQ(sender.send_train(loopback(false, 9), &byte, 1, 0).error, EINVAL);
  const SendResult nothing = sender.send_train(loopback(false, 9), &byte, 0, 1200);
  EXPECT_EQ(nothing.status, IoStatus::kOk);
  EXPECT_EQ(nothing.segments, 0U);
  EXPECT_EQ(sender.send_many(nullptr, 0).handled, 0U);
  ReceiveBatch uninitialised;
  EXPECT_EQ(sender.receive(&uninitialised).error, ENOBUFS);
  ReceiveBatch batch;
  EXPECT_FALSE(batch.init(0));
  EXPECT_FALSE(batch.init(2048, 1024));
  EXPECT_FALSE(batch.init(2048, ReceiveBatch::kBufferBytes + 1));
}

TEST(NetUdpSocket, AnAbsentReceiverDoesNotHurtTheSocket) {
  UdpSocket gone;
  ASSERT_EQ(gone.open(loopback(false), SocketOptions()), 0);
  const Address nowhere = gone.local_address();
  gone.close();

  UdpSocket sender;
  UdpSocket receiver;
  ASSERT_EQ(sender.open(loopback(false), SocketOptions()), 0);
  ASSERT_EQ(receiver.open(loopback(false), SocketOptions()), 0);
  const std::vector<uint8_t> data = pattern(1200);
  for (int i = 0; i < 20; ++i) sender.send_train(nowhere, data.data(), data.size(), 1200);
  ReceiveBatch batch;
  ASSERT_TRUE(batch.init());
  EXPECT_NE(sender.receive(&batch).status, IoStatus::kOk);
  ASSERT_EQ(sender.send_train(receiver.local_address(), data.data(), 10, 10).segments, 1U);
  receive_all(&receiver, &batch, 1);
}

// A socket that is connected behind UdpSocket's back gets the ICMP errors that a firewall or a
// connected path would give.
TEST(NetUdpSocket, RefusedDestinationsAreReportedAndCounted) {
  UdpSocket gone;
  ASSERT_EQ(gone.open(loopback(false), SocketOptions()), 0);
  const Address nowhere = gone.local_address();
  gone.close();
  UdpSocket sender;
  ASSERT_EQ(sender.open(loopback(false), SocketOptions()), 0);
  sockaddr_storage storage{};
  const size_t length = nowhere.to_sockaddr(AddressFamily::kIpv4, &storage);
  ASSERT_EQ(::connect(sender.fd(), reinterpret_cast<const sockaddr*>(&storage),
                      static_cast<socklen_t>(length)),
            0);
  const uint8_t byte = 1;
  ASSERT_EQ(sender.send_train(nowhere, &byte, 1, 1).status, IoStatus::kOk);
  Poller poller;
  ASSERT_EQ(poller.open(), 0);
  ASSERT_TRUE(poller.add(sender.fd()));
  ASSERT_EQ(poller.wait(kForever).ready, 1);
  const SendResult refused = sender.send_train(nowhere, &byte, 1, 1);
  EXPECT_EQ(refused.status, IoStatus::kError);
  EXPECT_EQ(refused.error, ECONNREFUSED);
  EXPECT_EQ(sender.counters().errors_out.refused, 1U);

  // The next one was sent again after the report, and its refusal comes up on the receive side:
  // counted there, and nothing else.
  ASSERT_EQ(sender.send_train(nowhere, &byte, 1, 1).status, IoStatus::kOk);
  ASSERT_EQ(poller.wait(kForever).ready, 1);
  EXPECT_TRUE(poller.readable(sender.fd()));
  ReceiveBatch batch;
  ASSERT_TRUE(batch.init());
  EXPECT_EQ(sender.receive(&batch).status, IoStatus::kWouldBlock);
  EXPECT_EQ(sender.counters().errors_in.refused, 1U);
}

TEST(NetUdpSocket, UnreachableDestinationsAreReported) {
  UdpSocket sender;
  ASSERT_EQ(sender.open(loopback(false), SocketOptions()), 0);
  // From a socket bound to loopback the kernel refuses any other destination.
  Address outside;
  ASSERT_TRUE(Address::parse("192.0.2.1", 9, &outside));
  const std::vector<uint8_t> data = pattern(3600);
  const SendResult result = sender.send_train(outside, data.data(), data.size(), 1200);
  EXPECT_EQ(result.status, IoStatus::kError);
  EXPECT_NE(result.error, 0);
  EXPECT_EQ(result.segments, 0U);
}

}  // namespace
}  // namespace hawser::net
