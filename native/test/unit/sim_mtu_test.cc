// How long the datagrams of a session become, and what happens when the path carries less.
#include <map>

#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

constexpr size_t kBase = 1'200;
constexpr Duration kDelay = 10 * kMillisecond;

class Mtu : public TwoPeers {
 protected:
  // A link of 20 ms there and back.
  static LinkOptions carrying(size_t mtu, bool refuses = false) {
    LinkOptions options;
    options.impairment.delay_ns = kDelay;
    options.mtu = mtu;
    options.refuses = refuses;
    return options;
  }
  void start(const LinkOptions& link, size_t limit = 65'507, const ChannelConfig& channel = {}) {
    EndpointConfig config;
    config.path_datagram_limit = static_cast<uint32_t>(limit);
    if (a_ == nullptr) add_peers(config);
    network_.set_links(0, 1, link);
    session_ = connect();
    channel_ = open(*session_, channel);
    network_.capture().clear();
  }
  size_t datagram() const { return session_->counters().path_datagram; }
  // Sends messages and waits for them.
  void exchange(uint64_t count = 1, size_t length = 100, Duration limit = 30 * kSecond) {
    wanted_ += count;
    ASSERT_EQ(push(*a_, *channel_, count, length), count);
    ASSERT_TRUE(arrived(limit));
  }
  bool arrived(Duration limit) {
    return network_.run_until([&] { return app_.messages == wanted_; }, limit);
  }
  // A message each round trip until the search is over.
  void search() {
    for (int i = 0; i < 40; i++) {
      exchange();
      network_.run_for(2 * kDelay);
    }
  }
  // Datagrams of a by length, as far as they are longer than what every path carries.
  std::map<size_t, int> long_ones() {
    std::map<size_t, int> found;
    for (const Captured& one : network_.capture()) {
      if (one.from == 0 && one.bytes.size() > kBase) found[one.bytes.size()]++;
    }
    return found;
  }
  size_t sent_by_a() {
    size_t count = 0;
    for (const Captured& one : network_.capture()) count += one.from == 0;
    return count;
  }

  Session* session_ = nullptr;
  Channel* channel_ = nullptr;
  uint64_t wanted_ = 0;
};

