#include <gtest/gtest.h>

#include "test/unit/wire_support.h"
#include "wire/packet.h"

namespace hawser::wire::testing {
namespace {

template <typename Id>
Id random_id(Random& random) {
  Id id;
  for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(random.bits());
  return id;
}

Parameters random_parameters(Random& random) {
  Parameters parameters;
  parameters.idle_timeout_ms = random.u32();
  parameters.max_datagram = random.u32(kMinDatagram, kMaxDatagram);
  parameters.max_ack_delay_us = random.u32(0, kMaxAckDelayUs);
  parameters.max_channels = random.u32();
  parameters.initial_credit = random.u32(kMinInitialCredit, UINT32_MAX);
  return parameters;
}

Init random_init(Random& random) {
  return {kVersion, random_id<ConnectionId>(random), random_id<PeerIdBytes>(random),
          random_id<PeerIdBytes>(random), random_parameters(random)};
}

Response random_response(Random& random) {
  return {kVersion, random_id<ConnectionId>(random), random_id<ConnectionId>(random),
          random_parameters(random)};
}

Bytes bytes_of(const Init& init) {
  Bytes bytes(2000, 0xee);
  bytes.resize(write_init(bytes.data(), bytes.size(), init));
  return bytes;
}

Bytes bytes_of(const Response& response) {
  Bytes bytes(kMaxResponseBytes, 0xee);
  bytes.resize(write_response(bytes.data(), bytes.size(), response));
  return bytes;
}

bool reads_init(const Bytes& bytes) {
  Exact exact(bytes);
  Init init{};
  return read_init(exact.begin(), exact.size(), init);
}

bool reads_response(const Bytes& bytes) {
  Exact exact(bytes);
  Response response{};
  return read_response(exact.begin(), exact.size(), response);
}

bool reads_parameters(const Bytes& bytes, Parameters& parameters) {
  Exact exact(bytes);
  return read_parameters(exact.begin(), exact.size(), parameters);
}

TEST(WirePacket, FirstByteSaysTheType) {
  for (int first = 0; first < 256; ++first) {
    const uint8_t byte = static_cast<uint8_t>(first);
    PacketType type = PacketType::kData;
    const bool known = classify(&byte, 1, type);
    EXPECT_EQ(known, first == 0x80 || first == 0x90 || first == 0xa0) << first;
    if (!known) continue;
    EXPECT_EQ(type, first == 0x80   ? PacketType::kData
                    : first == 0x90 ? PacketType::kInit
                                    : PacketType::kResponse);
  }
  PacketType type = PacketType::kData;
  EXPECT_FALSE(classify(nullptr, 0, type));
}

TEST(WirePacket, DataHeaderRoundTripsFromThirtyBytesOn) {
  HAWSER_TRACE_SEED();
  Random random(10);
  for (int i = 0; i < 1000; ++i) {
    const DataHeader header = {random_id<ConnectionId>(random), random.u32()};
    Bytes bytes(kHeaderBytes);
    ASSERT_EQ(write_data_header(bytes.data(), header), bytes.data() + 13);
    for (size_t length = 0; length < 40; ++length) {
      bytes.resize(length);
      if (length >= kHeaderBytes) write_data_header(bytes.data(), header);
      Exact exact(bytes);
      DataHeader read{};
      ASSERT_EQ(read_data_header(exact.begin(), length, read), length >= 30) << length;
      if (length < 30) continue;
      EXPECT_EQ(read.destination, header.destination);
      EXPECT_EQ(read.number, header.number);
    }
  }
}

TEST(WirePacket, ConnectionIdAsNumber) {
  const ConnectionId id = ConnectionId::from_u64(0x0102030405060708);
  EXPECT_EQ(Bytes(id.bytes, id.bytes + 8), (Bytes{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(id.as_u64(), 0x0102030405060708u);
  EXPECT_FALSE(id == ConnectionId::from_u64(0x0102030405060709));
}

TEST(WirePacket, InitRoundTripsAndIsPadded) {
  HAWSER_TRACE_SEED();
  Random random(11);
  for (int i = 0; i < 1000; ++i) {
    const Init init = random_init(random);
    const Bytes bytes = bytes_of(init);
    ASSERT_EQ(bytes.size(), 1200u);
    Init read{};
    ASSERT_TRUE(read_init(bytes.data(), bytes.size(), read));
    EXPECT_EQ(read.version, 0u);
    EXPECT_EQ(read.source, init.source);
    EXPECT_EQ(read.initiator, init.initiator);
    EXPECT_EQ(read.responder, init.responder);
    EXPECT_EQ(read.parameters, init.parameters);
  }
}

TEST(WirePacket, ResponseRoundTrips) {
  HAWSER_TRACE_SEED();
  Random random(12);
  for (int i = 0; i < 1000; ++i) {
    const Response response = random_response(random);
    const Bytes bytes = bytes_of(response);
    ASSERT_FALSE(bytes.empty());
    Response read{};
    ASSERT_TRUE(read_response(bytes.data(), bytes.size(), read));
    EXPECT_EQ(read.version, 0u);
    EXPECT_EQ(read.destination, response.destination);
    EXPECT_EQ(read.source, response.source);
    EXPECT_EQ(read.parameters, response.parameters);
  }
}

TEST(WirePacket, InitIsReadFromItsLeastLengthOnAndOnlyWithZerosBehind) {
  HAWSER_TRACE_SEED();
  Random random(13);
  Bytes bytes = bytes_of(random_init(random));
  for (size_t length = 0; length < 1200; ++length) {
    ASSERT_FALSE(reads_init(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length))));
  }
  for (const size_t length : {size_t{1201}, size_t{1500}, size_t{65527}}) {
    Bytes longer = bytes;
    longer.resize(length);
    EXPECT_TRUE(reads_init(longer));
    longer.back() = 1;
    EXPECT_FALSE(reads_init(longer));
  }
}

TEST(WirePacket, ResponseIsReadInItsWholeLengthOnly) {
  HAWSER_TRACE_SEED();
  Random random(14);
  Bytes bytes = bytes_of(random_response(random));
  for (size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_FALSE(
        reads_response(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length))));
  }
  EXPECT_TRUE(reads_response(bytes));
  bytes.push_back(0);
  EXPECT_FALSE(reads_response(bytes));
}

TEST(WirePacket, OtherVersionsAreNeitherReadNorWritten) {
  HAWSER_TRACE_SEED();
  Random random(15);
  Init init = random_init(random);
  Response response = random_response(random);
  for (size_t at = 1; at <= 4; ++at) {
    Bytes bytes = bytes_of(init);
    bytes[at] = 1;
    EXPECT_FALSE(reads_init(bytes));
    bytes = bytes_of(response);
    bytes[at] = 1;
    EXPECT_FALSE(reads_response(bytes));
  }
  init.version = 1;
  response.version = 1;
  EXPECT_TRUE(bytes_of(init).empty());
  EXPECT_TRUE(bytes_of(response).empty());
}

TEST(WirePacket, NothingIsWrittenBeyondTheCapacity) {
  HAWSER_TRACE_SEED();
  Random random(16);
  const Init init = random_init(random);
  for (const size_t capacity : {0, 1, 77, 1199}) {
    Exact out(Bytes(capacity, 0xee));
    EXPECT_EQ(write_init(out.begin(), out.size(), init), 0u);
  }
  Exact enough(Bytes(1200, 0xee));
  EXPECT_EQ(write_init(enough.begin(), enough.size(), init), 1200u);

  const Response response = random_response(random);
  const size_t size = bytes_of(response).size();
  for (size_t capacity = 0; capacity <= size; ++capacity) {
    Exact out(Bytes(capacity, 0xee));
    EXPECT_EQ(write_response(out.begin(), out.size(), response), capacity < size ? 0 : size);
  }
}

TEST(WirePacket, TheLargestResponseFits) {
  Response response{};
  response.parameters = {UINT32_MAX, kMaxDatagram, kMaxAckDelayUs, UINT32_MAX, UINT32_MAX};
  const Bytes bytes = bytes_of(response);
  EXPECT_GT(bytes.size(), 0u);
  EXPECT_LE(bytes.size(), kMaxResponseBytes);
}

TEST(WirePacket, ParametersOutOfRangeAreNotWritten) {
  Bytes buffer(200);
  const auto writes = [&](const Parameters& parameters) {
    return write_parameters(buffer.data(), buffer.data() + buffer.size(), parameters) != nullptr;
  };
  EXPECT_TRUE(writes({}));
  EXPECT_FALSE(writes({.max_datagram = kMinDatagram - 1}));
  EXPECT_FALSE(writes({.max_datagram = kMaxDatagram + 1}));
  EXPECT_FALSE(writes({.max_ack_delay_us = kMaxAckDelayUs + 1}));
  EXPECT_FALSE(writes({.initial_credit = kMinInitialCredit - 1}));
}

TEST(WirePacket, MissingParametersHaveTheirDefaults) {
  Parameters parameters = {1, 1200, 1, 1, 4096};
  ASSERT_TRUE(reads_parameters({}, parameters));
  EXPECT_EQ(parameters.idle_timeout_ms, 30000u);
  EXPECT_EQ(parameters.max_datagram, 65527u);
  EXPECT_EQ(parameters.max_ack_delay_us, 25000u);
  EXPECT_EQ(parameters.max_channels, 0u);
  EXPECT_EQ(parameters.initial_credit, 65536u);
}

TEST(WirePacket, EntriesUpToTheLimitAreReadMoreAreRefused) {
  Bytes bytes;
  for (uint64_t i = 0; i < kMaxParameters; ++i) {
    uint8_t id[kMaxVarintBytes];
    bytes.insert(bytes.end(), id, write_varint(id, 1000 + i));
    bytes.push_back(0);
  }
  Parameters parameters;
  EXPECT_TRUE(reads_parameters(bytes, parameters));
  Bytes more = bytes;
  more.insert(more.end(), {0x3f, 0x00});
  EXPECT_FALSE(reads_parameters(more, parameters));
  Bytes repeated = bytes;
  std::memcpy(&repeated[repeated.size() - 3], repeated.data(), 2);
  EXPECT_FALSE(reads_parameters(repeated, parameters));
}

TEST(WirePacket, RandomBytesAreReadWithinTheirBoundsAndWhatIsReadIsInRange) {
  HAWSER_TRACE_SEED();
  Random random(17);
  int valid = 0;
  for (int i = 0; i < 50000; ++i) {
    // Entries that are right more often than not.
    Bytes bytes;
    for (uint64_t left = random.between(0, 4); left > 0; --left) {
      uint8_t value[kMaxVarintBytes];
      uint8_t* const behind = write_varint(value, random.between(0, uint64_t{1} << 33));
      bytes.push_back(static_cast<uint8_t>(random.between(0, 7)));
      bytes.push_back(static_cast<uint8_t>(behind - value));
      bytes.insert(bytes.end(), value, behind);
    }
    if (random.bits() % 4 == 0 && !bytes.empty()) {
      bytes[random.bits() % bytes.size()] = static_cast<uint8_t>(random.bits());
    }
    Parameters parameters;
    if (!reads_parameters(bytes, parameters)) continue;
    ++valid;
    EXPECT_GE(parameters.max_datagram, 1200u);
    EXPECT_LE(parameters.max_datagram, 65527u);
    EXPECT_LT(parameters.max_ack_delay_us, 1u << 24);
    EXPECT_GE(parameters.initial_credit, 4096u);
  }
  EXPECT_GT(valid, 1000);
}

TEST(WirePacket, ChangedPacketsAreReadWithinTheirBounds) {
  HAWSER_TRACE_SEED();
  Random random(18);
  for (int i = 0; i < 20000; ++i) {
    const bool is_init = i % 4 == 0;
    Bytes bytes = is_init ? bytes_of(random_init(random)) : bytes_of(random_response(random));
    // Where the parameters are, which is all that has a form to break.
    bytes[random.between(is_init ? 77 : 21, is_init ? 125 : bytes.size() - 1)] ^=
        static_cast<uint8_t>(random.between(1, 255));
    if (is_init && reads_init(bytes)) {
      Init init{};
      read_init(bytes.data(), bytes.size(), init);
      EXPECT_EQ(bytes_of(init).size(), 1200u);
    }
    if (!is_init && reads_response(bytes)) {
      Response response{};
      read_response(bytes.data(), bytes.size(), response);
      EXPECT_FALSE(bytes_of(response).empty());
    }
  }
}

}  // namespace
}  // namespace hawser::wire::testing
