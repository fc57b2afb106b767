// Datagrams that are not what they seem, come again, or come from elsewhere.

#include "net/prng.h"
#include "test/unit/sim_hostile_support.h"

namespace hawser::sim {
namespace {

using wire::FrameType;

TEST_F(Hostile, ForeignPacketsAreDroppedAndCounted) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  raw.clear();
  const transport::EndpointCounters before = victim_->endpoint().counters();
  raw.send_datagram({});
  raw.send_datagram({0x00, 1, 2, 3});
  raw.send_datagram({0x7f});
  raw.send_datagram({0xc0, 1, 2, 3});  // reserved
  raw.send_datagram({0x91, 1, 2, 3});  // a flag
  // Cut off.
  raw.send_datagram({0xb0, 1, 2, 3});
  raw.send_datagram({0x81, 1, 2, 3});
  raw.send_datagram({0x80});
  raw.send_datagram(std::vector<uint8_t>(29, 0x80));
  std::vector<uint8_t> unknown(40);
  unknown[0] = 0x80;
  raw.send_datagram(unknown);
  wire::ConnectionId forgotten = wire::ConnectionId::from_u64(uint64_t{5} << 32);
  ASSERT_TRUE(victim_->endpoint().security().mark(&forgotten));
  std::copy_n(forgotten.bytes, sizeof forgotten.bytes, unknown.begin() + 1);
  raw.send_datagram(unknown);
  // A tag that does not check.
  std::vector<uint8_t> bad(wire::kPacketOverhead + 1);
  uint8_t* frames = wire::write_data_header(bad.data(), wire::DataHeader{raw.remote_id(), 500});
  *frames = 1;
  bad.back() = 1;
  raw.send_datagram(bad);
  // One that does, under a flag that is reserved.
  bad.back() = 0;
  bad[0] |= 0x02;
  raw.send_datagram(bad);
  raw.settle();
  const transport::EndpointCounters after = victim_->endpoint().counters();
  EXPECT_EQ(after.foreign - before.foreign, 5u);
  EXPECT_EQ(after.malformed - before.malformed, 4u);
  EXPECT_EQ(after.unknown_session - before.unknown_session, 2u);
  EXPECT_EQ(after.unauthenticated - before.unauthenticated, 2u);
  EXPECT_EQ(after.datagrams_in - before.datagrams_in, 13u);
  EXPECT_TRUE(raw.received().empty());
  // Who speaks of a session that has been is told that it is gone, in less than it has said; who
  // speaks of one that has never been is told nothing.
  EXPECT_EQ(after.resets_sent - before.resets_sent, 1u);
  ASSERT_EQ(raw.resets().size(), 1u);
  EXPECT_LT(raw.resets()[0].size(), unknown.size());
  EXPECT_GE(raw.resets()[0].size(), wire::kMinResetBytes);
}

TEST_F(Hostile, PacketsFromAnotherAddressAreTakenAndNotAnsweredThere) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  network_.run_for(kSecond);
  raw.clear();
  std::vector<uint8_t> ping(wire::kPacketOverhead + 1);
  *wire::write_data_header(ping.data(), wire::DataHeader{raw.remote_id(), 70}) = 1;
  transport::PathAddress stranger;
  stranger.bytes[0] = 0x77;
  const uint64_t duplicates = victim_->endpoint().counters().duplicates;
  network_.inject(network_.now(), stranger, 0, ping.data(), ping.size());
  network_.run_for(kSecond);
  EXPECT_EQ(raw.count(FrameType::kAck), 1u);
  raw.send_datagram(ping);
  network_.run_for(kSecond);
  EXPECT_EQ(raw.count(FrameType::kAck), 1u);
  EXPECT_EQ(victim_->endpoint().counters().duplicates, duplicates + 1);
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
        if (bytes.empty()) continue;  // a stateless reset, of which there is no view
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
