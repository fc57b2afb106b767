// Resend timeouts, turns and the pacer, judged by the packets that leave.
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

class Window : public TwoPeers {
 protected:
  // When peer 0 sent message `sequence` of `channel`, each time.
  std::vector<Time> sent_at(const Channel& channel, uint32_t sequence) {
    std::vector<Time> times;
    for (const Captured& captured : network_.capture()) {
      if (captured.from != 0) continue;
      each_frame(captured.view(), [&](const wire::Frame& frame) {
        if (frame.type() != wire::FrameType::kMessage) return;
        const wire::Message& message = frame.message;
        if (message.channel == channel.id() && sequence >= message.sequence32 &&
            sequence < message.sequence32 + message.count) {
          times.push_back(captured.time);
        }
      });
    }
    return times;
  }
  size_t bytes_of(const Channel& channel) {
    size_t bytes = 0;
    for (const Captured& captured : network_.capture()) {
      each_frame(captured.view(), [&](const wire::Frame& frame) {
        if (frame.type() == wire::FrameType::kMessage && frame.message.channel == channel.id()) {
          bytes += frame.message.length;
        }
      });
    }
    return bytes;
  }
  ChannelConfig counted() {
    ChannelConfig config;
    config.counted = true;
    config.window = 32;
    config.ack_every = 16;
    config.ack_timeout = 10 * kMillisecond;
    config.resend_timeout = 100 * kMillisecond;
    return config;
  }
};

TEST_F(Window, AResendTimeoutRepeatsOnlyWhatIsOldEnough) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session, counted());
  network_.run_for(kSecond);
  network_.set_up(0, 1, false);
  push(*a_, *channel, 1, 100);
  network_.run_for(60 * kMillisecond);
  push(*a_, *channel, 1, 100);
  network_.run_for(60 * kMillisecond);
  EXPECT_EQ(sent_at(*channel, 1).size(), 2u);
  EXPECT_EQ(sent_at(*channel, 2).size(), 1u);
  network_.set_up(0, 1, true);
  network_.run_for(5 * kSecond);
  EXPECT_EQ(channel->unacknowledged(), 0u);
}

TEST_F(Window, TheBackOffOfTheResendTimeoutEndsWhenTheBaseMoves) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session, counted());
  network_.run_for(kSecond);
  network_.set_up(0, 1, false);
  push(*a_, *channel, 1, 100);
  network_.run_for(2 * kSecond);
  const std::vector<Time> first = sent_at(*channel, 1);
  ASSERT_GE(first.size(), 4u);
  EXPECT_EQ(first[1] - first[0], 100 * kMillisecond);
  EXPECT_EQ(first[2] - first[1], 200 * kMillisecond);
  EXPECT_EQ(first[3] - first[2], 400 * kMillisecond);
  network_.set_up(0, 1, true);
  network_.run_for(5 * kSecond);
  ASSERT_EQ(channel->unacknowledged(), 0u);
  network_.set_up(0, 1, false);
  push(*a_, *channel, 1, 100);
  network_.run_for(300 * kMillisecond);
  const std::vector<Time> second = sent_at(*channel, 2);
  ASSERT_GE(second.size(), 2u);
  EXPECT_EQ(second[1] - second[0], 100 * kMillisecond);
}

TEST_F(Window, PacketsOfACountedChannelMakeNoAckDue) {
  add_peers();
  Session* session = connect();
  ChannelConfig config = counted();
  config.ack_timeout = 500 * kMillisecond;
  config.resend_timeout = 2 * kSecond;
  Channel* channel = open(*session, config);
  network_.run_for(kSecond);
  network_.capture().clear();
  push(*a_, *channel, 10, 100);
  network_.run_for(400 * kMillisecond);
  EXPECT_EQ(count_frames(1, wire::FrameType::kAck), 0u);
  network_.run_for(200 * kMillisecond);
  EXPECT_EQ(count_frames(1, wire::FrameType::kCount), 1u);
  EXPECT_EQ(channel->unacknowledged(), 0u);
}

TEST_F(Window, ChannelsOfOnePriorityShareByWeight) {
  EndpointConfig endpoint;
  endpoint.initial_credit = 8u << 20;  // neither credit nor N is the limit
  add_peers(endpoint);
  net::ImpairmentOptions impairment;
  impairment.delay_ns = 10 * kMillisecond;
  impairment.rate_bytes_per_second = 500'000;
  impairment.queue_bytes = 50'000;
  set_path(impairment);
  Session* session = connect();
  ChannelConfig config;
  config.window = 10'000;
  config.weight = 16;
  Channel* light = open(*session, config);
  config.weight = 64;
  Channel* heavy = open(*session, config);
  network_.capture().clear();
  push(*a_, *light, 9'000, 100);
  push(*a_, *heavy, 9'000, 100);
  network_.run_for(kSecond);
  const size_t few = bytes_of(*light);
  const size_t many = bytes_of(*heavy);
  ASSERT_GT(few, 20'000u);
  EXPECT_GT(many, 3 * few);
  EXPECT_LT(many, 5 * few);
}

TEST_F(Window, ThePacerWakesASessionWithoutAcknowledgements) {
  add_peers();
  net::ImpairmentOptions impairment;
  impairment.delay_ns = 50 * kMillisecond;
  set_path(impairment);
  Session* session = connect();
  Channel* channel = open(*session);
  push(*a_, *channel, 500, 1'000);
  network_.run_for(5 * kSecond);
  ASSERT_EQ(channel->unacknowledged(), 0u);
  ASSERT_GT(session->counters().congestion_window, 60u * 1'200);
  network_.set_link(1, 0, LinkOptions{});
  network_.link(1, 0).set_up(false);
  network_.capture().clear();
  push(*a_, *channel, 50, 1'000);
  network_.run_for(90 * kMillisecond);
  // Far more than the burst after silence, and not all at once.
  EXPECT_GE(network_.capture().size(), 40u);
  network_.link(1, 0).set_up(true);
  network_.run_for(20 * kSecond);
  EXPECT_EQ(channel->unacknowledged(), 0u);
}

TEST_F(Window, WhatFoundNoMemoryLeavesSoonAfter) {
  add_peers();
  Session* session = connect();
  Channel* channel = open(*session);
  push(*a_, *channel, 70, 1'000);  // the congestion window grows
  network_.run_for(kSecond);
  ASSERT_EQ(channel->unacknowledged(), 0u);
  const std::vector<uint8_t> body(1'000);
  for (int i = 0; i < 200; i++) {
    ASSERT_EQ(channel->push_locked(body.data(), body.size()), Channel::Push::kTaken);
  }
  // Nothing comes back that would wake the session.
  network_.set_link(1, 0, LinkOptions{});
  network_.link(1, 0).set_up(false);
  network_.capture().clear();
  a_->memory().fail_after(0, 1'000'000);
  channel->flush(network_.now());
  network_.run_for(20 * kMillisecond);
  const size_t before = network_.capture().size();
  ASSERT_GT(a_->memory().refused(), 0u);
  a_->memory().fail_after(0, 0);
  network_.run_for(15 * kMillisecond);
  EXPECT_GT(network_.capture().size(), before);
  network_.link(1, 0).set_up(true);
  network_.run_for(5 * kSecond);
  EXPECT_EQ(channel->unacknowledged(), 0u);
}

}  // namespace
}  // namespace hawser::sim
