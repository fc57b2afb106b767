// How messages are sent: OutboundPolicy (counted, fill, resend_all), and hold().
#include <gtest/gtest.h>

#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/outbound_stream.h"
#include "transport/outbound.h"

namespace hawser::transport {
namespace {

using namespace outbound_test;

class OutboundPolicyTest : public testing::Test {
 protected:
  void configure(const OutboundPolicy& policy, uint32_t window = 100) {
    out_.set_policy(policy);
    out_.set_window(window);
    out_.raise_credit(kPlenty);
  }
  void configure_counted(uint32_t window = 100) {
    OutboundPolicy policy;
    policy.counted = true;
    configure(policy, window);
  }
  void configure_fill(uint32_t window) {
    OutboundPolicy policy;
    policy.fill = true;
    configure(policy, window);
  }
  void push_many(int count, size_t length = 10) {
    for (int i = 0; i < count; i++) push(out_, length);
    out_.on_published();
  }
  // Everything that may leave, packet by packet.
  std::vector<Packet> write_all(size_t room = 1'000) {
    std::vector<Packet> packets;
    Packet packet;
    while (out_.has_work() && write_packet(out_, room, packet)) packets.push_back(packet);
    return packets;
  }
  bool acknowledge(const Packet& packet) {
    return out_.on_acknowledged(packet.ref.begin, packet.ref.end);
  }
  bool lose(const Packet& packet) {
    return out_.on_lost(packet.ref.begin, packet.ref.end, packet.ref.again);
  }
  // What one more packet says, as (first sequence, messages) of its MESSAGE frames.
  static std::vector<std::pair<uint32_t, uint32_t>> messages_in(const Packet& packet) {
    std::vector<std::pair<uint32_t, uint32_t>> found;
    wire::FrameReader reader(packet.frames.data(), packet.frames.size());
    wire::Frame frame;
    while (reader.next(frame) == wire::FrameReader::Next::kFrame) {
      if (frame.type() == wire::FrameType::kMessage) {
        found.emplace_back(frame.message.sequence32, frame.message.count);
      } else {
        found.emplace_back(frame.fragment.sequence32, 0);
      }
    }
    return found;
  }

