#include <functional>

#include "net/prng.h"
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

using wire::Code;
using wire::FrameType;

// One honest peer, and one that says what no honest peer would.
class Hostile : public testing::Test {
 protected:
  Hostile() {
    EndpointConfig config;
    config.max_channels = 50;
    config.initial_credit = 20'000;
    config.max_credit = 100'000;
    network_.set_application(&app_);
    app_.demand = Demand::kNone;
    app_.config.max_message = 10'000;
    victim_ = &network_.add_peer(config);
    victim_->set_memory_bound(3u << 20);
  }

  void TearDown() override {
    EXPECT_EQ(network_.failure(), "");
    victim_->destroy();
    EXPECT_EQ(network_.failure(), "");
  }

  // Sends what was added, expects the session to be closed with `code`.
  void expect_close(RawPeer& raw, Code code) {
    raw.send();
    raw.settle();
    EXPECT_EQ(raw.close_code(), static_cast<int64_t>(code))
        << wire::code_name(wire::code_from_wire(static_cast<uint64_t>(raw.close_code())));
  }

  static wire::Open open_frame(uint64_t id) {
    static constexpr uint8_t kName[] = {'x'};
    wire::Open open{};
    open.channel = id;
    open.service = kName;
    open.service_length = 1;
    open.metadata = kName;
    open.limit = 65'536;
    open.max_message = 1'000;
    return open;
  }

