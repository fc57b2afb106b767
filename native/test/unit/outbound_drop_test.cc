// Messages that need not arrive: expired, replaced or given up; the numbers and costs of what
// remains.
#include <gtest/gtest.h>

#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/outbound_stream.h"
#include "transport/outbound.h"

namespace hawser::transport {
namespace {

using namespace outbound_test;

constexpr uint64_t kCost = 32 + 1 + 60;  // of a message of 60 bytes

class OutboundDrop : public testing::Test {
 protected:
  void configure(wire::Delivery delivery, bool counted = false) {
    OutboundPolicy policy;
    policy.delivery = delivery;
    policy.counted = counted;
    out_.set_policy(policy);
    out_.set_window(1'000);
    out_.raise_credit(kPlenty);
  }
  void push_many(int count, size_t length = 60) {
    for (int i = 0; i < count; i++) {
      push(out_, length);
      out_.on_published();
    }
  }
  std::vector<Packet> write_all(size_t room = 80) {
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
  static uint32_t sequence_in(const Packet& packet) {
    wire::FrameReader reader(packet.frames.data(), packet.frames.size());
    wire::Frame frame;
    EXPECT_EQ(reader.next(frame), wire::FrameReader::Next::kFrame);
    return frame.type() == wire::FrameType::kMessage ? frame.message.sequence32
                                                     : frame.fragment.sequence32;
  }

  test::FailingMemory memory_;
  Outbound out_{memory_, 1};
};

// --- What was never sent.

TEST_F(OutboundDrop, WhatWasNeverSentGetsNoNumberAndCostsNothing) {
  configure(wire::Delivery::kOrdered);
  push_many(3);
  out_.expire_below(3);
  EXPECT_EQ(out_.expired_messages(), 2u);
  EXPECT_EQ(out_.base(), 3u);
  EXPECT_EQ(out_.skip_target(), out_.base());  // the peer never heard of them
  EXPECT_EQ(out_.wire_number(3), 1u);
  EXPECT_EQ(out_.number_of(1), 3u);
  EXPECT_EQ(out_.cost_below(3), 0u);
  EXPECT_EQ(out_.cost_below(4), kCost);
  const std::vector<Packet> packets = write_all();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(sequence_in(packets[0]), 1u);
  EXPECT_EQ(out_.sent_messages(), 1u);
  EXPECT_EQ(out_.in_flight(), 1u);
  EXPECT_EQ(out_.on_count(out_.number_of(2)), 1u);
  EXPECT_TRUE(out_.all_acknowledged());
}

TEST_F(OutboundDrop, NumbersAndCostsAcrossSeveralDrops) {
  configure(wire::Delivery::kOrdered);
  push_many(2);
  (void)write_all();  // 1, 2
  push_many(2);
  out_.expire_below(5);  // gives 1 and 2 up, drops 3 and 4
  push_many(2);
  (void)write_all();  // 5, 6 are 3, 4 on the wire
  push_many(3);
  out_.expire_below(10);  // drops 7, 8, 9
  push_many(1);
  (void)write_all();  // 10 is 5
  EXPECT_EQ(out_.wire_number(1), 1u);
  EXPECT_EQ(out_.wire_number(2), 2u);
  EXPECT_EQ(out_.wire_number(5), 3u);
  EXPECT_EQ(out_.wire_number(6), 4u);
  EXPECT_EQ(out_.wire_number(10), 5u);
  EXPECT_EQ(out_.wire_number(11), 6u);
  for (const uint64_t number : {1u, 2u, 5u, 6u, 10u, 11u}) {
    EXPECT_EQ(out_.number_of(out_.wire_number(number)), number);
  }
  EXPECT_EQ(out_.cost_below(2), kCost);
  EXPECT_EQ(out_.cost_below(5), 2 * kCost);
  EXPECT_EQ(out_.cost_below(10), 4 * kCost);
  EXPECT_EQ(out_.cost_below(11), 5 * kCost);
  EXPECT_EQ(out_.in_flight(), 5u);
  EXPECT_EQ(out_.sent_messages(), 5u);
  EXPECT_EQ(out_.expired_messages(), 9u);  // 1 to 4 and 5 to 9
  // The base passes what was dropped together with what is before it.
  EXPECT_EQ(out_.on_count(out_.number_of(3)), 4u);
  EXPECT_EQ(out_.base(), 5u);
  EXPECT_EQ(out_.wire_number(10), 5u);
  EXPECT_EQ(out_.cost_below(11), 5 * kCost);
  EXPECT_EQ(out_.on_count(out_.number_of(6)), 6u);
  EXPECT_TRUE(out_.all_acknowledged());
  EXPECT_EQ(out_.wire_number(11), 6u);
  EXPECT_EQ(out_.cost_below(11), 5 * kCost);
}

TEST_F(OutboundDrop, AMessageThatWasBegunIsNotDroppedButGivenUpWhole) {
  configure(wire::Delivery::kOrdered);
  push_many(3, 600);
  Packet packet;
  ASSERT_TRUE(write_packet(out_, 250, packet));
  out_.expire_below(3);
  EXPECT_EQ(out_.expired_messages(), 2u);
  EXPECT_EQ(out_.skip_target(), 3u);
  EXPECT_EQ(out_.wire_number(3), 2u);
  // The whole of it counts, because a piece said how long it is.
  EXPECT_EQ(out_.cost_below(3), 600 + 2 + 32u);
  const std::vector<Packet> packets = write_all(1'000);
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(sequence_in(packets[0]), 2u);
  ASSERT_TRUE(lose(packet));
  EXPECT_FALSE(out_.has_lost());
}

TEST_F(OutboundDrop, CreditIsNotSpentOnWhatWasDropped) {
  configure(wire::Delivery::kOrdered);
  Outbound out(memory_, 1);
  out.set_window(100);
  for (int i = 0; i < 4; i++) push(out, 60);
  EXPECT_TRUE(out.raise_credit(kCost));
  out.expire_below(4);
  Packet packet;
  ASSERT_TRUE(write_packet(out, 1'000, packet));
  EXPECT_EQ(out.next_sequence(), 5u);
}

TEST_F(OutboundDrop, WithoutMemoryForADropTheyAreSentLikeAnyOther) {
  configure(wire::Delivery::kOrdered);
  push_many(1);
  (void)write_all();
  push_many(2);
  for (uint64_t fail = 0; fail < 4; fail++) {
    memory_.fail_after(fail);
    out_.expire_below(4);
    memory_.heal();
    // Either way numbers and costs fit what was or will be sent.
    const uint64_t dropped = 3 - (out_.wire_number(4) - 1);
    EXPECT_EQ(out_.cost_below(4), (3 - dropped) * kCost);
    EXPECT_TRUE(dropped == 0 || dropped == 2) << dropped;
    EXPECT_EQ(out_.all_sent(), dropped == 2);
  }
  EXPECT_EQ(out_.expired_messages(), 3u);
}

// --- What was sent.

TEST_F(OutboundDrop, WhatIsGivenUpMovesTheBaseOnlyWhenThePeerKnows) {
  configure(wire::Delivery::kOrdered);
  push_many(4);
  const std::vector<Packet> packets = write_all();
  out_.expire_below(3);
  EXPECT_EQ(out_.expired_messages(), 2u);
  EXPECT_EQ(out_.base(), 1u);
  EXPECT_EQ(out_.skip_target(), 3u);
  EXPECT_EQ(out_.cost_below(out_.skip_target()), 2 * kCost);
  for (const Packet& packet : packets) ASSERT_TRUE(lose(packet));
  EXPECT_EQ(write_all().size(), 2u);  // 3 and 4
  EXPECT_EQ(out_.on_count(out_.skip_target()), 2u);
  EXPECT_EQ(out_.skip_target(), out_.base());
}

// What was acknowledged behind it moves the base by itself, once the peer knows.
TEST_F(OutboundDrop, TheSkipEndsWithWhatWasGivenUp) {
  configure(wire::Delivery::kOrdered);
  push_many(6);
  const std::vector<Packet> packets = write_all();
  ASSERT_TRUE(acknowledge(packets[1]));
  ASSERT_TRUE(acknowledge(packets[3]));
  out_.expire_below(4);
  EXPECT_EQ(out_.skip_target(), 4u);  // over 2, which has arrived, and not over 4
  ASSERT_TRUE(acknowledge(packets[4]));
  EXPECT_EQ(out_.skip_target(), 4u);
  EXPECT_EQ(out_.on_count(4), 5u);
  EXPECT_EQ(out_.base(), 6u);
  EXPECT_EQ(out_.skip_target(), out_.base());
}

TEST_F(OutboundDrop, TheSkipPassesAllThatWasDroppedBehindIt) {
  configure(wire::Delivery::kOrdered, true);
  push_many(2);
  (void)write_all();
  for (uint64_t below = 4; below <= 6; below++) {
    push_many(1);
    out_.expire_below(below);  // 3, 4 and 5, one after the other
  }
  EXPECT_EQ(out_.skip_target(), 6u);
  EXPECT_EQ(out_.wire_number(out_.skip_target()), 3u);
  EXPECT_EQ(out_.cost_below(out_.skip_target()), 2 * kCost);
  EXPECT_EQ(out_.on_count(out_.skip_target()), 5u);
  EXPECT_TRUE(out_.all_acknowledged());
}

TEST_F(OutboundDrop, WhatWasAcknowledgedIsNotCountedAsExpired) {
  configure(wire::Delivery::kOrdered, true);
  push_many(4);
  const std::vector<Packet> packets = write_all();
  ASSERT_TRUE(acknowledge(packets[0]));
  ASSERT_TRUE(acknowledge(packets[2]));
  out_.expire_below(5);
  EXPECT_EQ(out_.expired_messages(), 2u);
  out_.expire_below(5);
  EXPECT_EQ(out_.expired_messages(), 2u);
}

TEST_F(OutboundDrop, EachIsCountedOnceHoweverOftenItExpires) {
  configure(wire::Delivery::kOrdered);
  push_many(6);
  (void)write_all();
  for (uint64_t below = 2; below <= 7; below++) {
    out_.expire_below(below);
    EXPECT_EQ(out_.expired_messages(), below - 1);
  }
}

TEST_F(OutboundDrop, ThePacketThatArrivesAfterAllMovesTheBase) {
  configure(wire::Delivery::kOrdered);
  push_many(3);
  const std::vector<Packet> packets = write_all();
  out_.expire_below(3);
  ASSERT_TRUE(acknowledge(packets[0]));
  EXPECT_EQ(out_.base(), 2u);
  EXPECT_EQ(out_.skip_target(), 3u);
}

TEST_F(OutboundDrop, WithoutMemoryWhatWasSentIsRepeated) {
  configure(wire::Delivery::kOrdered);
  push_many(2);
  const std::vector<Packet> packets = write_all();
  memory_.fail_after(0);
  out_.expire_below(3);
  memory_.heal();
  EXPECT_EQ(out_.expired_messages(), 0u);
  EXPECT_EQ(out_.skip_target(), out_.base());
  ASSERT_TRUE(lose(packets[0]));
  EXPECT_TRUE(out_.has_lost());
}

// --- Deliveries.

TEST_F(OutboundDrop, LatestSendsOnlyTheNewestOfWhatWaits) {
  configure(wire::Delivery::kLatest);
  push_many(5);
  EXPECT_EQ(out_.expired_messages(), 4u);
  const std::vector<Packet> packets = write_all();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(sequence_in(packets[0]), 1u);
  EXPECT_EQ(out_.sent_messages(), 1u);
}

TEST_F(OutboundDrop, LatestFinishesWhatItHasBegun) {
  configure(wire::Delivery::kLatest);
  push_many(1, 600);
  Packet packet;
  ASSERT_TRUE(write_packet(out_, 250, packet));
  push_many(3);
  const std::vector<Packet> packets = write_all(1'000);
  ASSERT_EQ(packets.size(), 2u);
  EXPECT_EQ(sequence_in(packets[0]), 1u);
  EXPECT_EQ(sequence_in(packets[1]), 2u);
  EXPECT_EQ(out_.expired_messages(), 2u);
  EXPECT_EQ(out_.wire_number(4), 2u);
}

TEST_F(OutboundDrop, LatestDoesNotRepeatWhatIsOlderThanWhatArrived) {
  configure(wire::Delivery::kLatest);
  std::vector<Packet> packets;
  for (int i = 0; i < 3; i++) {
    push_many(1);
    packets.push_back(write_all().front());
  }
  ASSERT_TRUE(acknowledge(packets[1]));
  EXPECT_EQ(out_.skip_target(), 2u);
  EXPECT_EQ(out_.expired_messages(), 1u);
  ASSERT_TRUE(lose(packets[0]));
  EXPECT_FALSE(out_.has_lost());
  // The newest one is repeated.
  ASSERT_TRUE(lose(packets[2]));
  EXPECT_TRUE(out_.has_lost());
}

TEST_F(OutboundDrop, UnreliableRepeatsNothing) {
  configure(wire::Delivery::kUnreliable);
  push_many(5);
  const std::vector<Packet> packets = write_all();
  ASSERT_TRUE(lose(packets[1]));
  ASSERT_TRUE(lose(packets[4]));
  EXPECT_FALSE(out_.has_work());
  EXPECT_EQ(out_.expired_messages(), 2u);
  EXPECT_EQ(out_.skip_target(), out_.base());  // 1 may still come
  ASSERT_TRUE(acknowledge(packets[0]));
  EXPECT_EQ(out_.skip_target(), 3u);
  ASSERT_TRUE(acknowledge(packets[2]));
  ASSERT_TRUE(acknowledge(packets[3]));
  EXPECT_EQ(out_.skip_target(), 6u);
  EXPECT_EQ(out_.on_count(6), 4u);
  EXPECT_TRUE(out_.all_acknowledged());
}

TEST_F(OutboundDrop, UnreliableGivesUpTheWholeOfACutMessage) {
  configure(wire::Delivery::kUnreliable);
  push_many(1, 1'000);
  push_many(1);
  std::vector<Packet> packets(2);
  for (Packet& packet : packets) ASSERT_TRUE(write_packet(out_, 250, packet));
  ASSERT_TRUE(lose(packets[0]));
  EXPECT_EQ(out_.expired_messages(), 1u);
  const std::vector<Packet> rest = write_all(1'000);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(sequence_in(rest[0]), 2u);
  ASSERT_TRUE(lose(packets[1]));
  EXPECT_EQ(out_.expired_messages(), 1u);
  EXPECT_EQ(out_.skip_target(), 2u);
}

// A drop in the middle of the flight: the base must not stop at it.
TEST_F(OutboundDrop, AcknowledgedPacketsMoveTheBaseOverADrop) {
  configure(wire::Delivery::kLatest);
  push_many(1);
  std::vector<Packet> packets = write_all();
  push_many(3);  // 2 and 3 are dropped
  for (const Packet& packet : write_all()) packets.push_back(packet);
  ASSERT_EQ(packets.size(), 2u);
  EXPECT_EQ(out_.in_flight(), 2u);
  ASSERT_TRUE(acknowledge(packets[0]));
  EXPECT_EQ(out_.base(), 4u);
  EXPECT_EQ(out_.in_flight(), 1u);
  ASSERT_TRUE(acknowledge(packets[1]));
  EXPECT_TRUE(out_.all_acknowledged());
}

TEST_F(OutboundDrop, AnExpiryBeyondWhatWasPushedDropsWhatThereIs) {
  configure(wire::Delivery::kOrdered);
  push_many(2);
  out_.expire_below(1'000);
  EXPECT_EQ(out_.expired_messages(), 2u);
  EXPECT_TRUE(out_.all_acknowledged());
  push_many(1);
  EXPECT_EQ(out_.expired_messages(), 2u);
  EXPECT_EQ(write_all().size(), 1u);
}

}  // namespace
}  // namespace hawser::transport
