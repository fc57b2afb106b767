#include <gtest/gtest.h>

#include <string>

#include "test/unit/wire_support.h"
#include "wire/codes.h"
#include "wire/text.h"

namespace hawser::wire::testing {
namespace {

bool valid(const Bytes& bytes) {
  Exact exact(bytes);
  return valid_utf8(exact.begin(), exact.size());
}

// RFC 3629 §3, with as many bytes as asked for.
Bytes encoded(uint32_t character, int size) {
  if (size == 1) return {static_cast<uint8_t>(character)};
  Bytes bytes(static_cast<size_t>(size));
  for (int i = size - 1; i > 0; --i, character >>= 6) {
    bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(0x80 | (character & 0x3f));
  }
  const uint32_t mark = size == 2 ? 0xc0 : size == 3 ? 0xe0 : 0xf0;
  bytes[0] = static_cast<uint8_t>(mark | character);
  return bytes;
}

int shortest(uint32_t character) {
  return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

TEST(WireText, EveryCharacterInItsShortestFormOnly) {
  for (uint32_t character = 0; character < 0x200000; ++character) {
    const bool exists = character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
    for (int size = shortest(character); size <= 4; ++size) {
      const Bytes bytes = encoded(character, size);
      const bool wanted = exists && size == shortest(character);
      ASSERT_EQ(valid_utf8(bytes.data(), bytes.size()), wanted) << character << " in " << size;
    }
  }
}

TEST(WireText, CutOffCharactersAreNotRead) {
  for (const uint32_t character : {0xe9u, 0x20acu, 0x1f680u}) {
    const Bytes bytes = encoded(character, shortest(character));
    for (size_t length = 1; length < bytes.size(); ++length) {
      EXPECT_FALSE(valid(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length))));
    }
    for (size_t at = 1; at < bytes.size(); ++at) {
      Bytes broken = bytes;
      broken[at] = 'a';
      EXPECT_FALSE(valid(broken));
    }
  }
}

TEST(WireText, SingleBytes) {
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(valid(Bytes{static_cast<uint8_t>(byte)}), byte < 0x80) << byte;
  }
  EXPECT_TRUE(valid({}));
  EXPECT_TRUE(valid_utf8(nullptr, 0));
}

TEST(WireText, LooksAtAllOfIt) {
  Bytes text(300, 'a');
  EXPECT_TRUE(valid(text));
  for (size_t at = 0; at < text.size(); ++at) {
    Bytes broken = text;
    broken[at] = 0xff;
    ASSERT_FALSE(valid(broken)) << at;
  }
}

TEST(WireCodes, NamesAreThoseOfTheProtocol) {
  EXPECT_STREQ(code_name(Code::kNoError), "NO_ERROR");
  EXPECT_STREQ(code_name(Code::kInternal), "INTERNAL");
  EXPECT_STREQ(code_name(Code::kFrameEncoding), "FRAME_ENCODING");
  EXPECT_STREQ(code_name(Code::kFlowControl), "FLOW_CONTROL");
  EXPECT_STREQ(code_name(Code::kChannelLimit), "CHANNEL_LIMIT");
  EXPECT_STREQ(code_name(Code::kChannelState), "CHANNEL_STATE");
  EXPECT_STREQ(code_name(Code::kAckInvalid), "ACK_INVALID");
  EXPECT_STREQ(code_name(Code::kMessageTooLarge), "MESSAGE_TOO_LARGE");
  EXPECT_STREQ(code_name(Code::kOutOfMemory), "OUT_OF_MEMORY");
  EXPECT_STREQ(code_name(Code::kCryptoFailed), "CRYPTO_FAILED");
  EXPECT_STREQ(code_name(Code::kKeysExhausted), "KEYS_EXHAUSTED");
  EXPECT_STREQ(code_name(Code::kSessionLimit), "SESSION_LIMIT");
  EXPECT_STREQ(code_name(Code::kCancelled), "CANCELLED");
  EXPECT_STREQ(code_name(Code::kServiceUnknown), "SERVICE_UNKNOWN");
  EXPECT_STREQ(code_name(Code::kServiceRefused), "SERVICE_REFUSED");
  EXPECT_STREQ(code_name(Code::kIdle), "IDLE");
  EXPECT_STREQ(code_name(Code::kHandlerFailed), "HANDLER_FAILED");
  EXPECT_STREQ(code_name(static_cast<Code>(0x0c)), "UNKNOWN");
}

TEST(WireCodes, AnUnknownCodeIsInternal) {
  const uint64_t known[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14};
  for (uint64_t number = 0; number < 0x200; ++number) {
    bool listed = false;
    for (const uint64_t value : known) listed |= value == number;
    EXPECT_EQ(code_from_wire(number), listed ? static_cast<Code>(number) : Code::kInternal);
  }
  EXPECT_EQ(code_from_wire(kMaxVarint), Code::kInternal);
}

}  // namespace
}  // namespace hawser::wire::testing
