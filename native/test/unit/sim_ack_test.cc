// When acknowledgements leave, judged by the frames that a peer without a brain gets.
#include "test/unit/sim_support.h"

namespace hawser::sim {
namespace {

using wire::FrameType;

class Acknowledging : public testing::Test {
 protected:
  Acknowledging() {
    network_.set_application(&app_);
    app_.config.window = 64;  // else N follows the congestion window, and WINDOW frames follow N
    peer_ = &network_.add_peer();
  }

  void SetUp() override {
    ASSERT_TRUE(raw_.connect(0));
    static constexpr uint8_t kName[] = {'x'};
    wire::Open open{};
    open.channel = 1;
    open.service = kName;
    open.service_length = 1;
    open.metadata = kName;
    open.limit = 1u << 20;
    open.max_message = 1'000;
    raw_.add(open).send();
    be_quiet();
    raw_.clear();
  }

  void TearDown() override {
    EXPECT_EQ(network_.failure(), "");
    EXPECT_EQ(raw_.close_code(), -1);
    peer_->destroy();
    EXPECT_EQ(network_.failure(), "");
  }

  // Acknowledges until nothing is left to acknowledge.
  void be_quiet() {
    raw_.settle();
    for (int i = 0; i < 10; i++) {
      raw_.add_ack().send();
      network_.run_for(100 * kMillisecond);
    }
  }
  // P packets, or `delay`, or a gap of `threshold`.
  void set_policy(uint32_t packets, Duration delay, uint32_t threshold) {
    raw_.add(wire::AckPolicy{++generation_, packets, static_cast<uint32_t>(delay / kMicrosecond),
                             threshold});
    raw_.add(wire::AckNow{}).send();
    be_quiet();
    raw_.clear();
  }
  // M messages, or T.
  void set_window(uint32_t every, Duration timeout) {
    raw_.add(wire::Window{1, ++generation_, 1'000, every,
                          static_cast<uint32_t>(timeout / kMicrosecond), wire::WindowMode::kEarly});
    raw_.add(wire::AckNow{}).send();
    be_quiet();
    raw_.clear();
  }
  void send_message() {
    raw_.add_messages(1, next_message_++, 1, 10);
    raw_.send();
    raw_.settle();
  }
  size_t acks() const { return raw_.count(FrameType::kAck); }
  // -1: none came.
  int64_t last_count() const {
    int64_t count = -1;
    raw_.each(FrameType::kCount,
              [&](Time, const wire::Frame& frame) { count = frame.count.entries[0].count32; });
    return count;
  }

