// Fresh handshakes within a session: how often, by default and at most, and that nobody waits.

#include "sim/clear_security.h"
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

class Renewal : public TwoPeers {
 protected:
  void start(const EndpointConfig& config = {}) {
    network_.set_protection(Protection::kAes256Gcm);
    add_peers(config);
    sessions_[0] = connect();
    ASSERT_EQ(app_.opened.size(), 2u);
    sessions_[1] = app_.opened[0] == sessions_[0] ? app_.opened[1] : app_.opened[0];
    network_.run_for(kSecond);
  }
  bool alive(int side) { return app_.sessions_closed.empty() && sessions_[side]->open(); }

  Session* sessions_[2] = {};
};

// --- How often.

// Of a peer that renews without pause, two are answered at once, and one more in each interval; the
// others wait, and nothing is lost by it.
TEST_F(Renewal, RenewalsAreAnsweredAtMostSoOften) {
  EndpointConfig config;
  config.renew_after = 50 * kMillisecond;
  // A packet that is put off is not acknowledged, which the oracle does not forgive.
  network_.set_judged(false);
  start(config);
  Channel* channel = open(*sessions_[0]);
  const EndpointConfig defaults;
  const Time begin = network_.now();
  uint64_t pushed = 0;
  uint64_t before = 0;
  for (int i = 0; i < 600; i++) {
    pushed += push(*a_, *channel, 1, 100);
    network_.run_for(100 * kMillisecond);
    const uint64_t renewals = sessions_[1]->counters().renewals;
    const auto intervals =
        static_cast<uint64_t>((network_.now() - begin) / defaults.answer_renewals_every);
    // start() has taken a second, and nothing was renewed without a channel.
    ASSERT_LE(renewals, 2 + intervals);
    ASSERT_GE(renewals, before);
    before = renewals;
  }
  EXPECT_GE(before, 6u) << "what was refused came again";
  network_.run_for(kSecond);
  EXPECT_TRUE(alive(0));
  EXPECT_TRUE(alive(1));
  EXPECT_EQ(app_.messages, pushed);
}

// Those of one address together, too, however many sessions it has.
TEST_F(Renewal, AnAddressHasARateOfRenewals) {
  EndpointConfig config;
  config.renew_after = 50 * kMillisecond;
  // A packet that is put off is not acknowledged, which the oracle does not forgive.
  network_.set_judged(false);
  config.answer_renewals_every = kMillisecond;
  config.handshake_rate = 1;
  start(config);
  Channel* channel = open(*sessions_[0]);
  const Time begin = network_.now();
  for (int i = 0; i < 200; i++) {
    push(*a_, *channel, 1, 100);
    network_.run_for(100 * kMillisecond);
    const auto seconds = static_cast<uint64_t>((network_.now() - begin) / kSecond);
    ASSERT_LE(sessions_[1]->counters().renewals, 2 + seconds);
  }
  EXPECT_GE(sessions_[1]->counters().renewals, 10u);
  EXPECT_TRUE(alive(0));
  EXPECT_TRUE(alive(1));
}

// The same request again, as after a loss, is no further one.
TEST_F(Renewal, ARequestThatWasLostIsAnsweredWhenItComesAgain) {
  EndpointConfig config;
  config.renew_after = 15 * kSecond;
  start(config);
  open_channel(*a_, *sessions_[0]);
  DropRule rule;
  rule.any_frame = false;
  rule.frame = wire::FrameType::kCrypto;
  for (const int side : {0, 1}) {
    rule.from = side;
    rule.count = 3;
    network_.add_drop_rule(rule);
  }
  network_.run_for(100 * kSecond);
  for (const int side : {0, 1}) {
    EXPECT_TRUE(alive(side));
    EXPECT_GE(sessions_[side]->counters().renewals, 5u);
    EXPECT_GE(sessions_[side]->counters().key_updates, 5u);
  }
}

// --- Defaults.

