// CRYPTO and the frames that check a path.

#include <gtest/gtest.h>

#include "test/unit/wire_support.h"
#include "wire/frames.h"

namespace hawser::wire::testing {
namespace {

using Next = FrameReader::Next;
using vectors::from_hex;

bool writes(const Crypto& crypto) {
  Bytes buffer(4096);
  return write(buffer.data(), buffer.data() + buffer.size(), crypto) != nullptr;
}

Next first(const Bytes& bytes) {
  Exact input(bytes);
  FrameReader reader(input.begin(), input.size());
  Frame frame;
  return reader.next(frame);
}

TEST(WireCryptoFrames, FieldsArriveAsSent) {
  Exact input(
      from_hex("03 4046 02 03 aabbcc"    // CRYPTO
               "16 0102030405060708"     // PATH_CHALLENGE
               "17 f1f2f3f4f5f6f7f8"));  // PATH_RESPONSE
  FrameReader reader(input.begin(), input.size());
  Frame frame;
  ASSERT_EQ(reader.next(frame), Next::kFrame);
  ASSERT_EQ(frame.type(), FrameType::kCrypto);
  EXPECT_EQ(frame.crypto.generation, 70u);
  EXPECT_EQ(frame.crypto.step, 2u);
  EXPECT_EQ(Bytes(frame.crypto.message, frame.crypto.message + frame.crypto.length),
            from_hex("aabbcc"));
  ASSERT_EQ(reader.next(frame), Next::kFrame);
  ASSERT_EQ(frame.type(), FrameType::kPathChallenge);
  EXPECT_EQ(Bytes(frame.path_challenge.data, frame.path_challenge.data + 8),
            from_hex("0102030405060708"));
  ASSERT_EQ(reader.next(frame), Next::kFrame);
  ASSERT_EQ(frame.type(), FrameType::kPathResponse);
  EXPECT_EQ(Bytes(frame.path_response.data, frame.path_response.data + 8),
            from_hex("f1f2f3f4f5f6f7f8"));
  EXPECT_EQ(reader.next(frame), Next::kEnd);
}

TEST(WireCryptoFrames, LimitsAreKeptByTheWriter) {
  const Bytes message(300, 0xab);
  EXPECT_TRUE(writes({1, 1, message.data(), 1}));
  EXPECT_TRUE(writes({kMaxVarint, 2, message.data(), 256}));
  EXPECT_FALSE(writes({0, 1, message.data(), 1}));
  EXPECT_FALSE(writes({kMaxVarint + 1, 1, message.data(), 1}));
  EXPECT_FALSE(writes({1, 0, message.data(), 1}));
  EXPECT_FALSE(writes({1, 3, message.data(), 1}));
  EXPECT_FALSE(writes({1, 1, message.data(), 0}));
  EXPECT_FALSE(writes({1, 1, message.data(), 257}));
}

TEST(WireCryptoFrames, LimitsAreKeptByTheReader) {
  const Bytes start = from_hex("03 01 01");
  for (size_t length = 0; length < 300; ++length) {
    Bytes bytes = start;
    uint8_t size[kMaxVarintBytes];
    bytes.insert(bytes.end(), size, write_varint(size, length));
    bytes.resize(bytes.size() + length, 0xab);
    EXPECT_EQ(first(bytes), length >= 1 && length <= 256 ? Next::kFrame : Next::kError) << length;
  }
  for (uint8_t step = 0; step < 64; ++step) {
    const Bytes bytes = {0x03, 0x01, step, 0x01, 0xab};
    EXPECT_EQ(first(bytes), step == 1 || step == 2 ? Next::kFrame : Next::kError) << step;
  }
  EXPECT_EQ(first(from_hex("03 00 01 01 ab")), Next::kError) << "generation 0";
  for (size_t length = 0; length <= 10; ++length) {
    for (const uint8_t type : {0x16, 0x17}) {
      Bytes bytes(1 + length, 0x01);
      bytes[0] = type;
      Exact input(bytes);
      FrameReader reader(input.begin(), input.size());
      Frame frame;
      ASSERT_EQ(reader.next(frame), length < 8 ? Next::kError : Next::kFrame) << length;
      if (length < 8) continue;
      EXPECT_EQ(reader.position(), input.begin() + 9);
    }
  }
}

}  // namespace
}  // namespace hawser::wire::testing