  SimNetwork network_{1};
  RecordingApp app_;
  SimPeer* peer_ = nullptr;
  RawPeer raw_{network_};
  uint64_t generation_ = 0;
  uint64_t next_message_ = 1;
};

TEST_F(Acknowledging, EveryPPackets) {
  set_policy(5, kSecond, 100);
  for (int i = 1; i <= 20; i++) {
    send_message();
    EXPECT_EQ(acks(), static_cast<size_t>(i / 5)) << i;
  }
  EXPECT_EQ(last_count(), 20);
}

TEST_F(Acknowledging, AfterTheDelayOfThePolicy) {
  set_policy(100, 30 * kMillisecond, 100);
  const Time first = network_.now();
  send_message();
  network_.run_for(20 * kMillisecond);
  send_message();  // does not put it off
  EXPECT_EQ(acks(), 0u);
  network_.run_for(60 * kMillisecond);
  ASSERT_EQ(acks(), 1u);
  raw_.each(FrameType::kAck, [&](Time at, const wire::Frame& frame) {
    EXPECT_EQ(at - first, 30 * kMillisecond);
    // The newest had waited 10 ms.
    EXPECT_EQ(frame.ack.delay_us, 10'000u);
    EXPECT_EQ(frame.ack.largest(), raw_.next_number - 1);
  });
  EXPECT_EQ(last_count(), 2);
}

TEST_F(Acknowledging, EveryMMessagesInSequence) {
  set_policy(1'000, 10 * kSecond, 1'000);
  set_window(4, 0);
  for (int i = 1; i <= 12; i++) {
    send_message();
    EXPECT_EQ(acks(), static_cast<size_t>(i / 4)) << i;
  }
  EXPECT_EQ(last_count(), 12);
}

TEST_F(Acknowledging, OnlyMessagesInSequenceCount) {
  set_policy(1'000, 10 * kSecond, 1'000);
  set_window(4, 0);
  for (uint64_t s = 2; s <= 9; s++) {
    raw_.add_messages(1, s, 1, 10);
    raw_.send();
    raw_.settle();
  }
  EXPECT_EQ(acks(), 0u);
  raw_.add_messages(1, 1, 1, 10);
  raw_.send();
  raw_.settle();
  EXPECT_EQ(acks(), 1u);
  EXPECT_EQ(last_count(), 9);
}

TEST_F(Acknowledging, AfterTFromTheFirstReceipt) {
  set_policy(1'000, 10 * kSecond, 1'000);
  set_window(100, 40 * kMillisecond);
  const Time first = network_.now();
  send_message();
  network_.run_for(25 * kMillisecond);
  send_message();
  network_.run_for(kSecond);
  ASSERT_EQ(acks(), 1u);
  raw_.each(FrameType::kAck,
            [&](Time at, const wire::Frame&) { EXPECT_EQ(at - first, 40 * kMillisecond); });
  EXPECT_EQ(last_count(), 2);
  // The next receipt arms it again.
  const Time second = network_.now();
  send_message();
  raw_.clear();
  network_.run_for(kSecond);
  ASSERT_EQ(acks(), 1u);
  raw_.each(FrameType::kAck,
            [&](Time at, const wire::Frame&) { EXPECT_EQ(at - second, 40 * kMillisecond); });
}

TEST_F(Acknowledging, AGapThatReachesTheThreshold) {
  set_policy(1'000, 10 * kSecond, 3);
  raw_.next_number++;  // lost
  send_message();
  send_message();
  EXPECT_EQ(acks(), 0u);
  send_message();
  ASSERT_EQ(acks(), 1u);
  raw_.each(FrameType::kAck, [&](Time, const wire::Frame& frame) {
    ASSERT_EQ(frame.ack.range_count, 2u);
    EXPECT_EQ(frame.ack.ranges[0].first, raw_.next_number - 3);
    EXPECT_EQ(frame.ack.ranges[1].last, raw_.next_number - 5);
  });
  // Reported once.
  send_message();
  send_message();
  EXPECT_EQ(acks(), 1u);
}

TEST_F(Acknowledging, AtTheEndOfTheBatchThatHoldsAckNow) {
  set_policy(1'000, 10 * kSecond, 1'000);
  // All of these arrive together.
  raw_.add_messages(1, 1, 1, 10).send();
  raw_.add_messages(1, 2, 1, 10).add(wire::AckNow{}).send();
  raw_.add_messages(1, 3, 1, 10).send();
  raw_.settle();
  ASSERT_EQ(acks(), 1u);
  EXPECT_EQ(last_count(), 3);
  raw_.each(FrameType::kAck, [&](Time at, const wire::Frame& frame) {
    EXPECT_EQ(frame.ack.largest(), raw_.next_number - 1);
    EXPECT_EQ(at, network_.now());
  });
}

TEST_F(Acknowledging, ABatchIsAcknowledgedOnce) {
  set_policy(2, kSecond, 3);
  for (int i = 0; i < 20; i++) {
    raw_.add_messages(1, next_message_++, 1, 10);
    raw_.send();
  }
  raw_.settle();
  EXPECT_EQ(acks(), 1u);
  EXPECT_EQ(last_count(), 20);
}

TEST_F(Acknowledging, NothingThatElicitsNothing) {
  set_policy(1, kSecond, 3);
  raw_.add_ack().send();
  raw_.add_ack().send();
  network_.run_for(2 * kSecond);
  EXPECT_EQ(acks(), 0u);
}

TEST_F(Acknowledging, AnOlderPolicyIsIgnored) {
  generation_ = 4;
  set_policy(5, kSecond, 100);
  raw_.add(wire::AckPolicy{4, 1, 1'000, 1}).add(wire::AckPolicy{0, 1, 1'000, 1}).send();
  raw_.settle();
  for (int i = 0; i < 3; i++) send_message();
  EXPECT_EQ(acks(), 0u);
  send_message();
  EXPECT_EQ(acks(), 1u);
}

TEST_F(Acknowledging, DuplicatesDoNotCount) {
  set_policy(2, 10 * kSecond, 100);
  const uint64_t number = raw_.next_number;
  for (int i = 0; i < 10; i++) raw_.add_messages(1, 1, 1, 10).send_as(number);
  raw_.settle();
  EXPECT_EQ(acks(), 0u);
  raw_.add_messages(1, 2, 1, 10).send_as(number + 1);
  raw_.settle();
  EXPECT_EQ(acks(), 1u);
}

TEST_F(Acknowledging, WhatIsSentAnywayTakesPendingAcknowledgementsAlong) {
  set_policy(1'000, 10 * kSecond, 1'000);
  send_message();
  EXPECT_EQ(acks(), 0u);
  ASSERT_EQ(push(*peer_, *app_.incoming.back(), 1, 10), 1u);
  raw_.settle();
  EXPECT_EQ(acks(), 1u);
  EXPECT_EQ(raw_.count(FrameType::kMessage), 1u);
  EXPECT_EQ(raw_.received().size(), 1u);
}

TEST_F(Acknowledging, ManyChannelsShareOneCount) {
  // 200 channels, one message each, acknowledged together: 64 entries a frame at most.
  set_policy(1'000, 10 * kSecond, 1'000);
  static constexpr uint8_t kName[] = {'x'};
  for (uint64_t i = 1; i <= 200; i++) {
    wire::Open open{};
    open.channel = 2 * i + 1;
    open.service = kName;
    open.service_length = 1;
    open.metadata = kName;
    open.max_message = 10;
    raw_.add(open).add_messages(2 * i + 1, 1, 1, 5).send();
  }
  raw_.settle();
  for (int i = 0; i < 10; i++) {
    raw_.add_ack().add(wire::AckNow{}).send();
    raw_.settle();
  }
  std::unordered_map<uint64_t, uint32_t> counts;
  raw_.each(FrameType::kCount, [&](Time, const wire::Frame& frame) {
    EXPECT_LE(frame.count.entry_count, 64u);
    for (uint32_t i = 0; i < frame.count.entry_count; i++) {
      counts[frame.count.entries[i].channel] = frame.count.entries[i].count32;
    }
  });
  EXPECT_EQ(counts.size(), 200u);
  for (const auto& [channel, count] : counts) EXPECT_EQ(count, 1u) << channel;
}

// The sending side.

TEST_F(Acknowledging, TheLastPacketThatIsQueuedAsksForAnAcknowledgement) {
  // Small enough for the first congestion window: all leaves at once.
  Channel& channel = *app_.incoming.back();
  ASSERT_EQ(push(*peer_, channel, 8, 900), 8u);
  raw_.settle();
  size_t data = 0;
  size_t with_request = 0;
  bool last_has = false;
  for (const Captured& captured : raw_.received()) {
    bool has = false;
    bool carries = false;
    each_frame(captured.view(), [&](const wire::Frame& frame) {
      has = has || frame.type() == FrameType::kAckNow;
      carries =
          carries || frame.type() == FrameType::kMessage || frame.type() == FrameType::kFragment;
    });
    if (!carries) continue;
    data++;
    with_request += has ? 1 : 0;
    last_has = has;
  }
  EXPECT_GE(data, 6u);
  EXPECT_EQ(with_request, 1u);
  EXPECT_TRUE(last_has);
}

TEST_F(Acknowledging, WithoutAcknowledgementsProbesGoOutWithBackOff) {
  Channel& channel = *app_.incoming.back();
  ASSERT_EQ(push(*peer_, channel, 1, 100), 1u);
  const Time sent = network_.now();
  raw_.settle();
  EXPECT_EQ(raw_.count(FrameType::kMessage), 1u);
  network_.run_for(8 * kSecond);  // before a keep-alive mixes in
  std::vector<Time> times;
  raw_.each(FrameType::kMessage, [&](Time at, const wire::Frame&) {
    if (times.empty() || times.back() != at) times.push_back(at);
  });
  ASSERT_GE(times.size(), 6u);
  EXPECT_EQ(times[0], sent);
  for (size_t i = 2; i < times.size(); i++) {
    const Duration before = times[i - 1] - times[i - 2];
    const Duration after = times[i] - times[i - 1];
    EXPECT_NEAR(static_cast<double>(after), 2.0 * static_cast<double>(before),
                0.01 * static_cast<double>(after));
  }
  // An acknowledgement ends it.
  raw_.add_ack().send();
  raw_.settle();
  raw_.clear();
  network_.run_for(5 * kSecond);
  EXPECT_EQ(raw_.count(FrameType::kMessage), 0u);
}

TEST_F(Acknowledging, WhatWasAcknowledgedIsNeverSentAgain) {
  Channel& channel = *app_.incoming.back();
  for (int i = 0; i < 5; i++) {
    ASSERT_EQ(push(*peer_, channel, 1, 600), 1u);
    raw_.settle();
  }
  // Packets of message 1 to 5; the third is withheld.
  std::vector<uint64_t> numbers;
  for (const Captured& captured : raw_.received()) {
    each_frame(captured.view(), [&](const wire::Frame& frame) {
      if (frame.type() == FrameType::kMessage) numbers.push_back(captured.view().number32);
    });
  }
  ASSERT_EQ(numbers.size(), 5u);
  raw_.clear();
  wire::Ack ack;
  ack.delay_us = 0;
  ack.range_count = 2;
  ack.ranges[0] = {numbers[3], numbers[4]};
  ack.ranges[1] = {numbers[0], numbers[1]};
  raw_.add(ack).send();
  network_.run_for(5 * kSecond);
  size_t repeats = 0;
  raw_.each(FrameType::kMessage, [&](Time, const wire::Frame& frame) {
    EXPECT_EQ(frame.message.sequence32, 3u);
    EXPECT_EQ(frame.message.count, 1u);
    repeats++;
  });
  EXPECT_GE(repeats, 1u);
  EXPECT_EQ(channel.base(), 3u);
}

}  // namespace
}  // namespace hawser::sim
