// The sender of a counted channel, told what to think by a peer without a brain; and requests of an
// early one.
#include "test/unit/sim_counted_support.h"

namespace hawser::sim {
namespace {

using wire::FrameType;

// The peer opens a channel to us; we acknowledge what we choose to.
class CountedSender : public testing::Test {
 protected:
  CountedSender() {
    network_.set_application(&app_);
    peer_ = &network_.add_peer();
  }
  void SetUp() override {
    ASSERT_TRUE(raw_.connect(0));
    ASSERT_EQ(app_.opened.size(), 1u);
    session_ = app_.opened[0];
  }
  void TearDown() override {
    EXPECT_EQ(network_.failure(), "");
    peer_->destroy();
    EXPECT_EQ(network_.failure(), "");
  }
  void open(const ChannelConfig& config) {
    raw_.add(wire::MaxChannels{10}).send();
    channel_ = open_channel(*peer_, *session_, config);
    network_.run_for(kMillisecond);
    raw_.add(wire::Accept{channel_->id(), 1u << 20, 100'000, wire::Delivery::kOrdered}).send();
    network_.run_for(kMillisecond);
  }
  static ChannelConfig counted(uint32_t window = 8) {
    ChannelConfig config;
    config.counted = true;
    config.window = window;
    config.ack_timeout = 50 * kMillisecond;
    return config;
  }
  void acknowledge() {
    raw_.add_ack().send();
    network_.run_for(kMillisecond);
  }
  void count(uint32_t number) {
    wire::Count frame{};
    frame.entry_count = 1;
    frame.entries[0] = {channel_->id(), number};
    raw_.add(frame).send();
    network_.run_for(kMillisecond);
  }
  // When messages came, by number.
  std::vector<std::pair<uint32_t, Time>> messages() const {
    std::vector<std::pair<uint32_t, Time>> found;
    raw_.each(FrameType::kMessage, [&](Time time, const wire::Frame& frame) {
      for (uint32_t i = 0; i < frame.message.count; i++) {
        found.emplace_back(frame.message.sequence32 + i, time);
      }
    });
    return found;
  }
  std::vector<uint32_t> numbers() const {
    std::vector<uint32_t> found;
    for (const auto& [number, time] : messages()) found.push_back(number);
    return found;
  }

  using Numbers = std::vector<uint32_t>;
  SimNetwork network_{1};
  RecordingApp app_;
  SimPeer* peer_ = nullptr;
  RawPeer raw_{network_};
  Session* session_ = nullptr;
  Channel* channel_ = nullptr;
};

TEST_F(CountedSender, SendsNoMessageBeforeItsWindowWasAcknowledged) {
  open(counted());
  push(*peer_, *channel_, 3, 10);
  network_.run_for(300 * kMillisecond);
  EXPECT_GE(raw_.count(FrameType::kWindow), 1u);
  EXPECT_EQ(numbers(), Numbers{});
  acknowledge();
  network_.run_for(10 * kMillisecond);
  EXPECT_EQ(numbers(), (Numbers{1, 2, 3}));
}

TEST_F(CountedSender, MovesByCountAlone) {
  open(counted(4));
  acknowledge();
  push(*peer_, *channel_, 6, 10);
  network_.run_for(5 * kMillisecond);
  EXPECT_EQ(numbers(), (Numbers{1, 2, 3, 4}));
  acknowledge();
  network_.run_for(5 * kMillisecond);
  EXPECT_EQ(numbers().size(), 4u);
  EXPECT_EQ(channel_->base(), 1u);
  count(2);
  network_.run_for(5 * kMillisecond);
  EXPECT_EQ(numbers(), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(channel_->base(), 3u);
}

TEST_F(CountedSender, ACountOfWhatWasNeverSentIsAnError) {
  open(counted(4));
  acknowledge();
  push(*peer_, *channel_, 6, 10);
  network_.run_for(5 * kMillisecond);
  count(5);
  EXPECT_EQ(raw_.close_code(), static_cast<int64_t>(wire::Code::kAckInvalid));
}

TEST_F(CountedSender, ACountBelowTheBaseIsIgnored) {
  open(counted(4));
  acknowledge();
  push(*peer_, *channel_, 4, 10);
  network_.run_for(5 * kMillisecond);
  count(3);
  count(1);
  count(0);
  EXPECT_EQ(channel_->base(), 4u);
  EXPECT_EQ(raw_.close_code(), -1);
}

// A COUNT that lies more than 16,384 packets back could be taken for another one.
TEST_F(CountedSender, ACountInAnOldPacketIsIgnored) {
  open(counted(4));
  acknowledge();
  push(*peer_, *channel_, 4, 10);
  network_.run_for(5 * kMillisecond);
  const uint64_t old = raw_.next_number;
  raw_.next_number += 16'390;
  raw_.add(wire::Ping{}).send();
  raw_.settle();
  wire::Count frame{};
  frame.entry_count = 1;
  frame.entries[0] = {channel_->id(), 2};
  raw_.add(frame).send_as(old);
  network_.run_for(kMillisecond);
  EXPECT_EQ(channel_->base(), 1u);
  frame.entries[0].count32 = 77;  // would be an error
  raw_.add(frame).send_as(old + 1);
  network_.run_for(kMillisecond);
  EXPECT_EQ(raw_.close_code(), -1);
  // Young enough.
  frame.entries[0].count32 = 2;
  raw_.add(frame).send_as(raw_.next_number - 1 - 8'000);
  network_.run_for(kMillisecond);
  EXPECT_EQ(channel_->base(), 3u);
}

TEST_F(CountedSender, RepeatsAfterTheTimeoutWithBackOffAndAsksForACount) {
  ChannelConfig config = counted();
  config.resend_timeout = 100 * kMillisecond;
  open(config);
  acknowledge();
  raw_.clear();
  push(*peer_, *channel_, 1, 10);
  network_.run_for(3 * kSecond);
  const auto sent = messages();
  ASSERT_GE(sent.size(), 5u);
  for (size_t i = 1; i < 5; i++) {
    const Duration pause = sent[i].second - sent[i - 1].second;
    EXPECT_NEAR(static_cast<double>(pause), 1e8 * static_cast<double>(1u << (i - 1)), 2e6) << i;
  }
  EXPECT_GE(raw_.count(FrameType::kCountNow), 4u);
  // When the base moves the pause is the first one again.
  push(*peer_, *channel_, 1, 10);
  network_.run_for(kMillisecond);
  count(1);
  const Time moved = network_.now();
  raw_.clear();
  network_.run_for(kSecond);
  ASSERT_FALSE(messages().empty());
  EXPECT_EQ(messages()[0].first, 2u);
  EXPECT_LE(messages()[0].second - moved, 110 * kMillisecond);
}

// The window is acknowledged by packets, and its COUNT was lost: there is nothing to repeat.
TEST_F(CountedSender, AsksForACountThoughNothingIsLeftToRepeat) {
  ChannelConfig config = counted();
  config.resend_timeout = 100 * kMillisecond;
  open(config);
  acknowledge();
  push(*peer_, *channel_, 3, 10);
  network_.run_for(5 * kMillisecond);
  acknowledge();
  raw_.clear();
  network_.run_for(kSecond);
  EXPECT_EQ(numbers(), Numbers{});
  EXPECT_GE(raw_.count(FrameType::kCountNow), 2u);
  count(3);
  raw_.clear();
  network_.run_for(kSecond);
  EXPECT_EQ(raw_.count(FrameType::kCountNow), 0u);
}

TEST_F(CountedSender, OnceEndIsAcknowledgedPacketsAreEnough) {
  ChannelConfig config = counted();
  open(config);
  acknowledge();
  push(*peer_, *channel_, 3, 10);
  channel_->end(network_.now());
  network_.run_for(5 * kMillisecond);
  EXPECT_EQ(raw_.count(FrameType::kEnd), 1u);
  const transport::Session& session = channel_->session();
  EXPECT_EQ(session.channel_count(), 1u);
  raw_.add(wire::End{channel_->id(), 0});
  acknowledge();
  network_.run_for(kSecond);
  // It is gone, and was freed.
  EXPECT_EQ(session.channel_count(), 0u);
}

TEST_F(CountedSender, AFlushAtTheEndAsksForACount) {
  open(counted(100));
  acknowledge();
  raw_.clear();
  push(*peer_, *channel_, 3, 10);
  channel_->watch_acknowledged(network_.now(), 4);
  network_.run_for(5 * kMillisecond);
  EXPECT_EQ(numbers(), (Numbers{1, 2, 3}));
  EXPECT_EQ(raw_.count(FrameType::kCountNow), 1u);
}

TEST_F(CountedSender, HasNoProbeTimeout) {
  ChannelConfig config = counted();
  config.resend_timeout = 20 * kSecond;
  open(config);
  acknowledge();
  push(*peer_, *channel_, 3, 10);
  network_.run_for(5 * kMillisecond);
  raw_.clear();
  network_.run_for(5 * kSecond);
  EXPECT_EQ(raw_.received().size(), 0u);
}

TEST_F(CountedSender, ARequestIsServedOncePerRoundTrip) {
  ChannelConfig config = counted();
  config.resend_timeout = 20 * kSecond;
  open(config);
  acknowledge();
  push(*peer_, *channel_, 6, 10);
  network_.run_for(5 * kMillisecond);
  raw_.clear();
  wire::Request request{};
  request.channel = channel_->id();
  request.range_count = 2;
  request.ranges[0] = {2, 2};
  request.ranges[1] = {6, 1};
  raw_.add(request).send();
  network_.run_for(kMicrosecond);
  raw_.add(request).send();
  network_.run_for(5 * kMillisecond);
  EXPECT_EQ(numbers(), (Numbers{2, 3, 6}));
}

// --- SKIP and WINDOW_HINT.

TEST_F(CountedSender, ALostSkipComesAgainUntilItIsAcknowledged) {
  ChannelConfig config;
  config.expires_after = 50 * kMillisecond;
  config.window = 8;
  open(config);
  acknowledge();
  push(*peer_, *channel_, 2, 10);
  network_.run_for(2 * kSecond);  // probes follow the SKIP
  ASSERT_EQ(raw_.count(FrameType::kSkip), 1u);
  raw_.each(FrameType::kSkip, [&](Time, const wire::Frame& frame) {
    EXPECT_EQ(frame.skip.next32, 3u);
    EXPECT_EQ(frame.skip.cost, 2 * (32 + 11u));
  });
  EXPECT_EQ(channel_->base(), 1u);
  // The newest packet arrived, and nothing before it.
  wire::Ack ack{};
  ack.range_count = 1;
  ack.ranges[0] = {raw_.largest_received(), raw_.largest_received()};
  raw_.add(ack).send();
  network_.run_for(2 * kSecond);
  EXPECT_GE(raw_.count(FrameType::kSkip), 2u);
  acknowledge();
  EXPECT_EQ(channel_->base(), 3u);
  EXPECT_EQ(channel_->counters().expired, 2u);
  raw_.clear();
  network_.run_for(5 * kSecond);
  EXPECT_EQ(raw_.count(FrameType::kSkip), 0u);
}

TEST_F(CountedSender, AHintBoundsMAndAnOlderOneDoesNot) {
  ChannelConfig config;
  open(config);
  acknowledge();
  wire::WindowHint hint{};
  hint.channel = channel_->id();
  hint.generation = 5;
  hint.loss = wire::kLossUnit / 10;
  hint.messages = 40;
  hint.messages_per_ack = 7;
  raw_.add(hint).send();
  hint.generation = 4;
  hint.messages = 2;
  hint.messages_per_ack = 1;
  raw_.add(hint).send();
  for (int i = 0; i < 40; i++) {
    push(*peer_, *channel_, 20, 10);
    network_.run_for(20 * kMillisecond);
    count(static_cast<uint32_t>(channel_->outbound().fully_sent() - 1));
    acknowledge();
  }
  // The path has room for more than the advice: N is what it needs.
  EXPECT_EQ(channel_->window(), transport::WindowController::kFirstWindow);
  EXPECT_EQ(channel_->ack_every(), 7u);
  EXPECT_GT(channel_->counters().advised_loss, 0.09);
  EXPECT_EQ(raw_.close_code(), -1);
}

}  // namespace
}  // namespace hawser::sim
