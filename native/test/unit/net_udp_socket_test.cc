#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "net/poller.h"
#include "net/udp_socket.h"

namespace hawser::net {
namespace {

Address loopback(bool ipv6, uint16_t port = 0) {
  Address address;
  EXPECT_TRUE(Address::parse(ipv6 ? "::1" : "127.0.0.1", port, &address));
  return address;
}

bool have_ipv6() {
  UdpSocket socket;
  return socket.open(loopback(true), SocketOptions()) == 0;
}

std::vector<uint8_t> pattern(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
  return bytes;
}

struct Received {
  Address from;
  std::vector<uint8_t> bytes;
};

// Receives until `count` datagrams are there; the poller sleeps in between.
std::vector<Received> receive_all(UdpSocket* socket, ReceiveBatch* batch, size_t count) {
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

// Every combination of features on both ends, over both families.
struct Variant {
  bool ipv6;
  bool send_gso;
  bool send_mmsg;
  bool receive_gro;
  bool receive_mmsg;
};

std::string name_of(const testing::TestParamInfo<Variant>& info) {
  const Variant& v = info.param;
  return std::string(v.ipv6 ? "Ipv6" : "Ipv4") + (v.send_gso ? "Gso" : "") +
         (v.send_mmsg ? "Sendmmsg" : "") + (v.receive_gro ? "Gro" : "") +
         (v.receive_mmsg ? "Recvmmsg" : "");
}

std::vector<Variant> all_variants() {
  std::vector<Variant> variants;
  variants.reserve(32);
  for (int bits = 0; bits < 32; ++bits) {
    variants.push_back(
        {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0});
  }
  return variants;
}

class NetUdpVariants : public testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    if (GetParam().ipv6 && !have_ipv6()) GTEST_SKIP() << "no IPv6 here";
    SocketOptions options;
    options.gso = GetParam().send_gso;
    options.mmsg = GetParam().send_mmsg;
    ASSERT_EQ(sender_.open(loopback(GetParam().ipv6), options), 0);
    options = SocketOptions();
    options.gro = GetParam().receive_gro;
    options.mmsg = GetParam().receive_mmsg;
    ASSERT_EQ(receiver_.open(loopback(GetParam().ipv6), options), 0);
    ASSERT_TRUE(batch_.init());
    EXPECT_LE(sender_.features().gso, GetParam().send_gso);
    EXPECT_LE(receiver_.features().gro, GetParam().receive_gro);
    EXPECT_LE(receiver_.features().mmsg, GetParam().receive_mmsg);
  }

  void expect_train(size_t length, size_t segment_size) {
    const std::vector<uint8_t> data = pattern(length);
    const size_t segments = (length + segment_size - 1) / segment_size;
    const SendResult sent =
        sender_.send_train(receiver_.local_address(), data.data(), length, segment_size);
    ASSERT_EQ(sent.status, IoStatus::kOk) << std::strerror(sent.error);
    ASSERT_EQ(sent.segments, segments);
    const std::vector<Received> all = receive_all(&receiver_, &batch_, segments);
    ASSERT_EQ(all.size(), segments);
    for (size_t i = 0; i < segments; ++i) {
      const size_t offset = i * segment_size;
      ASSERT_TRUE(all[i].from == sender_.local_address());
      ASSERT_EQ(all[i].bytes.size(), std::min(segment_size, length - offset));
      ASSERT_EQ(std::memcmp(all[i].bytes.data(), data.data() + offset, all[i].bytes.size()), 0);
    }
  }

