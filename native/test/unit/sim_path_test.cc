#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

class Path : public TwoPeers {};

TEST_F(Path, AShortPartitionHeals) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  for (int i = 0; i < 5; i++) {
    ASSERT_EQ(push(*a_, *channel, 200, 500), 200u);
    ASSERT_EQ(push(*b_, *other(), 200, 500), 200u);
    network_.run_for(15 * kMillisecond);
    network_.set_up(0, 1, false);
    network_.run_for(4 * kSecond);
    network_.set_up(0, 1, true);
    const uint64_t wanted = static_cast<uint64_t>(i + 1) * 400;
    ASSERT_TRUE(network_.run_until([&] { return app_.messages == wanted; }, 20 * kSecond)) << i;
  }
  EXPECT_TRUE(session->open());
}

TEST_F(Path, ALongPartitionIsReportedByBothSides) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  Channel* far = other();
  ASSERT_EQ(push(*a_, *channel, 100, 1'000), 100u);
  network_.run_for(kMillisecond);
  network_.set_up(0, 1, false);
  const Time cut = network_.now();
  ASSERT_TRUE(network_.run_until([&] { return app_.sessions_closed.size() == 2; }, 60 * kSecond));
  for (size_t i = 0; i < 2; i++) {
    EXPECT_TRUE(app_.sessions_closed[i].timed_out);
    EXPECT_EQ(app_.sessions_closed[i].by, ClosedBy::kFailure);
    EXPECT_GE(app_.sessions_closed_at[i] - cut, 29 * kSecond);
    EXPECT_LE(app_.sessions_closed_at[i] - cut, 31 * kSecond);
  }
  ASSERT_EQ(app_.channels_closed.size(), 2u);
  EXPECT_TRUE(app_.seen[channel].reason.timed_out);
  EXPECT_TRUE(app_.seen[far].reason.timed_out);
  // What arrived before was handed over.
  EXPECT_EQ(app_.seen[far].messages, far == nullptr ? 0 : app_.messages);
  EXPECT_EQ(a_->endpoint().session_count(), 0u);
  EXPECT_EQ(b_->endpoint().session_count(), 0u);
}

TEST_F(Path, APathThatCarriesOnlySmallPacketsIsReported) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  ASSERT_EQ(push(*a_, *channel, 10, 100), 10u);
  ASSERT_TRUE(network_.run_until([&] { return app_.messages == 10; }, 10 * kSecond));
  LinkOptions small;
  small.impairment.delay_ns = 10 * kMillisecond;
  small.mtu = 600;
  network_.set_links(0, 1, small);
  // Little arrives as before.
  for (uint64_t i = 1; i <= 5; i++) {
    ASSERT_EQ(push(*a_, *channel, 1, 100), 1u);
    ASSERT_TRUE(network_.run_until([&] { return app_.messages == 10 + i; }, 10 * kSecond));
    network_.run_for(20 * kSecond);
  }
  EXPECT_TRUE(session->open());
  // Much does not.
  ASSERT_EQ(push(*a_, *channel, 100, 1'000), 100u);
  const Time began = network_.now();
  ASSERT_TRUE(network_.run_until([&] { return app_.sessions_closed.size() == 2; }, 90 * kSecond));
  EXPECT_TRUE(app_.sessions_closed[0].timed_out);
  // The other side hears of it when it speaks: the first one does not know the session any more.
  EXPECT_EQ(app_.sessions_closed[1].by, ClosedBy::kFailure);
  EXPECT_GE(app_.sessions_closed_at[0] - began, 30 * kSecond);
  EXPECT_LE(app_.sessions_closed_at[0] - began, 31 * kSecond);
  EXPECT_LE(app_.sessions_closed_at[1] - began, 61 * kSecond);
}

TEST_F(Path, ADeadChannelSaysWhatWasNotAcknowledged) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  uint64_t unacknowledged = 0;
  ASSERT_EQ(push(*a_, *channel, 7, 100), 7u);
  network_.run_for(kSecond);
  network_.set_up(0, 1, false);
  ASSERT_EQ(push(*a_, *channel, 5, 100), 5u);
  unacknowledged = channel->unacknowledged();
  EXPECT_EQ(unacknowledged, 5u);
  session->close(network_.now(), wire::Code::kNoError, nullptr, 0);
  EXPECT_EQ(channel->unacknowledged(), 5u);
  EXPECT_EQ(channel->base(), 8u);
  network_.run_for(60 * kSecond);
}

TEST_F(Path, KeepAliveHoldsASessionWithChannels) {
  add_peers();
  Session* session = connect();
  open(*session);
  network_.run_for(kSecond);
  network_.capture().clear();
  network_.run_for(300 * kSecond);
  EXPECT_TRUE(session->open());
  EXPECT_TRUE(app_.sessions_closed.empty());
  const size_t pings =
      count_frames(0, wire::FrameType::kPing) + count_frames(1, wire::FrameType::kPing);
  // One in ten seconds, more or less, and each of them answered.
  EXPECT_GE(pings, 20u);
  EXPECT_LE(pings, 70u);
}

TEST_F(Path, ASessionWithoutChannelsIdlesAway) {
  add_peers();
  connect();
  const Time opened = network_.now();
  ASSERT_TRUE(network_.run_until([&] { return app_.sessions_closed.size() == 2; }, 60 * kSecond));
  EXPECT_TRUE(app_.sessions_closed[0].timed_out);
  EXPECT_GE(network_.now() - opened, 29 * kSecond);
  EXPECT_LE(network_.now() - opened, 31 * kSecond);
}

TEST_F(Path, TheShorterIdleTimeoutHolds) {
  EndpointConfig config;
  config.idle_timeout_ms = 5'000;
  a_ = &network_.add_peer(config);
  config.idle_timeout_ms = 0;  // never
  b_ = &network_.add_peer(config);
  connect();
  const Time opened = network_.now();
  ASSERT_TRUE(network_.run_until([&] { return app_.sessions_closed.size() == 2; }, 60 * kSecond));
  EXPECT_LE(network_.now() - opened, 6 * kSecond);
}

TEST_F(Path, CloseTellsTheOtherSide) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  Channel* far = other();
  session->close(network_.now(), wire::Code::kNoError, "bye", 3);
  ASSERT_TRUE(network_.run_until([&] { return app_.sessions_closed.size() == 2; }, 5 * kSecond));
  EXPECT_EQ(app_.sessions_closed[0].by == ClosedBy::kLocal,
            app_.sessions_closed[1].by == ClosedBy::kRemote);
  EXPECT_EQ(app_.seen[channel].reason.by, ClosedBy::kLocal);
  EXPECT_EQ(app_.seen[far].reason.by, ClosedBy::kRemote);
  EXPECT_EQ(std::string(app_.seen[far].reason.detail, app_.seen[far].reason.detail_length), "bye");
  EXPECT_FALSE(app_.seen[far].reason.timed_out);
}

