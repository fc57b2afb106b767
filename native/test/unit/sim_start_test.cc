// What a transfer between sessions gets of a path in its first seconds: the controller's search for
// the rate, and what may hold it back, which is the peer's credit, and the window of messages.

#include <algorithm>

#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

class Source : public RecordingApp {
 public:
  void on_channel(SimPeer& peer, Channel& channel, uint32_t events) override {
    RecordingApp::on_channel(peer, channel, events);
    if (!channel.incoming() && (events & transport::kChannelWritable) != 0) fill(peer, channel);
  }
  // As much as it takes at the moment.
  static void fill(SimPeer& peer, Channel& channel) {
    const std::vector<uint8_t> body(1'024, 0x61);
    for (;;) {
      Channel::Push result = channel.push(body.data(), body.size());
      if (result == Channel::Push::kNoRoom) result = channel.push_locked(body.data(), body.size());
      if (result != Channel::Push::kTaken) break;
    }
    channel.flush(peer.network().now());
  }
};

struct Part {
  double mean = 0;
  double least = 1;
};

// Of 100 Mbit/s, 25 ms each way with 5 ms of jitter, in the first three seconds of a channel: what
// the messages hold. All that a path without loss can have of it is 0.97, and with a first window
// of ten packets that doubles each round trip 0.87.
Part first_seconds(double loss, uint64_t seeds) {
  constexpr uint64_t kRate = 12'500'000;
  constexpr Duration kDuration = 3 * kSecond;
  Part part;
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    SimNetwork network(seed);
    Source app;
    network.set_application(&app);
    network.set_judged(false);
    EndpointConfig config;
    config.path_datagram_limit = 1'472;
    SimPeer& a = network.add_peer(config);
    network.add_peer(config);
    LinkOptions options;
    options.mtu = 1'472;
    options.impairment.rate_bytes_per_second = kRate;
    options.impairment.queue_bytes = kRate / 20;
    options.impairment.delay_ns = 25 * kMillisecond;
    options.impairment.jitter_ns = 5 * kMillisecond;
    options.impairment.loss = loss;
    network.set_links(0, 1, options);
    Session* session = a.connect(1, 10 * kSecond);
    EXPECT_TRUE(network.run_until([&] { return app.opened.size() == 2; }, 10 * kSecond));
    Channel* channel = open_channel(a, *session);
    EXPECT_TRUE(network.run_until([&] { return channel->accepted(); }, 10 * kSecond));
    Source::fill(a, *channel);
    network.run_for(kDuration);
    const double got = static_cast<double>(app.messages * 1'024) * kSecond / kDuration / kRate;
    part.mean += got / static_cast<double>(seeds);
    part.least = std::min(part.least, got);
    EXPECT_EQ(network.failure(), "");
    for (int i = 0; i < 2; i++) network.peer(i).destroy();
  }
  return part;
}

// Before credit, message window and Bbr were mended: 0.80, 0.76 and 0.55 on average, 0.04 at worst.
TEST(BbrScenario, ASessionStartsFast) {
  const Part part = first_seconds(0, 12);
  EXPECT_GE(part.mean, 0.82);
  EXPECT_GE(part.least, 0.75);
}

TEST(BbrScenario, ASessionStartsFastWhereOneHundredthIsLost) {
  const Part part = first_seconds(0.01, 12);
  EXPECT_GE(part.mean, 0.79);
  EXPECT_GE(part.least, 0.72);
}

TEST(BbrScenario, ASessionStartsFastWhereOneTwentiethIsLost) {
  const Part part = first_seconds(0.05, 12);
  EXPECT_GE(part.mean, 0.72);
  EXPECT_GE(part.least, 0.5);
}

}  // namespace
}  // namespace hawser::sim
