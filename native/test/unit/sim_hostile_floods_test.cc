// More than anybody needs: what it may cost is bounded.

#include "net/prng.h"
#include "test/unit/sim_hostile_support.h"

namespace hawser::sim {
namespace {

using wire::FrameType;

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
  victim_->endpoint().pool().trim();
  EXPECT_LT(victim_->memory().in_use(), before);
  EXPECT_EQ(app_.unannounced, 0u);
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
      bytes[0] = static_cast<uint8_t>(0x80 | prng.below(4) << 4);
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
  EXPECT_EQ(after.resets_sent, before.resets_sent);
  EXPECT_TRUE(raw.resets().empty());
  // Packets of sessions that are gone, all within one moment: no more answers than are allowed in a
  // second.
  for (uint64_t i = 0; i < 1'000; i++) {
    wire::ConnectionId forgotten = wire::ConnectionId::from_u64(i << 32);
    ASSERT_TRUE(victim_->endpoint().security().mark(&forgotten));
    std::vector<uint8_t> bytes(60, 0x80);
    std::copy_n(forgotten.bytes, sizeof forgotten.bytes, bytes.begin() + 1);
    raw.send_datagram(bytes);
  }
  raw.settle();
  EXPECT_EQ(victim_->endpoint().counters().resets_sent - before.resets_sent, 100u);
  EXPECT_LE(raw.resets().size(), 100u);
  EXPECT_FALSE(raw.resets().empty());
  raw.clear();
  raw.add(wire::Ping{}).add(wire::AckNow{}).send();
  raw.settle();
  EXPECT_EQ(raw.count(FrameType::kAck), 1u);
}

}  // namespace
}  // namespace hawser::sim
