// Sessions with each of the congestion controllers.
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

using transport::CongestionAlgorithm;
using transport::SessionCounters;

class Congestion : public TwoPeers {
 protected:
  // 20 ms each way at 5 MB/s, of which 3 % are lost.
  void start(CongestionAlgorithm algorithm) {
    EndpointConfig config;
    config.congestion = algorithm;
    add_peers(config);
    LinkOptions options;
    options.impairment.delay_ns = 20 * kMillisecond;
    options.impairment.rate_bytes_per_second = 5'000'000;
    options.impairment.queue_bytes = 200'000;
    options.impairment.loss = 0.03;
    network_.set_links(0, 1, options);
    session_ = connect();
    channel_ = open(*session_);
  }
  // How long it takes to send so many messages of 1,000 bytes.
  Duration send(uint64_t count) {
    const uint64_t target = app_.messages + count;
    const std::vector<uint8_t> body(1'000, 7);
    for (uint64_t i = 0; i < count; i++) {
      if (channel_->push(body.data(), body.size()) == Channel::Push::kNoRoom) {
        (void)channel_->push_locked(body.data(), body.size());
      }
    }
    channel_->flush(network_.now());
    const Time began = network_.now();
    EXPECT_TRUE(network_.run_until([&] { return app_.messages >= target; }, 120 * kSecond));
    return network_.now() - began;
  }

  Session* session_ = nullptr;
  Channel* channel_ = nullptr;
};

TEST_F(Congestion, CubicTakesRandomLossForCongestion) {
  start(CongestionAlgorithm::kCubic);
  EXPECT_EQ(session_->counters().congestion_algorithm, CongestionAlgorithm::kCubic);
  // Random loss keeps it far below the path's rate, at which this takes two seconds.
  EXPECT_GE(send(10'000), 10 * kSecond);
}

TEST_F(Congestion, BbrIsTheDefaultAndUsesALossyPath) {
  EXPECT_EQ(EndpointConfig().congestion, CongestionAlgorithm::kBbr);
  start(EndpointConfig().congestion);
  const Duration took = send(10'000);
  EXPECT_LE(took, 4 * kSecond);
  const SessionCounters counters = session_->counters();
  EXPECT_EQ(counters.congestion_algorithm, CongestionAlgorithm::kBbr);
  EXPECT_GE(counters.congestion_window, 200'000U);
  EXPECT_GE(counters.pacing_rate, 3'000'000U);
  EXPECT_LE(counters.pacing_rate, 20'000'000U);
}

TEST_F(Congestion, AnotherPathHasTheSameControllerAnew) {
  start(CongestionAlgorithm::kBbr);
  send(3'000);
  const uint64_t grown = session_->counters().congestion_window;
  // Twice: first another port, then another host.
  network_.readdress(1);
  network_.readdress(1);
  ASSERT_TRUE(
      network_.run_until([&] { return session_->counters().path_changes != 0; }, 20 * kSecond));
  EXPECT_EQ(session_->counters().congestion_algorithm, CongestionAlgorithm::kBbr);
  EXPECT_LT(session_->counters().congestion_window, grown / 2);
  send(3'000);
  EXPECT_EQ(session_->counters().congestion_algorithm, CongestionAlgorithm::kBbr);
}

}  // namespace
}  // namespace hawser::sim
