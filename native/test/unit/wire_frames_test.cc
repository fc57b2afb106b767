#include <gtest/gtest.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "test/unit/wire_support.h"
#include "wire/frames.h"

namespace hawser::wire::testing {
namespace {

using Next = FrameReader::Next;
using vectors::from_hex;

static_assert(std::is_trivially_copyable_v<Frame>);
static_assert(std::is_trivially_default_constructible_v<Frame>);

template <typename AnyFrame>
bool writes(const AnyFrame& frame) {
  Bytes buffer(4096);
  return write(buffer.data(), buffer.data() + buffer.size(), frame) != nullptr;
}

Next first(const Bytes& bytes, Frame& frame) {
  Exact input(bytes);
  FrameReader reader(input.begin(), input.size());
  return reader.next(frame);
}

TEST(WireFrames, RandomFramesRoundTrip) {
  HAWSER_TRACE_SEED();
  Random random(20);
  for (int round = 0; round < 500; ++round) {
    for (int kind = 0; kind < kFrameKinds; ++kind) {
      const Bytes bytes = random_frame(random, kind);
      std::vector<Bytes> frames;
      ASSERT_EQ(read_all(bytes, &frames), Next::kEnd) << "kind " << kind;
      ASSERT_EQ(frames.size(), 1u) << "kind " << kind;
      ASSERT_EQ(frames[0], bytes) << "kind " << kind;
    }
  }
}

TEST(WireFrames, FramesBehindEachOtherAreReadInOrder) {
  HAWSER_TRACE_SEED();
  Random random(21);
  for (int round = 0; round < 200; ++round) {
    Bytes packet;
    std::vector<Bytes> sent;
    for (uint64_t left = random.between(1, 20); left > 0; --left) {
      sent.push_back(random_frame(random, static_cast<int>(random.bits() % kFrameKinds)));
      packet.insert(packet.end(), sent.back().begin(), sent.back().end());
      packet.resize(packet.size() + random.between(0, 20));
    }
    std::vector<Bytes> read;
    ASSERT_EQ(read_all(packet, &read), Next::kEnd);
    ASSERT_EQ(read, sent);
  }
}

// Runs of one length, in which the next block is found without its length, and changes of it; all
// cut off at each byte.
TEST(WireFrames, AWalkVisitsEachBlockWhateverTheirLengths) {
  HAWSER_TRACE_SEED();
  Random random(22);
  constexpr size_t kLengths[] = {0, 1, 63, 64, 65, 300};
  for (int round = 0; round < 20; ++round) {
    Bytes blocks;
    std::vector<std::pair<size_t, size_t>> sent;  // where a body begins, and its length
    std::vector<size_t> ends = {0};
    for (uint64_t runs = random.between(1, 4); runs > 0; --runs) {
      const size_t length = kLengths[random.between(0, std::size(kLengths) - 1)];
      for (uint64_t left = random.between(1, 5); left > 0; --left) {
        uint8_t prefix[kMaxVarintBytes];
        blocks.insert(blocks.end(), prefix, write_varint(prefix, length));
        sent.emplace_back(blocks.size(), length);
        // Bodies that look like lengths of their own.
        blocks.insert(blocks.end(), length, static_cast<uint8_t>(length));
        ends.push_back(blocks.size());
      }
    }
    for (size_t cut = 0; cut <= blocks.size(); ++cut) {
      Exact input(Bytes(blocks.begin(), blocks.begin() + static_cast<ptrdiff_t>(cut)));
      const uint8_t* const begin = input.begin();
      std::vector<std::pair<size_t, size_t>> seen;
      const bool whole = walk_blocks(begin, begin + cut, [&](const uint8_t* body, size_t length) {
        seen.emplace_back(static_cast<size_t>(body - begin), length);
      });
      ASSERT_EQ(whole, std::find(ends.begin(), ends.end(), cut) != ends.end()) << cut;
      ASSERT_LE(seen.size(), sent.size());
      ASSERT_TRUE(std::equal(seen.begin(), seen.end(), sent.begin())) << cut;
      const auto fits = [cut](const auto& block) { return block.first + block.second <= cut; };
      ASSERT_EQ(seen.size(), std::count_if(sent.begin(), sent.end(), fits)) << cut;
    }
  }
}

TEST(WireFrames, CutOffAnywhereIsAnError) {
  HAWSER_TRACE_SEED();
  Random random(22);
  for (int round = 0; round < 20; ++round) {
    for (int kind = 0; kind < kFrameKinds; ++kind) {
      const Bytes bytes = random_frame(random, kind);
      for (size_t length = 0; length < bytes.size(); ++length) {
        Frame frame;
        const Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
        ASSERT_EQ(first(cut, frame), Next::kError) << "kind " << kind << " cut to " << length;
      }
    }
  }
}

TEST(WireFrames, WritingStaysWithinItsRoom) {
  HAWSER_TRACE_SEED();
  Random random(23);
  for (int round = 0; round < 10; ++round) {
    for (int kind = 0; kind < kFrameKinds; ++kind) {
      Exact source(random_frame(random, kind));
      FrameReader reader(source.begin(), source.size());
      Frame frame;
      ASSERT_EQ(reader.next(frame), Next::kFrame);
      for (size_t room = 0; room < source.size(); ++room) {
        Exact out(Bytes(room, 0xee));
        ASSERT_EQ(vectors::write(out.begin(), out.end(), frame), nullptr) << "kind " << kind;
      }
      Exact out(Bytes(source.size(), 0xee));
      ASSERT_EQ(vectors::write(out.begin(), out.end(), frame), out.end()) << "kind " << kind;
    }
  }
}

TEST(WireFrames, FieldsArriveAsSent) {
  const Bytes bytes = from_hex(
      "02 4064 19 01 04 05 06"                // ACK 96-100, then 83-89
      "14 03 fffffffe 05 01 61 00 01 62"      // MESSAGE
      "15 05 00000009 8000c350 4400 02 abcd"  // FRAGMENT
      "09 07 02 10 08 43e8 00");              // WINDOW
  Exact input(bytes);
  FrameReader reader(input.begin(), input.size());
  Frame frame;
  ASSERT_EQ(reader.next(frame), Next::kFrame);
  ASSERT_EQ(frame.type(), FrameType::kAck);
  EXPECT_EQ(frame.ack.delay_us, 25u);
  EXPECT_EQ(frame.ack.largest(), 100u);
  ASSERT_EQ(frame.ack.range_count, 2u);
  EXPECT_EQ(frame.ack.ranges[0].first, 96u);
  EXPECT_EQ(frame.ack.ranges[0].last, 100u);
  EXPECT_EQ(frame.ack.ranges[1].first, 83u);
  EXPECT_EQ(frame.ack.ranges[1].last, 89u);

  ASSERT_EQ(reader.next(frame), Next::kFrame);
  ASSERT_EQ(frame.type(), FrameType::kMessage);
  EXPECT_EQ(frame.message.channel, 3u);
  EXPECT_EQ(frame.message.sequence32, 0xfffffffeu);
  EXPECT_EQ(frame.message.count, 3u);
  const uint8_t* p = frame.message.data;
  const uint8_t* const end = p + frame.message.length;
  std::vector<Bytes> bodies;
  while (p != end) {
    const uint8_t* body = nullptr;
    size_t length = 0;
    p = next_block(p, end, body, length);
    bodies.emplace_back(body, body + length);
  }
  EXPECT_EQ(bodies, (std::vector<Bytes>{{'a'}, {}, {'b'}}));

  ASSERT_EQ(reader.next(frame), Next::kFrame);
  ASSERT_EQ(frame.type(), FrameType::kFragment);
  EXPECT_EQ(frame.fragment.channel, 5u);
  EXPECT_EQ(frame.fragment.sequence32, 9u);
  EXPECT_EQ(frame.fragment.total, 50000u);
  EXPECT_EQ(frame.fragment.offset, 1024u);
  EXPECT_EQ(Bytes(frame.fragment.data, frame.fragment.data + frame.fragment.length),
            from_hex("abcd"));

  ASSERT_EQ(reader.next(frame), Next::kFrame);
  ASSERT_EQ(frame.type(), FrameType::kWindow);
  EXPECT_EQ(frame.window.channel, 7u);
  EXPECT_EQ(frame.window.generation, 2u);
  EXPECT_EQ(frame.window.messages, 16u);
  EXPECT_EQ(frame.window.messages_per_ack, 8u);
  EXPECT_EQ(frame.window.ack_after_us, 1000u);
  EXPECT_EQ(reader.next(frame), Next::kEnd);
}

TEST(WireFrames, OnlyTheListedTypesAreKnown) {
  for (uint64_t type = 1; type < kFirstSkippableType; ++type) {
    const bool known = type <= 0x12 || (type >= 0x14 && type <= 0x17) || type == 0x28;
    Bytes bytes(100, 1);
    bytes[0] = static_cast<uint8_t>(type);
    Exact input(bytes);
    FrameReader reader(input.begin(), input.size());
    Frame frame;
    const bool refused = reader.next(frame) == Next::kError &&
                         std::string(reader.error()) == "unknown or reserved frame type";
    EXPECT_EQ(refused, !known) << type;
  }
}

TEST(WireFrames, UnknownFramesWithALengthAreSkippedAndCounted) {
  HAWSER_TRACE_SEED();
  Random random(24);
  for (int round = 0; round < 2000; ++round) {
    Bytes packet = {0x01};
    const uint64_t type = random.between(kFirstSkippableType, kMaxVarint);
    const Bytes content = random.bytes(0, 300);
    uint8_t number[kMaxVarintBytes];
    packet.insert(packet.end(), number, write_varint(number, type));
    packet.insert(packet.end(), number, write_varint(number, content.size()));
    packet.insert(packet.end(), content.begin(), content.end());
    const size_t skippable_end = packet.size();
    packet.push_back(0x04);

    Exact input(packet);
    FrameReader reader(input.begin(), input.size());
    Frame frame;
    ASSERT_EQ(reader.next(frame), Next::kFrame);
    EXPECT_EQ(reader.skipped(), 0u);
    ASSERT_EQ(reader.next(frame), Next::kFrame);
    EXPECT_EQ(frame.type(), FrameType::kAckNow);
    EXPECT_EQ(reader.skipped(), 1u);
    EXPECT_EQ(reader.next(frame), Next::kEnd);

    for (size_t length = 2; length < skippable_end; ++length) {
      Exact cut(packet.data(), length);
      FrameReader cut_reader(cut.begin(), cut.size());
      ASSERT_EQ(cut_reader.next(frame), Next::kFrame);
      ASSERT_EQ(cut_reader.next(frame), Next::kError);
    }
  }
}

TEST(WireFrames, APacketWithoutFramesIsAnErrorPaddingAloneIsNone) {
  Frame frame;
  EXPECT_EQ(first({}, frame), Next::kError);
  EXPECT_EQ(FrameReader(nullptr, 0).next(frame), Next::kError);
  for (size_t length = 1; length < 40; ++length) EXPECT_EQ(first(Bytes(length), frame), Next::kEnd);
}

TEST(WireFrames, AFrameBehindPaddingOfAnyLengthIsFound) {
  for (size_t padding = 0; padding < 40; ++padding) {
    Bytes bytes(padding);
    bytes.push_back(0x01);
    Frame frame;
    ASSERT_EQ(first(bytes, frame), Next::kFrame) << padding;
    EXPECT_EQ(frame.type(), FrameType::kPing);
  }
}

TEST(WireFrames, PaddingIsWrittenWithinItsRoom) {
  Exact out(Bytes(10, 0xee));
  EXPECT_EQ(write_padding(out.begin(), out.end(), 11), nullptr);
  EXPECT_EQ(*out.begin(), 0xee);
  EXPECT_EQ(write_padding(out.begin(), out.end(), 10), out.end());
  EXPECT_EQ(Bytes(out.begin(), out.end()), Bytes(10));
  EXPECT_EQ(write_padding(out.end(), out.end(), 0), out.end());
}

TEST(WireFrames, AckElicitingAsInTheTable) {
  for (uint64_t type = 0; type < 0x100; ++type) {
    const bool never = type == 0x00 || type == 0x02 || type == 0x06 || type == 0x12;
    EXPECT_EQ(is_ack_eliciting(static_cast<FrameType>(type)), !never) << type;
  }
}

TEST(WireFrames, LimitsOfAckAndPolicy) {
  EXPECT_FALSE(writes(Ack{0, 0, {}}));
  EXPECT_FALSE(writes(Ack{0, 33, {}}));
  EXPECT_TRUE(writes(Ack{0, 2, {{5, 9}, {1, 3}}}));
  EXPECT_FALSE(writes(Ack{0, 2, {{5, 9}, {1, 4}}})) << "ranges that touch";
  EXPECT_FALSE(writes(Ack{0, 2, {{1, 3}, {5, 9}}})) << "oldest first";
  EXPECT_FALSE(writes(Ack{0, 2, {{5, 9}, {6, 7}}})) << "ranges that overlap";
  EXPECT_FALSE(writes(Ack{0, 1, {{9, 5}}}));
  EXPECT_TRUE(writes(Ack{0, 1, {{0, kMaxVarint}}}));
  EXPECT_FALSE(writes(Ack{0, 1, {{0, kMaxVarint + 1}}}));
  EXPECT_FALSE(writes(Ack{kMaxVarint + 1, 1, {{0, 0}}}));

  EXPECT_TRUE(writes(AckPolicy{0, 65536, (1 << 24) - 1, 1024}));
  EXPECT_FALSE(writes(AckPolicy{0, 0, 0, 1}));
  EXPECT_FALSE(writes(AckPolicy{0, 65537, 0, 1}));
  EXPECT_FALSE(writes(AckPolicy{0, 1, 1 << 24, 1}));
  EXPECT_FALSE(writes(AckPolicy{0, 1, 0, 0}));
  EXPECT_FALSE(writes(AckPolicy{0, 1, 0, 1025}));
  EXPECT_FALSE(writes(AckPolicy{kMaxVarint + 1, 1, 0, 1}));
}

TEST(WireFrames, LimitsOfCountAndWindow) {
  EXPECT_FALSE(writes(Count{0, {}}));
  EXPECT_FALSE(writes(Count{65, {}}));
  EXPECT_FALSE(writes(Count{2, {{1, 1}, {0, 1}}})) << "channel 0";
  EXPECT_TRUE(writes(Window{1, 0, 2, 2, 0, WindowMode::kEarly}));
  EXPECT_TRUE(writes(Window{1, 0, 65536, 1, UINT32_MAX, WindowMode::kEarly}));
  EXPECT_FALSE(writes(Window{0, 0, 2, 1, 0, WindowMode::kEarly}));
  EXPECT_FALSE(writes(Window{1, 0, 1, 1, 0, WindowMode::kEarly}));
  EXPECT_FALSE(writes(Window{1, 0, 65537, 1, 0, WindowMode::kEarly}));
  EXPECT_FALSE(writes(Window{1, 0, 2, 3, 0, WindowMode::kEarly}));
  EXPECT_FALSE(writes(Window{1, 0, 2, 0, 0, WindowMode::kEarly}));
  EXPECT_TRUE(writes(Window{1, 0, 2, 1, 0, WindowMode::kCounted}));
  EXPECT_FALSE(writes(Window{1, 0, 2, 1, 0, static_cast<WindowMode>(2)}));
}

TEST(WireFrames, LimitsOfHintsRequestsAndSkips) {
  EXPECT_TRUE(writes(WindowHint{1, 1, kLossUnit, 2, 2}));
  EXPECT_TRUE(writes(WindowHint{1, 1, 0, 0, 0}));
  EXPECT_FALSE(writes(WindowHint{0, 1, 0, 0, 0}));
  EXPECT_FALSE(writes(WindowHint{1, 1, kLossUnit + 1, 0, 0}));
  EXPECT_FALSE(writes(WindowHint{1, 1, 0, 1, 1})) << "N = 1";
  EXPECT_FALSE(writes(WindowHint{1, 1, 0, 65537, 1}));
  EXPECT_FALSE(writes(WindowHint{1, 1, 0, 8, 9})) << "M above N";
  EXPECT_TRUE(writes(Request{1, 2, {{3, 1}, {7, 1}}}));
  EXPECT_TRUE(writes(Request{1, 2, {{UINT32_MAX, 1}, {0, 1}}})) << "touching, across the wrap";
  EXPECT_FALSE(writes(Request{0, 1, {{3, 1}}}));
  EXPECT_FALSE(writes(Request{1, 0, {}}));
  EXPECT_FALSE(writes(Request{1, kMaxRequestRanges + 1, {}}));
  EXPECT_FALSE(writes(Request{1, 1, {{3, 0}}}));
  EXPECT_FALSE(writes(Request{1, 1, {{3, kMaxRequestRun + 1}}}));
  EXPECT_FALSE(writes(Request{1, 2, {{3, 2}, {4, 1}}})) << "overlapping";
  EXPECT_FALSE(writes(Request{1, 2, {{7, 1}, {3, 1}}})) << "falling";
  EXPECT_TRUE(writes(Skip{1, 0, kMaxVarint}));
  EXPECT_FALSE(writes(Skip{0, 1, 1}));
  EXPECT_FALSE(writes(Skip{1, 1, kMaxVarint + 1}));
  EXPECT_TRUE(writes(CountNow{1}));
  EXPECT_FALSE(writes(CountNow{0}));
}

TEST(WireFrames, LimitsOfChannelFrames) {
  const Bytes text(300, 'x');
  const Bytes bad = {0xff};
  const Bytes data(1100);
  const auto open = [&](uint64_t channel, size_t service, size_t metadata, uint64_t max_message) {
    return writes(Open{channel, text.data(), service, data.data(), metadata, 0, max_message,
                       Delivery::kOrdered});
  };
  EXPECT_TRUE(open(1, 1, 0, 1));
  EXPECT_TRUE(open(1, 255, 1024, kMaxMessage));
  EXPECT_FALSE(open(0, 1, 0, 1));
  EXPECT_FALSE(open(1, 0, 0, 1));
  EXPECT_FALSE(open(1, 256, 0, 1));
  EXPECT_FALSE(open(1, 1, 1025, 1));
  EXPECT_FALSE(open(1, 1, 0, 0));
  EXPECT_FALSE(open(1, 1, 0, kMaxMessage + 1));
  EXPECT_FALSE(writes(Open{1, bad.data(), 1, nullptr, 0, 0, 1, Delivery::kOrdered}));
  EXPECT_TRUE(writes(Accept{1, 0, kMaxMessage, Delivery::kOrdered}));
  EXPECT_FALSE(writes(Accept{1, 0, 0, Delivery::kOrdered}));
  EXPECT_FALSE(writes(Accept{1, 0, kMaxMessage + 1, Delivery::kOrdered}));
  EXPECT_FALSE(writes(Accept{0, 0, 1, Delivery::kOrdered}));
  EXPECT_FALSE(writes(Credit{0, 1}));
  EXPECT_FALSE(writes(Credit{kMaxVarint + 1, 1}));
  EXPECT_FALSE(writes(Blocked{0, 1}));
  EXPECT_FALSE(writes(End{0, 1}));
  EXPECT_TRUE(writes(Reset{1, 0, 0, 0, text.data(), 255}));
  EXPECT_FALSE(writes(Reset{1, 0, 0, 0, text.data(), 256}));
  EXPECT_FALSE(writes(Reset{1, 0, 0, 0, bad.data(), 1}));
  EXPECT_FALSE(writes(Reset{0, 0, 0, 0, nullptr, 0}));
  EXPECT_TRUE(writes(Close{0, nullptr, 0}));
  EXPECT_FALSE(writes(Close{0, text.data(), 256}));
  EXPECT_FALSE(writes(Close{0, bad.data(), 1}));
}

TEST(WireFrames, LimitsOfMessagesAndFragments) {
  Bytes buffer(100);
  uint8_t* const out = buffer.data();
  uint8_t* const end = out + buffer.size();
  EXPECT_NE(write_message_header(out, end, 1, 1, 1), nullptr);
  EXPECT_EQ(write_message_header(out, end, 0, 1, 1), nullptr);
  EXPECT_EQ(write_message_header(out, end, kMaxVarint + 1, 1, 1), nullptr);
  EXPECT_EQ(write_message_header(out, end, 1, 1, 0), nullptr);
  EXPECT_EQ(write_message_header(out, end, 1, 1, SIZE_MAX), nullptr);
  EXPECT_NE(write_fragment_header(out, end, 1, 1, 10, 5, 5), nullptr);
  EXPECT_EQ(write_fragment_header(out, end, 0, 1, 10, 5, 5), nullptr);
  EXPECT_EQ(write_fragment_header(out, end, 1, 1, 10, 5, 6), nullptr);
  EXPECT_EQ(write_fragment_header(out, end, 1, 1, 10, 11, 1), nullptr);
  EXPECT_EQ(write_fragment_header(out, end, 1, 1, 10, 5, 0), nullptr);
  EXPECT_EQ(write_fragment_header(out, end, 1, 1, 0, 0, 0), nullptr);
  EXPECT_EQ(write_fragment_header(out, end, 1, 1, kMaxVarint + 1, 0, 1), nullptr);
}

TEST(WireFrames, HeadersLeaveRoomForTheirContent) {
  HAWSER_TRACE_SEED();
  Random random(25);
  for (int round = 0; round < 5000; ++round) {
    const uint64_t channel = random.channel();
    const size_t length = random.between(1, 20000);
    const size_t header = message_header_size(channel, length);
    Exact out(Bytes(header + length));
    ASSERT_EQ(write_message_header(out.begin(), out.end(), channel, 1, length),
              out.begin() + header);
    ASSERT_EQ(write_message_header(out.begin(), out.end() - 1, channel, 1, length), nullptr);

    const uint64_t offset = random.between(0, kMaxMessage - length);
    const uint64_t total = random.between(offset + length, kMaxMessage);
    const size_t larger = fragment_header_size(channel, total, offset, length);
    Exact fragment(Bytes(larger + length));
    uint8_t* const end = fragment.end();
    ASSERT_EQ(write_fragment_header(fragment.begin(), end, channel, 1, total, offset, length),
              fragment.begin() + larger);
    ASSERT_EQ(write_fragment_header(fragment.begin(), end - 1, channel, 1, total, offset, length),
              nullptr);
  }
}

TEST(WireFrames, RoomIsUsedToTheLastByteThatCanBe) {
  for (const uint64_t channel : {uint64_t{1}, uint64_t{64}, kMaxVarint}) {
    for (size_t room = 0; room < 17000; room += room < 200 ? 1 : 61) {
      const size_t content = message_room(channel, room);
      if (content > 0) {
        ASSERT_LE(message_header_size(channel, content) + content, room);
      }
      ASSERT_GT(message_header_size(channel, content + 1) + content + 1, room);

      const size_t piece = fragment_room(channel, 1 << 20, 70, room);
      if (piece > 0) {
        ASSERT_LE(fragment_header_size(channel, 1 << 20, 70, piece) + piece, room);
      }
      ASSERT_GT(fragment_header_size(channel, 1 << 20, 70, piece + 1) + piece + 1, room);
    }
  }
}

TEST(WireFrames, CostIsTheBlockAndThirtyTwo) {
  EXPECT_EQ(message_cost(0), 33u);
  EXPECT_EQ(message_cost(63), 1u + 63 + 32);
  EXPECT_EQ(message_cost(64), 2u + 64 + 32);
  EXPECT_EQ(message_cost(16384), 4u + 16384 + 32);
}

TEST(WireFrames, AMessageFrameMayHoldAsManyMessagesAsFit) {
  const Bytes blocks(65000);  // as many empty messages
  Bytes packet(65100);
  Message message{1, 1, 0, blocks.data(), blocks.size()};
  uint8_t* behind = write(packet.data(), packet.data() + packet.size(), message);
  ASSERT_NE(behind, nullptr);
  packet.resize(static_cast<size_t>(behind - packet.data()));
  Frame frame;
  FrameReader reader(packet.data(), packet.size());
  ASSERT_EQ(reader.next(frame), Next::kFrame);
  EXPECT_EQ(frame.message.count, 65000u);
}

}  // namespace
}  // namespace hawser::wire::testing