TEST_F(Mtu, LoopbackIsFoundARoundTripAfterTheFirstMessage) {
  start(carrying(65'535));
  EXPECT_EQ(datagram(), kBase);
  const Time began = network_.now();
  exchange();
  ASSERT_TRUE(network_.run_until([&] { return datagram() == 65'507; }, kSecond));
  EXPECT_LE(network_.now() - began, 3 * kDelay);
  network_.capture().clear();
  exchange(1, 60'000);
  EXPECT_EQ(count_frames(0, wire::FrameType::kFragment), 0u) << "it fits one datagram";
}

TEST_F(Mtu, TheInterfacesMtuCostsNoProbe) {
  start(carrying(1'472, true));
  const uint64_t sent = session_->counters().packets_sent;
  exchange();
  network_.run_for(4 * kDelay);
  EXPECT_EQ(datagram(), 1'472u);
  EXPECT_EQ(session_->counters().packets_lost, 0u);
  // What the interface refused was not sent: the message, the probe, perhaps an ACK.
  EXPECT_LE(session_->counters().packets_sent - sent, 3u);
}

TEST_F(Mtu, ANarrowPathFarAwayCostsFewProbesAndNoCongestion) {
  start(carrying(1'472), 16'376);
  const uint64_t window = session_->counters().congestion_window;
  search();
  EXPECT_EQ(datagram(), 1'472u);
  const std::map<size_t, int> expected = {{16'376, 1}, {8'972, 1}, {8'952, 3}, {1'472, 1}};
  EXPECT_EQ(long_ones(), expected);
  EXPECT_GE(session_->counters().congestion_window, window);
  EXPECT_EQ(session_->counters().packets_lost, 0u);
}

TEST_F(Mtu, APathOfTheBaseStaysThere) {
  start(carrying(kBase), 1'472);
  search();
  exchange(500, 1'000);
  EXPECT_EQ(datagram(), kBase);
  for (const auto& [size, count] : long_ones()) {
    EXPECT_LE(count, static_cast<int>(transport::MtuSearch::kMaxProbes)) << size;
  }
  EXPECT_EQ(session_->counters().packets_lost, 0u);
}

TEST_F(Mtu, WithoutALimitNothingIsTried) {
  start(carrying(65'535), 0);
  search();
  EXPECT_TRUE(long_ones().empty());
  EXPECT_EQ(datagram(), kBase);
}

TEST_F(Mtu, NothingIsLongerThanThePeerTakes) {
  EndpointConfig config;
  config.path_datagram_limit = 65'507;
  a_ = &network_.add_peer(config);
  config.max_datagram = 3'000;
  b_ = &network_.add_peer(config);
  start(carrying(65'535));
  search();
  EXPECT_EQ(datagram(), 3'000u);
  EXPECT_EQ(long_ones().rbegin()->first, 3'000u);
}

TEST_F(Mtu, AnIdleSessionTriesNothing) {
  start(carrying(1'472), 16'376);
  network_.run_for(300 * kSecond);
  EXPECT_TRUE(session_->open());
  EXPECT_TRUE(long_ones().empty()) << "no message, no probe";
  exchange();
  // Whatever is still to be tried waits for the next message.
  network_.run_for(5 * kSecond);
  network_.capture().clear();
  network_.run_for(300 * kSecond);
  EXPECT_TRUE(long_ones().empty());
}

TEST_F(Mtu, TriesAgainAfterTenMinutes) {
  start(carrying(1'472), 8'972);
  search();
  ASSERT_EQ(datagram(), 1'472u);
  network_.set_links(0, 1, carrying(65'535));
  network_.capture().clear();
  for (int i = 0; i < 50; i++) {
    exchange();
    network_.run_for(10 * kSecond);
  }
  EXPECT_TRUE(long_ones().empty());
  network_.run_for(100 * kSecond);
  search();
  EXPECT_EQ(datagram(), 8'972u);
}

TEST_F(Mtu, AProbeIsNotSentBeyondTheCongestionWindow) {
  start(carrying(65'535), 16'376);
  // Messages fill the window before there is a reason to search, and nothing comes back.
  DropRule rule;
  rule.from = 1;
  network_.add_drop_rule(rule);
  wanted_ += 100;
  ASSERT_EQ(push(*a_, *channel_, 100, 1'000), 100u);
  network_.run_for(3 * kSecond);
  EXPECT_TRUE(long_ones().empty());
  EXPECT_GT(session_->counters().probes_sent, 0u);
}

// --- The path becomes narrower.

TEST_F(Mtu, ABlackHoleIsFoundAndWhatWasLostIsSentInShorterPackets) {
  start(carrying(65'535), 16'376);
  search();
  ASSERT_EQ(datagram(), 16'376u);
  wanted_ += 500;
  ASSERT_EQ(push(*a_, *channel_, 500, 5'000), 500u);
  network_.run_for(2 * kDelay);
  network_.set_links(0, 1, carrying(1'472));
  const Time began = network_.now();
  ASSERT_TRUE(network_.run_until([&] { return datagram() == kBase; }, 10 * kSecond));
  EXPECT_EQ(session_->counters().black_holes, 1u);
  // A probe timeout for each of the rounds, and a round trip.
  EXPECT_LE(network_.now() - began, kSecond);
  ASSERT_TRUE(arrived(30 * kSecond));
  search();
  EXPECT_EQ(datagram(), 1'472u);
}

TEST_F(Mtu, ABlackHoleIsFoundInCountedMode) {
  ChannelConfig config;
  config.counted = true;
  config.window = 64;
  config.ack_every = 8;
  config.ack_timeout = 20 * kMillisecond;
  app_.config = config;
  start(carrying(65'535), 16'376, config);
  search();
  ASSERT_EQ(datagram(), 16'376u);
  wanted_ += 200;
  ASSERT_EQ(push(*a_, *channel_, 200, 5'000), 200u);
  network_.run_for(2 * kDelay);
  network_.set_links(0, 1, carrying(1'472));
  ASSERT_TRUE(arrived(60 * kSecond));
  EXPECT_EQ(session_->counters().black_holes, 1u);
}

TEST_F(Mtu, ANarrowerInterfaceIsNoLoss) {
  start(carrying(65'535), 16'376);
  search();
  ASSERT_EQ(datagram(), 16'376u);
  const uint64_t window = session_->counters().congestion_window;
  // What is on its way has left the interface.
  network_.set_links(0, 1, carrying(1'472, true));
  const Time narrowed = network_.now() - 1;
  wanted_ += 500;
  ASSERT_EQ(push(*a_, *channel_, 500, 5'000), 500u);
  EXPECT_EQ(datagram(), 16'376u);
  network_.run_for(2 * kDelay);
  EXPECT_EQ(session_->counters().black_holes, 1u);
  EXPECT_LE(datagram(), 1'472u);
  ASSERT_TRUE(arrived(30 * kSecond));
  EXPECT_EQ(datagram(), 1'472u);
  EXPECT_EQ(session_->counters().packets_lost, 0u);
  EXPECT_GE(session_->counters().congestion_window, std::min<uint64_t>(window, 2 * 16'376u));
  for (const Captured& one : network_.capture()) {
    EXPECT_EQ(one.fate == Fate::kTooLong, one.bytes.size() > 1'472u && one.time > narrowed);
  }
}

TEST_F(Mtu, RandomLossIsNoBlackHole) {
  LinkOptions lossy = carrying(65'535);
  lossy.impairment.loss = 0.05;
  start(lossy, 1'472);
  exchange(10'000, 1'000, 300 * kSecond);
  EXPECT_GT(session_->counters().packets_lost, 100u);
  EXPECT_EQ(session_->counters().black_holes, 0u);
  EXPECT_EQ(datagram(), 1'472u);
}

// --- Other paths.

TEST_F(Mtu, AnotherPortOfTheSameHostInherits) {
  start(carrying(65'535), 16'376);
  search();
  network_.readdress(1);
  ASSERT_EQ(push(*b_, *other(), 1, 100), 1u);
  ASSERT_TRUE(network_.run_until([&] { return session_->path() == b_->address(); }, 5 * kSecond));
  EXPECT_EQ(datagram(), 16'376u);
}

TEST_F(Mtu, AnotherHostIsSearchedAgain) {
  start(carrying(65'535), 16'376);
  search();
  network_.readdress(1);
  network_.readdress(1);
  network_.set_links(0, 1, carrying(1'472));
  ASSERT_EQ(push(*b_, *other(), 1, 100), 1u);
  ASSERT_TRUE(network_.run_until([&] { return session_->path() == b_->address(); }, 5 * kSecond));
  EXPECT_EQ(datagram(), kBase);
  network_.run_for(5 * kSecond);
  wanted_ = app_.messages;
  search();
  EXPECT_EQ(datagram(), 1'472u);
}

}  // namespace
}  // namespace hawser::sim
