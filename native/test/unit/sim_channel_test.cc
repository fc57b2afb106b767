#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

class Channels : public TwoPeers {};

TEST_F(Channels, TheOpenersNamesReachTheOtherSide) {
  add_peers();
  Session* session = connect();
  const std::string service(200, 's');
  const std::string metadata(700, 'm');
  Channel* channel = open_channel(*a_, *session, {}, service, metadata);
  ASSERT_TRUE(network_.run_until([&] { return channel->accepted(); }, kSecond));
  EXPECT_EQ(other()->id(), channel->id());
  EXPECT_EQ(
      std::string(reinterpret_cast<const char*>(other()->service()), other()->service_length()),
      service);
  EXPECT_EQ(
      std::string(reinterpret_cast<const char*>(other()->metadata()), other()->metadata_length()),
      metadata);
  EXPECT_TRUE(other()->incoming());
  EXPECT_FALSE(channel->incoming());
}

// One that no packet can carry must not stand in the way of everything else.
TEST_F(Channels, NamesThatFitNoPacketAreRefused) {
  add_peers();
  Session* session = connect();
  EXPECT_EQ(open_channel(*a_, *session, {}, std::string(255, 's'), std::string(1024, 'm')),
            nullptr);
  open(*session);
}

TEST_F(Channels, RefusalSaysWhy) {
  add_peers();
  app_.accept = false;
  Session* session = connect();
  Channel* channel = open_channel(*a_, *session);
  EXPECT_EQ(push(*a_, *channel, 1, 10), 0u);
  ASSERT_TRUE(network_.run_until([&] { return app_.channels_closed.size() == 2; }, kSecond));
  const CloseReason& at_opener = app_.seen[channel].reason;
  EXPECT_EQ(at_opener.code, wire::Code::kServiceUnknown);
  EXPECT_EQ(at_opener.by, ClosedBy::kRemote);
  EXPECT_EQ(std::string(at_opener.detail, at_opener.detail_length), "no");
  EXPECT_EQ(app_.seen[channel].events & transport::kChannelAccepted, 0u);
  network_.run_for(kSecond);
  EXPECT_EQ(session->channel_count(), 0u);
  EXPECT_EQ(app_.opened[1]->channel_count(), 0u);
}

TEST_F(Channels, EndBothWaysClosesInPeace) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  Channel* far = other();
  EXPECT_EQ(push(*a_, *channel, 10, 100), 10u);
  channel->end(network_.now());
  EXPECT_EQ(push(*a_, *channel, 1, 10), 0u);
  ASSERT_TRUE(network_.run_until(
      [&] { return (app_.seen[far].events & transport::kChannelEnded) != 0; }, kSecond));
  EXPECT_EQ(app_.seen[far].messages, 10u);
  // Half closed: the other way is still open.
  EXPECT_EQ(push(*b_, *far, 5, 100), 5u);
  network_.run_for(kSecond);
  EXPECT_EQ(app_.seen[channel].messages, 5u);
  EXPECT_TRUE(app_.channels_closed.empty());
  far->end(network_.now());
  ASSERT_TRUE(network_.run_until([&] { return app_.channels_closed.size() == 2; }, kSecond));
  for (const CloseReason& reason : app_.channels_closed) {
    EXPECT_EQ(reason.code, wire::Code::kNoError);
  }
  EXPECT_EQ(app_.seen[channel].reason.by, ClosedBy::kLocal);
  EXPECT_EQ(app_.seen[far].reason.by, ClosedBy::kRemote);
  EXPECT_EQ(session->channel_count(), 0u);
}

