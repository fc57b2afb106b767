#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "test/support/loss_detector_fixture.h"
#include "test/support/test_random.h"
#include "transport/loss_detector.h"

namespace hawser::transport::loss_test {
namespace {

class LossDetectorModel : public LossDetectorTest {};

// The same rules, the slow way: every packet in a map, every rule a loop over all of it.
class Model {
 public:
  enum class State { kFlight, kAcked, kLost, kSkipped };
  struct Packet {
    Time sent_at;
    bool watched;
    State state = State::kFlight;
    bool by_time = false;
  };

  void send(uint64_t number, Time at, bool watched) {
    for (; next_ < number; next_++) packets_[next_] = {at, false, State::kSkipped};
    packets_[next_++] = {at, watched};
  }

  bool valid(const std::vector<Interval>& ranges) const {
    uint64_t bound = next_;
    for (const Interval& range : ranges) {
      if (range.begin >= range.end || range.end > bound) return false;
      for (uint64_t n = range.begin; n < range.end; n++) {
        const auto found = packets_.find(n);
        if (found != packets_.end() && found->second.state == State::kSkipped) return false;
      }
      bound = range.begin;
    }
    return true;
  }

  void ack(Time now, const std::vector<Interval>& ranges, Duration delay, LossRecorder& out) {
    const uint64_t largest_before = largest_;
    const uint64_t largest = ranges.front().end - 1;
    bool largest_new = false;
    bool any_new = false;
    bool eliciting = false;
    for (const Interval& range : ranges) {
      for (uint64_t n = range.begin; n < range.end; n++) {
        const auto found = packets_.find(n);
        if (found == packets_.end()) continue;
        Packet& packet = found->second;
        if (packet.state == State::kAcked) continue;
        any_new = true;
        eliciting = eliciting || packet.watched;
        if (n == largest) largest_new = true;
        if (packet.state == State::kLost) {
          out.spurious.push_back(n);
          if (!packet.by_time) {
            threshold_ =
                std::max<uint64_t>(threshold_, std::min<uint64_t>(largest_before - n + 1, 20));
          } else if (!widened_) {
            widened_ = true;
            eighths_ = std::min(eighths_ + 1, 8U);
          }
          persist_ = 16;
        } else {
          out.acked.push_back(n);
        }
        packet.state = State::kAcked;
      }
    }
    largest_ = std::max(largest_, largest);
    any_ = true;
    if (!any_new) return;
    if (largest_new && eliciting) {
      rtt_.on_sample(now - packets_[largest].sent_at, delay, kPeerDelay, true);
    }
    detect(now, out);
  }

  void detect(Time now, LossRecorder& out) {
    const Duration round_trip = std::max(rtt_.latest(), rtt_.smoothed());
    const Duration delay =
        std::max({round_trip + round_trip / 8 * eighths_, kMillisecond, rtt_.loss_delay()});
    for (auto& [n, packet] : packets_) {
      if (packet.state != State::kFlight || !packet.watched || !any_ || n >= largest_) continue;
      const bool by_number = largest_ - n >= threshold_;
      if (!by_number && now - packet.sent_at < delay) continue;
      packet.state = State::kLost;
      packet.by_time = !by_number;
      out.lost.push_back(n);
      if (!episode_ || packet.sent_at > episode_start_) {
        episode_ = true;
        episode_start_ = now;
        widened_ = false;
        if (persist_ > 0 && --persist_ == 0) {
          threshold_ = 3;
          eighths_ = 1;
        }
      }
    }
  }

  // The detector has forgotten everything below.
  void forget_below(uint64_t number) {
    packets_.erase(packets_.begin(), packets_.lower_bound(number));
  }

  uint64_t in_flight() const {
    uint64_t bytes = 0;
    for (const auto& [n, packet] : packets_) {
      if (packet.state == State::kFlight && packet.watched) bytes += kBytes;
    }
    return bytes;
  }
  Time oldest() const {
    for (const auto& [n, packet] : packets_) {
      if (packet.state == State::kFlight && packet.watched) return packet.sent_at;
    }
    return kNever;
  }
  uint64_t threshold() const { return threshold_; }
  const RttEstimator& rtt() const { return rtt_; }
  uint64_t next() const { return next_; }

