// Channels that share a session: priorities and weights over a path that is the bottleneck, and
// requests, hints and lost counts between honest peers.
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

using wire::FrameType;

class SharedPath : public TwoPeers {
 protected:
  void SetUp() override { network_.set_capture(false); }
  void use_path(uint64_t bytes_per_second) {
    net::ImpairmentOptions path;
    path.delay_ns = 10 * kMillisecond;
    path.rate_bytes_per_second = bytes_per_second;
    path.queue_bytes = 200'000;
    set_path(path);
  }
  Channel* open_with(Session& session, uint8_t priority, uint16_t weight) {
    ChannelConfig config;
    config.priority = priority;
    config.weight = weight;
    config.max_buffered = 1u << 30;
    return open(session, config);
  }
};

// A small message waits for what is in the queues of the path, and for no more of the bulk.
TEST_F(SharedPath, APriorityIsNotDelayedByBulkThatWaits) {
  add_peers();
  use_path(1'250'000);  // 10 Mbit/s
  Session* session = connect();
  Channel* bulk = open_with(*session, 5, 256);
  Channel* small = open_with(*session, 0, 1);
  push(*a_, *bulk, 20'000, 1'000);
  network_.run_for(2 * kSecond);
  ASSERT_GT(bulk->unsent(), 5'000'000u);
  for (int i = 0; i < 20; i++) {
    const uint64_t sent_before = bulk->counters().messages_sent;
    push(*a_, *small, 1, 50);
    const uint64_t position = small->outbound().ring().published_position();
    ASSERT_TRUE(
        network_.run_until([&] { return small->outbound().next_position() == position; }, kSecond));
    // A train is 64 packets at most.
    EXPECT_LE(bulk->counters().messages_sent - sent_before, 80u);
    network_.run_for(37 * kMillisecond);
  }
  EXPECT_GT(bulk->unsent(), 1'000'000u);
}

TEST_F(SharedPath, ChannelsOfOnePriorityShareByWeight) {
  add_peers();
  use_path(1'250'000);
  Session* session = connect();
  Channel* light = open_with(*session, 3, 4);
  Channel* heavy = open_with(*session, 3, 64);
  push(*a_, *light, 20'000, 1'000);
  push(*a_, *heavy, 20'000, 1'000);
  network_.run_for(6 * kSecond);  // until neither credit nor N is the limit
  const uint64_t light_before = light->counters().messages_sent;
  const uint64_t heavy_before = heavy->counters().messages_sent;
  network_.run_for(8 * kSecond);
  const auto sent_light = static_cast<double>(light->counters().messages_sent - light_before);
  const auto sent_heavy = static_cast<double>(heavy->counters().messages_sent - heavy_before);
  ASSERT_GT(sent_heavy, 5'000);
  EXPECT_NEAR(sent_light / sent_heavy, 4.0 / 64, 0.02);
}

// --- The window between honest peers.

class HonestWindow : public TwoPeers {
 protected:
  // The next `count` packets of the second peer with such a frame. Returns the rule.
  size_t drop(FrameType type, uint64_t count) {
    DropRule rule;
    rule.from = 1;
    rule.any_packet = true;
    rule.any_frame = false;
    rule.frame = type;
    rule.count = count;
    return network_.add_drop_rule(rule);
  }
  std::vector<Time> times_of(int from, FrameType type) {
    std::vector<Time> found;
    for (const Captured& captured : network_.capture()) {
      if (captured.from != from) continue;
      each_frame(captured.view(), [&](const wire::Frame& frame) {
        if (frame.type() == type) found.push_back(captured.time);
      });
    }
    return found;
  }
};

// Everything about message 3 is dropped for a while, so that its gap outlives the ACK.
TEST_F(HonestWindow, AnEarlyReceiverAsksForAGapThatOutlivesItsAck) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  for (int i = 0; i < 20; i++) {  // so that the round trip is known
    push(*a_, *channel, 1, 10);
    network_.run_for(100 * kMillisecond);
  }
  DropRule rule;
  rule.from = 0;
  rule.any_packet = true;
  rule.packet = wire::PacketType::kData;
  rule.any_frame = false;
  rule.frame = FrameType::kMessage;
  rule.channel = channel->id();
  rule.sequence = 21;
  const size_t which = network_.add_drop_rule(rule);
  network_.capture().clear();
  push(*a_, *channel, 1, 10);
  network_.run_for(kMillisecond);
  const Time second = network_.now();
  push(*a_, *channel, 3, 10);
  network_.run_for(2 * kSecond);
  const std::vector<Time> times = times_of(1, FrameType::kRequest);
  ASSERT_GE(times.size(), 3u);
  // 10 ms there, then the delay of an ACK and 1.5 round trips of 20 ms.
  const Duration since = times[0] - (second + 10 * kMillisecond);
  EXPECT_GE(since, 30 * kMillisecond);
  EXPECT_LE(since, 30 * kMillisecond + 26 * kMillisecond);
  const Duration pause = times[1] - times[0];
  EXPECT_GE(pause, 28 * kMillisecond);
  EXPECT_NEAR(static_cast<double>(times[2] - times[1]), 2.0 * static_cast<double>(pause), 2e6);
  network_.rule(which).count = 0;
  network_.run_for(5 * kSecond);
  EXPECT_EQ(channel->unacknowledged(), 0u);
}