  test::FailingMemory memory_;
  Outbound out_{memory_, 1};
};

using Found = std::vector<std::pair<uint32_t, uint32_t>>;

// --- Counted.

TEST_F(OutboundPolicyTest, CountedPutsOneMessageIntoAPacket) {
  configure_counted();
  push_many(3);
  const std::vector<Packet> packets = write_all();
  ASSERT_EQ(packets.size(), 3u);
  for (uint32_t i = 0; i < 3; i++) EXPECT_EQ(messages_in(packets[i]), (Found{{i + 1, 1}}));
}

TEST_F(OutboundPolicyTest, CountedCutsALongMessageAndAddsNothingToItsLastPiece) {
  configure_counted();
  push(out_, 700);
  push(out_, 10);
  std::vector<Packet> packets = write_all(400);
  ASSERT_EQ(packets.size(), 3u);
  EXPECT_EQ(messages_in(packets[0]), (Found{{1, 0}}));
  EXPECT_EQ(messages_in(packets[1]), (Found{{1, 0}}));
  EXPECT_EQ(messages_in(packets[2]), (Found{{2, 1}}));
  // The same when all of it is repeated.
  for (const Packet& packet : packets) ASSERT_TRUE(lose(packet));
  packets = write_all(400);
  ASSERT_EQ(packets.size(), 3u);
  EXPECT_EQ(messages_in(packets[1]), (Found{{1, 0}}));
  EXPECT_EQ(messages_in(packets[2]), (Found{{2, 1}}));
  EXPECT_TRUE(packets[2].ref.again);
}

TEST_F(OutboundPolicyTest, CountedMovesTheBaseByCountAlone) {
  configure_counted(4);
  push_many(6);
  const std::vector<Packet> packets = write_all();
  ASSERT_EQ(packets.size(), 4u);
  for (const Packet& packet : packets) ASSERT_TRUE(acknowledge(packet));
  EXPECT_EQ(out_.base(), 1u);
  EXPECT_EQ(out_.in_flight(), 4u);
  EXPECT_FALSE(out_.has_work());
  EXPECT_EQ(out_.on_count(3), 2u);
  // Not over what only packets have acknowledged.
  EXPECT_EQ(out_.base(), 3u);
  EXPECT_EQ(write_all().size(), 2u);
}

TEST_F(OutboundPolicyTest, CountedDoesNotRepeatWhatAPacketHasAcknowledged) {
  configure_counted();
  push_many(3);
  const std::vector<Packet> packets = write_all();
  ASSERT_TRUE(acknowledge(packets[1]));
  for (const Packet& packet : packets) ASSERT_TRUE(lose(packet));
  const std::vector<Packet> again = write_all();
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(messages_in(again[0]), (Found{{1, 1}}));
  EXPECT_EQ(messages_in(again[1]), (Found{{3, 1}}));
}

TEST_F(OutboundPolicyTest, TrustedPacketsMoveTheBaseAtOnceAndFromThenOn) {
  configure_counted();
  push_many(5);
  const std::vector<Packet> packets = write_all();
  ASSERT_TRUE(acknowledge(packets[0]));
  ASSERT_TRUE(acknowledge(packets[1]));
  ASSERT_TRUE(acknowledge(packets[3]));
  EXPECT_EQ(out_.trust_packets(), 2u);
  EXPECT_EQ(out_.base(), 3u);
  EXPECT_EQ(out_.trust_packets(), 0u);
  ASSERT_TRUE(acknowledge(packets[2]));
  EXPECT_EQ(out_.base(), 5u);
  ASSERT_TRUE(acknowledge(packets[4]));
  EXPECT_TRUE(out_.all_acknowledged());
}

// --- Fill.

TEST_F(OutboundPolicyTest, FillSendsNothingBelowNAndNWithTheNth) {
  configure_fill(4);
  push_many(3);
  EXPECT_FALSE(out_.has_work());
  EXPECT_TRUE(out_.holds_back());
  uint64_t wanted = 0;
  EXPECT_FALSE(out_.blocked_by_credit(wanted));
  push_many(1);
  EXPECT_TRUE(out_.has_work());
  EXPECT_FALSE(out_.holds_back());
  const std::vector<Packet> packets = write_all();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(messages_in(packets[0]), (Found{{1, 4}}));
}

TEST_F(OutboundPolicyTest, FillSendsNAtMostWhenMoreAreThere) {
  configure_fill(4);
  push_many(7);
  EXPECT_EQ(write_all().size(), 1u);
  EXPECT_EQ(out_.next_sequence(), 5u);
  EXPECT_TRUE(out_.holds_back());
}

// "Nothing leaves before N messages are there, the window was shifted, or release() was called."
TEST_F(OutboundPolicyTest, FillLetsWhatIsThereGoWhenACountShiftsTheWindow) {
  configure_fill(4);
  push_many(6);
  (void)write_all();
  EXPECT_EQ(out_.on_count(3), 2u);
  const std::vector<Packet> packets = write_all();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(messages_in(packets[0]), (Found{{5, 2}}));
  // What comes later waits for N again.
  push_many(1);
  EXPECT_FALSE(out_.has_work());
}

TEST_F(OutboundPolicyTest, FillLetsWhatIsThereGoWhenAcknowledgedPacketsShiftTheWindow) {
  configure_fill(4);
  push_many(6);
  const std::vector<Packet> packets = write_all();
  ASSERT_EQ(packets.size(), 1u);
  ASSERT_TRUE(acknowledge(packets[0]));
  ASSERT_EQ(out_.base(), 5u);
  const std::vector<Packet> more = write_all();
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(messages_in(more[0]), (Found{{5, 2}}));
}

TEST_F(OutboundPolicyTest, ReleaseLetsWhatIsPublishedGoAndNothingMore) {
  configure_fill(10);
  push_many(3);
  out_.release();
  EXPECT_FALSE(out_.holds_back());
  EXPECT_EQ(write_all().size(), 1u);
  EXPECT_EQ(out_.next_sequence(), 4u);
  push_many(1);
  EXPECT_FALSE(out_.has_work());
  EXPECT_TRUE(out_.holds_back());
}

TEST_F(OutboundPolicyTest, FillDoesNotHoldBackWhatWasLost) {
  configure_fill(4);
  push_many(5);
  const std::vector<Packet> packets = write_all();
  ASSERT_TRUE(lose(packets[0]));
  EXPECT_TRUE(out_.has_work());
  const std::vector<Packet> again = write_all();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(messages_in(again[0]), (Found{{1, 4}}));
}

// --- Resend all.

TEST_F(OutboundPolicyTest, ResendAllRepeatsEverythingInFlightWhenTheBaseMoves) {
  OutboundPolicy policy;
  policy.counted = true;
  policy.resend_all = true;
  configure(policy, 4);
  push_many(6);
  const std::vector<Packet> packets = write_all();
  ASSERT_EQ(packets.size(), 4u);
  // Also what only packets have acknowledged.
  ASSERT_TRUE(acknowledge(packets[2]));
  EXPECT_EQ(out_.on_count(3), 2u);
  const std::vector<Packet> again = write_all();
  ASSERT_EQ(again.size(), 4u);
  for (uint32_t i = 0; i < 4; i++) EXPECT_EQ(messages_in(again[i]), (Found{{i + 3, 1}})) << i;
  EXPECT_TRUE(again[0].ref.again);
  EXPECT_TRUE(again[1].ref.again);
  EXPECT_FALSE(again[2].ref.again);
  EXPECT_EQ(out_.resent_messages(), 2u);
  EXPECT_EQ(out_.sent_messages(), 6u);
}

TEST_F(OutboundPolicyTest, ResendAllRepeatsNothingWhenTheBaseStays) {
  OutboundPolicy policy;
  policy.resend_all = true;
  configure(policy);
  push_many(4);
  (void)write_all();
  EXPECT_EQ(out_.on_count(1), 0u);
  EXPECT_FALSE(out_.has_lost());
  EXPECT_EQ(out_.on_count(5), 4u);
  EXPECT_FALSE(out_.has_lost());
}

TEST_F(OutboundPolicyTest, ResendAllDoesNotRepeatWhatWasGivenUp) {
  OutboundPolicy policy;
  policy.resend_all = true;
  policy.delivery = wire::Delivery::kUnreliable;
  configure(policy);
  push_many(6, 60);
  const std::vector<Packet> packets = write_all(140);
  ASSERT_EQ(packets.size(), 3u);
  ASSERT_TRUE(lose(packets[1]));
  EXPECT_EQ(out_.on_count(3), 2u);
  const std::vector<Packet> again = write_all();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(messages_in(again[0]), (Found{{5, 2}}));
}

TEST_F(OutboundPolicyTest, NoMemoryForResendAllLosesNothing) {
  OutboundPolicy policy;
  policy.resend_all = true;
  configure(policy);
  push_many(4, 60);
  const std::vector<Packet> packets = write_all(140);
  memory_.fail_after(0);
  EXPECT_EQ(out_.on_count(2), 1u);
  memory_.heal();
  ASSERT_TRUE(lose(packets[1]));
  EXPECT_EQ(write_all().size(), 1u);
}

// --- Hold.

TEST_F(OutboundPolicyTest, NothingLeavesWhileHeld) {
  configure({});
  push_many(2);
  out_.hold(true);
  EXPECT_FALSE(out_.has_work());
  out_.hold(false);
  EXPECT_TRUE(out_.has_work());
}

TEST_F(OutboundPolicyTest, BlockedByWindowOnlyWhileItIsFullAndMoreWaits) {
  configure({}, 2);
  push_many(2);
  (void)write_all();
  EXPECT_FALSE(out_.blocked_by_window());
  push_many(1);
  EXPECT_TRUE(out_.blocked_by_window());
  EXPECT_EQ(out_.on_count(2), 1u);
  EXPECT_FALSE(out_.blocked_by_window());
}

}  // namespace
}  // namespace hawser::transport
