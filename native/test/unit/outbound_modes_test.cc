// What the window's modes and deliveries make of the same messages.
#include <gtest/gtest.h>

#include <vector>

#include "test/support/failing_memory.h"
#include "transport/outbound.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;

constexpr uint64_t kPlenty = uint64_t{1} << 40;
constexpr size_t kLength = 10;

class OutboundModes : public testing::Test {
 protected:
  void start(const OutboundPolicy& policy, uint32_t window) {
    out_.set_policy(policy);
    out_.set_window(window);
    out_.raise_credit(kPlenty);
  }
  void push(int count) {
    const uint8_t body[kLength] = {};
    for (int i = 0; i < count; i++) {
      if (!out_.ring().push(body, kLength)) {
        ASSERT_TRUE(out_.ring().grow(kLength));
        ASSERT_TRUE(out_.ring().push(body, kLength));
      }
    }
    out_.ring().publish();
    out_.on_published();
  }
  // Packets with one message each, at most `count`.
  std::vector<FrameRef> send(int count) {
    std::vector<FrameRef> sent;
    uint8_t packet[40];
    FrameRef ref;
    while (count-- > 0 && out_.has_work() &&
           out_.write(1, packet, packet + kLength + 10, ref) != packet) {
      sent.push_back(ref);
    }
    return sent;
  }

  FailingMemory memory_;
  Outbound out_{memory_, 1};
};

TEST_F(OutboundModes, FillWaitsForNMessages) {
  OutboundPolicy policy;
  policy.fill = true;
  start(policy, 4);
  push(3);
  EXPECT_FALSE(out_.has_work());
  EXPECT_TRUE(out_.holds_back());
  push(1);
  EXPECT_EQ(send(10).size(), 4u);
}

TEST_F(OutboundModes, FillLetsWhatFitsLeaveWhenTheWindowMoves) {
  OutboundPolicy policy;
  policy.fill = policy.counted = true;
  start(policy, 4);
  push(6);
  EXPECT_EQ(send(10).size(), 4u);
  EXPECT_EQ(out_.on_count(2), 1u);
  EXPECT_EQ(send(10).size(), 1u);
  EXPECT_EQ(out_.on_count(4), 2u);
  EXPECT_EQ(send(10).size(), 1u);
  EXPECT_EQ(out_.on_count(6), 2u);
  push(1);
  EXPECT_FALSE(out_.has_work());
  out_.release();
  EXPECT_EQ(send(10).size(), 1u);
}

TEST_F(OutboundModes, ResendAllRepeatsWhatOnlyPacketsHaveAcknowledged) {
  OutboundPolicy policy;
  policy.counted = policy.resend_all = true;
  start(policy, 8);
  push(5);
  const std::vector<FrameRef> sent = send(10);
  ASSERT_EQ(sent.size(), 5u);
  ASSERT_TRUE(out_.on_acknowledged(sent[3].begin, sent[3].end));
  EXPECT_FALSE(out_.has_work());
  EXPECT_EQ(out_.on_count(3), 2u);
  const std::vector<FrameRef> again = send(10);
  ASSERT_EQ(again.size(), 3u);
  EXPECT_EQ(again.front().begin, sent[2].begin);
  EXPECT_EQ(again.back().end, sent[4].end);
}

TEST_F(OutboundModes, ARequestRepeatsWhatIsMissingOnceInARoundTrip) {
  start({}, 8);
  push(6);
  const std::vector<FrameRef> sent = send(10);
  ASSERT_EQ(sent.size(), 6u);
  ASSERT_TRUE(out_.on_acknowledged(sent[2].begin, sent[2].end));
  constexpr Time kFirst = kSecond;
  constexpr Duration kRoundTrip = 100 * kMillisecond;
  out_.on_request(2, 4, kFirst - kRoundTrip);
  const std::vector<FrameRef> again = send(10);
  ASSERT_EQ(again.size(), 3u);  // 2, 4 and 5: 3 was acknowledged
  for (const FrameRef& ref : again) {
    EXPECT_TRUE(ref.again);
    out_.note_resent(kFirst, ref.begin, ref.end, kFirst - kRoundTrip);
  }
  out_.on_request(2, 4, kFirst + kRoundTrip / 2 - kRoundTrip);
  EXPECT_FALSE(out_.has_work());
  out_.on_request(2, 4, kFirst);
  EXPECT_EQ(send(10).size(), 3u);
}

TEST_F(OutboundModes, NumbersGoOverWhatWasDropped) {
  start({}, 4);
  push(2);
  EXPECT_EQ(send(10).size(), 2u);
  out_.set_window(2);
  push(3);
  out_.expire_below(5);  // 1 and 2 are given up, 3 and 4 dropped
  EXPECT_EQ(out_.expired_messages(), 4u);
  EXPECT_EQ(out_.wire_number(5), 3u);
  EXPECT_EQ(out_.number_of(1), 1u);
  EXPECT_EQ(out_.number_of(2), 2u);
  EXPECT_EQ(out_.number_of(3), 5u);
}

// Else what waits for the base, as flush() does, waits for ever.
TEST_F(OutboundModes, CountedBaseMovesOverWhatWasDropped) {
  OutboundPolicy policy;
  policy.counted = true;
  start(policy, 2);
  push(4);
  EXPECT_EQ(send(10).size(), 2u);
  out_.expire_below(3);
  EXPECT_EQ(out_.skip_target(), 3u);
  out_.expire_below(5);             // dropped while the SKIP is on its way
  EXPECT_EQ(out_.on_count(3), 4u);  // the SKIP was acknowledged
  EXPECT_EQ(out_.base(), 5u);
  EXPECT_TRUE(out_.all_acknowledged());
}

}  // namespace
}  // namespace hawser::transport