  static wire::Fragment fragment(uint64_t channel, uint32_t sequence, uint64_t total,
                                 uint64_t offset, size_t length) {
    static constexpr uint8_t kBytes[2'000] = {};
    wire::Fragment frame{};
    frame.channel = channel;
    frame.sequence32 = sequence;
    frame.total = total;
    frame.offset = offset;
    frame.data = kBytes;
    frame.length = length;
    return frame;
  }

  static wire::Count count_of(uint64_t channel, uint32_t count) {
    wire::Count frame;
    frame.entry_count = 1;
    frame.entries[0] = {channel, count};
    return frame;
  }

  static wire::Ack ack_of(uint64_t first, uint64_t last) {
    wire::Ack ack;
    ack.delay_us = 0;
    ack.range_count = 1;
    ack.ranges[0] = {first, last};
    return ack;
  }

  SimNetwork network_{1};
  RecordingApp app_;
  SimPeer* victim_ = nullptr;
};

TEST_F(Hostile, WhatTheStateForbidsClosesTheSession) {
  struct Case {
    const char* name;
    Code code;
    std::function<void(RawPeer&)> say;
  };
  const std::vector<Case> cases = {
      {"ack of what was never sent", Code::kAckInvalid,
       [](RawPeer& raw) {
         raw.add(ack_of(raw.largest_received() + 1, raw.largest_received() + 1));
       }},
      {"ack far beyond", Code::kAckInvalid,
       [](RawPeer& raw) { raw.add(ack_of(0, uint64_t{1} << 61)); }},
      {"count of what was never sent", Code::kAckInvalid,
       [](RawPeer& raw) { raw.add(open_frame(1)).add(count_of(1, 1)); }},
      {"message beyond the credit", Code::kFlowControl,
       [](RawPeer& raw) {
         for (uint64_t s = 1; s <= 20; s++) raw.add_messages(1, s, 1, 1'000);
       }},
      {"message far ahead", Code::kFlowControl,
       [](RawPeer& raw) { raw.add_messages(1, 10'000, 1, 1); }},
      {"message half the numbers ahead", Code::kFlowControl,
       [](RawPeer& raw) { raw.add_messages(1, 0x7fff'ffff, 1, 1); }},
      {"fragment far ahead", Code::kFlowControl,
       [](RawPeer& raw) { raw.add(fragment(1, 5'000'000, 100, 0, 1)); }},
      {"fragment of more than the credit", Code::kFlowControl,
       [](RawPeer& raw) { raw.add(fragment(1, 1, 19'990, 0, 1)); }},
      {"fragment beyond the largest message", Code::kMessageTooLarge,
       [](RawPeer& raw) { raw.add(fragment(1, 1, uint64_t{1} << 40, 0, 1)); }},
      {"another length than before", Code::kChannelState,
       [](RawPeer& raw) { raw.add(fragment(1, 1, 100, 0, 10)).add(fragment(1, 1, 101, 10, 10)); }},
      {"one channel too many", Code::kChannelLimit, [](RawPeer& raw) { raw.add(open_frame(101)); }},
      {"data of a channel far beyond", Code::kChannelLimit,
       [](RawPeer& raw) { raw.add_messages(999'999'999'999, 1, 1, 1); }},
      {"a channel of ours that is not open", Code::kChannelState,
       [](RawPeer& raw) { raw.add_messages(2, 1, 1, 1); }},
      {"channel 0", Code::kFrameEncoding,
       [](RawPeer& raw) {
         raw.add_bytes({0x14, 0, 0, 0, 0, 1, 1, 0});
       }},
      {"opening with our ids", Code::kChannelState, [](RawPeer& raw) { raw.add(open_frame(2)); }},
      {"message after the end", Code::kChannelState,
       [](RawPeer& raw) {
         raw.add(open_frame(1)).add(wire::End{1, 1}).add_messages(1, 2, 1, 1);
       }},
      {"end before what came", Code::kChannelState,
       [](RawPeer& raw) {
         raw.add_messages(1, 1, 3, 1).add(wire::End{1, 2});
       }},
      {"two different ends", Code::kChannelState,
       [](RawPeer& raw) {
         raw.add(wire::End{1, 2}).add(wire::End{1, 3});
       }},
      {"a reserved frame", Code::kFrameEncoding,
       [](RawPeer& raw) {
         raw.add_bytes({0x03, 0, 0});
       }},
      {"an unknown frame below 0x40", Code::kFrameEncoding,
       [](RawPeer& raw) { raw.add_bytes({0x3f}); }},
      {"a frame that is cut off", Code::kFrameEncoding,
       [](RawPeer& raw) {
         raw.add_bytes({0x14, 1});
       }},
      {"a number longer than needed", Code::kFrameEncoding,
       [](RawPeer& raw) {
         raw.add_bytes({0x40, 0x01});
       }},
      {"a skipped frame that ends beyond the packet", Code::kFrameEncoding,
       [](RawPeer& raw) {
         raw.add_bytes({0x40, 0x40, 0x20, 1, 2});
       }},
  };
  for (const Case& item : cases) {
    SCOPED_TRACE(item.name);
    RawPeer raw(network_);
    ASSERT_TRUE(raw.connect(0));
    raw.clear();
    item.say(raw);
    expect_close(raw, item.code);
    network_.run_for(5 * kSecond);
  }
  EXPECT_EQ(victim_->endpoint().counters().protocol_errors, cases.size());
  EXPECT_EQ(victim_->endpoint().session_count(), 0u);
}

TEST_F(Hostile, WhatMayComeLateIsIgnored) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  raw.clear();
  // Frames for channels that were never heard of, or are gone.
  raw.add(count_of(77, 5)).add(wire::MaxChannels{0});
  raw.add(open_frame(1)).add(open_frame(1));
  raw.send();
  raw.settle();
  ASSERT_EQ(app_.incoming.size(), 1u);
  static constexpr uint8_t kNone[1] = {};
  raw.add(wire::Reset{1, 0x10, 0, 0, kNone, 0});
  raw.send();
  raw.settle();
  raw.add_messages(1, 1, 1, 5).add(fragment(1, 9, 50, 1, 2)).add(wire::End{1, 8});
  raw.add(wire::Credit{1, 9}).add(wire::Blocked{1, 9}).add(open_frame(1));
  raw.add(wire::Reset{1, 0x10, 4, 4, kNone, 0});
  raw.send();
  raw.settle();
  // A frame from a later version.
  raw.add_bytes({0x40, 0x41, 0x03, 1, 2, 3});
  raw.send();
  raw.settle();
  EXPECT_EQ(raw.close_code(), -1);
  EXPECT_EQ(app_.incoming.size(), 1u);
  EXPECT_EQ(app_.channels_closed.size(), 1u);
  // What it skipped is acknowledged like the rest.
  network_.run_for(kSecond);
  uint64_t acknowledged = 0;
  raw.each(FrameType::kAck,
           [&](Time, const wire::Frame& frame) { acknowledged = frame.ack.largest(); });
  EXPECT_EQ(acknowledged, raw.next_number - 1);
}

// The owner was told of the end of a channel that it did not know, and never again.
TEST_F(Hostile, AnEndThatOvertakesItsOpenIsToldAfterIt) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  raw.add(wire::End{1, 0});
  raw.send();
  raw.settle();
  EXPECT_EQ(app_.unannounced, 0u);
  EXPECT_TRUE(app_.seen.empty());
  raw.add(open_frame(1));
  raw.send();
  raw.settle();
  ASSERT_EQ(app_.incoming.size(), 1u);
  EXPECT_NE(app_.seen[app_.incoming[0]].events & transport::kChannelEnded, 0u);
}

TEST_F(Hostile, EndlessPiecesTakeNoMoreThanTheCredit) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  const size_t before = victim_->memory().in_use();
  // Begins of messages, for all channels it may use, never the rest.
  for (uint64_t channel = 1; channel < 100; channel += 2) {
    for (uint32_t sequence = 1; sequence <= 10; sequence++) {
      raw.add(fragment(channel, sequence, 1'900, 1'800, 1));
      raw.send();
      raw.settle();
    }
  }
  EXPECT_EQ(raw.close_code(), -1);
  EXPECT_LT(victim_->memory().in_use(), before + 50 * (3 * 20'000));
  // Every other byte of one message.
  raw.add(open_frame(1)).send();
  raw.settle();
  const size_t held = victim_->memory().in_use();
  for (size_t offset = 1; offset < 1'900; offset += 2) {
    raw.add_ack().add(fragment(1, 1, 1'900, offset, 1)).send();
    raw.settle();
  }
  EXPECT_LT(victim_->memory().in_use(), held + 20'000);
  EXPECT_EQ(raw.close_code(), -1);
}

TEST_F(Hostile, ManyChannelsTakeBoundedMemoryAndAreForgotten) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  const size_t before = victim_->memory().in_use();
  // Data for channels that are never opened.
  for (uint64_t channel = 1; channel < 100; channel += 2) {
    raw.add_messages(channel, 1, 1, 500);
    raw.send();
    raw.settle();
  }
  EXPECT_EQ(raw.close_code(), -1);
  EXPECT_LT(victim_->memory().in_use(), before + 50 * 4'096);
  EXPECT_TRUE(app_.incoming.empty());
  // The session dies: so do they, though nobody was ever told of them.
  raw.add(wire::Close{0, nullptr, 0}).send();
  raw.settle();
  network_.run_for(20 * kSecond);
  EXPECT_EQ(victim_->endpoint().session_count(), 0u);
  victim_->runtime().run_timers(network_.now());
  victim_->runtime().pool().trim();
  EXPECT_LT(victim_->memory().in_use(), before);
  EXPECT_EQ(app_.unannounced, 0u);
}

TEST_F(Hostile, AChannelResetBeforeItsOpenConcernsNobody) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  static constexpr uint8_t kNone[1] = {};
  raw.add_messages(1, 1, 3, 10).send();
  raw.settle();
  raw.add(wire::Reset{1, 0, 3, 3 * 43, kNone, 0}).send();
  raw.settle();
  raw.add(open_frame(1)).send();  // comes late
  network_.run_for(kSecond);
  EXPECT_EQ(raw.close_code(), -1);
  EXPECT_EQ(app_.unannounced, 0u);
  EXPECT_EQ(app_.messages, 0u);
  EXPECT_TRUE(app_.incoming.empty());
  ASSERT_FALSE(app_.opened.empty());
  EXPECT_EQ(app_.opened.back()->channel_count(), 0u);
}

TEST_F(Hostile, ForeignPacketsAreDroppedAndCounted) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  raw.clear();
  const transport::EndpointCounters before = victim_->endpoint().counters();
  raw.send_datagram({});
  raw.send_datagram({0x00, 1, 2, 3});
  raw.send_datagram({0x7f});
  raw.send_datagram({0xb0, 1, 2, 3});  // reserved
  raw.send_datagram({0x81, 1, 2, 3});  // a flag
  raw.send_datagram({0x80});
  raw.send_datagram(std::vector<uint8_t>(29, 0x80));
  std::vector<uint8_t> unknown(40);
  unknown[0] = 0x80;
  raw.send_datagram(unknown);
  // A tag that does not check.
  std::vector<uint8_t> bad(wire::kPacketOverhead + 1);
  uint8_t* frames = wire::write_data_header(bad.data(), wire::DataHeader{raw.remote_id(), 500});
  *frames = 1;
  bad.back() = 1;
  raw.send_datagram(bad);
  raw.settle();
  const transport::EndpointCounters after = victim_->endpoint().counters();
  EXPECT_EQ(after.foreign - before.foreign, 5u);
  EXPECT_EQ(after.malformed - before.malformed, 2u);
  EXPECT_EQ(after.unknown_session - before.unknown_session, 1u);
  EXPECT_EQ(after.unauthenticated - before.unauthenticated, 1u);
  EXPECT_EQ(after.datagrams_in - before.datagrams_in, 9u);
  EXPECT_TRUE(raw.received().empty());
}

TEST_F(Hostile, PacketsFromAnotherAddressAreDropped) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  network_.run_for(kSecond);
  raw.clear();
  std::vector<uint8_t> ping(wire::kPacketOverhead + 1);
  *wire::write_data_header(ping.data(), wire::DataHeader{raw.remote_id(), 70}) = 1;
  transport::PathAddress stranger;
  stranger.bytes[0] = 0x77;
  const uint64_t before = victim_->endpoint().counters().unknown_session;
  network_.inject(network_.now(), stranger, 0, ping.data(), ping.size());
  network_.run_for(kSecond);
  EXPECT_EQ(victim_->endpoint().counters().unknown_session, before + 1);
  EXPECT_EQ(raw.count(FrameType::kAck), 0u);
  raw.send_datagram(ping);
  network_.run_for(kSecond);
  EXPECT_EQ(raw.count(FrameType::kAck), 1u);
}

TEST_F(Hostile, EveryPacketIsTakenOnce) {
  RawPeer raw(network_);
  app_.demand = Demand::kContinuous;
  ASSERT_TRUE(raw.connect(0));
  raw.add(open_frame(1)).send();
  raw.settle();
  for (int repeat = 0; repeat < 5; repeat++) {
    for (uint64_t s = 1; s <= 10; s++) {
      raw.add_messages(1, s, 1, 10);
      raw.send_as(1'000 + s);
    }
    raw.settle();
  }
  EXPECT_EQ(app_.messages, 10u);
  EXPECT_EQ(victim_->endpoint().counters().duplicates, 40u);
  // Older than the window of duplicates: dropped, although it never came.
  raw.add(wire::Ping{}).send_as(100'000);
  raw.settle();
  const uint64_t before = victim_->endpoint().counters().duplicates;
  raw.add_messages(1, 11, 1, 10).send_as(1'500);
  raw.settle();
  EXPECT_EQ(victim_->endpoint().counters().duplicates, before + 1);
  EXPECT_EQ(app_.messages, 10u);
}

TEST_F(Hostile, PacketNumbersGoOnAcrossTheWrapOfTheirLowBits) {
  RawPeer raw(network_);
  app_.demand = Demand::kContinuous;
  ASSERT_TRUE(raw.connect(0));
  raw.add(open_frame(1)).send_as(0x7fff'ffff);
  raw.settle();
  raw.add(wire::Ping{}).send_as(0xffff'fff0);
  raw.settle();
  raw.clear();
  uint64_t sequence = 1;
  for (uint64_t number = 0xffff'fff8; number < 0x1'0000'0008; number++) {
    raw.add_messages(1, sequence++, 1, 10);
    raw.send_as(number);
    raw.settle();
  }
  network_.run_for(kSecond);
  EXPECT_EQ(app_.messages, 16u);
  uint64_t largest = 0;
  uint64_t first = 0;
  raw.each(FrameType::kAck, [&](Time, const wire::Frame& frame) {
    largest = frame.ack.largest();
    first = frame.ack.ranges[0].first;
  });
  EXPECT_EQ(largest, 0x1'0000'0007u);
  EXPECT_EQ(first, 0xffff'fff8u);
}

TEST_F(Hostile, GarbageIsDroppedAndCounted) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  const transport::EndpointCounters before = victim_->endpoint().counters();
  net::Prng prng(7);
  for (int i = 0; i < 100'000; i++) {
    std::vector<uint8_t> bytes(prng.below(i % 100 == 0 ? 1'300 : 60));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(prng.next());
    if (!bytes.empty() && prng.below(2) == 0)
      bytes[0] = static_cast<uint8_t>(0x80 | prng.below(3) << 4);
    raw.send_datagram(bytes);
    if (i % 1'000 == 0) raw.settle();
  }
  raw.settle();
  const transport::EndpointCounters after = victim_->endpoint().counters();
  EXPECT_EQ(after.datagrams_in - before.datagrams_in, 100'000u);
  EXPECT_EQ(after.foreign - before.foreign + after.malformed - before.malformed +
                after.unknown_session - before.unknown_session + after.not_for_us -
                before.not_for_us,
            100'000u);
  EXPECT_EQ(victim_->endpoint().session_count(), 1u);
  raw.clear();
  raw.add(wire::Ping{}).add(wire::AckNow{}).send();
  raw.settle();
  EXPECT_EQ(raw.count(FrameType::kAck), 1u);
}

// A random value that likes the edges.
uint64_t odd_number(net::Prng& prng) {
  static constexpr uint64_t kOdd[] = {0,  1,   2,      3,          5,          63,
                                      64, 100, 16'383, 0x7fffffff, 0xffffffff, wire::kMaxVarint};
  switch (prng.below(3)) {
    case 0:
      return kOdd[prng.below(std::size(kOdd))];
    case 1:
      return prng.below(20);
    default:
      return prng.next() >> (2 + prng.below(62));
  }
}

// One frame of any type with any values; nullptr when no reader would take it.
uint8_t* write_random_frame(net::Prng& prng, uint8_t* out, uint8_t* end, uint64_t largest) {
  static uint8_t bytes[300] = {};
  const auto number = [&] { return odd_number(prng); };
  const auto u32 = [&] { return static_cast<uint32_t>(odd_number(prng)); };
  const uint64_t channel = prng.below(4) == 0 ? number() : prng.below(8);
  switch (prng.below(17)) {
    case 0:
      return wire::write(out, end, wire::Ping{});
    case 1:
      return wire::write(out, end, wire::AckNow{});
    case 2: {
      wire::Ack ack;
      ack.delay_us = number();
      ack.range_count = static_cast<uint32_t>(1 + prng.below(3));
      uint64_t top = largest + 2 - prng.below(4);
      for (uint32_t i = 0; i < ack.range_count; i++) {
        const uint64_t length = prng.below(3);
        ack.ranges[i] = {top > length ? top - length : 0, top};
        top = top > length + 2 + 3 ? top - length - 2 - prng.below(3) : 0;
      }
      return wire::write(out, end, ack);
    }
    case 3: {
      wire::Count count;
      count.entry_count = static_cast<uint32_t>(1 + prng.below(3));
      for (uint32_t i = 0; i < count.entry_count; i++) count.entries[i] = {prng.below(8), u32()};
      return wire::write(out, end, count);
    }
    case 4:
      return wire::write(out, end, wire::AckPolicy{number(), u32(), u32(), u32()});
    case 5:
      return wire::write(out, end,
                         wire::Window{channel, number(), u32(), u32(), u32(),
                                      static_cast<wire::WindowMode>(prng.below(2))});
    case 6:
      return wire::write(out, end, wire::Credit{channel, number()});
    case 7:
      return wire::write(out, end, wire::Blocked{channel, number()});
    case 8:
      return wire::write(out, end, wire::MaxChannels{number()});
    case 9:
      return wire::write(
          out, end,
          wire::Open{channel, bytes, 1 + prng.below(200), bytes, prng.below(200), number(),
                     number(), static_cast<wire::Delivery>(prng.below(4))});
    case 10:
      return wire::write(
          out, end,
          wire::Accept{channel, number(), number(), static_cast<wire::Delivery>(prng.below(4))});
    case 11:
      return wire::write(out, end, wire::End{channel, number()});
    case 12:
      return wire::write(
          out, end, wire::Reset{channel, number(), number(), number(), bytes, prng.below(255)});
    case 13:
      if (prng.below(20) != 0) return nullptr;
      return wire::write(out, end, wire::Close{number(), bytes, prng.below(255)});
    case 14: {
      wire::Message message{};
      message.channel = channel;
      message.sequence32 = prng.below(3) == 0 ? u32() : static_cast<uint32_t>(prng.below(30));
      message.data = bytes;  // empty messages
      message.length = 1 + prng.below(40);
      return wire::write(out, end, message);
    }
    case 15:
      return wire::write(out, end, wire::CountNow{channel});
    case 16:
      return wire::write(out, end,
                         wire::WindowHint{channel, number(), u32() % 65'537, 2 + u32() % 65'535,
                                          static_cast<uint32_t>(prng.below(3))});
    case 17: {
      wire::Request request{};
      request.channel = channel;
      request.range_count = 1;
      request.ranges[0] = {prng.below(3) == 0 ? u32() : static_cast<uint32_t>(prng.below(30)),
                           static_cast<uint32_t>(1 + prng.below(20))};
      return wire::write(out, end, request);
    }
    case 18:
      return wire::write(out, end,
                         wire::Skip{channel, static_cast<uint32_t>(prng.below(40)),
                                    prng.below(2) == 0 ? prng.below(2000) : number()});
    default: {
      wire::Fragment frame{};
      frame.channel = channel;
      frame.sequence32 = prng.below(3) == 0 ? u32() : static_cast<uint32_t>(prng.below(30));
      frame.total = prng.below(2) == 0 ? 200 : number();
      frame.data = bytes;
      frame.length = 1 + prng.below(100);
      frame.offset = prng.below(200);
      return wire::write(out, end, frame);
    }
  }
}

// Well-formed frames with any values in any order: protocol errors or not, but no crash, no
// unbounded memory, nothing left behind.
TEST_F(Hostile, RandomFramesDoNoHarm) {
  for (uint64_t seed = 1; seed <= 1'500; seed++) {
    SCOPED_TRACE(seed);
    net::Prng prng(seed);
    app_.accept = prng.below(4) != 0;
    app_.demand = prng.below(2) == 0 ? Demand::kContinuous : Demand::kOnce;
    RawPeer raw(network_);
    ASSERT_TRUE(raw.connect(0));
    Session* session = app_.opened.back();
    const size_t closed = app_.sessions_closed.size();
    std::vector<Channel*> ours;
    for (uint64_t i = prng.below(3); i > 0; i--) ours.push_back(open_channel(*victim_, *session));
    for (int packet = 0; packet < 40 && raw.close_code() < 0; packet++) {
      std::vector<uint8_t> frames;
      for (uint64_t i = prng.below(5) + 1; i > 0; i--) {
        uint8_t buffer[1'200];
        uint8_t* after =
            write_random_frame(prng, buffer, buffer + sizeof buffer, raw.largest_received());
        if (after != nullptr) frames.insert(frames.end(), buffer, after);
      }
      if (frames.empty()) continue;
      if (prng.below(20) == 0)
        frames[prng.below(frames.size())] ^= static_cast<uint8_t>(1 << prng.below(8));
      if (prng.below(20) == 0) frames.resize(1 + prng.below(frames.size()));
      raw.add_bytes(frames).send();
      if (prng.below(2) == 0) raw.settle();
      if (prng.below(10) == 0) network_.run_for(30 * kMillisecond);
      if (app_.sessions_closed.size() == closed && session->open()) {
        for (Channel* channel : ours) {
          if (app_.seen[channel].reason.by == ClosedBy::kNobody && !channel->gone())
            push(*victim_, *channel, 2, 30);
        }
        for (Channel* channel : app_.incoming) {
          if (app_.seen[channel].reason.by == ClosedBy::kNobody && !channel->gone() &&
              channel->accepted()) {
            push(*victim_, *channel, 1, 30);
          }
        }
      }
      ASSERT_EQ(network_.failure(), "");
    }
    session = nullptr;
    raw.add(wire::Close{0, nullptr, 0}).send();
    network_.run_for(200 * kSecond);
    ASSERT_EQ(network_.failure(), "");
    app_.incoming.clear();
    app_.seen.clear();
    app_.opened.clear();
  }
  EXPECT_EQ(victim_->endpoint().session_count(), 0u);
}

// Packets of a real session, cut short or with bits flipped, thrown at another: without protection
// they may be believed, but they do no harm to the endpoint.
TEST(HostilePath, DamagedPacketsOfARealSessionDoNoHarm) {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    SCOPED_TRACE(seed);
    net::Prng prng(seed);
    SimNetwork network(seed);
    RecordingApp app;
    network.set_application(&app);
    network.set_capture(true);
    SimPeer& a = network.add_peer();
    SimPeer& b = network.add_peer();
    LinkOptions options;
    options.impairment.delay_ns = 5 * kMillisecond;
    network.set_links(0, 1, options);
    Session* session = a.connect(1, 10 * kSecond);
    ASSERT_TRUE(network.run_until([&] { return app.opened.size() == 2; }, 10 * kSecond));
    Channel* channel = open_channel(a, *session);
    ASSERT_TRUE(network.run_until([&] { return channel->accepted(); }, 10 * kSecond));
    b.set_memory_bound(32u << 20);
    bool gone = false;
    for (int round = 0; round < 20 && !gone; round++) {
      push(a, *channel, 20, prng.below(3'000));
      network.run_for(3 * kMillisecond);
      const size_t seen = network.capture().size();
      for (int i = 0; i < 50 && seen != 0; i++) {
        const Captured& original = network.capture()[prng.below(seen)];
        std::vector<uint8_t> bytes = original.bytes;
        if (prng.below(3) == 0) bytes.resize(prng.below(bytes.size()));
        for (uint64_t flips = prng.below(4); flips > 0 && !bytes.empty(); flips--) {
          // Leave the tag alone more often than not: what has a wrong one is dropped anyway.
          const size_t room =
              bytes.size() > 40 && prng.below(4) != 0 ? bytes.size() - 16 : bytes.size();
          bytes[prng.below(room)] ^= static_cast<uint8_t>(1u << prng.below(8));
        }
        if (bytes.size() > 13 && bytes[0] == 0x80 && prng.below(2) == 0) {
          bytes[9 + prng.below(4)] ^= static_cast<uint8_t>(1u << prng.below(8));  // a fresh number
        }
        // Believed lies would rightly alarm the oracle: this is only about b, so b hears it alone.
        transport::PathAddress from = SimPeer::address_of(0);
        b.receive(from, bytes.data(), bytes.size());
      }
      gone = !app.sessions_closed.empty() || b.endpoint().counters().protocol_errors > 0 ||
             network.failed();
    }
    EXPECT_EQ(b.memory().misuse(), nullptr);
    EXPECT_LT(b.memory().peak(), 32u << 20);
    a.destroy();
    b.destroy();
    EXPECT_EQ(b.memory().in_use(), 0u);
  }
}

}  // namespace
}  // namespace hawser::sim
