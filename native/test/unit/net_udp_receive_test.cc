// Large, truncated and coalesced datagrams.

#include "test/unit/net_udp_support.h"

namespace hawser::net {
namespace {

void open_without_gro(bool mmsg, UdpSocket* sender, UdpSocket* receiver) {
  SocketOptions options;
  options.gro = false;
  options.mmsg = mmsg;
  ASSERT_EQ(sender->open(loopback(false), options), 0);
  ASSERT_EQ(receiver->open(loopback(false), options), 0);
}

TEST(NetUdpSocket, LargestDatagramsPassWithGro) {
  SocketOptions options;
  UdpSocket sender;
  UdpSocket receiver;
  ASSERT_EQ(sender.open(loopback(false), options), 0);
  ASSERT_EQ(receiver.open(loopback(false), options), 0);
  if (!receiver.features().gro) GTEST_SKIP() << "no GRO here";
  ReceiveBatch batch;
  ASSERT_TRUE(batch.init());
  const std::vector<uint8_t> data = pattern(size_t{3} * 65507);
  ASSERT_EQ(sender.send_train(receiver.local_address(), data.data(), data.size(), 65507).segments,
            3U);
  const std::vector<Received> all = receive_all(&receiver, &batch, 3);
  ASSERT_EQ(all.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(all[i].bytes.size(), 65507U);
    EXPECT_EQ(std::memcmp(all[i].bytes.data(), data.data() + i * 65507, 65507), 0);
  }
}

TEST(NetUdpSocket, TruncatedDatagramsAreDroppedAndCounted) {
  for (bool mmsg : {true, false}) {
    UdpSocket sender;
    UdpSocket receiver;
    ASSERT_NO_FATAL_FAILURE(open_without_gro(mmsg, &sender, &receiver));
    const std::vector<uint8_t> data = pattern(4000);
    ReceiveBatch fixed;
    ASSERT_TRUE(fixed.init(2048, 2048));
    for (size_t size : {2048U, 2049U, 4000U, 100U}) {
      ASSERT_EQ(sender.send_train(receiver.local_address(), data.data(), size, size).segments, 1U);
    }
    const std::vector<Received> all = receive_all(&receiver, &fixed, 2);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].bytes.size(), 2048U);
    EXPECT_EQ(all[1].bytes.size(), 100U);
    EXPECT_EQ(receiver.counters().truncated, 2U);
    EXPECT_EQ(receiver.counters().datagrams_in, 2U);
  }
}

TEST(NetUdpSocket, SlotsGrowToWhatThePathCarries) {
  for (bool mmsg : {true, false}) {
    UdpSocket sender;
    UdpSocket receiver;
    ASSERT_NO_FATAL_FAILURE(open_without_gro(mmsg, &sender, &receiver));
    ReceiveBatch batch;
    ASSERT_TRUE(batch.init());
    const std::vector<uint8_t> data = pattern(size_t{32} * 1024);
    // As a path MTU probe would: repeated until it comes through.
    int attempts = 0;
    bool arrived = false;
    while (!arrived && attempts < 10) {
      ++attempts;
      ASSERT_EQ(
          sender.send_train(receiver.local_address(), data.data(), data.size(), data.size()).status,
          IoStatus::kOk);
      ReceiveResult result;
      do {
        result = receiver.receive(&batch);
      } while (result.status == IoStatus::kWouldBlock);
      ASSERT_EQ(result.status, IoStatus::kOk);
      batch.for_each_datagram([&](const Address&, const uint8_t* bytes, size_t size) {
        arrived = size == data.size() && std::memcmp(bytes, data.data(), size) == 0;
      });
    }
    EXPECT_TRUE(arrived);
    EXPECT_EQ(receiver.counters().truncated, static_cast<uint64_t>(attempts - 1));
    EXPECT_LE(attempts, 6);
    // Small ones still arrive in order, several a call.
    ASSERT_EQ(sender.send_train(receiver.local_address(), data.data(), 2000, 100).segments, 20U);
    const std::vector<Received> all = receive_all(&receiver, &batch, 20);
    ASSERT_EQ(all.size(), 20U);
    for (size_t i = 0; i < 20; ++i) {
      ASSERT_EQ(std::memcmp(all[i].bytes.data(), data.data() + i * 100, 100), 0);
    }
  }
}

TEST(NetUdpSocket, GroKeepsSendersApart) {
  UdpSocket receiver;
  ASSERT_EQ(receiver.open(loopback(false), SocketOptions()), 0);
  ReceiveBatch batch;
  ASSERT_TRUE(batch.init());
  const std::vector<uint8_t> data = pattern(12'000);
  UdpSocket senders[3];
  for (UdpSocket& sender : senders) ASSERT_EQ(sender.open(loopback(false), SocketOptions()), 0);
  for (int round = 0; round < 4; ++round) {
    for (UdpSocket& sender : senders) {
      ASSERT_EQ(sender.send_train(receiver.local_address(), data.data(), 12'000, 1200).segments,
                10U);
    }
  }
  const std::vector<Received> all = receive_all(&receiver, &batch, 120);
  ASSERT_EQ(all.size(), 120U);
  for (const UdpSocket& sender : senders) {
    size_t index = 0;
    for (const Received& got : all) {
      if (!(got.from == sender.local_address())) continue;
      const size_t offset = index++ % 10 * 1200;
      ASSERT_EQ(got.bytes.size(), 1200U);
      ASSERT_EQ(std::memcmp(got.bytes.data(), data.data() + offset, 1200), 0);
    }
    EXPECT_EQ(index, 40U);
  }
}

}  // namespace
}  // namespace hawser::net
