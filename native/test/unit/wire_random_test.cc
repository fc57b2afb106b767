// Whatever arrives: a reader stays within the packet, ends, and what it returns is valid and would
// be written the same way again (read_all() checks that).

#include <gtest/gtest.h>

#include "test/unit/wire_support.h"
#include "wire/packet.h"

namespace hawser::wire::testing {
namespace {

using Next = FrameReader::Next;

TEST(WireRandom, RandomBytes) {
  HAWSER_TRACE_SEED();
  Random random(30);
  for (int i = 0; i < 100000 && !::testing::Test::HasFailure(); ++i) {
    read_all(random.bytes(0, 120));
  }
}

TEST(WireRandom, RandomBytesBehindAKnownType) {
  HAWSER_TRACE_SEED();
  Random random(31);
  int read = 0;
  for (int i = 0; i < 100000 && !::testing::Test::HasFailure(); ++i) {
    Bytes bytes = random.bytes(1, 60);
    bytes[0] = static_cast<uint8_t>(random.between(1, 0x17));
    // Small numbers come up more often than bytes at random would have them.
    for (size_t at = 1; at < bytes.size(); ++at) {
      if (random.bits() % 2 == 0) bytes[at] &= 0x0f;
    }
    std::vector<Bytes> frames;
    read_all(bytes, &frames);
    if (!frames.empty()) ++read;
  }
  EXPECT_GT(read, 1000) << "the bytes are too random to say anything";
}

TEST(WireRandom, ValidPacketsWithAFewBytesChanged) {
  HAWSER_TRACE_SEED();
  Random random(32);
  int refused = 0;
  int accepted = 0;
  for (int i = 0; i < 50000 && !::testing::Test::HasFailure(); ++i) {
    Bytes packet;
    for (uint64_t left = random.between(1, 4); left > 0; --left) {
      const Bytes frame = random_frame(random, static_cast<int>(random.bits() % kFrameKinds));
      packet.insert(packet.end(), frame.begin(), frame.end());
    }
    for (uint64_t left = random.between(1, 3); left > 0; --left) {
      const size_t at = random.between(0, packet.size() - 1);
      switch (random.bits() % 3) {
        case 0:
          packet[at] = static_cast<uint8_t>(random.bits());
          break;
        case 1:
          packet.insert(packet.begin() + static_cast<ptrdiff_t>(at), packet[at]);
          break;
        default:
          if (packet.size() > 1) packet.erase(packet.begin() + static_cast<ptrdiff_t>(at));
          break;
      }
    }
    ++(read_all(packet) == Next::kError ? refused : accepted);
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(accepted, 100);
}

TEST(WireRandom, RandomDatagrams) {
  HAWSER_TRACE_SEED();
  Random random(33);
  int seen[5] = {};
  for (int i = 0; i < 100000; ++i) {
    static constexpr size_t kLengths[] = {kInitBytes, kCookiePacketBytes, kMinDataPacket,
                                          kMaxResponseBytes};
    const size_t length = kLengths[random.bits() % 4];
    Bytes bytes = random.bits() % 2 == 0 ? random.bytes(length, length) : random.bytes(0, 300);
    if (!bytes.empty()) {
      bytes[0] = static_cast<uint8_t>(0x80 | (random.bits() % 8 << 4) | random.bits() % 4 / 2);
    }
    // A version, and a suite, that get past the first check.
    for (size_t at = 1; at < 5 && at < bytes.size(); ++at) bytes[at] = at == 4 ? 1 : 0;
    if (bytes.size() > 5) bytes[5] = static_cast<uint8_t>(random.bits() % 4);
    Exact datagram(bytes);
    PacketType type = PacketType::kData;
    DataHeader header{};
    InitHeader init{};
    ResponseHeader response{};
    Cookie cookie{};
    const uint8_t* message = nullptr;
    size_t message_length = 0;
    const bool known = classify(datagram.begin(), datagram.size(), type);
    const bool read[] = {
        read_data_header(datagram.begin(), datagram.size(), header),
        read_init_header(datagram.begin(), datagram.size(), init),
        read_response(datagram.begin(), datagram.size(), response, message, message_length),
        read_cookie(datagram.begin(), datagram.size(), cookie)};
    for (size_t kind = 0; kind < 4; ++kind) {
      if (!read[kind]) continue;
      ASSERT_TRUE(known);
      ASSERT_EQ(type, static_cast<PacketType>(kind));
      ++seen[kind];
    }
    if (read[0] + read[1] + read[2] + read[3] == 0) ++seen[4];
  }
  for (const int count : seen) EXPECT_GT(count, 100);
}

}  // namespace
}  // namespace hawser::wire::testing
