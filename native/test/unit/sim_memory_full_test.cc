// Two peers that have used up their memory with what they want to send each other must still get
// rid of it: neither can free anything before the other one has acknowledged, and taken, what it
// sent.
#include "test/unit/sim_hostile_support.h"
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

struct Kind {
  const char* name;
  SizeProfile sizes;
  uint64_t messages;  // each way, of all channels
  size_t least;       // memory
};

constexpr Kind kKinds[] = {
    {"packed", {SizeProfile::kTiny, 0}, 40'000, 160u << 10},
    {"mixed", {SizeProfile::kMixed, 8'000}, 3'000, 160u << 10},
    // In pieces; each needs a block of its own, for which the spare part has to be long enough.
    {"cut", {SizeProfile::kLarge, 40'000}, 150, 600u << 10},
};

// Everything arrives, well within the idle timeout.
void fill_both_ways(const Kind& kind, size_t limit, int channels, double loss, uint64_t seed) {
  SimNetwork network(seed);
  Workload workload(network);
  workload.allow_failure(true);
  EndpointConfig config;
  config.memory_limit = limit;
  for (int i = 0; i < 2; i++) network.add_peer(config);
  LinkOptions options;
  options.impairment.delay_ns = 5 * kMillisecond;
  options.impairment.loss = loss;
  network.set_links(0, 1, options);
  SessionPlan session;
  session.connect_at = network.now();
  workload.add_session(session);
  for (int i = 0; i < channels; i++) {
    ChannelPlan plan;
    plan.open_at = network.now() + 1;
    plan.opened_by_initiator = i % 2 == 0;
    for (SidePlan& side : plan.side) {
      side.messages = kind.messages / static_cast<uint64_t>(channels);
      side.sizes = kind.sizes;
    }
    workload.add_channel(plan);
  }
  const Time began = network.now();
  EXPECT_TRUE(workload.run()) << workload.unfinished();
  EXPECT_EQ(network.failure(), "");
  EXPECT_EQ(workload.failures(), 0u);
  const auto each = kind.messages / static_cast<uint64_t>(channels);
  EXPECT_EQ(workload.delivered(), 2 * each * static_cast<uint64_t>(channels));
  EXPECT_LT(network.now() - began, 25 * kSecond);
  for (const CloseReason& reason : workload.session(0).reason) {
    EXPECT_EQ(reason.code, wire::Code::kNoError);
    EXPECT_FALSE(reason.timed_out);
  }
}

TEST(SimFullMemory, BothSidesGetRidOfWhatFillsIt) {
  for (const Kind& kind : kKinds) {
    for (const size_t kib : {160, 200, 256, 320, 400, 600, 1024}) {
      if (kib << 10 < kind.least) continue;
      for (const int channels : {1, 4}) {
        for (const double loss : {0.01, 0.05}) {
          SCOPED_TRACE(testing::Message() << kind.name << ", " << kib << " KiB, " << channels
                                          << " channels, loss " << loss);
          for (uint64_t seed = 1; seed <= 2; seed++) {
            fill_both_ways(kind, kib << 10, channels, loss, seed);
          }
        }
      }
    }
  }
}

class FullMemory : public TwoPeers {
 protected:
  void start() {
    add_peers();
    net::ImpairmentOptions impairment;
    impairment.delay_ns = 5 * kMillisecond;
    set_path(impairment);
    session_ = connect();
    channel_ = open(*session_);
    other()->set_demand(network_.now(), Demand::kContinuous);
    network_.run_for(kSecond / 2);
  }
  Session* session_ = nullptr;
  Channel* channel_ = nullptr;
};

// Nothing that b sends arrives, until all of its records are in use, and some time after.
TEST_F(FullMemory, WhatComesIsAcknowledgedWithAllRecordsInUse) {
  start();
  LinkOptions options;
  options.impairment.delay_ns = 5 * kMillisecond;
  options.impairment.loss = 1;
  network_.set_link(1, 0, options);
  push(*b_, *other(), 200, 1'000);
  // Too little for more records, but enough to note which are lost.
  b_->memory().set_limit(b_->memory().in_use() + 600);
  network_.run_for(100 * kMillisecond);
  ASSERT_GT(other()->unsent(), 0u);
  const size_t acks = count_frames(1, wire::FrameType::kAck);
  for (int i = 0; i < 8; i++) {
    push(*a_, *channel_, 1, 1'000);
    network_.run_for(20 * kMillisecond);
  }
  EXPECT_EQ(app_.seen[other()].messages, 8u);
  EXPECT_GE(count_frames(1, wire::FrameType::kAck), acks + 8);
  options.impairment.loss = 0;
  network_.set_link(1, 0, options);
  EXPECT_TRUE(
      network_.run_until([&] { return channel_->outbound().in_flight() == 0; }, 10 * kSecond));
  b_->memory().set_limit(0);
  EXPECT_TRUE(
      network_.run_until([&] { return app_.seen[channel_].messages == 200; }, 10 * kSecond));
}

// Records that make room for those of ACKs are acknowledged in vain, for as long as there is no
// memory; still the peer is there, and what is sent arrives.
TEST_F(TwoPeers, WhatGaveItsRecordUpIsNotTakenForUnanswered) {
  EndpointConfig config;
  config.idle_timeout_ms = 3'000;
  add_peers(config);
  net::ImpairmentOptions impairment;
  impairment.delay_ns = 25 * kMillisecond;
  set_path(impairment);
  network_.set_capture(false);
  Channel* channel = open(*connect());
  other()->set_demand(network_.now(), Demand::kContinuous);
  network_.run_for(kSecond / 2);
  push(*b_, *other(), 2, 50);
  network_.run_for(kSecond / 2);
  b_->memory().set_limit(b_->memory().in_use() + 1'500);
  uint64_t pushed = 2;
  for (int i = 0; i < 6'000 && app_.sessions_closed.empty(); i++) {
    push(*a_, *channel, 3, 1'000);
    if (i % 10 == 0) pushed += push(*b_, *other(), 1, 50);
    network_.run_for(kMillisecond);
  }
  EXPECT_TRUE(app_.sessions_closed.empty());
  b_->memory().set_limit(0);
  EXPECT_TRUE(
      network_.run_until([&] { return app_.seen[channel].messages == pushed; }, 10 * kSecond));
}

// A probe for the path's MTU that gave its record up.
TEST_F(TwoPeers, ADisplacedMtuProbeIsNotWaitedFor) {
  EndpointConfig config;
  config.path_datagram_limit = 8'972;
  add_peers(config);
  LinkOptions options;
  options.impairment.delay_ns = 5 * kMillisecond;
  options.mtu = 8'972;
  network_.set_links(0, 1, options);
  network_.set_capture(false);
  Channel* channel = open(*connect());
  other()->set_demand(network_.now(), Demand::kContinuous);
  network_.run_for(kSecond / 2);
  options.impairment.loss = 1;
  network_.set_link(1, 0, options);
  b_->memory().set_limit(b_->memory().in_use() + 3'000);
  push(*b_, *other(), 200, 1'000);
  network_.run_for(50 * kMillisecond);
  for (int i = 0; i < 12; i++) {
    push(*a_, *channel, 1, 1'000);
    network_.run_for(20 * kMillisecond);
  }
  options.impairment.loss = 0;
  network_.set_link(1, 0, options);
  b_->memory().set_limit(0);
  for (int i = 0; i < 200; i++) {
    push(*b_, *other(), 20, 1'000);
    network_.run_for(50 * kMillisecond);
  }
  EXPECT_EQ(other()->session().counters().path_datagram, 8'972u);
}

class FullMemoryOfOne : public Hostile {};

// There is none for the channel that comes first.
TEST_F(FullMemoryOfOne, ACountIsHeardBehindWhatFindsNone) {
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  raw.add(open_frame(1)).send();
  raw.settle();
  ASSERT_EQ(app_.incoming.size(), 1u);
  Channel& channel = *app_.incoming[0];
  push(*victim_, channel, 1, 100);
  raw.settle();
  EXPECT_EQ(channel.outbound().in_flight(), 1u);
  victim_->memory().set_failure_chance(1);
  wire::Count count{};
  count.entry_count = 1;
  count.entries[0] = {1, 1};
  raw.add(open_frame(3)).add(count).send();
  raw.settle();
  EXPECT_EQ(victim_->endpoint().counters().no_memory, 1u);
  EXPECT_EQ(channel.outbound().in_flight(), 0u);
  victim_->memory().set_failure_chance(0);
}

// Message 2 is here. Of 1 to 3, which come together, 1 finds memory and 3 finds none: two are read,
// and counted.
TEST_F(FullMemoryOfOne, WhatFoundMemoryIsHandedOverBesideWhatFindsNone) {
  app_.demand = transport::Demand::kContinuous;
  RawPeer raw(network_);
  ASSERT_TRUE(raw.connect(0));
  raw.add(open_frame(1)).send();
  raw.settle();
  ASSERT_EQ(app_.incoming.size(), 1u);
  Channel& channel = *app_.incoming[0];
  raw.add_messages(1, 2, 1, 1'000).send();
  raw.settle();
  ASSERT_EQ(channel.inbound().held_messages(), 1u);
  victim_->memory().set_limit(victim_->memory().in_use() + 1'200);
  raw.add_messages(1, 1, 3, 1'000).send();
  network_.run_for(100 * kMillisecond);
  EXPECT_EQ(victim_->endpoint().counters().no_memory, 1u);
  EXPECT_EQ(app_.seen[&channel].messages, 2u);
  EXPECT_EQ(channel.inbound().held_messages(), 0u);
  uint32_t counted = 0;
  raw.each(wire::FrameType::kCount,
           [&](Time, const wire::Frame& frame) { counted = frame.count.entries[0].count32; });
  EXPECT_EQ(counted, 2u);
  victim_->memory().set_limit(0);
}

}  // namespace
}  // namespace hawser::sim
