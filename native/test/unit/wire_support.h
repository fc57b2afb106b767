#pragma once

// What the tests of native/wire share: random values with a seed that is printed, frames made of
// them, and buffers of exactly the right size, so that AddressSanitizer sees the first byte read
// too far.

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "wire/frames.h"
#include "wire/text.h"
#include "wire/vectors/describe.h"

namespace hawser::wire::testing {

using vectors::Bytes;

// HAWSER_SEED repeats a run that failed.
inline uint64_t seed() {
  static const uint64_t kChosen = [] {
    const char* given = std::getenv("HAWSER_SEED");
    if (given != nullptr) return static_cast<uint64_t>(std::strtoull(given, nullptr, 10));
    std::random_device device;
    return static_cast<uint64_t>(device()) << 32 | device();
  }();
  return kChosen;
}

#define HAWSER_TRACE_SEED() \
  SCOPED_TRACE("HAWSER_SEED=" + std::to_string(::hawser::wire::testing::seed()))

// A copy on the heap without a byte to spare on either side.
class Exact {
 public:
  Exact(const uint8_t* data, size_t length) : bytes_(new uint8_t[length]), length_(length) {
    if (length != 0) std::memcpy(bytes_.get(), data, length);
  }
  explicit Exact(const Bytes& bytes) : Exact(bytes.data(), bytes.size()) {}

  uint8_t* begin() { return bytes_.get(); }
  uint8_t* end() { return bytes_.get() + length_; }
  size_t size() const { return length_; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t length_;
};

class Random {
 public:
  explicit Random(uint64_t salt) : engine_(seed() + salt) {}

