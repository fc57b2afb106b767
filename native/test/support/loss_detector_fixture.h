#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "test/support/failing_memory.h"
#include "transport/loss_detector.h"

// What the tests of LossDetector share: a sender with a clock, and a record of what it was told.
namespace hawser::transport::loss_test {

using Numbers = std::vector<uint64_t>;

inline constexpr Duration kPeerDelay = 25 * kMillisecond;
inline constexpr uint32_t kBytes = 1000;

struct LossRecorder final : LossDetector::Visitor {
  void on_acked(const SentPacket& packet) override { acked.push_back(packet.number); }
  void on_lost(const SentPacket& packet) override { lost.push_back(packet.number); }
  void on_spurious(const SentPacket& packet) override { spurious.push_back(packet.number); }
  void clear() {
    acked.clear();
    lost.clear();
    spurious.clear();
  }

  Numbers acked;
  Numbers lost;
  Numbers spurious;
};

inline Numbers sorted(Numbers numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

inline Numbers range_of(uint64_t begin, uint64_t end) {
  Numbers numbers;
  for (uint64_t number = begin; number < end; number++) numbers.push_back(number);
  return numbers;
}

inline SentPacket packet_of(uint64_t number, Time at, bool eliciting = true) {
  SentPacket packet;
  packet.number = number;
  packet.sent_at = at;
  packet.bytes = kBytes;
  packet.ack_eliciting = eliciting;
  packet.in_flight_counted = eliciting;
  return packet;
}

class LossDetectorTest : public testing::Test {
 protected:
  // Sends the next packet now.
  uint64_t send(bool eliciting = true) {
    const uint64_t number = detector_.next_number();
    EXPECT_TRUE(detector_.on_sent(packet_of(number, now_, eliciting)));
    return number;
  }
  void send_many(unsigned count, Duration spacing = 0) {
    for (unsigned i = 0; i < count; i++) {
      send();
      now_ += spacing;
    }
  }
  LossDetector::AckResult ack(std::initializer_list<Interval> ranges, Duration delay = 0) {
    recorder_.clear();
    return detector_.on_ack(now_, ranges.begin(), ranges.size(), delay, kPeerDelay, rtt_,
                            recorder_);
  }
  LossDetector::TimeoutResult timeout() {
    recorder_.clear();
    return detector_.on_timeout(now_, rtt_, kPeerDelay, recorder_);
  }
  Time deadline() const { return detector_.deadline(rtt_, kPeerDelay); }
  // One packet there and back, so that the round trip is known.
  void warm_up(Duration rtt) {
    const uint64_t number = send();
    now_ += rtt;
    EXPECT_TRUE(ack({{number, number + 1}}).rtt_sampled);
  }

  test::FailingMemory memory_;
  LossDetector detector_{memory_};
  RttEstimator rtt_;
  LossRecorder recorder_;
  Time now_ = 10 * kSecond;
};

}  // namespace hawser::transport::loss_test