TEST_F(HonestWindow, AReceiverSaysWhenItsGradeHasChangedAndNotOtherwise) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  const auto run = [&](int batches) {
    for (int i = 0; i < batches; i++) {
      push(*a_, *channel, 10, 1'000);
      network_.run_for(50 * kMillisecond);
    }
  };
  run(100);
  EXPECT_EQ(count_frames(1, FrameType::kWindowHint), 0u);
  net::ImpairmentOptions path;
  path.delay_ns = 10 * kMillisecond;
  path.loss = 0.1;
  set_path(path);
  run(100);
  const size_t hints = count_frames(1, FrameType::kWindowHint);
  EXPECT_GE(hints, 1u);
  EXPECT_LE(hints, 6u);
  EXPECT_GT(channel->counters().advised_loss, 0.01);
}

// While the path recovered only the other channel had something to say.
TEST_F(HonestWindow, AChannelThatWasSilentLearnsThatThePathRecovered) {
  add_peers();
  network_.set_capture(false);
  Session* session = connect();
  ChannelConfig config;
  config.window_minimum = 8;
  config.window_maximum = 200;
  Channel* quiet = open(*session, config);
  Channel* busy = open(*session, config);
  const auto stream = [&](std::vector<Channel*> channels, Duration time) {
    for (const Time end = network_.now() + time; network_.now() < end;) {
      for (Channel* channel : channels) {
        if (channel->unsent() < 50'000) push(*a_, *channel, 50, 200);
      }
      network_.run_for(10 * kMillisecond);
    }
  };
  net::ImpairmentOptions path;
  path.delay_ns = 10 * kMillisecond;
  path.loss = 0.2;
  set_path(path);
  stream({quiet, busy}, 4 * kSecond);
  EXPECT_GT(quiet->counters().advised_loss, 0.05);
  path.loss = 0;
  set_path(path);
  ASSERT_TRUE(network_.run_until([&] { return quiet->unacknowledged() == 0; }, 20 * kSecond));
  stream({busy}, 15 * kSecond);
  stream({quiet}, 15 * kSecond);
  EXPECT_LT(quiet->counters().advised_loss, 0.001);
  EXPECT_GT(quiet->counters().window, 150u);
  EXPECT_GT(quiet->counters().ack_every, 75u);
}

// It cannot know before ACCEPT that only the newest message is wanted.
TEST_F(HonestWindow, AnOpenerHandsNothingOverBeforeItKnowsTheDelivery) {
  add_peers();
  app_.config.delivery = wire::Delivery::kLatest;
  Session* session = connect();
  const size_t which = drop(FrameType::kAccept, 3);
  Channel* channel = open_channel(*a_, *session, ChannelConfig{});
  channel->set_demand(network_.now(), Demand::kContinuous);
  ASSERT_TRUE(network_.run_until([&] { return !app_.incoming.empty(); }, kSecond));
  for (int i = 0; i < 5; i++) {
    push(*b_, *app_.incoming[0], 1, 10);
    network_.run_for(5 * kMillisecond);
  }
  ASSERT_TRUE(network_.run_until([&] { return channel->inbound().held_messages() != 0; }, kSecond));
  EXPECT_FALSE(channel->accepted());
  EXPECT_EQ(app_.seen[channel].messages, 0u);
  ASSERT_TRUE(network_.run_until([&] { return channel->accepted(); }, 20 * kSecond));
  network_.run_for(5 * kSecond);
  EXPECT_GE(network_.rule(which).dropped, 1u);
  EXPECT_GE(app_.seen[channel].messages, 1u);
  EXPECT_LT(app_.seen[channel].messages, 5u);
}

// The last COUNTs are lost, and the receiver is gone before they can be said again.
TEST_F(HonestWindow, ASenderFinishesThoughItsReceiverIsGoneAndEveryCountWasLost) {
  add_peers();
  Session* session = connect();
  ChannelConfig config;
  config.counted = true;
  config.window = 8;
  config.ack_timeout = 50 * kMillisecond;
  Channel* channel = open(*session, config);
  other()->end(network_.now());
  network_.run_for(kSecond);
  const size_t which = drop(FrameType::kCount, 40);
  push(*a_, *channel, 4, 10);
  network_.run_for(200 * kMillisecond);
  push(*a_, *channel, 2, 10);
  channel->end(network_.now());
  const size_t closed_before = app_.channels_closed.size();
  EXPECT_TRUE(network_.run_until([&] { return app_.channels_closed.size() == closed_before + 2; },
                                 25 * kSecond));
  EXPECT_GE(network_.rule(which).dropped, 1u);
  for (const CloseReason& reason : app_.channels_closed) {
    EXPECT_EQ(reason.code, wire::Code::kNoError);
  }
  EXPECT_EQ(app_.messages, 6u);
}

}  // namespace
}  // namespace hawser::sim
