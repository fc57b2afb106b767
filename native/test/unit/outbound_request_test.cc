// REQUEST at the sender: exactly the messages named, of those that were sent and are missing, and
// each at most once in a round trip (PROTOCOL.md 5.13).
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/outbound_stream.h"
#include "transport/outbound.h"

namespace hawser::transport {
namespace {

using namespace outbound_test;

constexpr Duration kRoundTrip = 10 * kMillisecond;

class OutboundRequest : public testing::Test {
 protected:
  void SetUp() override {
    out_.set_window(100);
    out_.raise_credit(kPlenty);
  }
  void push_many(int count, size_t length = 60) {
    for (int i = 0; i < count; i++) push(out_, length);
    out_.on_published();
  }
  // One message a packet: 60 bytes and the header fill it.
  std::vector<Packet> write_all(size_t room = 80) {
    std::vector<Packet> packets;
    Packet packet;
    while (out_.has_work() && write_packet(out_, room, packet)) {
      if (packet.ref.again) {
        out_.note_resent(now_, packet.ref.begin, packet.ref.end, now_ - kRoundTrip);
      }
      packets.push_back(packet);
    }
    return packets;
  }
  void request(uint64_t first, uint64_t count) { out_.on_request(first, count, now_ - kRoundTrip); }
  bool acknowledge(const Packet& packet) {
    return out_.on_acknowledged(packet.ref.begin, packet.ref.end);
  }
  bool lose(const Packet& packet) {
    return out_.on_lost(packet.ref.begin, packet.ref.end, packet.ref.again);
  }
  // The messages of which a byte is in the packets.
  std::set<uint64_t> messages_in(const std::vector<Packet>& packets) {
    std::set<uint64_t> found;
    for (const Packet& packet : packets) {
      for (uint64_t at = packet.ref.begin; at < packet.ref.end; at++) {
        found.insert(out_.ring().sequence_at(at));
      }
    }
    return found;
  }