TEST_F(Channels, ResetInTheMiddleSaysWhatIsNotAcknowledged) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  Channel* far = other();
  ASSERT_EQ(push(*a_, *channel, 100, 1'000), 100u);
  // A few have arrived, the rest is on its way.
  ASSERT_TRUE(network_.run_until([&] { return app_.seen[far].messages > 0; }, kSecond));
  const uint64_t acknowledged = channel->base() - 1;
  channel->reset(network_.now(), wire::Code::kCancelled, "stop", 4);
  EXPECT_EQ(channel->unacknowledged(), 100 - acknowledged);
  EXPECT_EQ(channel->base(), acknowledged + 1);
  EXPECT_EQ(push(*a_, *channel, 1, 10), 0u);
  ASSERT_TRUE(network_.run_until([&] { return app_.channels_closed.size() == 2; }, kSecond));
  EXPECT_EQ(app_.seen[far].reason.code, wire::Code::kCancelled);
  EXPECT_EQ(app_.seen[far].reason.by, ClosedBy::kRemote);
  EXPECT_EQ(std::string(app_.seen[far].reason.detail, 4), "stop");
  // Nothing of it is sent afterwards.
  network_.capture().clear();
  network_.run_for(2 * kSecond);
  EXPECT_EQ(
      count_frames(0, wire::FrameType::kMessage) + count_frames(0, wire::FrameType::kFragment), 0u);
  EXPECT_EQ(session->channel_count(), 0u);
  EXPECT_EQ(app_.opened[1]->channel_count(), 0u);
}

TEST_F(Channels, ALostResetIsRepeated) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  DropRule rule;
  rule.any_frame = false;
  rule.frame = wire::FrameType::kReset;
  rule.count = 2;
  network_.add_drop_rule(rule);
  channel->reset(network_.now(), wire::Code::kHandlerFailed, nullptr, 0);
  ASSERT_TRUE(network_.run_until([&] { return app_.channels_closed.size() == 2; }, 10 * kSecond));
  EXPECT_EQ(app_.seen[other()].reason.code, wire::Code::kHandlerFailed);
}

// The owner may be late: what it does to a channel that is gone does nothing.
TEST_F(Channels, CallsAfterTheEndDoNothing) {
  add_peers();
  Session* session = connect();
  app_.demand = Demand::kNone;
  Channel* channel = open(*session);
  Channel* far = other();
  ASSERT_EQ(push(*a_, *channel, 20, 50), 20u);
  network_.run_for(100 * kMillisecond);
  far->set_demand(network_.now(), Demand::kContinuous);
  far->reset(network_.now(), wire::Code::kCancelled, nullptr, 0);
  b_->deliver(*far);
  far->set_demand(network_.now(), Demand::kOnce);
  b_->deliver(*far);
  far->flush(network_.now());
  far->end(network_.now());
  far->reset(network_.now(), wire::Code::kInternal, nullptr, 0);
  far->watch_acknowledged(network_.now(), 5);
  EXPECT_EQ(far->reason().code, wire::Code::kCancelled);
  EXPECT_EQ(app_.seen[far].messages, 0u);
  network_.run_for(kSecond);
  EXPECT_EQ(app_.channels_closed.size(), 2u);
}

TEST_F(Channels, WhatArrivedBeforeAPeacefulResetIsHandedOver) {
  add_peers();
  Session* session = connect();
  app_.demand = Demand::kNone;
  Channel* channel = open(*session);
  Channel* far = other();
  ASSERT_EQ(push(*a_, *channel, 20, 50), 20u);
  channel->watch_acknowledged(network_.now(), 21);
  ASSERT_TRUE(network_.run_until(
      [&] { return (app_.seen[channel].events & transport::kChannelAcknowledged) != 0; }, kSecond));
  EXPECT_EQ(channel->unacknowledged(), 0u);
  channel->reset(network_.now(), wire::Code::kNoError, nullptr, 0);
  ASSERT_TRUE(network_.run_until([&] { return app_.channels_closed.size() == 2; }, kSecond));
  EXPECT_EQ(app_.seen[far].messages, 20u);
}

