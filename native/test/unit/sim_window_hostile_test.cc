// REQUEST, SKIP, WINDOW_HINT and COUNT_NOW from a peer that means no good: the session ends with a
// code or goes on, and neither memory nor answers grow with what it says.
#include "test/unit/sim_counted_support.h"

namespace hawser::sim {
namespace {

using wire::FrameType;
using wire::WindowMode;

class HostileWindow : public CountedReceiver {
 protected:
  void expect_alive() {
    raw_.settle();
    EXPECT_EQ(raw_.close_code(), -1);
    raw_.clear();
    raw_.add(wire::Ping{}).add(wire::AckNow{}).send();
    raw_.settle();
    EXPECT_EQ(acks(), 1u);
  }
  size_t memory() { return peer_->memory().in_use(); }
};

TEST_F(HostileWindow, ASkipBeyondTheCreditIsAnError) {
  open(WindowMode::kEarly, 5, kSecond);
  raw_.add(wire::Skip{1, 3, uint64_t{1} << 40}).send();
  raw_.settle();
  EXPECT_EQ(raw_.close_code(), static_cast<int64_t>(wire::Code::kFlowControl));
}

TEST_F(HostileWindow, ASkipThatCostsNothingIsAnError) {
  open(WindowMode::kEarly, 5, kSecond);
  raw_.add(wire::Skip{1, 3, 0}).send();
  raw_.settle();
  EXPECT_EQ(raw_.close_code(), static_cast<int64_t>(wire::Code::kFlowControl));
}

TEST_F(HostileWindow, ASkipBeyondTheEndIsAnError) {
  open(WindowMode::kEarly, 5, kSecond);
  raw_.add(wire::End{1, 3}).add(wire::Skip{1, 5, 4 * 33}).send();
  raw_.settle();
  EXPECT_EQ(raw_.close_code(), static_cast<int64_t>(wire::Code::kChannelState));
}

TEST_F(HostileWindow, ASkipFarAheadEndsTheSessionAndTakesNoMemory) {
  open(WindowMode::kEarly, 5, kSecond);
  const size_t before = memory();
  raw_.add(wire::Skip{1, 1u << 30, 60'000}).send();
  raw_.settle();
  EXPECT_NE(raw_.close_code(), -1);
  EXPECT_LE(memory(), before + 100'000);
}

TEST_F(HostileWindow, SkipsInAnyOrderGiveBackTheirCreditOnce) {
  open(WindowMode::kEarly, 5, kSecond);
  for (int round = 0; round < 50; round++) {
    for (const uint32_t next : {40u, 20u, 30u, 10u, 40u}) {
      raw_.add(wire::Skip{1, next, (next - 1) * 100}).send();
    }
  }
  be_quiet();
  uint64_t limit = 0;
  raw_.add(wire::Blocked{1, 10'000'000}).send();
  network_.run_for(kSecond);
  raw_.each(FrameType::kCredit,
            [&](Time, const wire::Frame& frame) { limit = std::max(limit, frame.credit.limit); });
  const Channel& channel = *app_.incoming.at(0);
  EXPECT_EQ(channel.counters().skipped, 39u);
  EXPECT_EQ(app_.incoming[0]->inbound().credit_limit() - app_.incoming[0]->inbound().window(),
            39u * 100);
  expect_alive();
}

TEST_F(HostileWindow, FramesOfUnknownChannelsAreJudgedLikeAnyOther) {
  open(WindowMode::kEarly, 5, kSecond);
  // Of ours, never opened.
  wire::Request request{};
  request.channel = 2;
  request.range_count = 1;
  request.ranges[0] = {1, 1};
  raw_.add(request).send();
  raw_.settle();
  EXPECT_EQ(raw_.close_code(), static_cast<int64_t>(wire::Code::kChannelState));
}

TEST_F(HostileWindow, HugeRequestsOfNothingAreNoError) {
  open(WindowMode::kEarly, 5, kSecond);
  push(*peer_, *app_.incoming[0], 5, 10);
  be_quiet();
  const size_t before = memory();
  wire::Request request{};
  request.channel = 1;
  request.range_count = wire::kMaxRequestRanges;
  for (uint32_t i = 0; i < wire::kMaxRequestRanges; i++) {
    request.ranges[i] = {0x8000'0000u + i * 0x10000u, wire::kMaxRequestRun};
  }
  for (int i = 0; i < 200; i++) raw_.add(request).send();
  raw_.settle();
  request.ranges[0] = {1, wire::kMaxRequestRun};
  request.range_count = 1;
  for (int i = 0; i < 200; i++) raw_.add(request).send();
  raw_.settle();
  EXPECT_LE(memory(), before + 50'000);
  EXPECT_EQ(raw_.count(FrameType::kMessage), 0u);  // all of it was acknowledged
  expect_alive();
}

TEST_F(HostileWindow, AFloodOfRequestsRepeatsOncePerRoundTrip) {
  open(WindowMode::kEarly, 5, kSecond);
  push(*peer_, *app_.incoming[0], 50, 100);
  network_.run_for(kMillisecond);
  const uint64_t before = app_.incoming[0]->counters().messages_resent;
  wire::Request request{};
  request.channel = 1;
  request.range_count = 1;
  request.ranges[0] = {1, 50};
  for (int i = 0; i < 1'000; i++) {
    raw_.add(request).send();
    if (i % 50 == 0) raw_.settle();
  }
  raw_.settle();
  EXPECT_LE(app_.incoming[0]->counters().messages_resent - before, 2 * 50u);
  expect_alive();
}

TEST_F(HostileWindow, AFloodOfCountNowIsAnsweredOncePerBatch) {
  open(WindowMode::kCounted, 5, kSecond);
  for (int i = 0; i < 1'000; i++) raw_.add(wire::CountNow{1});
  raw_.send();
  raw_.settle();
  EXPECT_EQ(counts(), Counts{0});
  for (int i = 0; i < 100; i++) raw_.add(wire::CountNow{1}).send();
  raw_.settle();
  EXPECT_EQ(counts(), (Counts{0, 0}));
}

TEST_F(HostileWindow, AnyHintLeavesTheWindowWithinItsBounds) {
  app_.config.window = 0;
  app_.config.window_minimum = 16;
  app_.config.window_maximum = 100;
  open(WindowMode::kEarly, 5, kSecond);
  Channel& channel = *app_.incoming[0];
  uint64_t generation = 1;
  for (const uint32_t messages : {2u, 65'536u, 0u, 2u}) {
    for (int i = 0; i < 20; i++) {
      raw_.add(wire::WindowHint{1, generation++, wire::kLossUnit, messages, messages == 0 ? 0 : 1u})
          .send();
      push(*peer_, channel, 20, 10);
      network_.run_for(20 * kMillisecond);
      raw_.add_ack().send();
      raw_.settle();
      ASSERT_GE(channel.window(), 16u);
      ASSERT_LE(channel.window(), 100u);
      ASSERT_GE(channel.ack_every(), 1u);
    }
  }
  expect_alive();
}

// Every 32nd message is missing: REQUESTs name 64 ranges at most, and all of them in the end.
TEST_F(HostileWindow, MoreGapsThanARequestHoldsAreAskedForInTurns) {
  open(WindowMode::kCounted, 1'000, 100 * kSecond);
  for (uint64_t s = 1; s <= 400; s++) {
    if (s % 2 == 0) raw_.add_messages(1, s, 1, 10).send();
  }
  raw_.settle();
  network_.run_for(100 * kMillisecond);
  std::vector<bool> asked(401);
  for (const auto& request : requests()) {
    ASSERT_LE(request.size(), wire::kMaxRequestRanges);
    for (const auto& [first, last] : request) {
      for (uint32_t s = first; s <= last; s++) {
        ASSERT_EQ(s % 2, 1u);
        asked.at(s) = true;
      }
    }
  }
  for (uint32_t s = 1; s < 390; s += 2) ASSERT_TRUE(asked[s]) << s;
}

}  // namespace
}  // namespace hawser::sim