  using Set = std::set<uint64_t>;
  test::FailingMemory memory_;
  Outbound out_{memory_, 1};
  Time now_ = kSecond;
};

TEST_F(OutboundRequest, RepeatsExactlyWhatIsNamed) {
  push_many(10);
  ASSERT_EQ(write_all().size(), 10u);
  request(3, 2);
  request(7, 1);
  EXPECT_EQ(messages_in(write_all()), (Set{3, 4, 7}));
  EXPECT_FALSE(out_.has_work());
  EXPECT_EQ(out_.resent_messages(), 3u);
}

TEST_F(OutboundRequest, PassesOverWhatWasAcknowledged) {
  push_many(6);
  const std::vector<Packet> packets = write_all();
  ASSERT_TRUE(acknowledge(packets[1]));
  ASSERT_TRUE(acknowledge(packets[3]));
  request(1, 6);
  EXPECT_EQ(messages_in(write_all()), (Set{1, 3, 5, 6}));
}

TEST_F(OutboundRequest, WhatWasNeverSentIsNoError) {
  push_many(2);
  (void)write_all();
  push_many(3);  // 3 to 5, not sent
  request(3, 1);
  EXPECT_FALSE(out_.has_lost());
  request(1'000'000, 65'536);
  EXPECT_FALSE(out_.has_lost());
  request(2, 65'536);
  Packet packet;
  ASSERT_TRUE(write_packet(out_, 80, packet));
  EXPECT_EQ(messages_in({packet}), Set{2});
  EXPECT_FALSE(out_.has_lost());
}

TEST_F(OutboundRequest, WhatLiesBelowTheBaseIsNoError) {
  push_many(6);
  (void)write_all();
  EXPECT_EQ(out_.on_count(4), 3u);
  request(1, 3);
  EXPECT_FALSE(out_.has_lost());
  // A run that begins below the base is what is left of it, and no more.
  request(2, 3);
  EXPECT_EQ(messages_in(write_all()), Set{4});
}

TEST_F(OutboundRequest, WhatIsOnItsWayAgainIsPassedOverForARoundTrip) {
  push_many(3);
  const std::vector<Packet> packets = write_all();
  request(2, 1);
  EXPECT_EQ(write_all().size(), 1u);
  now_ += kRoundTrip - kMillisecond;
  request(1, 3);
  EXPECT_EQ(messages_in(write_all()), (Set{1, 3}));
  now_ += 2 * kMillisecond;  // 2 was repeated more than a round trip ago, the others were not
  request(1, 3);
  EXPECT_EQ(messages_in(write_all()), Set{2});
  now_ += kRoundTrip + kMillisecond;
  request(1, 3);
  EXPECT_EQ(messages_in(write_all()), (Set{1, 2, 3}));
}

TEST_F(OutboundRequest, AskedTwiceBeforeItLeavesItLeavesOnce) {
  push_many(3);
  (void)write_all();
  request(2, 1);
  request(1, 2);
  EXPECT_EQ(write_all().size(), 2u);
  EXPECT_EQ(out_.resent_messages(), 2u);
}

// Asked for, repeated, and then the packet that carried it first is declared lost.
TEST_F(OutboundRequest, IsNotRepeatedOnceMoreForItsFirstPacket) {
  push_many(3);
  const std::vector<Packet> packets = write_all();
  request(2, 1);
  const std::vector<Packet> again = write_all();
  ASSERT_EQ(again.size(), 1u);
  ASSERT_TRUE(lose(packets[0]));
  ASSERT_TRUE(lose(packets[1]));
  EXPECT_EQ(messages_in(write_all()), Set{1});
  // But when the repetition is lost.
  ASSERT_TRUE(lose(again[0]));
  EXPECT_EQ(messages_in(write_all()), Set{2});
}

TEST_F(OutboundRequest, OfAPartlyAcknowledgedMessageOnlyTheRest) {
  push_many(1, 600);
  const std::vector<Packet> packets = write_all(250);
  ASSERT_EQ(packets.size(), 3u);
  ASSERT_TRUE(acknowledge(packets[1]));
  request(1, 1);
  const std::vector<Packet> again = write_all(1'000);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].ref.begin, packets[0].ref.begin);
  EXPECT_EQ(again[0].ref.end, packets[0].ref.end);
  EXPECT_EQ(again[1].ref.begin, packets[2].ref.begin);
  EXPECT_EQ(again[1].ref.end, packets[2].ref.end);
}

TEST_F(OutboundRequest, OfAMessageThatIsBeingSentOnlyWhatLeft) {
  push_many(1, 600);
  Packet first;
  ASSERT_TRUE(write_packet(out_, 250, first));
  request(1, 1);
  Packet again;
  ASSERT_TRUE(write_packet(out_, 1'000, again));
  EXPECT_TRUE(again.ref.again);
  EXPECT_EQ(again.ref.begin, first.ref.begin);
  EXPECT_EQ(again.ref.end, first.ref.end);
  Packet rest;
  ASSERT_TRUE(write_packet(out_, 1'000, rest));
  EXPECT_FALSE(rest.ref.again);
  EXPECT_EQ(rest.ref.begin, first.ref.end);
}

TEST_F(OutboundRequest, WhatWasGivenUpIsNotRepeated) {
  OutboundPolicy policy;
  policy.delivery = wire::Delivery::kUnreliable;
  out_.set_policy(policy);
  push_many(4);
  const std::vector<Packet> packets = write_all();
  ASSERT_TRUE(lose(packets[1]));
  request(1, 4);
  EXPECT_EQ(messages_in(write_all()), (Set{1, 3, 4}));
}

TEST_F(OutboundRequest, AcknowledgedBeforeItLeavesItDoesNotLeave) {
  push_many(3);
  const std::vector<Packet> packets = write_all();
  request(2, 1);
  ASSERT_TRUE(acknowledge(packets[1]));
  EXPECT_FALSE(out_.has_lost());
}

TEST_F(OutboundRequest, WithoutMemoryItIsRepeatedWhenItIsFoundLost) {
  push_many(3);
  const std::vector<Packet> packets = write_all();
  memory_.fail_after(0);
  request(2, 1);
  memory_.heal();
  (void)write_all();
  ASSERT_TRUE(lose(packets[1]));
  // Either way it has left again by now, or does so now.
  (void)write_all();
  EXPECT_GE(out_.resent_messages(), 1u);
  ASSERT_TRUE(acknowledge(packets[0]));
  EXPECT_EQ(out_.base(), 2u);
}

}  // namespace
}  // namespace hawser::transport
