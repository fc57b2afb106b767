#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "sim/content.h"
#include "transport/outbound.h"
#include "wire/frames.h"
#include "wire/number.h"

// What the tests of Outbound share: messages with contents of their own, packets, and what a
// receiver makes of them.
namespace hawser::transport::outbound_test {

inline constexpr uint64_t kChannel = 5;
inline constexpr uint64_t kPlenty = uint64_t{1} << 40;

// Message n, of `length` bytes, with contents of its own.
inline std::vector<uint8_t> message_of(uint64_t sequence, size_t length) {
  std::vector<uint8_t> out(length);
  sim::fill_message(sequence * 77, out.data(), length);
  return out;
}

inline void push(Outbound& out, size_t length) {
  const std::vector<uint8_t> message = message_of(out.ring().written_sequence(), length);
  if (!out.ring().push(message.data(), length)) {
    ASSERT_TRUE(out.ring().grow(length));
    ASSERT_TRUE(out.ring().push(message.data(), length));
  }
  out.ring().publish();
}

// What a receiver makes of the frames: which bytes of which message are there.
struct Collector {
  explicit Collector(uint64_t first) : next_expected(first) {}

  void take(const uint8_t* data, size_t length) {
    wire::FrameReader reader(data, length);
    wire::Frame frame;
    for (;;) {
      const auto next = reader.next(frame);
      if (next == wire::FrameReader::Next::kEnd) return;
      ASSERT_EQ(next, wire::FrameReader::Next::kFrame);
      if (frame.type() == wire::FrameType::kMessage) {
        ASSERT_EQ(frame.message.channel, kChannel);
        uint64_t sequence = wire::expand32(next_expected, frame.message.sequence32);
        const uint8_t* end = frame.message.data + frame.message.length;
        for (const uint8_t* p = frame.message.data; p != end; sequence++) {
          const uint8_t* body = nullptr;
          size_t size = 0;
          p = wire::next_block(p, end, body, size);
          add(sequence, size, 0, body, size);
        }
      } else {
        ASSERT_EQ(frame.type(), wire::FrameType::kFragment);
        add(wire::expand32(next_expected, frame.fragment.sequence32), frame.fragment.total,
            frame.fragment.offset, frame.fragment.data, frame.fragment.length);
      }
    }
  }

  void add(uint64_t sequence, uint64_t total, uint64_t offset, const uint8_t* data, size_t length) {
    const std::vector<uint8_t> expected = message_of(sequence, total);
    ASSERT_TRUE(std::equal(data, data + length, expected.begin() + static_cast<long>(offset)));
    std::vector<bool>& have = messages[sequence];
    if (have.empty()) have.assign(total + 1, false);
    ASSERT_EQ(have.size(), total + 1);
    for (size_t i = 0; i < length; i++) have[offset + i] = true;
    have[total] = true;
    while (complete(next_expected)) next_expected++;
  }

  bool complete(uint64_t sequence) const {
    const auto found = messages.find(sequence);
    return found != messages.end() &&
           std::all_of(found->second.begin(), found->second.end(), [](bool b) { return b; });
  }

  uint64_t next_expected;
  std::map<uint64_t, std::vector<bool>> messages;
};

struct Packet {
  FrameRef ref;
  std::vector<uint8_t> frames;
};

inline bool write_packet(Outbound& out, size_t room, Packet& packet) {
  packet.frames.resize(room);
  uint8_t* begin = packet.frames.data();
  uint8_t* after = out.write(kChannel, begin, begin + room, packet.ref);
  packet.frames.resize(static_cast<size_t>(after - begin));
  return !packet.frames.empty();
}

}  // namespace hawser::transport::outbound_test
