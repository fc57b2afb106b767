#include "transport/outbound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "test/support/failing_memory.h"
#include "test/support/outbound_stream.h"
#include "test/support/test_random.h"
#include "wire/frames.h"

namespace hawser::transport {
namespace {

using test::FailingMemory;
using namespace outbound_test;

TEST(Outbound, PacksMessagesAndCutsWhatDoesNotFit) {
  FailingMemory memory;
  Outbound out(memory, 1);
  out.set_window(100);
  out.raise_credit(kPlenty);
  for (const size_t length : {10u, 20u, 500u}) push(out, length);
  Packet packet;
  ASSERT_TRUE(write_packet(out, 200, packet));
  wire::FrameReader reader(packet.frames.data(), packet.frames.size());
  wire::Frame frame;
  ASSERT_EQ(reader.next(frame), wire::FrameReader::Next::kFrame);
  ASSERT_EQ(frame.type(), wire::FrameType::kMessage);
  EXPECT_EQ(frame.message.count, 2u);
  ASSERT_EQ(reader.next(frame), wire::FrameReader::Next::kFrame);
  ASSERT_EQ(frame.type(), wire::FrameType::kFragment);
  EXPECT_EQ(frame.fragment.total, 500u);
  EXPECT_EQ(frame.fragment.offset, 0u);
  EXPECT_EQ(packet.frames.size(), 200u);
  // A message that was begun counts.
  EXPECT_EQ(out.in_flight(), 3u);
  EXPECT_EQ(out.fully_sent(), 3u);
  EXPECT_FALSE(out.all_sent());
}

TEST(Outbound, WindowLimitsMessagesInFlight) {
  FailingMemory memory;
  Outbound out(memory, 1);
  out.set_window(4);
  out.raise_credit(kPlenty);
  for (int i = 0; i < 10; i++) push(out, 10);
  Packet packet;
  ASSERT_TRUE(write_packet(out, 1000, packet));
  EXPECT_EQ(out.in_flight(), 4u);
  EXPECT_FALSE(out.has_work());
  EXPECT_FALSE(write_packet(out, 1000, packet));
  EXPECT_EQ(out.on_count(3), 2u);
  EXPECT_EQ(out.base(), 3u);
  ASSERT_TRUE(write_packet(out, 1000, packet));
  EXPECT_EQ(out.in_flight(), 4u);
  EXPECT_EQ(out.next_sequence(), 7u);
}

TEST(Outbound, CreditLimitsCost) {
  FailingMemory memory;
  Outbound out(memory, 1);
  out.set_window(100);
  for (int i = 0; i < 3; i++) push(out, 100);  // 102 + 32 each
  EXPECT_EQ(out.cost_below(3), 2 * 134u);
  EXPECT_TRUE(out.raise_credit(2 * 134 - 1));
  EXPECT_FALSE(out.raise_credit(10));
  Packet packet;
  ASSERT_TRUE(write_packet(out, 1000, packet));
  EXPECT_EQ(out.next_sequence(), 2u);
  uint64_t wanted = 0;
  ASSERT_TRUE(out.blocked_by_credit(wanted));
  EXPECT_EQ(wanted, 2 * 134u);
  EXPECT_TRUE(out.raise_credit(wanted));
  EXPECT_FALSE(out.blocked_by_credit(wanted) && wanted <= out.credit());
  ASSERT_TRUE(write_packet(out, 1000, packet));
  EXPECT_EQ(out.next_sequence(), 3u);
}

TEST(Outbound, LostGoesFirstAndOnlyWhatIsMissing) {
  FailingMemory memory;
  Outbound out(memory, 1);
  out.set_window(100);
  out.raise_credit(kPlenty);
  for (int i = 0; i < 6; i++) push(out, 60);
  std::vector<Packet> packets(3);
  for (Packet& packet : packets) ASSERT_TRUE(write_packet(out, 140, packet));
  ASSERT_EQ(out.next_sequence(), 7u);
  ASSERT_TRUE(out.on_acknowledged(packets[1].ref.begin, packets[1].ref.end));
  // All three are declared lost together: what was acknowledged does not come again.
  ASSERT_TRUE(out.on_lost(packets[0].ref.begin, packets[2].ref.end, false));
  Packet again;
  ASSERT_TRUE(write_packet(out, 1000, again));
  EXPECT_EQ(again.ref.begin, packets[0].ref.begin);
  EXPECT_EQ(again.ref.end, packets[0].ref.end);
  ASSERT_TRUE(write_packet(out, 1000, again));
  EXPECT_EQ(again.ref.begin, packets[2].ref.begin);
  EXPECT_EQ(again.ref.end, packets[2].ref.end);
  EXPECT_FALSE(out.has_work());
  // A COUNT takes what is lost below it off the list.
  ASSERT_TRUE(out.on_lost(packets[0].ref.begin, packets[0].ref.end, false));
  EXPECT_EQ(out.on_count(7), 6u);
  EXPECT_FALSE(out.has_lost());
  EXPECT_TRUE(out.all_acknowledged());
}

TEST(Outbound, ThirtyTwoBitWrapOfSequence) {
  FailingMemory memory;
  const uint64_t first = (uint64_t{1} << 32) - 2;
  Outbound out(memory, first);
  out.set_window(100);
  out.raise_credit(kPlenty);
  for (int i = 0; i < 5; i++) push(out, 30);
  Packet packet;
  ASSERT_TRUE(write_packet(out, 1000, packet));
  Collector collector(first);
  collector.take(packet.frames.data(), packet.frames.size());
  EXPECT_EQ(collector.next_expected, first + 5);
  EXPECT_EQ(out.on_count(first + 4), 4u);
  EXPECT_EQ(out.in_flight(), 1u);
}

// Everything at once against a receiver: whatever is lost, repeated, acknowledged by packet or by
// count, and whatever memory is refused, every message arrives and the window empties.
TEST(Outbound, EverythingArrivesWhateverIsLost) {
  for (const uint64_t seed : test::test_seeds(150)) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    FailingMemory memory;
    {
      const uint64_t first = random.chance(70) ? 1 : (uint64_t{1} << 32) - random.below(40);
      Outbound out(memory, first);
      Collector collector(first);
      std::deque<Packet> flying;
      const uint64_t messages = random.between(1, 60);
      const bool large = random.chance(30);
      uint64_t credit = 0;
      out.set_window(static_cast<uint32_t>(random.between(2, 30)));
      for (int step = 0; step < 20'000 && !(out.ring().written_sequence() == first + messages &&
                                            out.all_acknowledged());
           step++) {
        if (out.ring().written_sequence() < first + messages && random.chance(30)) {
          push(out, random.chance(20) ? 0 : random.below(large ? 5000 : 150));
        }
        if (random.chance(30)) {
          credit += random.below(4000);
          out.raise_credit(credit);
        }
        Packet packet;
        if (random.chance(60) && write_packet(out, random.between(120, 1200), packet)) {
          ASSERT_LE(out.in_flight(), out.window());
          ASSERT_LE(out.cost_below(out.next_sequence()), credit);
          ASSERT_LT(packet.ref.begin, packet.ref.end);
          ASSERT_GE(packet.ref.begin, out.ring().tail_position());
          flying.push_back(std::move(packet));
        }
        if (!flying.empty() && random.chance(60)) {
          // Out of order now and then.
          const size_t which = random.chance(80) ? 0 : random.below(flying.size());
          packet = flying[which];
          flying.erase(flying.begin() + static_cast<long>(which));
          if (random.chance(25)) {
            ASSERT_TRUE(out.on_lost(packet.ref.begin, packet.ref.end, false));
          } else {
            collector.take(packet.frames.data(), packet.frames.size());
            if (HasFatalFailure()) return;
            const bool spurious = random.chance(10);
            if (spurious) {
              ASSERT_TRUE(out.on_lost(packet.ref.begin, packet.ref.end, false));
            }
            // Refused memory must leave it as it was: the same acknowledgement works later.
            if (random.chance(20)) memory.fail_after(0);
            const bool noted = out.on_acknowledged(packet.ref.begin, packet.ref.end);
            memory.heal();
            if (!noted) {
              ASSERT_TRUE(out.on_acknowledged(packet.ref.begin, packet.ref.end));
            }
          }
        }
        if (random.chance(10)) {
          const uint64_t base = out.base();
          const uint64_t count =
              random.between(std::min(base, collector.next_expected), collector.next_expected);
          const uint64_t moved = out.on_count(count);
          ASSERT_EQ(moved, count > base ? out.base() - base : 0);
        }
        ASSERT_LE(out.base(), collector.next_expected);
        if (flying.empty() && !out.has_work() && out.base() != out.next_sequence()) {
          FAIL() << "in flight, but nothing is flying and nothing is lost";
        }
      }
      EXPECT_EQ(collector.next_expected, first + messages);
      EXPECT_TRUE(out.all_acknowledged());
      EXPECT_EQ(out.sent_messages(), messages);
    }
    EXPECT_EQ(memory.in_use(), 0u);
  }
}

TEST(Outbound, AbandonForgetsEverything) {
  FailingMemory memory;
  Outbound out(memory, 1);
  out.set_window(10);
  out.raise_credit(kPlenty);
  for (int i = 0; i < 5; i++) push(out, 50);
  Packet packet;
  ASSERT_TRUE(write_packet(out, 130, packet));
  ASSERT_TRUE(out.on_lost(packet.ref.begin, packet.ref.end, false));
  out.abandon();
  EXPECT_FALSE(out.has_work());
  EXPECT_TRUE(out.all_acknowledged());
  EXPECT_TRUE(out.all_sent());
}

}  // namespace
}  // namespace hawser::transport