TEST_F(Renewal, DefaultsAreThoseOfTheDocuments) {
  const EndpointConfig config;
  EXPECT_EQ(config.renew_after, 600'000'000'000);
  EXPECT_EQ(config.answer_renewals_every, 10'000'000'000);
  EXPECT_EQ(config.skip_every, 2'048u);
}

TEST_F(Renewal, KeysAreRenewedAfterTenMinutes) {
  start();
  open_channel(*a_, *sessions_[0]);
  network_.run_for(598 * kSecond);
  for (Session* session : sessions_) EXPECT_EQ(session->counters().renewals, 0u);
  network_.run_for(3 * kSecond);
  for (Session* session : sessions_) {
    EXPECT_EQ(session->counters().renewals, 1u);
    EXPECT_EQ(session->counters().key_updates, 1u);
  }
  network_.run_for(600 * kSecond);
  for (Session* session : sessions_) EXPECT_EQ(session->counters().renewals, 2u);
}

// Small ones, each in a packet of its own, because its channel is counted.
TEST(RenewalDefaults, TheNextEpochBeginsAfterSoManyPackets) {
  constexpr uint64_t kPackets = uint64_t{1} << 20;
  SimNetwork network(4);
  RecordingApp app;
  network.set_application(&app);
  network.set_protection(Protection::kAes256Gcm);
  network.set_judged(false);
  for (int i = 0; i < 2; i++) network.add_peer();
  Session* session = network.peer(0).connect(1, 10 * kSecond);
  ASSERT_TRUE(network.run_until([&] { return app.opened.size() == 2; }, 10 * kSecond));
  ChannelConfig config;
  config.counted = true;
  config.window = 4'096;
  config.ack_every = 2'048;
  Channel* channel = open_channel(network.peer(0), *session, config);
  ASSERT_TRUE(network.run_until([&] { return channel->accepted(); }, 10 * kSecond));
  uint64_t pushed = 0;
  while (session->counters().packets_sent < kPackets) {
    ASSERT_EQ(session->counters().key_updates, 0u);
    pushed += push(network.peer(0), *channel, 2'000, 8);
    ASSERT_TRUE(network.run_until([&] { return app.messages == pushed; }, 10 * kSecond));
  }
  EXPECT_LT(session->counters().packets_sent, kPackets + 3'000);
  pushed += push(network.peer(0), *channel, 100, 8);
  ASSERT_TRUE(network.run_until([&] { return app.messages == pushed; }, 10 * kSecond));
  network.run_for(kSecond);
  for (Session* side : app.opened) {
    EXPECT_EQ(side->counters().key_updates, 1u);
    EXPECT_EQ(side->counters().renewals, 0u);
  }
  EXPECT_TRUE(app.sessions_closed.empty());
  for (int i = 0; i < 2; i++) network.peer(i).destroy();
  EXPECT_EQ(network.failure(), "");
}

// --- libcrypto fails.

// The secret of a handshake is in the next epoch's keys, which cannot be made just then.
TEST(RenewalClear, AnEpochThatCouldNotBeginBeginsLater) {
  SimNetwork network(3);
  RecordingApp app;
  network.set_application(&app);
  EndpointConfig config;
  config.renew_after = kSecond;
  config.answer_renewals_every = config.renew_after / 60;
  for (int i = 0; i < 2; i++) network.add_peer(config);
  Session* session = network.peer(0).connect(1, 10 * kSecond);
  ASSERT_TRUE(network.run_until([&] { return app.opened.size() == 2; }, 10 * kSecond));
  Channel* channel = open_channel(network.peer(0), *session);
  ASSERT_TRUE(network.run_until([&] { return channel->accepted(); }, 10 * kSecond));
  auto& security = static_cast<ClearSecurity&>(network.peer(0).endpoint().security());
  security.failing_updates = 25;
  // The next packets fail as well; while the epoch waits, there is no other handshake.
  for (int i = 0; i < 20; i++) {
    push(network.peer(0), *channel, 1, 100);
    network.run_for(200 * kMillisecond);
  }
  EXPECT_GT(security.failing_updates, 0u);
  EXPECT_EQ(session->counters().renewals, 1u);
  EXPECT_EQ(session->counters().key_updates, 0u);
  security.failing_updates = 0;
  for (int i = 0; i < 50; i++) {
    push(network.peer(0), *channel, 1, 100);
    network.run_for(200 * kMillisecond);
  }
  EXPECT_TRUE(app.sessions_closed.empty());
  for (Session* side : app.opened) {
    EXPECT_GE(side->counters().renewals, 5u);
    EXPECT_GE(side->counters().key_updates, 5u);
  }
  for (int i = 0; i < 2; i++) network.peer(i).destroy();
  EXPECT_EQ(network.failure(), "");
}

// --- Without a gap.

// When messages are handed over.
class Watch final : public RecordingApp {
 public:
  bool take(SimPeer& peer, Channel& channel, uint64_t first, const uint8_t* run, size_t length,
            uint32_t count) override {
    const Time now = peer.network().now();
    if (messages != 0) longest = std::max(longest, now - last);
    last = now;
    return RecordingApp::take(peer, channel, first, run, length, count);
  }

  Duration longest = 0;
  Time last = 0;
};

struct Course {
  Duration longest = 0;
  Time end = 0;
  uint64_t renewals = 0;
  uint64_t sent = 0;
};

// A transfer through a line of 10 Mbit/s. Handshakes take far longer than a packet.
constexpr int64_t kBytesPerSecond = 1'250'000;
constexpr Duration kPacketTime = 1'200 * kSecond / kBytesPerSecond;

Course watch(Duration renew_after, Duration every) {
  SimNetwork network(11);
  Watch app;
  network.set_application(&app);
  network.set_protection(Protection::kAes256Gcm);
  network.set_longest_computation(120 * kMillisecond);
  EndpointConfig config;
  config.renew_after = renew_after;
  config.answer_renewals_every = renew_after / 60;
  for (int i = 0; i < 2; i++) network.add_peer(config);
  LinkOptions options;
  options.impairment.delay_ns = 20 * kMillisecond;
  options.impairment.rate_bytes_per_second = kBytesPerSecond;
  network.set_links(0, 1, options);
  Session* session = network.peer(0).connect(1, 10 * kSecond);
  EXPECT_TRUE(network.run_until([&] { return app.opened.size() == 2; }, 10 * kSecond));
  Channel* channel = open_channel(network.peer(0), *session);
  EXPECT_TRUE(network.run_until([&] { return channel->accepted(); }, 10 * kSecond));
  const Time begin = network.now();
  Course course;
  for (uint64_t wanted = 1; wanted <= 8'000; wanted++) {
    course.sent += push(network.peer(0), *channel, 1, 1'000);
    network.run_for(begin + static_cast<Duration>(wanted) * every - network.now());
  }
  EXPECT_TRUE(network.run_until([&] { return app.messages == course.sent; }, 60 * kSecond));
  course.longest = app.longest;
  course.end = app.last - begin;
  course.renewals = session->counters().renewals;
  for (int i = 0; i < 2; i++) network.peer(i).destroy();
  EXPECT_EQ(network.failure(), "");
  return course;
}

TEST(RenewalGap, TrafficGoesOnWhileHandshakesAreComputed) {
  for (const Duration every : {2 * kMillisecond, kMillisecond}) {
    const Course twin = watch(600 * kSecond, every);
    const Course course = watch(300 * kMillisecond, every);
    ASSERT_EQ(twin.renewals, 0u);
    ASSERT_GT(course.renewals, 10u);
    EXPECT_EQ(course.sent, twin.sent);
    // What takes the place of a message is one CRYPTO.
    EXPECT_LE(course.longest, twin.longest + kPacketTime);
    EXPECT_LE(course.end, twin.end + kPacketTime);
    EXPECT_GE(course.end, twin.end - kPacketTime);
  }
}

}  // namespace
}  // namespace hawser::sim
