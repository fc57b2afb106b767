// Trains and datagrams with every combination of what the kernel offers.

#include <algorithm>
#include <string>

#include "test/unit/net_udp_support.h"

namespace hawser::net {
namespace {

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

}  // namespace
}  // namespace hawser::net
