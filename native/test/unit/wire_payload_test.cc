// What the handshake's messages carry: payloads and the parameters in them.

#include <gtest/gtest.h>

#include "test/unit/wire_support.h"
#include "wire/packet.h"

namespace hawser::wire::testing {
namespace {

Parameters random_parameters(Random& random) {
  Parameters parameters;
  parameters.idle_timeout_ms = random.u32();
  parameters.max_datagram = random.u32(kMinDatagram, kMaxDatagram);
  parameters.max_ack_delay_us = random.u32(0, kMaxAckDelayUs);
  parameters.max_channels = random.u32();
  parameters.initial_credit = random.u32(kMinInitialCredit, UINT32_MAX);
  return parameters;
}

InitPayload random_init(Random& random) {
  return {random_id<PeerIdBytes>(random), random_id<ResetToken>(random), random_parameters(random)};
}

ResponsePayload random_response(Random& random) {
  return {random_id<ConnectionId>(random), random_id<ResetToken>(random),
          random_parameters(random)};
}

Bytes bytes_of(const InitPayload& payload) {
  Exact out(Bytes(kInitPayloadBytes, 0xee));
  EXPECT_TRUE(write_init_payload(out.begin(), payload));
  return Bytes(out.begin(), out.end());
}

Bytes bytes_of(const ResponsePayload& payload) {
  Bytes bytes(kMaxResponsePayload, 0xee);
  bytes.resize(write_response_payload(bytes.data(), bytes.size(), payload));
  EXPECT_FALSE(bytes.empty());
  return bytes;
}

bool reads_init(const Bytes& bytes) {
  Exact exact(bytes);
  InitPayload payload{};
  return read_init_payload(exact.begin(), exact.size(), payload);
}

bool reads_response(const Bytes& bytes) {
  Exact exact(bytes);
  ResponsePayload payload{};
  return read_response_payload(exact.begin(), exact.size(), payload);
}

bool reads_parameters(const Bytes& bytes, Parameters& parameters) {
  Exact exact(bytes);
  return read_parameters(exact.begin(), exact.size(), parameters);
}

TEST(WirePayload, InitRoundTrips) {
  HAWSER_TRACE_SEED();
  Random random(40);
  for (int i = 0; i < 1000; ++i) {
    const InitPayload payload = random_init(random);
    const Bytes bytes = bytes_of(payload);
    ASSERT_EQ(bytes.size(), 1074u);
    EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 32),
              Bytes(payload.initiator.bytes, payload.initiator.bytes + 32));
    EXPECT_EQ(Bytes(bytes.begin() + 32, bytes.begin() + 48),
              Bytes(payload.reset.bytes, payload.reset.bytes + 16));
    InitPayload read{};
    ASSERT_TRUE(read_init_payload(bytes.data(), bytes.size(), read));
    EXPECT_EQ(read.initiator, payload.initiator);
    EXPECT_EQ(read.reset, payload.reset);
    EXPECT_EQ(read.parameters, payload.parameters);
  }
}

TEST(WirePayload, InitIsReadInItsOneLengthOnly) {
  HAWSER_TRACE_SEED();
  Random random(41);
  const Bytes bytes = bytes_of(random_init(random));
  for (size_t length = 0; length <= 1300; ++length) {
    Bytes other = bytes;
    other.resize(length);
    ASSERT_EQ(reads_init(other), length == 1074) << length;
  }
}

TEST(WirePayload, EveryByteOfThePaddingMustBeZero) {
  HAWSER_TRACE_SEED();
  Random random(42);
  const Bytes bytes = bytes_of(random_init(random));
  ASSERT_LT(bytes[48], 64) << "a length of one byte";
  for (size_t at = 49 + bytes[48]; at < bytes.size(); ++at) {
    Bytes other = bytes;
    other[at] = static_cast<uint8_t>(1 << at % 8);
    ASSERT_FALSE(reads_init(other)) << at;
  }
  EXPECT_TRUE(reads_init(bytes));
}

TEST(WirePayload, ResponseRoundTrips) {
  HAWSER_TRACE_SEED();
  Random random(43);
  for (int i = 0; i < 1000; ++i) {
    const ResponsePayload payload = random_response(random);
    const Bytes bytes = bytes_of(payload);
    EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 8),
              Bytes(payload.source.bytes, payload.source.bytes + 8));
    EXPECT_EQ(Bytes(bytes.begin() + 8, bytes.begin() + 24),
              Bytes(payload.reset.bytes, payload.reset.bytes + 16));
    ResponsePayload read{};
    ASSERT_TRUE(read_response_payload(bytes.data(), bytes.size(), read));
    EXPECT_EQ(read.source, payload.source);
    EXPECT_EQ(read.reset, payload.reset);
    EXPECT_EQ(read.parameters, payload.parameters);
  }
}

