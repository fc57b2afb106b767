#include <gtest/gtest.h>

#include "test/unit/wire_support.h"
#include "wire/packet.h"

namespace hawser::wire::testing {
namespace {

// A datagram of `length` bytes that begins with `first` and this version, and means nothing behind.
Bytes datagram(uint8_t first, size_t length, uint8_t filling = 0) {
  Bytes bytes(length, filling);
  const uint8_t start[] = {first, 0, 0, 0, 1};
  for (size_t i = 0; i < sizeof start && i < length; ++i) bytes[i] = start[i];
  return bytes;
}

// An INIT for the first suite.
Bytes plain_init() {
  Bytes bytes = datagram(0x90, kInitBytes);
  bytes[5] = 1;
  return bytes;
}

bool reads_data(const Bytes& bytes) {
  Exact exact(bytes);
  DataHeader header{};
  return read_data_header(exact.begin(), exact.size(), header);
}

bool reads_destination(const Bytes& bytes) {
  Exact exact(bytes);
  ConnectionId destination{};
  return read_destination(exact.begin(), exact.size(), destination);
}

bool reads_init(const Bytes& bytes) {
  Exact exact(bytes);
  InitHeader header{};
  return read_init_header(exact.begin(), exact.size(), header);
}

bool reads_response(const Bytes& bytes) {
  Exact exact(bytes);
  ResponseHeader header{};
  const uint8_t* message = nullptr;
  size_t length = 0;
  return read_response(exact.begin(), exact.size(), header, message, length);
}

bool reads_cookie(const Bytes& bytes) {
  Exact exact(bytes);
  Cookie cookie{};
  return read_cookie(exact.begin(), exact.size(), cookie);
}

TEST(WirePacket, FirstByteSaysTheType) {
  for (int first = 0; first < 256; ++first) {
    const uint8_t byte = static_cast<uint8_t>(first);
    PacketType type = PacketType::kData;
    const bool known = classify(&byte, 1, type);
    const bool data = first >= 0x80 && first <= 0x8f;  // whatever its masked bits are
    EXPECT_EQ(known, data || first == 0x90 || first == 0xa0 || first == 0xb0) << first;
    if (!known) continue;
    EXPECT_EQ(type, data            ? PacketType::kData
                    : first == 0x90 ? PacketType::kInit
                    : first == 0xa0 ? PacketType::kResponse
                                    : PacketType::kCookie);
  }
  PacketType type = PacketType::kData;
  EXPECT_FALSE(classify(nullptr, 0, type));
}

TEST(WirePacket, EveryReaderTakesItsOwnFirstByteOnly) {
  for (int first = 0; first < 256; ++first) {
    const uint8_t byte = static_cast<uint8_t>(first);
    Bytes init = plain_init();
    init[0] = byte;
    EXPECT_EQ(reads_init(init), first == 0x90) << first;
    EXPECT_EQ(reads_response(datagram(byte, 100)), first == 0xa0) << first;
    EXPECT_EQ(reads_cookie(datagram(byte, kCookiePacketBytes)), first == 0xb0) << first;
    EXPECT_EQ(reads_destination(datagram(byte, 30)), first >= 0x80 && first <= 0x8f) << first;
    EXPECT_EQ(reads_data(datagram(byte, 30)), first == 0x80 || first == 0x81) << first;
  }
}

TEST(WirePacket, DataHeaderRoundTripsFromThirtyBytesOn) {
  HAWSER_TRACE_SEED();
  Random random(10);
  for (int i = 0; i < 1000; ++i) {
    const DataHeader header = {random_id<ConnectionId>(random), random.u32(),
                               random.bits() % 2 == 0};
    Bytes bytes(kHeaderBytes);
    ASSERT_EQ(write_data_header(bytes.data(), header), bytes.data() + 13);
    EXPECT_EQ(bytes[0], header.key_phase ? 0x81 : 0x80);
    for (size_t length = 0; length < 40; ++length) {
      bytes.resize(length);
      if (length >= kHeaderBytes) write_data_header(bytes.data(), header);
      Exact exact(bytes);
      DataHeader read{};
      ASSERT_EQ(read_data_header(exact.begin(), length, read), length >= 30) << length;
      ConnectionId destination{};
      ASSERT_EQ(read_destination(exact.begin(), length, destination), length >= 30) << length;
      if (length < 30) continue;
      EXPECT_EQ(read.destination, header.destination);
      EXPECT_EQ(read.number, header.number);
      EXPECT_EQ(read.key_phase, header.key_phase);
      EXPECT_EQ(destination, header.destination);
    }
  }
}

TEST(WirePacket, TheDestinationIsReadWhateverTheMaskedBitsAre) {
  HAWSER_TRACE_SEED();
  Random random(11);
  const ConnectionId wanted = random_id<ConnectionId>(random);
  for (uint8_t flags = 0; flags < 16; ++flags) {
    Bytes bytes = random.bytes(kMinDataPacket, 100);
    bytes[0] = static_cast<uint8_t>(0x80 | flags);
    std::memcpy(&bytes[1], wanted.bytes, sizeof wanted.bytes);
    ConnectionId destination{};
    ASSERT_TRUE(read_destination(bytes.data(), bytes.size(), destination)) << flags;
    EXPECT_EQ(destination, wanted);
  }
}

TEST(WirePacket, ConnectionIdAsNumber) {
  const ConnectionId id = ConnectionId::from_u64(0x0102030405060708);
  EXPECT_EQ(Bytes(id.bytes, id.bytes + 8), (Bytes{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(id.as_u64(), 0x0102030405060708u);
  EXPECT_FALSE(id == ConnectionId::from_u64(0x0102030405060709));
}

TEST(WirePacket, InitRoundTrips) {
  HAWSER_TRACE_SEED();
  Random random(12);
  for (int i = 0; i < 1000; ++i) {
    const InitHeader header = {
        kVersion, random.bits() % 2 == 0 ? Suite::kAes256Gcm : Suite::kChaCha20Poly1305,
        random_id<ConnectionId>(random)};
    Exact out(Bytes(kInitBytes, 0xee));
    ASSERT_EQ(write_init_header(out.begin(), header), out.begin() + 14);
    EXPECT_EQ(out.begin()[14], 0xee);
    InitHeader read{};
    ASSERT_TRUE(read_init_header(out.begin(), out.size(), read));
    EXPECT_EQ(read.version, 1u);
    EXPECT_EQ(read.suite, header.suite);
    EXPECT_EQ(read.source, header.source);
  }
}

TEST(WirePacket, InitIsReadInItsOneLengthOnly) {
  for (size_t length = 0; length < 1300; ++length) {
    Bytes bytes = plain_init();
    bytes.resize(length);
    ASSERT_EQ(reads_init(bytes), length == 1200) << length;
  }
}

TEST(WirePacket, ThePiecesOfAnInitLieBehindEachOtherToItsEnd) {
  Bytes bytes(1200);
  uint8_t* const data = bytes.data();
  EXPECT_EQ(init_message(data), data + 14);
  EXPECT_EQ(init_mac1(data), data + 1184);
  EXPECT_EQ(init_mac2(data), data + 1192);
  const uint8_t* const read = data;
  EXPECT_EQ(init_message(read), init_message(data));
  EXPECT_EQ(init_mac1(read), init_mac1(data));
  EXPECT_EQ(init_mac2(read), init_mac2(data));
}

TEST(WirePacket, UnknownSuitesAreRefused) {
  for (int suite = 0; suite < 256; ++suite) {
    Bytes bytes = plain_init();
    bytes[5] = static_cast<uint8_t>(suite);
    EXPECT_EQ(reads_init(bytes), suite == 1 || suite == 2) << suite;
  }
}

TEST(WirePacket, ResponseRoundTrips) {
  HAWSER_TRACE_SEED();
  Random random(13);
  for (int i = 0; i < 1000; ++i) {
    const ResponseHeader header = {kVersion, random_id<ConnectionId>(random)};
    const Bytes message = random.bytes(73, 243);
    Exact out(Bytes(kResponseHeaderBytes + message.size(), 0xee));
    uint8_t* const behind = write_response_header(out.begin(), header);
    ASSERT_EQ(behind, out.begin() + 13);
    std::memcpy(behind, message.data(), message.size());
    ResponseHeader read{};
    const uint8_t* start = nullptr;
    size_t length = 0;
    ASSERT_TRUE(read_response(out.begin(), out.size(), read, start, length));
    EXPECT_EQ(read.version, 1u);
    EXPECT_EQ(read.destination, header.destination);
    EXPECT_EQ(start, out.begin() + 13);
    EXPECT_EQ(start + length, out.end());
  }
}

TEST(WirePacket, ResponseIsReadBetweenItsLeastAndItsLargestLength) {
  for (size_t length = 0; length < 300; ++length) {
    ASSERT_EQ(reads_response(datagram(0xa0, length)), length >= 86 && length <= 256) << length;
  }
}

TEST(WirePacket, CookieRoundTripsInItsOneLength) {
  HAWSER_TRACE_SEED();
  Random random(14);
  for (int i = 0; i < 1000; ++i) {
    Cookie cookie{};
    cookie.destination = random_id<ConnectionId>(random);
    for (uint8_t& byte : cookie.cookie) byte = static_cast<uint8_t>(random.bits());
    for (uint8_t& byte : cookie.mac) byte = static_cast<uint8_t>(random.bits());
    Exact out(Bytes(kCookiePacketBytes, 0xee));
    ASSERT_EQ(write_cookie(out.begin(), out.size(), cookie), 37u);
    Cookie read{};
    ASSERT_TRUE(read_cookie(out.begin(), out.size(), read));
    EXPECT_EQ(read.version, 1u);
    EXPECT_EQ(read.destination, cookie.destination);
    EXPECT_EQ(0, std::memcmp(read.cookie, cookie.cookie, kCookieBytes));
    EXPECT_EQ(0, std::memcmp(read.mac, cookie.mac, kHandshakeMacBytes));
    EXPECT_EQ(0, std::memcmp(out.begin() + 13, cookie.cookie, kCookieBytes));
    EXPECT_EQ(0, std::memcmp(out.begin() + 29, cookie.mac, kHandshakeMacBytes));
  }
  for (size_t length = 0; length < 80; ++length) {
    EXPECT_EQ(reads_cookie(datagram(0xb0, length)), length == 37) << length;
    Exact out(Bytes(length, 0xee));
    EXPECT_EQ(write_cookie(out.begin(), out.size(), Cookie{}), length < 37 ? 0u : 37u) << length;
  }
}

TEST(WirePacket, OtherVersionsAreRefused) {
  EXPECT_TRUE(reads_init(plain_init()));
  EXPECT_TRUE(reads_response(datagram(0xa0, 100)));
  EXPECT_TRUE(reads_cookie(datagram(0xb0, 37)));
  for (size_t at = 1; at <= 4; ++at) {
    for (const uint8_t value : {0, 2, 0x81}) {
      if (at != 4 && value == 0) continue;
      const auto changed = [&](Bytes bytes) {
        bytes[at] = value;
        return bytes;
      };
      EXPECT_FALSE(reads_init(changed(plain_init())));
      EXPECT_FALSE(reads_response(changed(datagram(0xa0, 100))));
      EXPECT_FALSE(reads_cookie(changed(datagram(0xb0, 37))));
    }
  }
  Cookie cookie{};
  cookie.version = 0;
  Bytes buffer(100);
  EXPECT_EQ(write_cookie(buffer.data(), buffer.size(), cookie), 0u);
}

TEST(WirePacket, ConstantsAreThoseOfTheFormat) {
  EXPECT_EQ(kVersion, 1u);
  EXPECT_EQ(kInitBytes, 1200u);
  EXPECT_EQ(kInitHeaderBytes, 14u);
  EXPECT_EQ(kInitMessageBytes, 1170u);
  EXPECT_EQ(kInitPayloadBytes, 1074u);
  EXPECT_EQ(kResponseHeaderBytes, 13u);
  EXPECT_EQ(kMaxResponseBytes, 256u);
  EXPECT_EQ(kMaxResponsePayload, 195u);
  EXPECT_EQ(kCookiePacketBytes, 37u);
  EXPECT_EQ(kMinResetBytes, 30u);
}

}  // namespace
}  // namespace hawser::wire::testing
