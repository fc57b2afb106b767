#include "transport/delivery_rate.h"

#include <gtest/gtest.h>

#include <vector>

namespace hawser::transport {
namespace {

constexpr uint32_t kBytes = 1'000;

class DeliveryRateTest : public testing::Test {
 protected:
  SentPacket& send(Time at) {
    SentPacket packet;
    packet.number = packets_.size();
    packet.sent_at = at;
    packet.bytes = kBytes;
    rate_.on_sent(packet, in_flight_);
    in_flight_ += kBytes;
    packets_.push_back(packet);
    return packets_.back();
  }
  RateSample ack(Time at, size_t begin, size_t end, Duration round_trip_min = 0) {
    rate_.begin();
    // Newest first, as the detector does.
    for (size_t i = end; i-- > begin;) {
      rate_.on_acked(at, packets_[i]);
      in_flight_ -= kBytes;
    }
    return rate_.end(round_trip_min);
  }

  DeliveryRate rate_;
  std::vector<SentPacket> packets_;
  uint64_t in_flight_ = 0;
};

TEST_F(DeliveryRateTest, IsWhatWasAcknowledgedBetweenSendingAndAcknowledgement) {
  // A packet a millisecond, and 10 ms there and back: 1 MB/s.
  Time now = kSecond;
  for (int i = 0; i < 40; i++) {
    if (i >= 10) {
      const auto acked = static_cast<size_t>(i - 10);
      const RateSample sample = ack(now, acked, acked + 1);
      EXPECT_FALSE(sample.app_limited);
      EXPECT_EQ(sample.total_delivered, (acked + 1) * kBytes);
      EXPECT_EQ(sample.total_delivered - sample.prior_delivered, sample.delivered);
      // The first ones were sent while nothing was acknowledged.
      if (i >= 20) {
        EXPECT_EQ(sample.interval, 10 * kMillisecond);
        EXPECT_EQ(sample.delivered, 10U * kBytes);
        EXPECT_EQ(sample.bytes_per_second, 1'000'000U);
      }
    }
    send(now);
    now += kMillisecond;
  }
}

// The receiver saves up its ACKs, then names many packets at once.
TEST_F(DeliveryRateTest, LumpsDoNotMakeThePathLookFaster) {
  Time now = kSecond;
  size_t acked = 0;
  for (int i = 0; i < 200; i++) {
    send(now);
    now += kMillisecond;
    if (i % 20 != 19) continue;
    const size_t end = packets_.size();
    const RateSample sample = ack(now, acked, end);
    acked = end;
    if (i > 40) {
      EXPECT_LE(sample.bytes_per_second, 1'050'000U);
      EXPECT_GE(sample.bytes_per_second, 950'000U);
    }
  }
}

// All ACKs of a second come within a millisecond: sending took a second, and that counts.
TEST_F(DeliveryRateTest, TheLongerOfSendingAndAcknowledgingCounts) {
  for (int i = 0; i <= 10; i++) send(kSecond + i * 100 * kMillisecond);
  RateSample sample;
  for (size_t i = 0; i <= 10; i++) {
    sample = ack(3 * kSecond + static_cast<Time>(i) * 100 * kMicrosecond, i, i + 1);
  }
  EXPECT_GE(sample.interval, 100 * kMillisecond);
  EXPECT_LE(sample.bytes_per_second, 11U * kBytes);
}

TEST_F(DeliveryRateTest, SilenceDoesNotCount) {
  send(kSecond);
  ack(kSecond + 10 * kMillisecond, 0, 1);
  // A minute later.
  send(61 * kSecond);
  const RateSample sample = ack(61 * kSecond + 10 * kMillisecond, 1, 2);
  EXPECT_EQ(sample.interval, 10 * kMillisecond);
  EXPECT_EQ(sample.bytes_per_second, 100'000U);
}

TEST_F(DeliveryRateTest, WhatIsFasterThanARoundTripIsNoSample) {
  send(kSecond);
  const RateSample sample = ack(kSecond + kMillisecond, 0, 1, 2 * kMillisecond);
  EXPECT_EQ(sample.bytes_per_second, 0U);
  EXPECT_EQ(sample.total_delivered, kBytes);
}

TEST_F(DeliveryRateTest, AnAckOfNothingIsNoSample) {
  rate_.begin();
  const RateSample sample = rate_.end(0);
  EXPECT_EQ(sample.bytes_per_second, 0U);
  EXPECT_EQ(sample.total_delivered, 0U);
}

// Limited is what is sent from the moment on in which there was nothing to send, until what was in
// flight then is acknowledged.
TEST_F(DeliveryRateTest, ABubbleMarksWhatFollowsUntilItIsThrough) {
  send(kSecond);
  send(kSecond);
  rate_.note_app_limited(in_flight_);
  EXPECT_TRUE(rate_.app_limited());
  EXPECT_TRUE(send(kSecond + kMillisecond).rate_limited);
  EXPECT_FALSE(ack(kSecond + 10 * kMillisecond, 0, 2).app_limited);
  EXPECT_TRUE(ack(kSecond + 11 * kMillisecond, 2, 3).app_limited);
  EXPECT_FALSE(rate_.app_limited());
  EXPECT_FALSE(send(kSecond + 12 * kMillisecond).rate_limited);
}

TEST_F(DeliveryRateTest, AnotherPathForgetsTheBubble) {
  rate_.note_app_limited(0);
  EXPECT_TRUE(rate_.app_limited());
  rate_.restart();
  EXPECT_FALSE(rate_.app_limited());
}

}  // namespace
}  // namespace hawser::transport
