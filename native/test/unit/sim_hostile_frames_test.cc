// Frames that no honest peer would send, or not then.

#include <functional>

#include "test/unit/sim_hostile_support.h"

namespace hawser::sim {
namespace {

using wire::Code;
using wire::FrameType;

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
         raw.add_bytes({0x13, 0, 0});
       }},
      {"a handshake of the initiator's side", Code::kCryptoFailed,
       [](RawPeer& raw) { raw.add(crypto_frame(1, 2, 48)); }},
      {"a handshake that skips one", Code::kCryptoFailed,
       [](RawPeer& raw) { raw.add(crypto_frame(2, 1, 96)); }},
      {"a handshake that does not check", Code::kCryptoFailed,
       [](RawPeer& raw) { raw.add(crypto_frame(1, 1, 95)); }},
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

}  // namespace
}  // namespace hawser::sim