  uint64_t bits() { return engine_(); }
  // In [lowest, highest], every bit length about as often, and the ends now and then.
  uint64_t between(uint64_t lowest, uint64_t highest) {
    if (bits() % 16 == 0) return bits() % 2 == 0 ? lowest : highest;
    const uint64_t value = bits() >> (bits() % 64);
    const uint64_t span = highest - lowest;
    return lowest + (span == UINT64_MAX ? value : value % (span + 1));
  }
  uint64_t varint() { return between(0, kMaxVarint); }
  uint32_t u32() { return static_cast<uint32_t>(between(0, UINT32_MAX)); }
  uint32_t u32(uint32_t lowest, uint32_t highest) {
    return static_cast<uint32_t>(between(lowest, highest));
  }
  uint64_t channel() { return between(1, kMaxVarint); }
  Bytes bytes(size_t lowest, size_t highest) {
    Bytes bytes(between(lowest, highest));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(bits());
    return bytes;
  }
  // Well-formed UTF-8 of at most `highest` bytes.
  Bytes text(size_t lowest, size_t highest) {
    static const char* const kCharacters[] = {"a", "~", "\xc3\xa9", "\xe2\x82\xac",
                                              "\xf0\x9f\x9a\x80"};
    const size_t wanted = between(lowest, highest);
    Bytes text;
    while (true) {
      const char* character = kCharacters[bits() % 5];
      const size_t length = std::strlen(character);
      if (text.size() + length > wanted) break;
      text.insert(text.end(), character, character + length);
    }
    text.resize(wanted, 'x');
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

// A ConnectionId, a PeerIdBytes or a ResetToken.
template <typename Id>
Id random_id(Random& random) {
  Id id;
  for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>(random.bits());
  return id;
}

inline Ack random_ack(Random& random) {
  Ack ack{};
  ack.delay_us = random.varint();
  ack.range_count = random.u32(1, kMaxAckRanges);
  // From the oldest range up, so that there is room for all of them.
  uint64_t next = random.between(0, uint64_t{1} << 40);
  for (uint32_t i = ack.range_count; i-- > 0;) {
    ack.ranges[i].first = next + random.between(0, 100000);
    ack.ranges[i].last = ack.ranges[i].first + random.between(0, 100000);
    next = ack.ranges[i].last + 2;
  }
  return ack;
}

inline Count random_count(Random& random) {
  Count count{};
  count.entry_count = random.u32(1, kMaxCountEntries);
  for (uint32_t i = 0; i < count.entry_count; ++i) {
    count.entries[i] = {random.channel(), random.u32()};
  }
  return count;
}

inline Bytes random_blocks(Random& random) {
  Bytes blocks;
  for (uint64_t left = random.between(1, 12); left > 0; --left) {
    const Bytes body = random.bytes(0, 200);
    uint8_t length[kMaxVarintBytes];
    blocks.insert(blocks.end(), length, write_varint(length, body.size()));
    blocks.insert(blocks.end(), body.begin(), body.end());
  }
  return blocks;
}

template <typename AnyFrame>
Bytes bytes_of(const AnyFrame& frame) {
  Bytes bytes(8192);
  uint8_t* behind = write(bytes.data(), bytes.data() + bytes.size(), frame);
  EXPECT_NE(behind, nullptr);
  bytes.resize(behind == nullptr ? 0 : static_cast<size_t>(behind - bytes.data()));
  return bytes;
}

inline Delivery random_delivery(Random& random) {
  return static_cast<Delivery>(random.between(0, 3));
}

inline Request random_request(Random& random) {
  Request request;
  request.channel = random.channel();
  request.range_count = random.u32(1, kMaxRequestRanges);
  uint32_t at = random.u32();
  for (uint32_t i = 0; i < request.range_count; ++i) {
    request.ranges[i] = {at, random.u32(1, kMaxRequestRun)};
    at += request.ranges[i].count + random.u32(0, 1000);
  }
  return request;
}

// A valid frame of the kind-th of kFrameKinds kinds.
inline constexpr int kFrameKinds = 23;

inline Bytes random_frame(Random& random, int kind) {
  switch (kind) {
    case 0:
      return bytes_of(Ping{});
    case 1:
      return bytes_of(AckNow{});
    case 2:
      return bytes_of(random_ack(random));
    case 3:
      return bytes_of(AckPolicy{random.varint(), random.u32(1, kMaxPolicyPackets),
                                random.u32(0, kMaxAckDelayUs),
                                random.u32(1, kMaxReorderingThreshold)});
    case 4:
      return bytes_of(random_count(random));
    case 5: {
      const uint32_t messages = random.u32(kMinWindow, kMaxWindow);
      return bytes_of(
          Window{random.channel(), random.varint(), messages, random.u32(1, messages), random.u32(),
                 random.between(0, 1) == 0 ? WindowMode::kEarly : WindowMode::kCounted});
    }
    case 6:
      return bytes_of(Credit{random.channel(), random.varint()});
    case 7:
      return bytes_of(Blocked{random.channel(), random.varint()});
    case 8:
      return bytes_of(MaxChannels{random.varint()});
    case 9: {
      const Bytes service = random.text(kMinService, kMaxService);
      const Bytes metadata = random.bytes(0, kMaxMetadata);
      return bytes_of(Open{random.channel(), service.data(), service.size(), metadata.data(),
                           metadata.size(), random.varint(), random.between(1, kMaxMessage),
                           random_delivery(random)});
    }
    case 10:
      return bytes_of(Accept{random.channel(), random.varint(), random.between(1, kMaxMessage),
                             random_delivery(random)});
    case 11:
      return bytes_of(End{random.channel(), random.varint()});
    case 12: {
      const Bytes reason = random.text(0, kMaxReason);
      return bytes_of(Reset{random.channel(), random.varint(), random.varint(), random.varint(),
                            reason.data(), reason.size()});
    }
    case 13: {
      const Bytes reason = random.text(0, kMaxReason);
      return bytes_of(Close{random.varint(), reason.data(), reason.size()});
    }
    case 14: {
      const Bytes blocks = random_blocks(random);
      return bytes_of(Message{random.channel(), random.u32(), 0, blocks.data(), blocks.size()});
    }
    case 15:
      return bytes_of(CountNow{random.channel()});
    case 16: {
      const uint32_t messages = random.between(0, 2) == 0 ? 0 : random.u32(kMinWindow, kMaxWindow);
      return bytes_of(WindowHint{random.channel(), random.varint(), random.u32(0, kLossUnit),
                                 messages, random.u32(0, messages)});
    }
    case 17:
      return bytes_of(random_request(random));
    case 18:
      return bytes_of(Skip{random.channel(), random.u32(), random.varint()});
    case 19: {
      const Bytes message = random.bytes(1, kMaxCryptoMessage);
      return bytes_of(Crypto{random.between(1, kMaxVarint), random.u32(1, kLastCryptoStep),
                             message.data(), message.size()});
    }
    case 20:
    case 21: {
      PathChallenge challenge;
      for (uint8_t& byte : challenge.data) byte = static_cast<uint8_t>(random.bits());
      if (kind == 20) return bytes_of(challenge);
      PathResponse response;
      std::memcpy(response.data, challenge.data, sizeof response.data);
      return bytes_of(response);
    }
    default: {
      const Bytes piece = random.bytes(1, 1200);
      const uint64_t offset = random.between(0, kMaxMessage);
      const uint64_t total = offset + piece.size() + random.between(0, kMaxMessage);
      return bytes_of(
          Fragment{random.channel(), random.u32(), total, offset, piece.data(), piece.size()});
    }
  }
}

// What §5 asks of a decoded frame, checked field by field. Written apart from the reader.
inline bool in_range(const Frame& frame) {
  switch (frame.type()) {
    case FrameType::kAck: {
      const Ack& ack = frame.ack;
      if (ack.range_count < 1 || ack.range_count > 32) return false;
      for (uint32_t i = 0; i < ack.range_count; ++i) {
        if (ack.ranges[i].first > ack.ranges[i].last) return false;
        if (i > 0 && ack.ranges[i].last + 1 >= ack.ranges[i - 1].first) return false;
      }
      return true;
    }
    case FrameType::kAckPolicy:
      return frame.ack_policy.packets >= 1 && frame.ack_policy.packets <= 65536 &&
             frame.ack_policy.max_delay_us < 1u << 24 &&
             frame.ack_policy.reordering_threshold >= 1 &&
             frame.ack_policy.reordering_threshold <= 1024;
    case FrameType::kCount:
      return frame.count.entry_count >= 1 && frame.count.entry_count <= 64;
    case FrameType::kWindow:
      return frame.window.messages >= 2 && frame.window.messages <= 65536 &&
             frame.window.messages_per_ack >= 1 &&
             frame.window.messages_per_ack <= frame.window.messages &&
             frame.window.mode <= WindowMode::kCounted;
    case FrameType::kWindowHint:
      return frame.window_hint.loss <= 65536 && frame.window_hint.messages != 1 &&
             frame.window_hint.messages <= 65536 &&
             frame.window_hint.messages_per_ack <= frame.window_hint.messages;
    case FrameType::kRequest:
      return frame.request.range_count >= 1 && frame.request.range_count <= 64;
    case FrameType::kOpen:
      return frame.open.service_length >= 1 && frame.open.service_length <= 255 &&
             frame.open.metadata_length <= 1024 && frame.open.max_message >= 1 &&
             frame.open.max_message < 1u << 30 && frame.open.delivery <= Delivery::kUnreliable;
    case FrameType::kAccept:
      return frame.accept.max_message >= 1 && frame.accept.max_message < 1u << 30 &&
             frame.accept.delivery <= Delivery::kUnreliable;
    case FrameType::kReset:
      return frame.reset.reason_length <= 255;
    case FrameType::kClose:
      return frame.close.reason_length <= 255;
    case FrameType::kMessage:
      return frame.message.length >= 1 && frame.message.count >= 1;
    case FrameType::kCrypto:
      return frame.crypto.generation >= 1 && frame.crypto.step >= 1 && frame.crypto.step <= 2 &&
             frame.crypto.length >= 1 && frame.crypto.length <= 256;
    case FrameType::kFragment:
      return frame.fragment.length >= 1 &&
             frame.fragment.offset + frame.fragment.length <= frame.fragment.total;
    default:
      return true;
  }
}

// Reads all frames of `bytes` and checks what holds for any input: every frame is in range, and
// written again gives the very bytes that it was read from. Returns how it ended.
inline FrameReader::Next read_all(const Bytes& bytes, std::vector<Bytes>* frames = nullptr) {
  Exact input(bytes);
  FrameReader reader(input.begin(), input.size());
  Frame frame;
  while (true) {
    const FrameReader::Next next = reader.next(frame);
    EXPECT_EQ(next == FrameReader::Next::kError, reader.error() != nullptr);
    if (next != FrameReader::Next::kFrame) {
      EXPECT_EQ(reader.next(frame), next) << "an end or an error stays";
      return next;
    }
    EXPECT_TRUE(in_range(frame));
    Bytes again(bytes.size());
    uint8_t* behind = vectors::write(again.data(), again.data() + again.size(), frame);
    EXPECT_NE(behind, nullptr);
    if (behind == nullptr) return FrameReader::Next::kError;
    again.resize(static_cast<size_t>(behind - again.data()));
    EXPECT_LE(again.size(), static_cast<size_t>(reader.position() - input.begin()));
    EXPECT_EQ(0, std::memcmp(reader.position() - again.size(), again.data(), again.size()));
    if (frames != nullptr) frames->push_back(again);
  }
}

}  // namespace hawser::wire::testing