 private:
  std::map<uint64_t, Packet> packets_;
  uint64_t next_ = 0;
  uint64_t largest_ = 0;
  bool any_ = false;
  uint64_t threshold_ = 3;
  unsigned eighths_ = 1;
  unsigned persist_ = 0;
  bool episode_ = false;
  bool widened_ = false;
  Time episode_start_ = 0;
  RttEstimator rtt_;
};

// Random sending, loss, reordering, repeated, partial and forged ACKs, timeouts.
TEST_F(LossDetectorModel, BehavesAsTheModel) {
  uint64_t refused = 0;
  uint64_t lost_by_timer = 0;
  uint64_t lost_by_ack = 0;
  uint64_t spurious = 0;
  uint64_t widened = 0;
  const std::vector<uint64_t> seeds = test::test_seeds(80);
  for (const uint64_t seed : seeds) {
    SCOPED_TRACE(test::seed_trace(seed));
    test::TestRandom random(seed);
    test::FailingMemory memory;
    LossDetector detector(memory);
    RttEstimator rtt;
    Model model;
    LossRecorder actual;
    LossRecorder expected;
    Time now = 0;
    const unsigned loss = static_cast<unsigned>(random.below(25));
    const unsigned reorder = static_cast<unsigned>(random.below(30));
    // When each packet reaches the peer; and what the peer has.
    std::multimap<Time, uint64_t> flying;
    std::set<uint64_t> came;
    for (int step = 0; step < 1500; step++) {
      now += static_cast<Time>(random.below(4 * kMillisecond));
      const uint64_t choice = random.below(100);
      actual.clear();
      expected.clear();
      if (choice < 50) {
        for (uint64_t burst = random.between(1, 5); burst > 0; burst--) {
          const uint64_t number =
              detector.next_number() + (random.chance(2) ? random.between(1, 2) : 0);
          const bool eliciting = !random.chance(15);
          ASSERT_TRUE(detector.on_sent(packet_of(number, now, eliciting)));
          model.send(number, now, eliciting);
          if (random.chance(loss)) continue;
          Duration delay = 20 * kMillisecond;
          if (random.chance(reorder))
            delay += static_cast<Duration>(random.below(30 * kMillisecond));
          flying.emplace(now + delay, number);
        }
      } else if (choice < 90) {
        while (!flying.empty() && flying.begin()->first <= now) {
          came.insert(flying.begin()->second);
          flying.erase(flying.begin());
        }
        std::vector<Interval> ranges;
        const size_t limit = random.chance(20) ? random.between(1, 4) : 64;
        for (auto it = came.rbegin(); it != came.rend() && ranges.size() <= limit; ++it) {
          // Now and then an old ACK that arrives late.
          if (ranges.empty() && random.chance(3)) continue;
          if (!ranges.empty() && ranges.back().begin == *it + 1) {
            ranges.back().begin = *it;
          } else {
            ranges.push_back({*it, *it + 1});
          }
        }
        if (random.chance(3) && !ranges.empty()) {
          // A liar.
          Interval& range = ranges[random.below(ranges.size())];
          (random.chance(50) ? range.begin : range.end) += random.below(5) - 2;
        }
        if (ranges.empty()) continue;
        const auto delay = static_cast<Duration>(random.below(40 * kMillisecond));
        const auto result =
            detector.on_ack(now, ranges.data(), ranges.size(), delay, kPeerDelay, rtt, actual);
        ASSERT_EQ(result.valid, model.valid(ranges));
        if (!result.valid) refused++;
        if (result.valid) {
          model.ack(now, ranges, delay, expected);
          ASSERT_EQ(result.any_new, !expected.acked.empty() || !expected.spurious.empty());
          ASSERT_EQ(result.acked_packets, expected.acked.size() + expected.spurious.size());
          ASSERT_EQ(result.lost_packets, expected.lost.size());
          lost_by_ack += result.lost_packets;
        }
      } else {
        const Time deadline = detector.deadline(rtt, kPeerDelay);
        if (random.chance(50) && deadline != kNever) now = std::max(now, deadline);
        const auto result = detector.on_timeout(now, rtt, kPeerDelay, actual);
        ASSERT_FALSE(result.loss && result.probes != 0);
        if (result.loss) model.detect(now, expected);
        ASSERT_GT(detector.deadline(rtt, kPeerDelay), now);
        lost_by_timer += actual.lost.size();
      }
      ASSERT_EQ(sorted(actual.acked), sorted(expected.acked));
      ASSERT_EQ(sorted(actual.spurious), sorted(expected.spurious));
      ASSERT_EQ(sorted(actual.lost), sorted(expected.lost));
      ASSERT_EQ(detector.next_number(), model.next());
      ASSERT_EQ(detector.bytes_in_flight(), model.in_flight());
      ASSERT_EQ(detector.anything_ack_eliciting_in_flight(), model.in_flight() != 0);
      ASSERT_EQ(detector.oldest_unacked_sent_at(), model.oldest());
      ASSERT_EQ(detector.reordering_threshold(), model.threshold());
      ASSERT_EQ(rtt.smoothed(), model.rtt().smoothed());
      model.forget_below(detector.oldest() == nullptr ? detector.next_number()
                                                      : detector.oldest()->number);
    }
    spurious += detector.spurious();
    if (detector.loss_delay(rtt) > rtt.loss_delay()) widened++;
  }
  // All seeds together have been through every rule.
  if (seeds.size() == 1) return;
  EXPECT_GT(refused, 0U);
  EXPECT_GT(lost_by_timer, 0U);
  EXPECT_GT(lost_by_ack, 0U);
  EXPECT_GT(spurious, 0U);
  EXPECT_GT(widened, 0U);
}

}  // namespace
}  // namespace hawser::transport::loss_test