  UdpSocket sender_;
  UdpSocket receiver_;
  ReceiveBatch batch_;
};

TEST_P(NetUdpVariants, TrainWithAShortTailArrivesWhole) {
  expect_train(size_t{40} * 1200 + 77, 1200);
  EXPECT_EQ(sender_.counters().datagrams_out, 41U);
  EXPECT_EQ(sender_.counters().bytes_out, 40U * 1200 + 77);
  EXPECT_EQ(receiver_.counters().datagrams_in, 41U);
  EXPECT_EQ(receiver_.counters().bytes_in, 40U * 1200 + 77);
  if (sender_.features().gso) {
    EXPECT_EQ(sender_.counters().syscalls_out, 1U);
    EXPECT_EQ(sender_.counters().trains_out, 1U);
  } else if (sender_.features().mmsg) {
    EXPECT_EQ(sender_.counters().syscalls_out, 1U);
    EXPECT_EQ(sender_.counters().trains_out, 0U);
  } else {
    EXPECT_EQ(sender_.counters().syscalls_out, 41U);
  }
  if (sender_.features().gso && receiver_.features().gro) {
    EXPECT_EQ(receiver_.counters().trains_in, 1U);
  }
  if (!receiver_.features().gro) {
    EXPECT_EQ(receiver_.counters().trains_in, 0U);
  }
}

TEST_P(NetUdpVariants, AllShapesOfTrains) {
  expect_train(1, 1200);
  expect_train(1200, 1200);
  expect_train(1201, 1200);
  expect_train(2400, 1200);
  expect_train(64'000, 1000);
  expect_train(65'000, 1000);  // above 64 segments: two calls
  expect_train(4000, 20);
  expect_train(size_t{60} * 1472 + 1, 1472);  // above 65,507 bytes: two calls
  EXPECT_EQ(sender_.counters().gso_fallbacks, 0U);
  EXPECT_EQ(receiver_.counters().truncated, 0U);
}

TEST_P(NetUdpVariants, EmptyDatagramsAreDatagrams) {
  OutgoingDatagram empty;
  empty.to = receiver_.local_address();
  ASSERT_EQ(sender_.send_many(&empty, 1).sent, 1U);
  const std::vector<Received> all = receive_all(&receiver_, &batch_, 1);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].bytes.size(), 0U);
  expect_train(5, 5);
}

TEST_P(NetUdpVariants, ManyDestinationsInOneCall) {
  UdpSocket second;
  ASSERT_EQ(second.open(loopback(GetParam().ipv6), SocketOptions()), 0);
  const std::vector<uint8_t> data = pattern(2000);
  constexpr size_t kCount = 150;  // more than one batch
  std::vector<OutgoingDatagram> datagrams(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    datagrams[i].to = i % 3 == 0 ? second.local_address() : receiver_.local_address();
    datagrams[i].data = data.data() + i;
    datagrams[i].size = 10 + i;
  }
  const SendManyResult result = sender_.send_many(datagrams.data(), kCount);
  EXPECT_EQ(result.handled, kCount);
  EXPECT_EQ(result.sent, kCount);
  EXPECT_FALSE(result.would_block);
  EXPECT_EQ(sender_.counters().syscalls_out, sender_.features().mmsg ? 3U : kCount);

  const std::vector<Received> first_got = receive_all(&receiver_, &batch_, 100);
  const std::vector<Received> second_got = receive_all(&second, &batch_, 50);
  ASSERT_EQ(first_got.size(), 100U);
  ASSERT_EQ(second_got.size(), 50U);
  size_t first = 0;
  size_t other = 0;
  for (size_t i = 0; i < kCount; ++i) {
    const Received& got = i % 3 == 0 ? second_got[other++] : first_got[first++];
    ASSERT_EQ(got.bytes, std::vector<uint8_t>(data.data() + i, data.data() + i + 10 + i));
  }
}

INSTANTIATE_TEST_SUITE_P(Features, NetUdpVariants, testing::ValuesIn(all_variants()), name_of);

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
    SocketOptions options;
    options.gro = false;
    options.mmsg = mmsg;
    UdpSocket sender;
    UdpSocket receiver;
    ASSERT_EQ(sender.open(loopback(false), options), 0);
    ASSERT_EQ(receiver.open(loopback(false), options), 0);
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
    SocketOptions options;
    options.gro = false;
    options.mmsg = mmsg;
    UdpSocket sender;
    UdpSocket receiver;
    ASSERT_EQ(sender.open(loopback(false), options), 0);
    ASSERT_EQ(receiver.open(loopback(false), options), 0);
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
