// Frames with any values, in any order.

#include "net/prng.h"
#include "test/unit/sim_hostile_support.h"

namespace hawser::sim {
namespace {

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
  switch (prng.below(23)) {
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
    case 19: {
      wire::Crypto frame{};
      frame.generation = 1 + prng.below(3);
      frame.step = static_cast<uint32_t>(1 + prng.below(2));
      frame.message = bytes;
      frame.length = 1 + prng.below(wire::kMaxCryptoMessage);
      return wire::write(out, end, frame);
    }
    case 20:
      return wire::write(out, end, wire::PathChallenge{});
    case 21:
      return wire::write(out, end, wire::PathResponse{});
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

}  // namespace
}  // namespace hawser::sim