TEST_F(Channels, AStalledReaderBlocksNobodyElse) {
  add_peers();
  Session* session = connect();
  app_.demand = Demand::kNone;
  Channel* stalled = open(*session);
  Channel* stalled_far = other();
  app_.demand = Demand::kContinuous;
  std::vector<Channel*> running;
  std::vector<Channel*> far;
  for (int i = 0; i < 20; i++) {
    running.push_back(open(*session));
    far.push_back(other());
  }
  uint64_t taken = 0;
  while (const uint64_t some = push(*a_, *stalled, 50, 10'000)) taken += some;
  for (Channel* channel : running) ASSERT_EQ(push(*a_, *channel, 500, 500), 500u);
  ASSERT_TRUE(network_.run_until(
      [&] {
        return std::all_of(far.begin(), far.end(),
                           [&](Channel* c) { return app_.seen[c].messages == 500; });
      },
      20 * kSecond));
  EXPECT_EQ(app_.seen[stalled_far].messages, 0u);
  EXPECT_GT(stalled->unsent(), 0u);
  // It goes on where it stood.
  stalled_far->set_demand(network_.now(), Demand::kContinuous);
  b_->deliver(*stalled_far);
  ASSERT_TRUE(
      network_.run_until([&] { return app_.seen[stalled_far].messages == taken; }, 60 * kSecond));
}

TEST_F(Channels, AReaderThatNeverReadsHoldsTheSender) {
  EndpointConfig endpoint;
  endpoint.max_credit = 256u << 10;
  add_peers(endpoint);
  Session* session = connect();
  app_.demand = Demand::kNone;
  ChannelConfig config;
  config.high_water_mark = 64u << 10;
  config.max_buffered = 256u << 10;
  app_.config = config;
  Channel* channel = open(*session, config);
  uint64_t taken = 0;
  size_t sender_peak = 0;
  size_t receiver_peak = 0;
  for (int round = 0; round < 400; round++) {
    taken += push(*a_, *channel, 20, 1'000);
    network_.run_for(50 * kMillisecond);
    if (round == 100) {
      sender_peak = a_->memory().in_use();
      receiver_peak = b_->memory().in_use();
    }
  }
  // Nothing more was taken or kept after the first hundred rounds.
  EXPECT_LE(a_->memory().in_use(), sender_peak);
  EXPECT_LE(b_->memory().in_use(), receiver_peak);
  EXPECT_LT(sender_peak, 4 * config.max_buffered);
  EXPECT_LT(receiver_peak, 4 * size_t{endpoint.max_credit});
  EXPECT_EQ(app_.seen[other()].messages, 0u);
  EXPECT_LT(taken, 400u * 20u);
  EXPECT_GT(count_frames(0, wire::FrameType::kBlocked), 0u);
  // Then it reads, and everything comes.
  other()->set_demand(network_.now(), Demand::kContinuous);
  b_->deliver(*other());
  EXPECT_TRUE(
      network_.run_until([&] { return app_.seen[other()].messages == taken; }, 60 * kSecond));
}

TEST_F(Channels, TooLongAMessageIsRefusedWhenPushed) {
  add_peers();
  Session* session = connect();
  ChannelConfig small;
  small.max_message = 1'000;
  app_.config = small;
  ChannelConfig large;
  large.max_message = 5'000;
  Channel* channel = open(*session, large);
  // The smaller of what both allow.
  EXPECT_EQ(channel->max_send(), 1'000u);
  EXPECT_EQ(other()->max_send(), 1'000u);
  const std::vector<uint8_t> body(6'000);
  EXPECT_EQ(channel->push_locked(body.data(), 1'001), Channel::Push::kTooLarge);
  EXPECT_EQ(channel->push_locked(body.data(), 6'000), Channel::Push::kTooLarge);
  EXPECT_EQ(channel->push_locked(body.data(), 1'000), Channel::Push::kTaken);
  channel->flush(network_.now());
  ASSERT_TRUE(network_.run_until([&] { return app_.messages == 1; }, kSecond));
  // Nothing of what was refused was sent.
  EXPECT_EQ(channel->written_sequence(), 2u);
}

TEST_F(Channels, PushSaysFullThenWritableThenRefused) {
  add_peers();
  Session* session = connect();
  ChannelConfig config;
  config.high_water_mark = 10'000;
  config.max_buffered = 20'000;
  Channel* channel = open(*session, config);
  const std::vector<uint8_t> body(1'000);
  std::vector<Channel::Push> answers;
  for (int i = 0; i < 30; i++) {
    Channel::Push answer = channel->push(body.data(), body.size());
    if (answer == Channel::Push::kNoRoom) answer = channel->push_locked(body.data(), body.size());
    answers.push_back(answer);
  }
  EXPECT_EQ(answers[8], Channel::Push::kTaken);
  EXPECT_EQ(answers[10], Channel::Push::kFull);
  EXPECT_EQ(answers[18], Channel::Push::kFull);
  EXPECT_EQ(answers[29], Channel::Push::kRefused);
  EXPECT_EQ(app_.seen[channel].events & transport::kChannelWritable, 0u);
  channel->flush(network_.now());
  ASSERT_TRUE(network_.run_until(
      [&] { return (app_.seen[channel].events & transport::kChannelWritable) != 0; }, kSecond));
  EXPECT_EQ(channel->push_locked(body.data(), body.size()), Channel::Push::kTaken);
}

TEST_F(Channels, WhatIsPushedMeanwhileIsNoRoom) {
  add_peers();
  Session* session = connect();
  ChannelConfig config;
  config.high_water_mark = 10'000;
  Channel* channel = open(*session, config);
  const auto writable = [&] {
    return (app_.seen[channel].events & transport::kChannelWritable) != 0;
  };
  push(*a_, *channel, 1, 1'000);
  // Not published yet when the first one leaves.
  const std::vector<uint8_t> body(20'000);
  ASSERT_EQ(channel->push_locked(body.data(), body.size()), Channel::Push::kFull);
  network_.run_for(kSecond);
  EXPECT_FALSE(writable());
  channel->flush(network_.now());
  EXPECT_TRUE(network_.run_until(writable, kSecond));
}

TEST_F(Channels, TheChannelLimitDelaysAndDoesNotRefuse) {
  EndpointConfig endpoint;
  endpoint.max_channels = 4;
  add_peers(endpoint);
  Session* session = connect();
  std::vector<Channel*> channels;
  for (int i = 0; i < 10; i++) channels.push_back(open_channel(*a_, *session));
  network_.run_for(kSecond);
  EXPECT_EQ(app_.incoming.size(), 4u);
  // Each that goes makes room for another.
  for (size_t i = 0; i < 10; i++) {
    ASSERT_TRUE(network_.run_until([&] { return channels[i]->accepted(); }, 5 * kSecond)) << i;
    channels[i]->reset(network_.now(), wire::Code::kNoError, nullptr, 0);
  }
  network_.run_for(5 * kSecond);
  EXPECT_EQ(app_.incoming.size(), 10u);
  EXPECT_EQ(session->channel_count(), 0u);
}

// Its WINDOW made the peer end the session with CHANNEL_LIMIT.
TEST_F(Channels, AChannelThatIsNotAllowedYetSaysNothingOfItsWindow) {
  EndpointConfig endpoint;
  endpoint.max_channels = 1;
  add_peers(endpoint);
  Session* session = connect();
  ChannelConfig config;
  config.window = 16;
  Channel* first = open_channel(*a_, *session, config);
  Channel* second = open_channel(*a_, *session, config);
  network_.run_for(kSecond);
  ASSERT_TRUE(app_.sessions_closed.empty());
  EXPECT_TRUE(first->accepted());
  EXPECT_FALSE(second->accepted());
  first->reset(network_.now(), wire::Code::kNoError, nullptr, 0);
  ASSERT_TRUE(network_.run_until([&] { return second->accepted(); }, 5 * kSecond));
  // And then it says it.
  network_.run_for(kSecond);
  size_t windows = 0;
  for (const Captured& captured : network_.capture()) {
    each_frame(captured.view(), [&](const wire::Frame& frame) {
      windows += captured.from == 0 && frame.type() == wire::FrameType::kWindow &&
                 frame.window.channel == second->id() && frame.window.messages == 16;
    });
  }
  EXPECT_EQ(windows, 1u);
}

TEST_F(Channels, AnIdleChannelIsReset) {
  add_peers();
  Session* session = connect();
  ChannelConfig config;
  config.idle_timeout = 3 * kSecond;
  Channel* channel = open(*session, config);
  Channel* quiet = open(*session);
  const Time opened = network_.now();
  network_.run_for(2 * kSecond);
  ASSERT_EQ(push(*a_, *channel, 1, 10), 1u);
  network_.run_for(2 * kSecond);
  EXPECT_TRUE(app_.channels_closed.empty());  // the message put it off
  ASSERT_TRUE(network_.run_until([&] { return app_.channels_closed.size() == 2; }, 10 * kSecond));
  EXPECT_GE(network_.now() - opened, 5 * kSecond);
  EXPECT_LE(network_.now() - opened, 5 * kSecond + 200 * kMillisecond);
  EXPECT_EQ(app_.channels_closed[0].code, wire::Code::kIdle);
  EXPECT_EQ(app_.channels_closed[1].code, wire::Code::kIdle);
  EXPECT_FALSE(quiet->gone());
}

TEST_F(Channels, ReleasingALivingChannelResetsIt) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  ASSERT_EQ(push(*a_, *channel, 50, 1'000), 50u);
  channel->release(network_.now());
  ASSERT_TRUE(network_.run_until([&] { return !app_.channels_closed.empty(); }, kSecond));
  EXPECT_EQ(app_.channels_closed[0].code, wire::Code::kCancelled);
  network_.run_for(kSecond);
  EXPECT_EQ(session->channel_count(), 0u);
}

TEST_F(Channels, TenThousandOneAfterTheOtherTakeNoMoreMemoryThanAHundred) {
  network_.set_capture(false);
  EndpointConfig endpoint;
  endpoint.max_channels = 100;
  add_peers(endpoint);
  set_path([] {
    net::ImpairmentOptions options;
    options.delay_ns = kMillisecond;
    return options;
  }());
  Session* session = connect();
  uint64_t last_id = 0;
  size_t a_before = 0;
  size_t b_before = 0;
  for (int i = 0; i < 10'000; i++) {
    Channel* channel = open_channel(*a_, *session);
    ASSERT_NE(channel, nullptr);
    ASSERT_GT(channel->id(), last_id);
    last_id = channel->id();
    ASSERT_TRUE(network_.run_until([&] { return channel->accepted(); }, 5 * kSecond)) << i;
    channel->set_demand(network_.now(), Demand::kContinuous);
    Channel* far = other();
    const uint64_t before = app_.messages;
    ASSERT_EQ(push(*a_, *channel, 1, 20), 1u);
    ASSERT_EQ(push(*b_, *far, 1, 20), 1u);
    channel->end(network_.now());
    far->end(network_.now());
    const size_t closed = app_.channels_closed.size();
    ASSERT_TRUE(
        network_.run_until([&] { return app_.channels_closed.size() == closed + 2; }, 5 * kSecond))
        << i;
    ASSERT_EQ(app_.messages, before + 2);
    if (i == 100) {
      a_before = a_->memory().in_use();
      b_before = b_->memory().in_use();
      a_->memory().reset_peak();
      b_->memory().reset_peak();
    }
    app_.incoming.clear();
    app_.seen.clear();
  }
  // Rings may double, and the window of duplicates grows once; a byte for each channel would be
  // five times as much.
  constexpr size_t kRings = 2048;
  EXPECT_LE(a_->memory().in_use(), a_before + kRings);
  EXPECT_LE(b_->memory().in_use(), b_before + kRings);
  EXPECT_LE(b_->memory().peak(), 2 * b_before);
}

TEST_F(Channels, ManyAtOnceAllGetThrough) {
  network_.set_capture(false);
  add_peers();
  net::ImpairmentOptions impairment;
  impairment.delay_ns = 10 * kMillisecond;
  impairment.loss = 0.05;
  set_path(impairment);
  Session* session = connect();
  std::vector<Channel*> channels;
  for (int i = 0; i < 2'000; i++) channels.push_back(open_channel(*a_, *session));
  ASSERT_TRUE(network_.run_until(
      [&] {
        return std::all_of(channels.begin(), channels.end(),
                           [](Channel* c) { return c->accepted(); });
      },
      30 * kSecond));
  for (Channel* channel : channels) {
    ASSERT_EQ(push(*a_, *channel, 3, 30), 3u);
    channel->end(network_.now());
  }
  for (Channel* far : app_.incoming) far->end(network_.now());
  ASSERT_TRUE(
      network_.run_until([&] { return app_.channels_closed.size() == 4'000; }, 60 * kSecond));
  EXPECT_EQ(app_.messages, 6'000u);
}

}  // namespace
}  // namespace hawser::sim