TEST_F(Path, AClosingSessionAnswersWithCloseLessAndLess) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  Channel* far = other();
  // b does not hear the CLOSE at first and goes on sending.
  DropRule rule;
  rule.any_frame = false;
  rule.frame = wire::FrameType::kClose;
  const size_t index = network_.add_drop_rule(rule);
  session->close(network_.now(), wire::Code::kNoError, nullptr, 0);
  const uint64_t before = app_.opened[1]->counters().packets_sent;
  for (int i = 0; i < 5; i++) {
    push(*b_, *far, 20, 1'000);
    network_.run_for(5 * kMillisecond);
  }
  const uint64_t sent = app_.opened[1]->counters().packets_sent - before;
  const uint64_t closes = network_.rule(index).matched;
  EXPECT_GT(sent, 8u);
  EXPECT_GE(closes, 2u);
  EXPECT_LE(closes, 8u);
  network_.rule(index).count = 0;
  (void)channel;
  network_.run_for(60 * kSecond);
  EXPECT_EQ(app_.sessions_closed.size(), 2u);
}

TEST_F(Path, BothCloseAtOnce) {
  add_peers();
  Session* session = connect();
  open(*session);
  session->close(network_.now(), wire::Code::kNoError, nullptr, 0);
  app_.opened[1]->close(network_.now(), wire::Code::kNoError, nullptr, 0);
  ASSERT_TRUE(network_.run_until([&] { return app_.sessions_closed.size() == 2; }, 5 * kSecond));
  EXPECT_EQ(app_.sessions_closed[0].by, ClosedBy::kLocal);
  EXPECT_EQ(app_.sessions_closed[1].by, ClosedBy::kLocal);
}

TEST_F(Path, ADatagramLongerThanThePathNeverArrives) {
  EndpointConfig config;
  config.path_datagram = 9'000;
  add_peers(config);
  LinkOptions options;
  options.impairment.delay_ns = kMillisecond;
  options.mtu = 1'400;
  network_.set_links(0, 1, options);
  Session* session = connect();
  Channel* channel = open(*session);
  ASSERT_EQ(push(*a_, *channel, 1, 5'000), 1u);
  // Nothing that was too long is taken for delivered.
  network_.run_for(29 * kSecond);
  EXPECT_TRUE(session->open());
  EXPECT_EQ(app_.messages, 0u);
  EXPECT_EQ(channel->unacknowledged(), 1u);
  // Small packets do not keep the session for ever.
  ASSERT_TRUE(network_.run_until([&] { return app_.sessions_closed.size() == 2; }, 60 * kSecond));
  EXPECT_TRUE(app_.sessions_closed[0].timed_out);
  EXPECT_EQ(app_.messages, 0u);
}

TEST_F(Path, DestroyingAnEndpointInTheMiddleFreesEverything) {
  add_peers();
  Session* session = connect();
  for (int i = 0; i < 5; i++) {
    Channel* channel = open(*session);
    push(*a_, *channel, 100, 2'000);
    push(*b_, *other(), 100, 2'000);
  }
  network_.run_for(12 * kMillisecond);
  a_->destroy();
  b_->destroy();
  EXPECT_EQ(network_.failure(), "");
}

TEST_F(Path, DestroyingAnEndpointWithDeadSessionsFreesThem) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  Channel* far = other();
  push(*a_, *channel, 100, 2'000);
  (void)far;
  // Gone, but the owner has not been told yet.
  session->close(network_.now(), wire::Code::kNoError, nullptr, 0);
  a_->runtime().run_timers(network_.now() + 100 * kSecond);
  EXPECT_EQ(session->state(), Session::State::kGone);
  a_->destroy();
  EXPECT_EQ(network_.failure(), "");
}

}  // namespace
}  // namespace hawser::sim