TEST(WirePayload, ResponseIsReadInItsWholeLengthOnly) {
  HAWSER_TRACE_SEED();
  Random random(44);
  Bytes bytes = bytes_of(random_response(random));
  for (size_t length = 0; length < bytes.size(); ++length) {
    ASSERT_FALSE(
        reads_response(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length))));
  }
  EXPECT_TRUE(reads_response(bytes));
  bytes.push_back(0);
  EXPECT_FALSE(reads_response(bytes));
}

TEST(WirePayload, ALongResponseIsReadUpToTheLimit) {
  Bytes bytes(24);
  // One unknown parameter that fills the block: id and length take three bytes.
  for (const size_t value : {size_t{166}, size_t{167}}) {
    Bytes longest = bytes;
    const size_t block = 3 + value;
    longest.insert(longest.end(),
                   {static_cast<uint8_t>(0x40 | block >> 8), static_cast<uint8_t>(block), 0x3f,
                    0x40, static_cast<uint8_t>(value)});
    longest.resize(longest.size() + value);
    ASSERT_EQ(longest.size(), value == 166 ? kMaxResponsePayload : kMaxResponsePayload + 1);
    EXPECT_EQ(reads_response(longest), value == 166);
  }
}

TEST(WirePayload, NothingIsWrittenBeyondTheCapacity) {
  HAWSER_TRACE_SEED();
  Random random(45);
  const ResponsePayload payload = random_response(random);
  const size_t size = bytes_of(payload).size();
  for (size_t capacity = 0; capacity <= size; ++capacity) {
    Exact out(Bytes(capacity, 0xee));
    EXPECT_EQ(write_response_payload(out.begin(), out.size(), payload), capacity < size ? 0 : size);
  }
}

TEST(WirePayload, WithParametersOutOfRangeNothingIsWritten) {
  Bytes buffer(kInitPayloadBytes);
  InitPayload init{};
  EXPECT_TRUE(write_init_payload(buffer.data(), init));
  init.parameters.max_datagram = kMinDatagram - 1;
  EXPECT_FALSE(write_init_payload(buffer.data(), init));
  ResponsePayload response{};
  EXPECT_NE(write_response_payload(buffer.data(), buffer.size(), response), 0u);
  response.parameters.initial_credit = kMinInitialCredit - 1;
  EXPECT_EQ(write_response_payload(buffer.data(), buffer.size(), response), 0u);
}

TEST(WirePayload, ResetTokensAreEqualInEveryBit) {
  ResetToken token{};
  for (uint8_t& byte : token.bytes) byte = 0x5a;
  for (size_t bit = 0; bit < 8 * kResetTokenBytes; ++bit) {
    ResetToken other = token;
    EXPECT_TRUE(other == token);
    other.bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_FALSE(other == token) << bit;
  }
}

TEST(WirePayload, ParametersOutOfRangeAreNotWritten) {
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

TEST(WirePayload, MissingParametersHaveTheirDefaults) {
  Parameters parameters = {1, 1200, 1, 1, 4096};
  ASSERT_TRUE(reads_parameters({}, parameters));
  EXPECT_EQ(parameters.idle_timeout_ms, 30000u);
  EXPECT_EQ(parameters.max_datagram, 65527u);
  EXPECT_EQ(parameters.max_ack_delay_us, 25000u);
  EXPECT_EQ(parameters.max_channels, 0u);
  EXPECT_EQ(parameters.initial_credit, 65536u);
}

TEST(WirePayload, EntriesUpToTheLimitAreReadMoreAreRefused) {
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

TEST(WirePayload, RandomBytesAreReadWithinTheirBoundsAndWhatIsReadIsInRange) {
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

TEST(WirePayload, ChangedPayloadsAreReadWithinTheirBounds) {
  HAWSER_TRACE_SEED();
  Random random(46);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    const bool is_init = i % 4 == 0;
    Bytes bytes = is_init ? bytes_of(random_init(random)) : bytes_of(random_response(random));
    // Where the parameters are, which is all that has a form to break.
    bytes[random.between(is_init ? 48 : 24, is_init ? 100 : bytes.size() - 1)] ^=
        static_cast<uint8_t>(random.between(1, 255));
    if (is_init ? reads_init(bytes) : reads_response(bytes)) ++read;
  }
  EXPECT_GT(read, 100);
  EXPECT_LT(read, 19900);
}

}  // namespace
}  // namespace hawser::wire::testing
